"""The golden counter cases, computed by the product: `python counter_cases.py` prints what it makes of each."""

import csv
import json
import sys
from pathlib import Path

import numpy as np

from agent.aggregation.record import Columns, Edges, Parameters, point_energy

FOLDER = Path(__file__).parent / "cases" / "counters"
NS = 1_000_000_000


def names():
    return sorted(path.name for path in FOLDER.iterdir())


def expected(name):
    return json.loads((FOLDER / name / "expected.json").read_text())


def computed(name):
    """Anomalies and windows of a case, in the form of its expected.json."""
    told = expected(name)
    rows = list(csv.DictReader((FOLDER / name / "readings.csv").open()))
    at_ns = np.array([int(row["at_s"]) * NS for row in rows], np.int64)
    shown = np.array([int(row["shown_wh_milli"]) for row in rows], np.int64)
    power = np.array([int(row["power_w_milli"]) for row in rows], np.int64) if "power_w_milli" in rows[0] else None
    edges = np.array([[window["from_s"] * NS, window["to_s"] * NS] for window in told["windows"]], np.int64).reshape(-1)
    pairs = tuple((2 * n, 2 * n + 1) for n in range(len(told["windows"])))
    declared = {"below": 0, **told["declared"]}
    found = point_energy(Columns(at_ns, at_ns, shown, power), Parameters(**declared), Edges(edges, edges, pairs))
    return {
        "anomalies": [[anomaly.kind, anomaly.index] for anomaly in found.anomalies],
        "windows": [[window.energy, window.lower, window.upper] for window in found.windows],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: computed(name) for name in names()}))
