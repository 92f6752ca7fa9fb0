"""The compressor: it follows the demand, and no air appears or vanishes."""

import random
from itertools import pairwise
from pathlib import Path

from simulators import scenario
from simulators.compressor import air_flow, compressor_power
from simulators.line import Line
from simulators.load import base_load

START_NS = 1_700_000_000_123_456_789
HOUR_NS = 3600 * 10**9
PLANT = Path(__file__).parents[1] / "configs" / "demo" / "plant.toml"
SCENARIO = scenario.parse(PLANT.read_bytes(), "plant.toml")
LINES = [Line(config, base_load([10_000_000], START_NS, 1), 3, START_NS, 180) for config in SCENARIO.lines]
MACHINE = SCENARIO.compressor


def test_the_flow_is_what_lines_and_leaks_take():
    flow, rng = air_flow(MACHINE, LINES, START_NS), random.Random(1)
    seen = set()
    for _ in range(300):
        at_ns = START_NS + rng.randrange(HOUR_NS)
        taken = sum(line.stretches.span(at_ns).air_m3_micro_per_s for line in LINES)
        assert flow.level(at_ns) == taken + 12_000
        seen.add(taken)
    assert len(seen) >= 5


def test_it_only_loads_or_idles_and_switches_often():
    power = compressor_power(MACHINE, LINES, START_NS)
    levels = [power.level(START_NS + i * 500_000_000) for i in range(1200)]
    assert set(levels) == {78_000_000, 23_000_000}
    switches = sum(a != b for a, b in pairwise(levels))
    assert 30 < switches < 200


def test_what_it_compressed_less_what_was_taken_stays_in_the_receiver():
    power, flow = compressor_power(MACHINE, LINES, START_NS), air_flow(MACHINE, LINES, START_NS)
    full = 1_000_000 * 10**9  # 1000 l in cm3/s x ns
    span_mw = 78_000_000 - 23_000_000
    for i in range(1, 600):
        until_ns = START_NS + i * 7_000_000_000
        loaded_ns = (power.area(START_NS, until_ns) - 23_000_000 * (until_ns - START_NS)) // span_mw
        change = 220_000 * loaded_ns - flow.area(START_NS, until_ns)
        assert -full // 2 - 220_000 <= change <= full // 2 + 220_000  # begins half full; a switch is at most 1 ns late
