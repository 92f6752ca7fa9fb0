"""What other stores make of the same readings: Parquet with zstd, and VictoriaMetrics.

In: readings as columns, and a folder. Out: bytes on disk. Parquet keeps both times of a scan, as an entry does;
VictoriaMetrics can only keep one, to the millisecond.
"""

import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from simulators.bench import servers
from simulators.bench.evidence import MS, Readings

SAMPLES_A_POST = 200_000


def sizes(read: Readings, folder: Path) -> Iterator[tuple[str, int | None]]:
    """Each store's name and its bytes; None where it is not installed."""
    yield "Parquet, delta and zstd", _parquet(read, folder / "readings.parquet")
    with servers.victoria_metrics(folder) as port:
        if port is not None:
            _send_all(read, port)
    kept = sum(path.stat().st_size for path in (folder / "data" / "data").rglob("*") if path.is_file())
    yield "VictoriaMetrics, one time", None if port is None else kept  # it writes the last to disk when it stops


def _parquet(read: Readings, path: Path) -> int | None:
    """One row a scan, sorted by meter and time; integers as differences (DELTA_BINARY_PACKED), then zstd."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra that only this needs
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        return None
    meters, scans = read.energy_wh.shape
    numbers = {
        "requested_ms": read.requested_ns // MS,
        "answered_ms": read.answered_ns // MS,
        "energy_wh": read.energy_wh,
        "power_w": read.power_w,
    }
    columns = {"meter": np.repeat(np.arange(meters), scans)}
    columns |= {name: column.ravel() for name, column in numbers.items()}
    encoding = dict.fromkeys(columns, "DELTA_BINARY_PACKED")
    pq.write_table(
        pa.table(columns), path, compression="zstd", use_dictionary=False, column_encoding=encoding,
        row_group_size=1 << 20,
    )  # fmt: skip
    return path.stat().st_size


def _send_all(read: Readings, port: int) -> None:
    """Every point a series, in Prometheus' text form, merged. Raises RuntimeError if some are not there then."""
    at_ms = read.answered_ns // MS
    lines: list[str] = []
    for name, values in (("energy_wh", read.energy_wh), ("power_w", read.power_w)):
        for meter in range(values.shape[0]):
            row = zip(values[meter].tolist(), at_ms[meter].tolist(), strict=True)
            lines += [f'{name}{{meter="m{meter:03}"}} {value} {at}' for value, at in row]
            if len(lines) >= SAMPLES_A_POST:
                _send(port, lines)
    _send(port, lines)
    for step in ("force_flush", "force_merge", "force_flush"):
        servers.post(f"http://127.0.0.1:{port}/internal/{step}")
    first_s, last_s = int(at_ms.min()) // 1000 - 1, int(at_ms.max()) // 1000 + 1
    asked = f'sum(count_over_time({{__name__=~"energy_wh|power_w"}}[{last_s - first_s}s]))'
    query = urllib.parse.urlencode({"query": asked, "time": last_s, "nocache": 1})
    counted = json.loads(servers.post(f"http://127.0.0.1:{port}/api/v1/query?{query}"))["data"]["result"]
    if [int(one["value"][1]) for one in counted] != [read.count]:
        raise RuntimeError(f"VictoriaMetrics holds {counted} of {read.count} readings")


def _send(port: int, lines: list[str]) -> None:
    servers.post(f"http://127.0.0.1:{port}/api/v1/import/prometheus", "\n".join(lines).encode())
    lines.clear()
