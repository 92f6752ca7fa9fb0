"""Media in statements: sums by hand, factors of one basis only, and everything that is lacking named."""

import json
from dataclasses import replace
from fractions import Fraction

import media_plant as plant
import pytest
import web_plant
from test_gateway_factors import FUEL, LIBRARY

from agent.aggregation.derive import Derivation
from agent.aggregation.replay import Counter
from agent.drivers.profile import Point
from contract.problems import Problems
from gateway import factors, media
from gateway.attribution import BatchFacts, attribute, canonical_json, check_factors
from gateway.media import MediumAmount
from gateway.site_model import Medium, parse

NS = 10**9
COIL = "steel coil 1.5 mm"
KNOWN = {**LIBRARY, **factors.library([FUEL.encode()])}
GAS = {"agent": "edge-1", "meter": "gas1", "point": "volume"}
NAMES = {"en": "Natural gas", "zh": "天然气"}


def site(*made: dict[str, object]):
    return web_plant.site().model_copy(update={"media": tuple(Medium.model_validate(one) for one in made)})


def gas_medium(**changes: object) -> dict[str, object]:
    return {"id": "gas", "name": NAMES, "counters": [GAS], "factor": "gas", "reference_degc": 20, **changes}


def amount(cm3, meter="gas1", point="volume", unit="m3_micro"):
    low, high, u95 = (None, None, None) if cm3 is None else (cm3 - 1000, cm3 + 1000, 500)
    return MediumAmount("edge-1", meter, point, unit, cm3, low, high, u95)


def batch(name, start, *used, **changes):
    made = BatchFacts(
        "edge-1", name, "line1", COIL, start * NS, (start + 100) * NS, True, 1_000_000, 990_000, 1_010_000, 10_000,
        500_000_000, 0, media=used,
    )  # fmt: skip
    return replace(made, **changes)


def run(model, *batches):
    return attribute(model, KNOWN, batches, [], 0, 10_000 * NS, provisional=False)


def test_gas_with_a_footprint_is_in_the_result():
    told = run(site(gas_medium()), batch("B1", 0, amount(2_000_000)), batch("B2", 100, amount(3_000_000)))
    coil = told.products[0]
    (row,) = coil.media
    assert (row.medium, row.unit, row.batches, row.amount) == ("gas", "m3_micro", 2, 5_000_000)
    assert (row.lower, row.upper, row.u95) == (4_998_000, 5_002_000, 1000)
    assert (row.factor, row.co2e_g_micro) == ("gas", 13_950_000_000)  # 5 m3 x 2.79 kg
    # 2 kWh of the grid, and its air's share is not known: no total, and never the gas alone
    assert coil.electricity_co2e_g_micro is None
    assert coil.co2e_g_micro is None
    assert told.lacking == ("materials", "process emissions", "waste")
    assert [used.id for used in told.media_factors] == ["gas"]


def test_the_total_is_electricity_and_media():
    model = site(gas_medium()).model_copy(update={"utilities": ()})
    coil = run(model, batch("B1", 0, amount(2_000_000))).products[0]
    assert coil.electricity_co2e_g_micro == 577_700_000  # 1 kWh x 0.5777
    assert coil.co2e_g_micro == 577_700_000 + 5_580_000_000
    assert coil.co2e_g_micro_per_unit == 2 * coil.co2e_g_micro  # half a tonne


@pytest.mark.parametrize(
    ("medium", "lacks"),
    [
        (gas_medium(factor=None), "gas: no footprint factor"),
        (gas_medium(factor="cn-natural-gas-co2-2024"), "gas: no footprint factor, cn-natural-gas-co2-2024 is CO2 only"),
        (gas_medium(factor="cn-heat-co2-2024"), "gas: no footprint factor, cn-heat-co2-2024 is CO2 only"),
    ],
)
def test_without_a_footprint_factor_the_result_lacks_it_by_name(medium, lacks):
    model = site(medium).model_copy(update={"utilities": ()})
    told = run(model, batch("B1", 0, amount(2_000_000)))
    coil = told.products[0]
    assert (coil.media[0].amount, coil.media[0].factor, coil.media[0].co2e_g_micro) == (2_000_000, None, None)
    assert coil.co2e_g_micro == coil.electricity_co2e_g_micro == 577_700_000
    assert told.lacking == ("materials", "process emissions", "waste", lacks)
    assert told.media_factors == ()


