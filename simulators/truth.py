"""`python -m simulators.truth`: meters whose true energy is known, held against what the product claims of them.

In: how many meters, a seed. Out: two tables, as they stand in docs/verifier.md, and whether each promise was kept.
"""

import argparse
import sys
from pathlib import Path

from simulators.truth_evidence import claims
from simulators.truth_judge import WINDOWS, Verdict, judge
from simulators.truth_meters import INSTRUMENTS, LATE, PLANT, Scenario, draw
from simulators.truth_table import Drawn, bounds_table, coverage_table, promises, with_tables


def drawn(meters: int, seed: int) -> Drawn:
    """Draw so many meters of each scenario and judge them all."""
    scenarios = (PLANT, LATE, INSTRUMENTS)
    return Drawn(*(tuple(_judged(seed, number, scenario) for number in range(meters)) for scenario in scenarios))


def _judged(seed: int, number: int, scenario: Scenario) -> tuple[Verdict, ...]:
    meter = draw(seed, number, scenario)
    return tuple(judge(meter, claims(meter, meter.declared, WINDOWS)))


def main(argv: list[str]) -> int:
    """Print the tables and the promises; 0 if all were kept."""
    parser = argparse.ArgumentParser(prog="python -m simulators.truth", description="Bounds and U95 against the truth.")
    parser.add_argument("--meters", type=int, default=1_000, help="meters of each kind (1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, help="a document whose tables are to be replaced")
    given = parser.parse_args(argv)
    if given.meters < 1:
        parser.error("--meters: give at least 1")
    found = drawn(given.meters, given.seed)
    told = promises(found)
    tables = [bounds_table(found), coverage_table(found)]
    if given.into is not None:
        text = given.into.read_text(encoding="utf-8")
        given.into.write_text(with_tables(text, tables), encoding="utf-8")
    lines = [*tables[0], "", *tables[1], ""]
    lines += [f"{'kept  ' if kept else 'BROKEN'} {promise}" for promise, kept in told]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(kept for _, kept in told) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
