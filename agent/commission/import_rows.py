"""From a list's rows to the meter tables they ask for, and back from a configuration's faults to rows and columns.

In: rows of cells; problems as `agent.check` tells them. Out: `Wanted` meters and `Fault`s, each at its row and column.
What a value may be is not decided here but by the check of the configuration it would go into. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.commission import import_cells
from agent.commission.import_cells import Row
from agent.commission.import_columns import BY_NAME, COLUMNS, DECLARED_POINT, Column, column_of_heading, column_of_key
from contract.problems import suggest
from contract.topics import NAME, check_name

HEADING_ROWS = 20  # titles and remarks above the headings
KNOWN_HEADINGS = 2  # by so many known ones the row of headings is recognised, if the meter's name is among them


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A mistake in the list: `problem: hint`, at a row and a column."""

    row: int
    column: str
    told: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A meter as one row asks for it: the keys of its table that the row fills.

    `name` is what the checked configuration calls it: the row's own, or a stand-in where that cannot be used.
    `doubted` columns have a fault already: what follows from it is not told again.
    """

    row: int
    name: str
    table: Mapping[str, Any]
    filled: frozenset[str]
    doubted: frozenset[str]


def read(rows: Sequence[Row]) -> tuple[list[Wanted], list[Fault]]:
    """Every meter the rows ask for, and every cell that cannot be read."""
    faults: list[Fault] = []
    above, columns = _headings(rows, faults)
    wanted: list[Wanted] = []
    names: dict[str, int] = {}
    for row in rows[above:]:
        cells = {at: import_cells.trimmed(cell) for at, cell in enumerate(row.cells)}
        stray = [at for at, cell in cells.items() if cell is not None and at not in columns]
        if not columns or all(cell is None for cell in cells.values()):
            continue
        faults += [Fault(row.number, _letter(at), "stands under no heading: give its column one") for at in stray]
        values = {columns[at].name: cell for at, cell in cells.items() if at in columns and cell is not None}
        if values:
            wanted.append(_meter(row.number, values, names, faults))
    if columns and not wanted and not faults:
        faults.append(Fault(rows[above - 1].number, "name", "no meters below the headings: fill in a row each"))
    return wanted, faults


def placed(problem: str, wanted: Iterable[Wanted]) -> Fault | None:
    """Where in the list a problem of the configuration comes from: None if from elsewhere.

    A problem is `meter.NAME.KEY...: problem: hint` or `meter.NAME: problem: hint`.
    """
    path, _, told = problem.partition(": ")
    table, _, below = path.partition(".")
    name, _, key = below.partition(".")
    meter = next((one for one in wanted if one.name == name), None)
    if table != "meter" or meter is None:
        return None
    if not key:  # a driver's problem begins with what it is about: unit, base, profile
        word = told.split(" ")[0]
        return Fault(meter.row, word if word in BY_NAME else "name", told)
    declared = set(meter.table.get("declared", ())) - set(meter.table.get("points", ()))
    if key == "points" and any(told.startswith(repr(point)) for point in declared):
        return Fault(meter.row, DECLARED_POINT, told)
    return Fault(meter.row, column_of_key(key, meter.filled), told)


def numbers_as_serials(rows: Sequence[Row]) -> int:
    """How many serial numbers the file holds as numbers: leading zeros, if there were any, are gone."""
    above, columns = _headings(rows, [])
    at = next((at for at, column in columns.items() if column.name == "serial"), None)
    cells = [row.cells[at] for row in rows[above:] if at is not None and at < len(row.cells)]
    return sum(isinstance(cell, (int, float)) for cell in cells)


def _headings(rows: Sequence[Row], faults: list[Fault]) -> tuple[int, dict[int, Column]]:
    """(how many rows stand above the meters, the column at each place); no columns if there are no headings."""
    for above, row in enumerate(rows[:HEADING_ROWS], 1):
        texts = {at: text for at, cell in enumerate(row.cells) if isinstance(text := import_cells.trimmed(cell), str)}
        known = {at: column for at, text in texts.items() if (column := column_of_heading(text)) is not None}
        if len(known) < KNOWN_HEADINGS or BY_NAME["name"] not in known.values():
            continue
        names = [column.name for column in COLUMNS]
        faults += [
            Fault(row.number, text, f"unknown column: {suggest(text.lower(), names)}")
            for at, text in texts.items()
            if at not in known
        ]
        twice = [column for column, count in Counter(known.values()).items() if count > 1]
        faults += [Fault(row.number, column.name, "stands twice: remove one") for column in twice]
        return above, known | dict.fromkeys(texts.keys() - known.keys(), _IGNORED)
    hint = "give the first row the column names of the template: metertrail import --template meters.xlsx"
    faults.append(Fault(1, "name", f"no headings within the first {HEADING_ROWS} rows: {hint}"))
    return 0, {}


_IGNORED = Column("", (), "text", "", "", "")  # an unknown heading's: told once, there


def _meter(number: int, values: Mapping[str, object], names: dict[str, int], faults: list[Fault]) -> Wanted:
    doubted: set[str] = set()

    def fault(column: str, told: str) -> None:
        faults.append(Fault(number, column, told))
        doubted.add(column)

    read_values: dict[str, import_cells.Value] = {}
    for name in values.keys() - {""}:
        try:
            read_values[name] = import_cells.read(values[name], BY_NAME[name].form)
        except ValueError as error:
            fault(name, str(error))
    declared = [name for name in values if name.startswith("declared_")]
    if declared and DECLARED_POINT not in values:
        fault(DECLARED_POINT, f"missing beside {declared[0]}: name the counter it is about")
    table = _table(read_values)
    name = _named(number, read_values.get("name"), names, fault if "name" not in doubted else lambda *_: None)
    if name != table.get("name"):  # what another meter has already must not be told as its fault
        doubted |= {"name", "unit"}
    return Wanted(number, name, table | {"name": name}, frozenset(values), frozenset(doubted))


def _table(values: Mapping[str, import_cells.Value]) -> dict[str, Any]:
    """The values at the places of their keys; a declaration only under a counter's name."""
    table: dict[str, Any] = {}
    point = values.get(DECLARED_POINT)
    for column in COLUMNS:
        if column.name not in values or (column.key[0] == "declared" and point is None):
            continue
        keys = [str(point) if key == "*" else key for key in column.key]
        place = table
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        if column.name == DECLARED_POINT:
            place.setdefault(keys[-1], {})
        else:
            place[keys[-1]] = values[column.name]
    return table


def _named(number: int, given: object, names: dict[str, int], fault: Any) -> str:  # noqa: ANN401 - a local function
    """The meter's name, or a stand-in by which to check the rest of its row."""
    stand_in = f"row-{number}-of-the-list"
    if not isinstance(given, str):
        fault("name", "missing: every row needs the name of its meter")
        return stand_in
    if not NAME.fullmatch(given):
        try:
            check_name(given)
        except ValueError as error:
            fault("name", str(error))
        return stand_in
    if given in names:
        fault("name", f"{given!r} stands in row {names[given]} already: give every meter a name and a row of its own")
        return stand_in
    names[given] = number
    return given


def _letter(at: int) -> str:
    """A column as spreadsheets call it: A, B, ... Z, AA."""
    letters, at = "", at + 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
