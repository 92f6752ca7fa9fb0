"""Rows to meters, and problems of a configuration back to rows and columns."""

import pytest

from agent.commission.import_cells import Row
from agent.commission.import_rows import Fault, Wanted, numbers_as_serials, placed, read


def rows(*cells):
    return [Row(number, tuple(one)) for number, one in enumerate(cells, 1)]


def test_headings_may_stand_below_titles_in_any_order_and_language():
    wanted, faults = read(rows(["Meters of hall 3"], [], [None, "Unit", "名称", "总线"], [], [None, 3.0, " m1 ", "b"]))
    assert faults == []
    assert wanted == [
        Wanted(5, "m1", {"unit": 3, "name": "m1", "bus": "b"}, frozenset({"unit", "name", "bus"}), frozenset())
    ]


def test_tables_within_a_meter():
    head = ["name", "bus", "CT primary", "ct_secondary", "declared_point", "declared_step", "declared_source"]
    wanted, faults = read(rows(head, ["m", "b", 400, 5, "energy", 0.01, "display"]))
    assert faults == []
    assert wanted[0].table["ct"] == {"primary": 400, "secondary": 5}
    assert wanted[0].table["declared"] == {"energy": {"step": "0.01", "source": "display"}}


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ([["a", "b"], ["c"]], [(1, "name", "no headings within the first 20 rows")]),
        ([["name", "bus", "serail"], ["m", "b", "1"]], [(1, "serail", "unknown column: did you mean serial?")]),
        ([["name", "bus", "Bus"], ["m", "b", "b"]], [(1, "bus", "stands twice")]),
        ([["name", "bus"], ["m", "b", None, "x"]], [(2, "D", "stands under no heading")]),
        ([["name", "bus"], [None, "b"]], [(2, "name", "missing: every row needs")]),
        ([["name", "bus"], ["Press 1", "b"]], [(2, "name", "'Press 1': use 1 to 64 of a-z")]),
        ([["name", "bus"], ["m", "b"], ["m", "b"]], [(3, "name", "'m' stands in row 2 already")]),
        (
            [["name", "bus", "declared_step"], ["m", "b", "0.1"]],
            [(2, "declared_point", "missing beside declared_step")],
        ),
        ([["name", "bus"], [" ", None]], [(1, "name", "no meters below the headings")]),
        ([["name", "bus", "unit"], ["m", "b", "x"]], [(2, "unit", "'x' is not a whole number")]),
    ],
)
def test_faults_have_a_row_and_a_column(cells, wanted):
    _, faults = read(rows(*cells))
    assert [(fault.row, fault.column) for fault in faults] == [(row, column) for row, column, _ in wanted]
    for fault, (*_, words) in zip(faults, wanted, strict=True):
        assert fault.told.startswith(words)


def test_a_row_whose_name_cannot_be_used_is_still_checked_under_another():
    wanted, faults = read(rows(["name", "bus", "unit"], ["m", "b", 1], ["m", "b", 2], ["Q", "b", "x"]))
    assert [one.name for one in wanted] == ["m", "row-3-of-the-list", "row-4-of-the-list"]
    assert wanted[1].table == {"name": "row-3-of-the-list", "bus": "b", "unit": 2}
    assert {"name", "unit"} <= wanted[1].doubted
    assert len(faults) == 3


METER = Wanted(
    7, "m", {"points": ["power"], "declared": {"energy": {}}}, frozenset({"ct_class", "declared_step"}), frozenset()
)


@pytest.mark.parametrize(
    ("problem", "column", "told"),
    [
        ("meter.m.unit: 300: too much", "unit", "300: too much"),
        ("meter.m.ct.primary: missing: add it", "ct_primary", "missing: add it"),
        ("meter.m.declared.energy.step: 'x' is no step: write", "declared_step", "'x' is no step: write"),
        ("meter.m.declared.energy: is not a counter: remove", "declared_point", "is not a counter: remove"),
        ("meter.m.points: 'energy' is not a point of p: hint", "declared_point", "'energy' is not a point of p: hint"),
        ("meter.m.points: 'power' is not a point of p: hint", "points", "'power' is not a point of p: hint"),
        ("meter.m: unit 300 does not exist on tcp: use", "unit", "unit 300 does not exist on tcp: use"),
        ("meter.m: profile A B is not for Modbus: choose", "profile", "profile A B is not for Modbus: choose"),
        ("meter.m: something else: hint", "name", "something else: hint"),
        ("meter.m.ct: contradicts: hint", "ct_class", "contradicts: hint"),
    ],
)
def test_a_problem_of_the_configuration_finds_its_cell(problem, column, told):
    assert placed(problem, [METER]) == Fault(7, column, told)


@pytest.mark.parametrize(
    "problem", ["meter.other.unit: 1: x", "line.m.energy: 'm.x': y", "agent.site: missing: add it"]
)
def test_a_problem_from_elsewhere_finds_none(problem):
    assert placed(problem, [METER]) is None


def test_serials_that_are_numbers_are_counted():
    cells = rows(["name", "bus", "serial"], ["a", "b", 5], ["c", "b", "5"], ["d", "b"], ["e", "b", 7.0])
    assert numbers_as_serials(cells) == 2
    assert numbers_as_serials(rows(["name", "bus"], ["a", "b"])) == 0
