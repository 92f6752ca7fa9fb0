"""Gas at reference conditions: against the law written out in other quantities, and between reference conditions."""

from fractions import Fraction

import pytest

from agent.aggregation.gas import HASH, REFERENCE_PA, REFERENCES_K_MILLI, reference_m3

F = Fraction


def test_at_reference_conditions_nothing_changes():
    for kelvin_milli in REFERENCES_K_MILLI.values():
        kelvin = F(kelvin_milli, 1000)
        assert reference_m3(F(REFERENCE_PA), kelvin, kelvin, F(1)) == 1


def test_a_worked_case():
    # 4 bar absolute and 10 degC to 0 degC, K = 0.99: 4/1.01325 x 273.15/283.15 / 0.99, by hand 3.8467
    found = reference_m3(F(400_000), F("283.15"), F("273.15"), F("0.99"))
    assert round(found, 4) == F("3.8467")
    # the amount of substance is the same on both sides: n = p V / (K R T)
    assert F(400_000) / (F("0.99") * F("283.15")) == REFERENCE_PA * found / F("273.15")


def test_the_three_references_differ_by_their_temperatures_alone():
    at = {degc: reference_m3(F(300_000), F(290), F(k, 1000), F(1)) for degc, k in REFERENCES_K_MILLI.items()}
    assert at[20] / at[0] == F("293.15") / F("273.15")  # 7.3 %: what is lost where they are mixed up
    assert at[15] / at[0] == F("288.15") / F("273.15")


@pytest.mark.parametrize(("pressure", "kelvin"), [(0, 290), (-1, 290), (100_000, 0), (100_000, -5)])
def test_no_gas_is_refused(pressure, kelvin):
    with pytest.raises(ValueError, match="above zero"):
        reference_m3(F(pressure), F(kelvin), F("273.15"), F(1))


def test_the_formulation_is_pinned():
    """Evidence names this hash: other words or roundings are another formulation and need another."""
    assert HASH.hex() == "9d3193184903bc5bb842a1c89c2c423bfebf8c2e203e288cf6665edae3a643b0"
