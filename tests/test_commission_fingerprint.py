"""Which meter is this: profiles against registers of golden cases, asked as a scan asks."""

import pytest
from static_units import Static, golden, sunspec_map

from agent.commission.fingerprint import candidates, of_models, verdict, wanted
from agent.commission.spans import Span
from agent.commission.sunspec import markers
from agent.drivers import profiles
from agent.drivers.profile import parse

SHIPPED = {name: parse(profiles.load(name)) for name in profiles.names()}
KNOWN = candidates(SHIPPED)
HEAD = 'make = "M"\nmodel = "{0}"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["made up"]\n'
POINT = """
[[point]]
id = "{0}"
quantity = "{1}"
table = "holding"
address = {2}
type = "uint16"
scale = {3}
unit = "{4}"
kind = "gauge"
"""
VOLTAGE = POINT.format("voltage_l1", "voltage", 1, -1, "V")
FREQUENCY = POINT.replace("{2}", "{{0}}").format("frequency", "frequency", None, -2, "Hz")
CODE = POINT.format("code", "model", 90, 0, "1") + 'identity = "model"\nexpect = ["{0}"]\n'


def own(**texts):
    return candidates({name: parse((HEAD.format(name) + text).encode()) for name, text in texts.items()})


def recognised(unit, known=KNOWN):
    """Answer every wish of the fingerprints; the verdict, and what was asked."""
    facts = {}
    while wishes := wanted(known, facts):
        for span in wishes:
            assert span not in facts
            words = unit.words(span.table, span.address, span.count, 0)
            facts[span] = None if words is None else tuple(words)
    return verdict(known, facts), facts


def test_most_profiles_can_be_recognised():
    assert len(KNOWN) >= 45
    assert {each.name for each in KNOWN} & {"eastron-sdm630", "abb-b23", "siemens-pac3200"}
    assert not {each.name for each in KNOWN if each.name.startswith("sunspec")}


@pytest.mark.parametrize("name", [each.name for each in KNOWN if len(each.tests) >= 3])
def test_a_golden_meter_is_never_taken_for_another(name):
    found, facts = recognised(golden(name))
    assert found.certainty != "certain" or found.profiles == (name,)
    if found.certainty == "likely":
        assert name in (*found.profiles, *found.also)
    assert len(facts) <= 100


@pytest.mark.parametrize(
    ("name", "serial"),
    [("abb-b23", True), ("abb-b21", True), ("eastron-sdm72d-m-v2", True), ("victron-vm-3p75ct", True)],
)
def test_a_meter_that_says_its_model_is_certain(name, serial):
    found, facts = recognised(golden(name))
    assert (found.certainty, found.profiles) == ("certain", (name,))
    assert bool(found.serial) == serial
    assert len(facts) <= 40


@pytest.mark.parametrize("name", ["orno-we514", "finder-7m38", "huawei-sun2000-meter"])
def test_plausible_registers_alone_are_likely_never_certain(name):
    found, _ = recognised(golden(name))
    assert (found.certainty, found.profiles) == ("likely", (name,))
    assert any(reason.startswith("voltage_l1 ") for reason in found.why)


def test_families_that_cannot_be_told_apart_are_all_named():
    found, _ = recognised(golden("inepro-pro380"))
    assert found.certainty == "likely"
    assert set(found.profiles) == {"inepro-pro380", "wago-879-3000"}


@pytest.mark.parametrize(
    "unit",
    [
        Static({}),
        Static({"holding": dict.fromkeys(range(0x10000), 0)}),
        Static({"input": dict.fromkeys(range(0x10000), 0xFFFF)}),
    ],
)
def test_nothing_zeros_and_all_ones_are_unknown(unit):
    found, _ = recognised(unit)
    assert (found.certainty, found.profiles) == ("unknown", ())


def test_of_profiles_alike_the_one_whose_model_the_meter_states_is_likely():
    unit = golden("siemens-pac3200")
    name = [
        int.from_bytes(pair.encode(), "big") for pair in ("SE", "NT", "RO", "N ", "PA", "C3", "20", "0 ", "  ", "  ")
    ]
    found, _ = recognised(unit.with_words("holding", 0xFA02, *name))
    assert (found.certainty, found.profiles) == ("likely", ("siemens-pac3200",))
    order = [
        int.from_bytes(pair.encode(), "big") for pair in ("7K", "M2", "11", "2-", "0B", "A0", "0-", "3A", "A0", "  ")
    ]
    found, _ = recognised(unit.with_words("holding", 0xFA02, *order))
    assert set(found.profiles) == {"siemens-pac2200", "siemens-pac3200"}
    assert found.says == "7KM2112-0BA00-3AA0"


def test_a_code_that_matches_by_chance_is_not_enough():
    known = own(a=CODE.format(7) + VOLTAGE + FREQUENCY.format(2))
    registers = {90: 7, 1: 9, 2: 9}  # 0.9 V and 0.09 Hz: no such meter
    found, _ = recognised(Static({"holding": registers}), known)
    assert found.certainty != "certain"
    found, _ = recognised(Static({"holding": {90: 7, 1: 2301, 2: 5001}}), known)
    assert (found.certainty, found.profiles) == ("certain", ("a",))


def test_another_code_rules_a_profile_out():
    known = own(a=CODE.format(7) + VOLTAGE + FREQUENCY.format(2), b=VOLTAGE + FREQUENCY.format(2))
    found, _ = recognised(Static({"holding": {90: 8, 1: 2301, 2: 5001}}), known)
    assert (found.certainty, found.profiles) == ("likely", ("b",))


def test_a_register_that_is_refused_rules_a_profile_out():
    known = own(a=VOLTAGE + FREQUENCY.format(2), b=VOLTAGE + FREQUENCY.format(3))
    found, _ = recognised(Static({"holding": {1: 2301, 2: 5001}}), known)
    assert found.profiles == ("a",)


def test_the_same_registers_are_asked_for_once():
    known = own(a=VOLTAGE + FREQUENCY.format(2), b=VOLTAGE + FREQUENCY.format(2), c=VOLTAGE + FREQUENCY.format(3))
    _, facts = recognised(Static({"holding": {1: 2301, 2: 5001, 3: 0}}), known)
    assert set(facts) == {*markers(), *(Span("holding", at, 1) for at in (1, 2, 3))}


def test_a_meter_without_voltage_is_not_ruled_out():
    known = own(a=VOLTAGE + FREQUENCY.format(2))
    found, _ = recognised(Static({"holding": {1: 0, 2: 5001}}), known)
    assert (found.certainty, found.also) == ("unknown", ("a",))


def test_a_sunspec_map_names_model_base_and_serial():
    found, _ = recognised(Static({"holding": sunspec_map(40000)}))
    assert (found.certainty, found.profiles, found.base) == ("certain", ("sunspec-203",), 40070)
    assert (found.serial, found.says) == ("SN 00417", "Acme Meter 3")
    assert of_models(found, SHIPPED) == found


def test_a_sunspec_map_without_a_meter_or_of_a_meter_that_does_not_ship_is_unknown():
    inverter, _ = recognised(Static({"holding": sunspec_map(40000, [(103, 50)])}))
    assert (inverter.certainty, inverter.profiles) == ("unknown", ())
    other, _ = recognised(Static({"holding": sunspec_map(40000, [(299, 4)])}))
    told = of_models(other, SHIPPED)
    assert (told.certainty, told.profiles) == ("unknown", ())
    assert "no profile ships" in told.why[-1]
