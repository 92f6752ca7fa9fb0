"""Factors: the published figures, one rounding, and bases that never mix."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import factors

FILES = sorted((Path(__file__).parent.parent / "configs/factors").glob("*.toml"))
LIBRARY = factors.library(path.read_bytes() for path in FILES)
FACTOR = LIBRARY["cn-electricity-footprint-2024"]


def test_the_shipped_figures_are_those_published():
    assert len(FILES) == 6
    assert len(LIBRARY) == 33
    # announcements 2025 no. 3, of 2025-09-28, 2024 no. 12, of 2024-12-20, 2025 no. 47
    published = {
        "cn-electricity-footprint-2023": "0.6205",
        "cn-wind-footprint-2023": "0.0336",
        "cn-photovoltaic-footprint-2023": "0.0545",
        "cn-biomass-footprint-2023": "0.0457",
        "cn-electricity-footprint-2024": "0.5777",
        "cn-electricity-co2-2021": "0.5568",
        "cn-electricity-co2-2022": "0.5366",
        "cn-electricity-co2-2023": "0.5306",
        "cn-residual-electricity-co2-2023": "0.6096",
        "cn-hi-electricity-co2-2023": "0.3648",
        "cn-natural-gas-co2-2024": "2.1622",
        "cn-heat-co2-2024": "110",
    }
    assert {name: LIBRARY[name].value for name in published} == published


def test_every_shipped_figure_names_its_source_and_basis():
    for factor in LIBRARY.values():
        assert factor.source.title
        assert factor.source.issuer
        assert factor.source.carrier
        assert factor.unit in factors.units_of(factor.kind)
        assert factor.valid_from >= date(int(factor.reference_period), 12, 31)
    assert {factor.kind for factor in LIBRARY.values()} == {*factors.UNITS, "fuel-co2", "heat-co2"}


def test_one_kilowatt_hour():
    assert factors.grams_micro(1_000_000, FACTOR) == 577_700_000  # 577.7 g


def test_a_unit_of_each_medium():
    gas, heat = LIBRARY["cn-natural-gas-co2-2024"], LIBRARY["cn-heat-co2-2024"]
    # 389.31 GJ per 10^4 m3, 15.3 kg of carbon per GJ, of which 99 % burns, as CO2
    exact = Fraction("389.31") / 10_000 * Fraction("15.3") * Fraction("0.99") * 44 / 12
    assert abs(Fraction(gas.value) - exact) < Fraction("0.00005")
    assert factors.medium_grams_micro(10**6, "m3_micro", gas) == 2_162_200_000
    assert factors.medium_grams_micro(10**9, "j", heat) == 110 * 10**9
    assert factors.medium_grams_micro(1_000_000, "wh_milli", heat) == 110 * 36 * 10**5  # 1 kWh is 3.6 MJ
    assert factors.medium_grams_micro(1, "j", gas) is None
    assert not gas.is_footprint


FUEL = """
[source]
title = "t"
issuer = "i"
date = 2025-01-01
carrier = "c"
[[factor]]
id = "gas"
kind = "fuel-footprint"
value = "2.79"
unit = "kgCO2e/m3"
reference_degc = 20
region = "CN"
reference_period = "2024"
valid_from = 2025-01-01
gwp_set = "AR6"
tier = "controlled"
"""


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("reference_degc = 20\n", "", "factor.gas.reference_degc: missing"),
        ("reference_degc = 20", "reference_degc = 25", "factor.gas.reference_degc"),
        ("kgCO2e/m3", "kgCO2e/GJ", "factor.gas.heating_value: missing"),
        ("kgCO2e/m3", "kgCO2/m3", "is not the unit of fuel-footprint"),
        ("fuel-footprint", "heat-footprint", "use kgCO2e/GJ, kgCO2e/kWh"),
        ('region = "CN"', 'region = "CN"\nmix = "wind"', "only electricity has one"),
    ],
)
def test_the_basis_of_a_fuel_must_be_said(right, wrong, told):
    assert factors.parse(FUEL.encode())[0].per == "m3"
    with pytest.raises(ValueError, match=told):
        factors.parse(FUEL.replace(right, wrong).encode())


def test_another_basis_is_another_figure():
    with pytest.raises(ValueError, match="two different figures"):
        factors.library([FUEL.encode(), FUEL.replace("degc = 20", "degc = 0").encode()])


def test_half_is_rounded_to_even():
    half = FACTOR.model_copy(update={"value": "0.0005"})  # 0.5 ug per mWh
    assert [factors.grams_micro(energy, half) for energy in (1, 3, 5)] == [0, 2, 2]


@given(st.integers(-(10**18), 10**18), st.integers(1, 99_999))
def test_emissions_are_the_nearest_integer(energy, value):
    factor = FACTOR.model_copy(update={"value": f"{value // 10_000}.{value % 10_000:04d}"})
    exact = Fraction(energy * value, 10)  # value/10^4 kg/kWh = value/10 ug/mWh
    assert abs(factors.grams_micro(energy, factor) - exact) <= Fraction(1, 2)


def test_the_factor_of_the_reference_period_is_chosen_not_the_latest():
    def chosen(year, on):
        return factors.choose(LIBRARY.values(), "electricity-footprint", "CN", year, on).id

    assert chosen(2023, date(2026, 1, 1)) == "cn-electricity-footprint-2023"
    assert chosen(2026, date(2026, 1, 1)) == "cn-electricity-footprint-2024"
    assert chosen(2026, date(2025, 3, 1)) == "cn-electricity-footprint-2023"  # the other was not published yet
    with pytest.raises(LookupError, match="found none"):
        chosen(2022, date(2026, 1, 1))


TEXT = FILES[[path.stem for path in FILES].index("cn-electricity-footprint-2024")].read_text()


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('unit = "kgCO2e/kWh"', 'unit = "kgCO2/kWh"', "is not the unit of electricity-footprint"),
        ('value = "0.5777"', "value = 0.5777", "factor.cn-electricity-footprint-2024.value"),
        ('value = "0.5777"', 'value = "-0.5777"', "greater than zero|as published"),
        ('value = "0.5777"', 'value = "5e-1"', "as published"),
        ("valid_from = 2025-09-28", "valid_from = 2025-09-28\nvalid_to = 2025-01-01", "before valid_from"),
        ('region = "CN"', 'regoin = "CN"', "did you mean region?"),
        ("[source]", "[sauce]", "source: missing"),
    ],
)
def test_a_fault_is_told_by_its_path(right, wrong, told):
    assert right in TEXT
    with pytest.raises(ValueError, match=told.replace("?", r"\?")):
        factors.parse(TEXT.replace(right, wrong).encode())


def test_a_figure_cannot_change_under_its_id():
    with pytest.raises(ValueError, match="a new figure needs a new id"):
        factors.library([TEXT.encode(), TEXT.replace("0.5777", "0.5778").encode()])
    corrected = TEXT.replace("National mix only", "The national mix only")
    assert factors.library([TEXT.encode(), corrected.encode()])[FACTOR.id].notes.startswith("The national mix")
