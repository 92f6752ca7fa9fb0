"""Verdicts of identity, display, load and ratio; every wrong one names what is likely wrong."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commission.checks import Moment, display, identity, load, ratio, shown
from agent.identity import Identity

F = Fraction
CT = F(80)


@pytest.mark.parametrize(
    ("typed", "configured", "read", "expected", "verdict", "words"),
    [
        ("20431177", "20431177", Identity(serial="20431177"), None, "passed", "read from the meter"),
        ("0020431177", "20431177", Identity(serial="20431177"), None, "passed", "as configured"),
        ("20431177", "20431177", None, None, "passed", "not readable from this meter"),
        ("20431178", "20431177", None, None, "failed", "the nameplate says '20431178', the configuration '20431177'"),
        ("20431177", "", None, None, "failed", 'no serial is configured: set serial = "20431177"'),
        ("20431177", "20431177", Identity(serial="9"), None, "failed", "another meter that answers here"),
        ("1", "1", Identity(model="X1"), ("X2", "X3"), "failed", "says it is a 'X1', its profile is for 'X2' or 'X3'"),
    ],
)
def test_identity(typed, configured, read, expected, verdict, words):
    found = identity(typed, configured, read, expected)
    assert (found.step, found.verdict) == ("identity", verdict)
    assert words in found.line


def moment(typed, low, high, digit="0.01"):
    """All in kWh, as canonical mWh."""
    return Moment(F(typed) * 10**6, F(digit) * 10**6, int(F(low) * 10**6), int(F(high) * 10**6))


def test_display_and_register_agree_within_their_last_digits():
    first, second = moment("100.00", "100.00", "100.01"), moment("101.50", "101.49", "101.51")
    found = display(first, second, F(1), age_known=True)
    assert (found.verdict, found.line) == ("passed", "display and register agree twice, 150 of its last digits apart")
    assert "was not allowed for" in display(first, second, F(1), age_known=False).line
    assert "comes on top" in display(first, second, CT, age_known=True).line


def test_a_display_may_show_primary_values():
    found = display(
        moment("8000.0", "100", "100.01", "0.1"), moment("8080.0", "101", "101.01", "0.1"), CT, age_known=True
    )
    assert found.verdict == "passed"
    assert "the display shows the register times the ratio 80" in found.line


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (("100.00", "100.02", "100.03"), ("101", "101", "101.01"), "first look: display 100, register 100.025"),
        (("100.00", "100.00", "100.01"), ("101.50", "101.30", "101.50"), "second look"),
        (("100.00", "100.00", "100.01"), ("100.00", "100.00", "100.01"), "has not moved"),
        (("100.00", "100000", "100000.01"), ("101", "101000", "101000.01"), "off by a factor of 10^3"),
        (("100.00", "1.25", "1.26"), ("101", "1.26", "1.27"), "as if a ratio of 400/5 were not applied"),
        (("100.00", "345.6", "345.7"), ("101", "346", "347"), "no simple factor"),
        (("0", "345.6", "345.7"), ("101", "346", "347"), "the display shows nothing yet"),
    ],
)
def test_a_display_that_disagrees(first, second, words):
    found = display(moment(*first), moment(*second), F(1), age_known=True)
    assert found.verdict == "failed"
    assert words in found.line


@given(
    energy=st.integers(1, 10**12),
    later=st.integers(0, 10**9),
    digit=st.sampled_from([10**3, 10**4, 10**6]),
    step=st.integers(1, 10**6),
)
def test_a_right_display_always_agrees(energy, later, digit, step):
    """Whatever the indicated energy (mWh), display and register each round it down in their own way."""

    def look(indicated):
        typed, register = F(indicated // digit * digit), indicated // step * step
        return Moment(typed, F(digit), register, register + step)

    found = display(look(energy), look(energy + later), F(1), age_known=True)
    moved = (energy + later) // digit > energy // digit
    assert found.verdict == ("passed" if moved else "failed")
    assert moved or "has not moved" in found.line


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        (3000, "passed", "within 15 %"),
        (2550, "passed", "within 15 %"),
        (2540, "failed", "no simple factor"),
        (-3000, "failed", "the sign is wrong"),
        (1000, "failed", "a third: one of three CTs is reversed"),
        (10, "failed", "cancel out"),
        (240_000, "failed", "80 times too much: the ratio is applied twice"),
        (F(3000, 80), "failed", "80 times too little: the ratio is missing once"),
        (30_000, "failed", "10^1"),
    ],
)
def test_load(change, verdict, words):
    found = load(F(5000), 5000 + F(change), F(3000), F(15), CT)
    assert (found.step, found.verdict) == ("load", verdict)
    assert f"power changed by {shown(F(change))} W where 3000 W were switched on" in found.line
    assert words in found.line


@pytest.mark.parametrize(
    ("register", "ct", "primary", "verdict", "words"),
    [
        ("1.25", CT, False, "passed", "agrees within 10 %"),
        ("1.36", CT, False, "passed", "agrees"),
        ("1.39", CT, False, "failed", "no simple factor"),
        ("100", CT, False, "failed", "80 times too much: the ratio is applied twice"),
        ("0.015625", CT, False, "failed", "80 times too little"),
        ("1.25", F(1, 80), False, "failed", "primary and secondary of ct or pt are exchanged"),
        ("1.25", F(1), False, "failed", "as if a ratio of 400/5 were not applied"),
        ("100", CT, True, "passed", "agrees"),
        ("0", CT, False, "failed", "the register none"),
    ],
)
def test_ratio(register, ct, primary, verdict, words):
    found = ratio({"L1": F(100)}, {"L1": F(register)}, ct, primary=primary)
    assert (found.step, found.verdict) == ("ratio", verdict)
    assert words in found.line


def test_every_wrong_phase_is_told():
    clamps, registers = {"L1": F(100), "L2": F(50), "L3": F(20)}, {"L1": F(5, 4), "L2": F(50), "L3": F(20)}
    found = ratio(clamps, registers, CT, primary=False)
    assert found.line.count("applied twice") == 2
    assert "L1" not in found.line


@pytest.mark.parametrize(
    ("number", "text"),
    [(F(1, 3), "0.333333"), (F(1000), "1000"), (F(-5, 2), "-2.5"), (F(0), "0"), (F(123456789), "123457000")],
)
def test_numbers_for_people(number, text):
    assert shown(number) == text
