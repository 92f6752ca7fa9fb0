"""Formulas are exact and lead to counters; what leads back to itself, or is no exact number, is told in one line."""

from fractions import Fraction

import pytest
from test_gateway_site_model import DEMO

from contract.problems import Problems
from gateway import site_model, virtual
from gateway.virtual import Virtual


def made(name, formula, agent="edge-1", point="energy_import"):
    return Virtual.model_validate({"id": name, "agent": agent, "point": point, "formula": formula})


def place(meter, agent="edge-1"):
    return agent, meter, "energy_import"


def test_a_remainder():
    rest = made("rest", {"main": 1, "line1": -1, "line2": "-0.5"})
    assert virtual.counters([rest], "rest") == {place("main"): 1, place("line1"): -1, place("line2"): Fraction(-1, 2)}


def test_a_key_names_as_much_of_a_counter_as_differs():
    rest = made("rest", {"main/energy_import_t1": 1, "line1": -1, "edge-2/line9/energy": -1})
    assert virtual.counters([rest], "rest") == {
        ("edge-1", "main", "energy_import_t1"): 1, place("line1"): -1, ("edge-2", "line9", "energy"): -1,
    }  # fmt: skip


def test_a_virtual_meter_in_a_formula_stands_for_its_own():
    lines = made("lines", {"line1": 1, "line2": "0.5"}, agent="edge-2")
    rest = made("rest", {"main": 1, "lines": -2, "line1": 3})
    assert virtual.counters([rest, lines], "rest") == {
        place("main"): 1, place("line1", "edge-2"): -2, place("line2", "edge-2"): -1, place("line1"): 3,
    }  # fmt: skip


def test_a_counter_that_cancels_out_is_left_out():
    lines = made("lines", {"line1": 1, "line2": 1})
    assert virtual.counters([lines, made("one", {"lines": 1, "line2": -1})], "one") == {place("line1"): 1}
    nothing = made("none", {"lines": 1, "line1": -1, "line2": -1})
    assert list(virtual.problems([lines, nothing])) == [
        "virtual.none.formula: its counters cancel out: nothing is left to measure"
    ]


@pytest.mark.parametrize(
    ("formulas", "way"),
    [
        ({"a": {"a": 1}}, "a -> a"),
        ({"a": {"b": 1}, "b": {"main": 1, "c": 1}, "c": {"a": 1}}, "a -> b -> c -> a"),
    ],
    ids=["itself", "by others"],
)
def test_a_formula_that_leads_back_to_itself(formulas, way):
    virtuals = [made(name, formula) for name, formula in formulas.items()]
    told = list(virtual.problems(virtuals))
    assert f"virtual.a.formula: leads back to itself: {way}" in told
    assert len(told) == len(virtuals)


TABLE = '[[virtual]]\nid = "spare"\nagent = "edge-1"\npoint = "energy_import"\nformula = { main = 1, line1 = -1 }\n'


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("main = 1", "main = 1.0", 'virtual.spare.formula.main: 1.0: write it as a string such as "0.5"'),
        ("main = 1", 'main = "1e3"', "virtual.spare.formula.main: '1e3': write an integer"),
        ("main = 1", "main = true", "virtual.spare.formula.main: True: write an integer"),
        ("main = 1", "main = 0", "virtual.spare.formula.main: 0: must not be zero"),
        ("main = 1, line1 = -1", "", "virtual.spare.formula"),
        ("main = 1", '"a/b/c/d" = 1', "write a meter, METER/POINT, AGENT/METER/POINT"),
        ("main = 1", '"main/" = 1', "write a meter, METER/POINT, AGENT/METER/POINT"),
        ("main = 1", "spare = 1", "virtual.spare.formula: leads back to itself: spare -> spare"),
        (TABLE, TABLE + TABLE, "virtual.spare.id: used twice"),
        ('point = "energy_import"\n', "", "virtual.spare.point: missing"),
    ],
)
def test_a_fault_is_told_by_its_path(right, wrong, told):
    assert right in TABLE
    with pytest.raises(Problems) as caught:
        site_model.parse((DEMO.read_text() + TABLE.replace(right, wrong)).encode())
    assert any(told in line for line in caught.value.lines), caught.value.lines


ELECTRICITY = 'electricity = { agent = "edge-1", meter = "compressor", point = "energy_import" }'


@pytest.mark.parametrize(
    ("electricity", "told"),
    [
        ('{ virtual = "spaer" }', "utility.compressed-air.electricity.virtual: 'spaer': did you mean spare?"),
        ('{ virtual = "spare", meter = "main" }', "utility.compressed-air.electricity.meter: unknown key"),
        ('{ agent = "edge-1", meter = "main" }', "utility.compressed-air.electricity.point: missing"),
        ('"spare"', "utility.compressed-air.electricity"),
    ],
)
def test_a_utility_s_meter_is_one_or_the_other(electricity, told):
    text = DEMO.read_text()
    assert ELECTRICITY in text
    with pytest.raises(Problems) as caught:
        site_model.parse((text.replace(ELECTRICITY, f"electricity = {electricity}") + TABLE).encode())
    (line,) = caught.value.lines
    assert line.startswith(told)


def test_a_utility_may_be_metered_by_a_formula():
    text = DEMO.read_text().replace(ELECTRICITY, 'electricity = { virtual = "spare" }') + TABLE
    site = site_model.parse(text.encode())
    assert site.utilities[0].electricity == site_model.VirtualRef(virtual="spare")
