"""Names of steps, one at a time: the order of the rules, and what only the next reading tells."""

from fractions import Fraction

import pytest

from agent.aggregation.odd_steps import EDITS, Reading, Rules, is_open, most, name, was_outlier

SECOND = 1_000_000_000


def at(second, shown, took_ns=0):
    return Reading(second * SECOND, second * SECOND + took_ns, shown)


def named(rules, *shown):
    last, now, *more = (at(n, value) for n, value in enumerate(shown))
    return name(rules, last, now, more[0] if more else None)


def test_the_most_a_circuit_carries_counts_from_the_oldest_content_to_the_newest():
    # 3600 W are 1 Wh a second: 10 s, 2 s of age, half a second of answering; one for rounding and the step
    rules = Rules(power_max_w=3600, age_ns=2 * SECOND, above=7)
    assert most(rules, at(0, 0), at(10, 0, SECOND // 2)) == 12_500 + 1 + 7
    assert most(Rules(above=7), at(0, 0), at(10, 0)) is None
    assert most(Rules(power_max_w=3600), at(0, 0), at(10, 0)) == 10_001  # an unknown age grants nothing


def test_all_that_can_be_set_on_a_meter_is_an_edit_and_nothing_below_two():
    assert {Fraction(40), Fraction(80), Fraction(5, 2), Fraction(2), Fraction(7500)} <= EDITS
    assert min(EDITS) == 2
    assert Fraction(7) not in EDITS


@pytest.mark.parametrize(
    ("shown", "declared", "kind"),
    [
        ((10, 12), {}, None),
        ((10, 10), {}, None),
        ((5000, 4999, 5000), {"above": 1}, "jitter"),
        ((5000, 4999), {"above": 1}, "jitter"),  # nothing need follow
        ((1, 0, 1), {"above": 1}, "zero"),  # a whole register of one step is no jitter
        ((1, 0, 0), {"above": 1}, "reset"),
        ((5000, 4999, 5000), {}, "outlier"),
        ((5000, 4999, 4999), {}, "back_step"),
        ((5000, 0, 10_001), {}, "reset"),  # it came back higher than it fell
        ((5000, 0, 10_000), {}, "zero"),
        ((990, 10, 20), {"limit": 1000}, "wrap"),
        ((990, 10, 995), {"limit": 1000}, "outlier"),  # a wrap by 20 and then 985 of 1000: rather not
        ((990, 10, 500), {"limit": 1000}, "wrap"),
        ((1000, 11), {"limit": 1000}, "back_step"),  # a counter modulo 1000 never shows 1000
        ((7, 999), {"ones": 999}, "all_ones"),
        ((999, 999), {"ones": 999}, "all_ones"),
        ((990, 10), {"limit": 1000, "power_max_w": 3600}, "wrap"),  # 20 in a second; 1020 are more than 1001
        ((990, 10), {"limit": 1000, "power_max_w": 4000}, "whole_turns"),  # 1020 are possible too: 1111 a second
        ((7, 1007, 1008), {"power_max_w": 3600}, None),
        ((7, 1009, 1010), {"power_max_w": 3600}, "outlier"),  # 1000 and one for rounding; over two seconds it fits
        ((7, 5000, 5001), {"power_max_w": 3600}, "jump"),
        ((7, 1009, 10), {"power_max_w": 3600}, "outlier"),
        ((7, 1009), {"power_max_w": 3600}, "jump"),
        ((7, -990), {"power_max_w": 3600, "net": True}, None),
        ((7, -995), {"power_max_w": 3600, "net": True}, "jump"),
        ((7, -995, 8), {"power_max_w": 3600, "net": True}, "outlier"),
        ((10**9, 4 * 10**10), {}, "ratio_edited"),
        ((4 * 10**10, 10**9), {}, "ratio_edited"),
    ],
)
def test_names(shown, declared, kind):
    if kind == "ratio_edited" and shown[1] > shown[0]:
        declared = {"power_max_w": 3600}  # without it no rise is odd
    assert named(Rules(**declared), *shown) == kind


@pytest.mark.parametrize(
    ("earlier", "last", "now", "wrong"),
    [
        (10, 10**9, 11, True),
        (10, 10**9, 10, True),
        (10, 9 * 10**5, 910, False),
        (10, 10**9, 9, False),
        (10, 9, 9, False),
    ],
)
def test_a_fall_gives_the_reading_before_the_lie_if_it_stood_a_thousand_times_too_high(earlier, last, now, wrong):
    readings = [at(n, shown) for n, shown in enumerate((earlier, last, now))]
    assert was_outlier(Rules(), *readings) is wrong
    assert not was_outlier(Rules(power_max_w=1), *readings)


def test_a_last_reading_is_open_if_it_does_not_follow_from_the_one_before():
    assert not is_open(Rules(), None, at(0, 10), at(1, 10))
    assert is_open(Rules(), None, at(0, 10), at(1, 9))
    assert is_open(Rules(ones=99), None, at(0, 10), at(1, 99))
    assert is_open(Rules(power_max_w=3600), None, at(0, 10), at(1, 1012))
    assert not is_open(Rules(net=True), None, at(0, 10), at(1, 9))


@pytest.mark.parametrize(
    ("earlier", "last", "now", "is_so"),
    [
        (8, 10, 2_010, False),
        (8, 10, 2_011, True),
        (10, 10, 1_010, False),
        (10, 10, 1_011, True),
        (None, 10, 1_011, True),
    ],
)
def test_a_last_reading_is_open_if_it_rose_a_thousand_times_as_much_as_the_one_before(earlier, last, now, is_so):
    readings = [None if earlier is None else at(0, earlier), at(1, last), at(2, now)]
    assert is_open(Rules(), *readings) is is_so
    assert not is_open(Rules(power_max_w=10**9), *readings)
    assert not is_open(Rules(net=True), *readings)


@pytest.mark.parametrize(
    ("shown", "declared", "kind"),
    [
        ((0, 500_001, 500_501), {}, "jump"),
        ((0, 500_000, 500_500), {}, None),
        ((0, 100_001, 100_001), {}, "jump"),
        ((0, 100_001, 100_001), {"above": 2}, None),
        ((0, 100_001), {}, None),  # nothing tells yet
        ((0, 500_001, 3), {}, None),  # a reading that the next one gives the lie to
        ((1, 500_001, 500_006), {}, None),
        ((0, 500_001, 500_006), {"power_max_w": 10**9}, None),
        ((0, 500_001, 500_006), {"net": True}, None),
    ],
)
def test_a_register_that_comes_back_from_zero_has_not_counted_what_it_shows(shown, declared, kind):
    assert named(Rules(**declared), *shown) == kind


def test_a_register_that_began_at_zero_long_ago_may_have_counted_it():
    # 120 kWh of a new instrument's first day, in steps of 1 Wh, and it stands still in the second after
    day = [at(0, 0), at(86_400, 120_000_000), at(86_401, 120_000_000)]
    assert name(Rules(above=1000), *day) is None
    assert name(Rules(above=1000), at(86_399, 0), *day[1:]) == "jump"
