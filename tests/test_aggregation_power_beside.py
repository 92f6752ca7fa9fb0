"""Which power stands beside a counter, and which of its readings beside which of the counter's."""

from fractions import Fraction

import numpy as np
import pytest

from agent.aggregation.power_beside import MISSING, beside, power_beside
from agent.drivers.profile import parse
from agent.drivers.profiles import load
from contract.segment import Block, Column, MeterSegment

GOOD, BAD = 0, 0x80000000


def profile_of(name):
    return parse(load(name))


@pytest.mark.parametrize(
    ("name", "counter", "power"),
    [
        ("bgetech-drt428m", "energy_import", "power"),
        ("bgetech-drt428m", "energy_export", None),
        ("siemens-pac3200", "energy_import_t1", None),  # a tariff's register stands still while another's counts
        ("carlogavazzi-em340", "energy_import_l1", None),
        ("carlogavazzi-em340", "energy_import", "power"),
        ("kostal-ksem", "energy_import", "power_import"),
    ],
)
def test_only_total_import_has_a_power(name, counter, power):
    profile = profile_of(name)
    (point,) = [one for one in profile.points if one.id == counter]
    found = power_beside(profile, point)
    assert (found and found.id) == power


def segment(*blocks):
    """Blocks of (answered, ...) with one column each of (point, raws, statuses)."""
    made = [
        Block(n, tuple(times), tuple(times), (Column(point, tuple(raws), tuple(statuses), None),))
        for n, (times, point, raws, statuses) in enumerate(blocks)
    ]
    return MeterSegment("m", 1_000_000, tuple(made))


def power_point():
    profile = profile_of("chint-ddsu666")
    return next(point for point in profile.points if point.obis == "1-0:16.7.0")


def raw(kw):
    return int(np.array([kw], dtype=">f4").view(">u4")[0])


def test_the_nearest_good_reading_counts_the_earlier_of_two_as_near():
    made = segment(((10, 20, 30, 40), "power", [raw(1), raw(2), None, raw(4)], [GOOD, GOOD, BAD, GOOD]))
    found = beside(power_point(), Fraction(1), made, np.array([1, 14, 15, 16, 20, 31, 99], np.int64))
    assert found.tolist() == [kw * 1_000_000 for kw in (1, 1, 1, 2, 2, 4, 4)]


def test_a_ratio_applies():
    made = segment(((10,), "power", [raw(1.5)], [GOOD]))
    assert beside(power_point(), Fraction(40), made, np.array([10], np.int64)).tolist() == [60_000_000]


@pytest.mark.parametrize("raws", [[], [None], [raw(float("nan"))], [raw(3e38)]])
def test_without_a_value_it_is_missing(raws):
    made = segment((tuple(range(len(raws))), "power", raws, [GOOD if r is not None else BAD for r in raws]))
    assert beside(power_point(), Fraction(1), made, np.array([5], np.int64)).tolist() == [MISSING]
