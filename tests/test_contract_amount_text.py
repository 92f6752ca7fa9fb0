"""Amounts as people write them: exact, with the step of the last digit; what could mean two things is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import point
from contract.amount_text import UNITS, Written, parse


@pytest.mark.parametrize(
    ("text", "multiplier", "written"),
    [
        ("12345.6 kWh", 1, Written(12_345_600_000, 100_000, "wh_milli")),
        ("12345.60kWh", 1, Written(12_345_600_000, 10_000, "wh_milli")),
        ("0 kWh", 1, Written(0, 1_000_000, "wh_milli")),
        ("480 piece", 1, Written(480_000, 1_000, "one_milli")),
        ("7.82 t", 1, Written(7_820_000_000, 10_000_000, "g_milli")),
        ("123.4 kWh", 40, Written(4_936_000_000, 4_000_000, "wh_milli")),
        ("88.125 m3", 1, Written(88_125_000, 1_000, "m3_micro")),
        ("3.6 MJ", 1, Written(3_600_000, 100_000, "j")),
        ("0.0005 g", 1, Written(0, 1, "g_milli")),
        ("0.0015 g", 1, Written(2, 1, "g_milli")),
        ("0.000000001 g", 1, Written(0, 1, "g_milli")),
    ],
)
def test_amounts(text, multiplier, written):
    assert parse(text, multiplier) == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12345.6", "its unit"),
        ("12,345.6 kWh", "with a point"),
        ("12345,6 kWh", "with a point"),
        ("-1 kWh", "with a point"),
        ("1e3 kWh", "with a point"),
        ("1 kwh", "unit 'kwh' is not known"),
        ("1 Nm3", "unit 'Nm3' is not known"),
        ("999999999999999 GWh", "larger than any register"),
        ("", "with a point"),
        ("\u0661 kWh", "with a point"),
        ("1 kWh\n", "with a point"),
    ],
)
def test_what_is_no_amount(text, words):
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        parse(text)
    assert words in str(caught.value)


def test_units_are_those_of_profiles():
    assert {name: (unit, 10 ** point.UNITS[name][1]) for name, (unit, _) in UNITS.items() if name in point.UNITS} == {
        name: written for name, written in UNITS.items() if name in point.UNITS
    }
    assert UNITS.keys() - point.UNITS.keys() == {"GWh"}


@given(st.integers(0, 10**9), st.integers(0, 6), st.sampled_from(["Wh", "kWh", "L", "m3", "g", "kg"]))
def test_a_figure_and_its_decimals_are_one_number(figure, places, unit):
    digits = f"{figure:0{places + 1}d}"
    text = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else digits
    written = parse(f"{text} {unit}")
    factor = UNITS[unit][1]
    assert abs(written.amount * 10**places - figure * factor) * 2 <= 10**places
    assert written.step >= 1