def test_a_factor_per_another_unit_does_not_count():
    told = run(site(gas_medium()), batch("B1", 0, amount(5, unit="j")))
    assert told.lacking[-1] == "gas: no footprint factor, gas is per m3 and this is in j"


def test_a_counter_that_the_site_does_not_name_is_shown_by_its_own_name():
    told = run(site(gas_medium()), batch("B1", 0, amount(7, meter="oil1")))
    assert [row.medium for row in told.products[0].media] == ["edge-1/oil1/volume"]
    assert told.lacking[-2:] == ("edge-1/oil1/volume: no footprint factor", "gas: counted in no batch")


def test_an_excluded_batch_keeps_what_it_used():
    told = run(site(gas_medium()), batch("B1", 0, amount(None), complete=False))
    assert [(one.medium, one.amount) for one in told.excluded[0].media] == [("gas", None)]
    assert told.products[0].media == ()


def test_an_amount_that_is_not_known_leaves_no_total():
    model = site(gas_medium()).model_copy(update={"utilities": ()})
    coil = run(model, batch("B1", 0, amount(1)), batch("B2", 100, amount(None))).products[0]
    assert (coil.media[0].amount, coil.media[0].co2e_g_micro, coil.co2e_g_micro) == (None, None, None)


def test_a_statement_without_media_has_no_word_of_them():
    said = canonical_json(run(web_plant.site(), batch("B1", 0)))
    assert b"media" not in said
    assert b"electricity_co2e" not in said
    shown = json.loads(canonical_json(run(site(gas_medium()), batch("B1", 0, amount(1)))))
    assert shown["products"][0]["media"][0]["medium"] == "gas"
    assert "media" not in shown["products"][1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"factor": "oil"}, "is not among the factors given"),
        ({"factor": "cn-electricity-footprint-2024"}, "is of electricity"),
        ({"reference_degc": 0}, "with reference_degc = 20, the medium says 0"),
        ({"reference_degc": None}, "the medium says None"),
    ],
)
def test_a_factor_of_another_basis_is_refused(changes, words):
    (line,) = check_factors(site(gas_medium(**changes)), KNOWN)
    assert line.startswith("medium.gas.factor: ")
    assert words in line
    assert check_factors(site(gas_medium()), KNOWN) == []


def test_energy_of_fuel_is_by_one_heating_value():
    energy = FUEL.replace("kgCO2e/m3", "kgCO2e/GJ").replace(
        "reference_degc = 20", 'heating_value = "net"\nheating_value_degc = 20'
    )
    known = {**LIBRARY, **factors.library([energy.encode()])}
    net = gas_medium(reference_degc=None, heating_value="net", heating_value_degc=20)
    assert check_factors(site(net), known) == []
    assert len(check_factors(site({**net, "heating_value": "gross", "heating_value_degc": 25}), known)) == 2


def counted(kelvin_milli=None, degc=None):
    """The gas meter's counter as a manifest states it: derived, or a register whose profile says `degc`."""
    made = plant.NORMAL.model_copy(update={"reference_k_milli": kelvin_milli or 273_150})
    point = Point(
        id="volume", quantity="volume", type="uint32", unit="m3", kind="counter", table="input", reference_degc=degc
    )
    of = None if kelvin_milli is None else Derivation(made, ())
    return Counter("gas1", "volume", "volume", "m3_micro", point, Fraction(1), -1, None, derivation=of)


def test_what_the_agent_counts_must_be_what_the_site_declares():
    model = site(gas_medium())
    assert list(media.mixed(model, [("edge-1", counted(273_150)), ("edge-1", counted(293_150))])) == []
    assert list(media.mixed(model, [("edge-2", counted(273_150))])) == []
    assert list(media.mixed(model, [("edge-1", counted())])) == []
    for wrong in (counted(273_150), counted(degc=0)):
        (line,) = media.mixed(model, [("edge-1", wrong)])
        assert line.startswith("medium.gas.reference_degc: 20: edge-1 counts gas1.volume at 0 degC")


def test_a_counter_is_of_one_medium():
    table = (
        '[[medium]]\nid = "{}"\nname = {{ en = "G", zh = "气" }}\n'
        'counters = [{{ agent = "a", meter = "m", point = "p" }}]\n'
    )
    text = (web_plant.ROOT / "configs/demo/site.toml").read_text() + table.format("gas") + table.format("steam")
    with pytest.raises(Problems, match=r"medium\.gas\.counters: m\.p is named twice"):
        parse(text.encode())
