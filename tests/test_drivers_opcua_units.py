"""Units: UN/ECE codes as OPC UA numbers, and what contradicts a profile."""

import pytest

from agent.drivers import profile
from agent.drivers.opcua_units import UNECE, UNITS, disagrees, told, unit_id

HEAD = 'make="m"\nmodel="m"\nmedium="electricity"\ngrade="bronze"\nsources=["s"]\n'


def point(unit, scale=0):
    text = HEAD + '[[point]]\nid="a"\nquantity="tag"\nnode="ns=1;s=a"\ntype="float64"\nkind="gauge"\n'
    return profile.parse((text + f'unit="{unit}"\nscale={scale}\n').encode()).points[0]


@pytest.mark.parametrize(
    ("code", "number"),
    [("WTT", 5723220), ("WHR", 5720146), ("AMP", 4279632),  # OPC 34100, table of units
     ("CEL", 4408652), ("BAR", 4342098), ("KWH", 4937544), ("KVA", 4937281), ("KGM", 4933453)],
)  # fmt: skip
def test_numbers_are_those_of_the_specifications(code, number):
    assert unit_id(code) == number
    assert told(UNECE, number, None) is not None


def test_every_unit_of_a_profile_is_known_here_and_no_code_twice():
    codes = [code for _, _, code in UNITS.values() if code]
    assert len(codes) == len(set(codes)) >= 30
    assert profile.UNITS.keys() <= UNITS.keys()


@pytest.mark.parametrize(
    ("unit", "scale", "server", "wrong"),
    [("Wh", 0, "Wh", False), ("Wh", 0, "kWh", True), ("Wh", 3, "kWh", False), ("kWh", 0, "Wh", True),
     ("kWh", -3, "Wh", False), ("Wh", 0, "W", True), ("m3", 0, "L", True), ("L", 0, "L", False), ("MJ", 0, "kWh", True),
     ("kW", 0, "MW", True), ("kvarh", 0, "varh", True), ("V", 0, "kV", True),
     ("piece", 0, "1", False), ("1", 0, "piece", False), ("piece", 3, "piece", True), ("piece", 0, "kg", True)],
)  # fmt: skip
def test_a_factor_of_a_thousand_is_seen(unit, scale, server, wrong):
    assert disagrees(point(unit, scale), server) is wrong


@pytest.mark.parametrize(
    ("name", "unit"),
    [("kW·h", "kWh"), ("W.h", "Wh"), ("kWh", "kWh"), ("m³", "m3"), ("°C", "degC"), ("kvar", "kvar"), ("kVArh", "kvarh"),
     ("piece", "piece"), ("pcs", "piece"),
     ("furlong", None), ("", None), (None, None)],
)  # fmt: skip
def test_names_are_read_where_the_number_says_nothing(name, unit):
    assert told("urn:vendor", -1, name) == unit


def test_a_number_of_another_list_is_not_of_unece():
    assert told("urn:vendor", 5720146, None) is None
