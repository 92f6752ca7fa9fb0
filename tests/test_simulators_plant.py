"""The plant: everything adds up exactly, and the same seed and start are the same plant."""

import random
from itertools import pairwise
from pathlib import Path

import pytest

from simulators.cli import open_plant
from simulators.plant import Plant

FILE = Path(__file__).parents[1] / "configs" / "demo" / "plant.toml"
START_NS = 1_700_000_000_123_456_789
HOUR_NS = 3600 * 10**9
SUBMETERS = ("line1", "line2", "aux", "compressor")


def plant(seed: int = 7) -> Plant:
    return open_plant(FILE, seed, START_NS)


def test_the_incomer_is_the_sum_of_all_below_it():
    asked, rng = plant(), random.Random(2)
    for _ in range(100):
        from_ns = START_NS + rng.randrange(2 * HOUR_NS)
        to_ns = from_ns + rng.randrange(300 * 10**9)
        parts = [asked.true_energy_mw_ns(meter, from_ns, to_ns) for meter in SUBMETERS]
        assert min(parts) > 0
        assert asked.true_energy_mw_ns("main", from_ns, to_ns) == sum(parts)
        assert asked.power_mw("main", from_ns) == sum(asked.power_mw(meter, from_ns) for meter in SUBMETERS)


@pytest.mark.parametrize("meter", ["main", *SUBMETERS, "air"])
def test_energy_is_the_sum_of_powers(meter):
    asked, slice_ns = plant(), 1_000_000
    from_ns = START_NS + 195 * 10**9
    levels = [asked.power_mw(meter, from_ns + i * slice_ns + slice_ns // 2) for i in range(20_000)]
    changes = sum(a != b for a, b in pairwise(levels))
    error = abs(sum(levels) * slice_ns - asked.true_energy_mw_ns(meter, from_ns, from_ns + 20_000 * slice_ns))
    assert changes >= 1
    # a step is misplaced by half a slice at most; two within one slice are the 3 more that are allowed for
    assert error <= (changes + 3) * (max(levels) - min(levels)) * slice_ns // 2


def test_energy_of_neighbouring_windows_adds_up():
    asked, rng = plant(), random.Random(4)
    cuts = [START_NS, *sorted(START_NS + rng.randrange(HOUR_NS) for _ in range(50)), START_NS + HOUR_NS]
    assert len(set(cuts)) == 52
    pieces = [asked.true_energy_mw_ns("main", a, b) for a, b in pairwise(cuts)]
    assert sum(pieces) == asked.true_energy_mw_ns("main", START_NS, START_NS + HOUR_NS)


def test_powers_are_those_of_a_plant():
    asked = plant()
    peaks = {m: max(asked.power_mw(m, START_NS + i * 10**9) for i in range(3600)) for m in ("main", *SUBMETERS)}
    assert 300_000_000 < peaks["main"] < 700_000_000
    assert peaks["line1"] < 69_000_000  # what a directly connected 100 A meter bears at 230 V
    assert peaks["line2"] < 55_000_000  # 80 A
    assert 0.2 < asked.true_energy_mw_ns("line1", START_NS, START_NS + HOUR_NS) / 3.6e12 / 1e6 / 100 < 0.6


def test_same_seed_same_plant_other_seed_other_plant():
    one, two, other = plant(), plant(), plant(8)
    at_ns = START_NS + HOUR_NS
    two.power_mw("main", START_NS + 3 * HOUR_NS)  # asked further ahead first
    for meter in one.meters:
        assert one.meters[meter].image(at_ns) == two.meters[meter].image(at_ns)
        assert one.meters[meter].indicated(at_ns) == two.meters[meter].indicated(at_ns)
        assert one.meters[meter].image(at_ns) != other.meters[meter].image(at_ns)
    for line in ("line1", "line2"):
        assert one.batches(line, at_ns) == two.batches(line, at_ns) != other.batches(line, at_ns)


def test_the_lines_run_apart():
    asked = plant()
    starts = [[batch.start_ns for batch in asked.batches(line, START_NS + HOUR_NS)] for line in ("line1", "line2")]
    assert min(map(len, starts)) > 15
    assert not set(starts[0]) & set(starts[1])


def test_meters_are_found_by_bus_and_unit():
    asked = plant()
    assert {
        bus: {unit: m.config.id for unit, m in asked.units(bus).items()} for bus in ("main", "bus", "compressor")
    } == {
        "main": {1: "main"},
        "bus": {1: "line1", 2: "line2", 3: "aux"},
        "compressor": {1: "compressor", 2: "air"},
    }
