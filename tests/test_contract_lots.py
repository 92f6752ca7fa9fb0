"""Lots: quantities become integers of a canonical unit, or are refused; never rounded."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.point import UNITS
from contract import cbor, lots
from contract.lots import Lot, canonical, output


def lot(quantity, unit="g_milli", kind="good"):
    return Lot(lot="L", quantity=quantity, unit=unit, source="reported", kind=kind)


@pytest.mark.parametrize(
    ("written", "unit", "quantity", "canonical_unit"),
    [
        ("0.001", "g", 1, "g_milli"),
        ("12.5", "kg", 12_500_000, "g_milli"),
        ("3", "t", 3_000_000_000, "g_milli"),
        ("1e3", "mg", 1000, "g_milli"),
        ("0.25", "L", 250, "m3_micro"),
        ("2", "m3", 2_000_000, "m3_micro"),
        ("40", "piece", 40_000, "one_milli"),
        ("0.5", "1", 500, "one_milli"),
        ("-0", "kg", 0, "g_milli"),
        ("9223372036854775807", "mg", 2**63 - 1, "g_milli"),
    ],
)
def test_quantities(written, unit, quantity, canonical_unit):
    assert canonical(Decimal(written), unit) == (quantity, canonical_unit)


@pytest.mark.parametrize(
    ("written", "unit", "problem"),
    [
        ("1", "", "unit: '': use one of mg, g, kg"),
        ("1", "lb", "unit: 'lb'"),
        ("0.0001", "g", "quantity: 0.0001 g: not a whole number of g_milli"),
        ("1e-400000000", "t", "not a whole number"),
        ("9223372036854775808", "mg", "below 2^63"),
        ("-1", "kg", "not less than nothing"),
        ("1e400000000", "kg", "not a number from 0"),
        ("NaN", "kg", "not a number from 0"),
        ("Infinity", "kg", "not a number from 0"),
    ],
)
def test_what_is_no_exact_quantity_is_refused(written, unit, problem):
    with pytest.raises(ValueError, match="^(unit|quantity): ") as raised:
        canonical(Decimal(written), unit)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.integers(0, 9 * 10**9), st.sampled_from([unit for unit in lots.UNITS if unit in UNITS]))
def test_units_mean_what_they_mean_in_a_profile(whole, unit):
    name, exponent = UNITS[unit]
    assert canonical(Decimal(whole), unit) == (whole * 10**exponent, name)


def test_what_nobody_says_is_left_out():
    written = cbor.decode(cbor.encode(lot(7, kind=None).model_dump()))
    assert written == {"lot": "L", "quantity": 7, "unit": "g_milli", "source": "reported"}
    assert Lot.model_validate(written) == lot(7, kind=None)


@pytest.mark.parametrize(("unit", "other"), [("g_milli", "one_milli"), ("one_milli", "g_milli")])
def test_output_is_the_sum_of_a_kind_and_nothing_where_it_is_not_known(unit, other):
    assert output([lot(3, unit), lot(4, unit), lot(5, unit, kind="scrap")], "good", unit) == 7
    assert output([lot(3, unit), lot(4, other)], "good", unit) is None
    assert output([lot(3, other)], "good", unit) is None
    assert output([lot(3, unit)], "scrap", unit) is None
    assert output([], "good", unit) is None
    assert output(None, "good", unit) is None
