"""Wirings of three transformers: all 48 of them against phasors worked out here, and what a single look can tell."""

import cmath
import math
from fractions import Fraction
from itertools import permutations, product

import pytest

from agent.commission.checks_phases import Phase, phases

VOLTS, AMPS = 230.0, 5.0
WIRINGS = [(sits, signs) for sits in permutations(range(3)) for signs in product((1, -1), repeat=3)]
RIGHT = ((0, 1, 2), (1, 1, 1))


def measured(sits, signs, degrees, amps=(AMPS, AMPS, AMPS)):
    """What the meter would measure: currents lag by `degrees`, positive sequence."""
    found = []
    for at, (on, sign) in enumerate(zip(sits, signs, strict=True)):
        voltage = cmath.rect(VOLTS, math.radians(-120 * at))
        current = sign * cmath.rect(amps[on], math.radians(-120 * on - degrees))
        power = (voltage * current.conjugate()).real
        found.append(Phase(f"L{at + 1}", *map(Fraction, (VOLTS, amps[on], round(power, 3)))))
    return found


def check(sits, signs, degrees, **more):
    return phases(measured(sits, signs, degrees), None, feeds_in=False, **more)


@pytest.mark.parametrize("degrees", [-30, 0, 25, 45, 56])
def test_a_right_wiring_passes_at_every_ordinary_load(degrees):
    assert check(*RIGHT, degrees).verdict == "passed"


@pytest.mark.parametrize("degrees", [-2, 0, 2])
def test_each_of_the_47_wrong_wirings_fails_with_a_heater(degrees):
    assert len(WIRINGS) == 48
    passed = {wiring for wiring in WIRINGS if check(*wiring, degrees).verdict != "failed"}
    assert passed == {RIGHT}


def test_with_a_motor_a_rotation_with_all_reversed_is_what_cannot_be_seen():
    passed = {wiring for wiring in WIRINGS if check(*wiring, 25).verdict != "failed"}
    assert passed == {RIGHT, ((1, 2, 0), (-1, -1, -1))}  # -cos(25 + 120 degrees) = cos(35 degrees)


def test_a_load_of_low_power_factor_may_be_what_it_is():
    assert "repeat with a heater" in check(*RIGHT, 65).line
    assert "repeat with a heater" not in check((1, 0, 2), (1, 1, 1), 10).line


@pytest.mark.parametrize(
    ("sits", "signs", "told"),
    [
        ((0, 1, 2), (-1, 1, 1), "CT of L1 is reversed"),
        ((0, 1, 2), (1, 1, -1), "CT of L3 is reversed"),
        ((0, 1, 2), (-1, 1, -1), "CTs of L1 and L3 are reversed"),
        ((1, 0, 2), (1, 1, 1), "CTs of L1 and L2 are exchanged"),
        ((2, 1, 0), (1, 1, 1), "CTs of L1 and L3 are exchanged"),
        ((1, 2, 0), (1, 1, 1), "L1's sits on L2, L2's sits on L3, L3's sits on L1"),
    ],
)
@pytest.mark.parametrize("degrees", [5, 15, 25])
def test_what_is_wrong_is_among_what_is_named(sits, signs, told, degrees):
    found = check(sits, signs, degrees)
    assert found.verdict == "failed"
    assert told in found.line


def test_a_circuit_that_feeds_back_has_negative_powers():
    found = measured((0, 1, 2), (-1, -1, -1), 10)
    assert phases(found, None, feeds_in=True).verdict == "passed"
    assert phases(found, None, feeds_in=False).verdict == "failed"


def test_loads_that_differ_by_phase_are_no_fault():
    found = [
        Phase("L1", Fraction(230), Fraction(9), Fraction(2000)),
        Phase("L2", Fraction(228), Fraction(3), Fraction(400)),
        Phase("L3", Fraction(231), Fraction(1), Fraction(230)),
    ]
    assert phases(found, None, feeds_in=False).verdict == "passed"


def test_without_current_nothing_is_claimed():
    low = [Phase(f"L{at}", Fraction(230), Fraction(4, 100), Fraction(9)) for at in (1, 2, 3)]
    assert phases(low, None, feeds_in=False).verdict == "skipped"
    some = [*measured(*RIGHT, 10)[:2], low[2]]
    found = phases(some, None, feeds_in=False)
    assert (found.verdict, "L3: too little current" in found.line) == ("skipped", True)


def test_a_fault_is_told_although_a_phase_is_idle():
    idle = Phase("L3", Fraction(230), Fraction(0), Fraction(0))
    found = phases([*measured((0, 1, 2), (1, -1, 1), 10)[:2], idle], None, feeds_in=False)
    assert (found.verdict, "L2: CT reversed" in found.line) == ("failed", True)
    found = phases([*measured((1, 0, 2), (1, 1, 1), 10)[:2], idle], None, feeds_in=False)
    assert "L1: CT reversed" in found.line or "L1: CT on another phase" in found.line


def test_a_missing_voltage():
    found = [*measured(*RIGHT, 10)[:2], Phase("L3", Fraction(3), Fraction(5), Fraction(1))]
    told = phases(found, None, feeds_in=False)
    assert told.verdict == "failed"
    assert "L3 has 3 V where another phase has 230 V" in told.line


@pytest.mark.parametrize(
    ("total", "verdict", "words"),
    [
        (3 * 230 * 5 * 0.9, "passed", "0.9 of U x I"),
        (230 * 5 * 0.95, "failed", "one CT reversed"),  # + + - leaves a third
        (0, "failed", "two CTs exchanged"),
        (-3000, "failed", "several reversed"),
        (None, "skipped", "neither power by phase nor in sum"),
        (3 * 230 * 5 * 2.76, "failed", "more than voltage and current can carry"),  # three phases' power, as if of one
        (-3 * 230 * 5 * 10, "failed", "more than voltage and current can carry"),  # a scale of ten
    ],
)
def test_the_sum_alone(total, verdict, words):
    found = [Phase(f"L{at}", Fraction(230), Fraction(5), None) for at in (1, 2, 3)]
    told = phases(found, None if total is None else Fraction(total), feeds_in=False)
    assert told.verdict == verdict
    assert words in told.line


def test_a_single_phase():
    assert phases([Phase("L", Fraction(230), Fraction(5), Fraction(1100))], None, feeds_in=False).verdict == "passed"
    found = phases([Phase("L", Fraction(230), Fraction(5), Fraction(-1100))], None, feeds_in=False)
    assert found.line.endswith("L: CT reversed")


@pytest.mark.parametrize("times", [1.73, 10, -10])
def test_power_beyond_voltage_and_current_is_no_power_factor(times):
    """P never exceeds U x I: the registers are not what the profile says."""
    found = [Phase(f"L{at}", Fraction(230), Fraction(5), Fraction(230 * 5 * times)) for at in (1, 2, 3)]
    told = phases(found, None, feeds_in=times < 0)
    assert told.verdict == "failed"
    assert "more than voltage and current can carry" in told.line
