"""A list of late batches, as Excel or CSV: rows in, filings out; and the empty list to fill in.

In: a file's name and bytes. Out: a `LateBatch` for each row. Raises Problems with every fault at once, by row and
column. Never: a part of a list of which one row is wrong. Whether rows may overlap is for the ledger to say.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import PurePath

from agent.commission import import_cells, import_sheet
from agent.commission.import_cells import Row
from contract.problems import Problems
from gateway.late_batch import LateBatch, Other, repeated
from gateway.late_told import FIELDS, NEEDED, Way, read

OF = "batches"
HEADINGS_WITHIN = 20  # rows; titles may stand above them
BATCHES_MAX = 500
TITLES = {
    "line": "产线", "batch": "批次", "product": "产品", "start": "开始时间", "end": "结束时间", "author": "填报人",
    "reason": "补报原因", "edge_s": "时间误差秒",
}  # fmt: skip
EXAMPLE = {
    "line": "line1", "batch": "2026-0412-07", "product": "steel coil 1.5 mm", "start": "2026-04-12 08:30",
    "end": "2026-04-12 11:05", "author": "Li Na", "reason": "the controller was off", "edge_s": "60",
}  # fmt: skip


def rows(name: str, data: bytes, zone: tzinfo, told_ns: int) -> list[LateBatch]:
    """Every batch of a list."""
    listed = import_sheet.read(name, data, OF)
    columns, below = _headings(name, listed.rows)
    way = Way("file", told_ns, PurePath(name).name[-255:], hashlib.sha256(data).hexdigest())
    found: list[LateBatch] = []
    lines: list[str] = []
    for row in below:
        cells = _cells(row, columns)
        if not any(cell is not None for cell in cells.values()):
            continue
        words, faults = _words(cells)
        try:
            said = read(words, zone, replace(way, row=row.number))
        except Problems as problems:
            doubted = {fault.partition(": ")[0] for fault in faults}
            faults += [line for line in problems.lines if line.partition(": ")[0] not in doubted]
        else:
            others = [Other(o.batch, o.start_ns, o.end_ns, f"row {o.row}") for o in found if o.line == said.line]
            faults += repeated(said, others)
            found.append(said)
        lines += placed(name, row.number, faults)
    if not found and not lines:
        lines = [f"{name}: holds no batch: fill in a row for each"]
    if len(found) > BATCHES_MAX:
        lines = [f"{name}: {len(found)} batches, more than {BATCHES_MAX}: split the list"]
    if lines:
        raise Problems(lines)
    return found


def placed(name: str, row: int | None, lines: Sequence[str]) -> list[str]:
    """What is wrong with one row, with its place."""
    parted = [line.partition(": ") for line in lines]
    return [
        f"{name}: row {row}, column {field}: {told}" if field in FIELDS else f"{name}: row {row}: {field}{colon}{told}"
        for field, colon, told in parted
    ]


def workbook() -> bytes:
    """The empty list, its columns explained in both languages."""
    import openpyxl  # noqa: PLC0415 - half a second that nothing else here needs

    book = openpyxl.Workbook()
    book.active.title = OF
    book.active.append(list(FIELDS))
    book.active.freeze_panes = "A2"
    for column in book.active.iter_cols(min_row=1, max_row=BATCHES_MAX + 1, max_col=len(FIELDS)):
        for cell in column:
            cell.number_format = "@"
    notes = book.create_sheet("notes")
    notes.append(["column", "列名", "example"])
    for field in FIELDS:
        notes.append([field, TITLES[field], EXAMPLE[field]])
    notes.append(["edge_s: how far start and end may lie from the times given, in seconds; 60 if empty"])
    notes.append(["edge_s: 起止时间可能的误差(秒), 空白为 60"])
    notes.append(
        ["A time without an offset such as +08:00 is the site's local time. 未写时区偏移的时间按工厂当地时间。"]
    )
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _headings(name: str, listed: Sequence[Row]) -> tuple[dict[str, int], Sequence[Row]]:
    """Which column is which, and the rows below the headings."""
    called = {title: field for field, title in TITLES.items()} | {field: field for field in FIELDS}
    for at, row in enumerate(listed[:HEADINGS_WITHIN]):
        words = [str(import_cells.trimmed(cell) or "").lower() for cell in row.cells]
        known = [called.get(word) for word in words]
        if {"line", "start"} <= set(known):
            return _columns(name, row.number, known), listed[at + 1 :]
    raise Problems([f"{name}: no row of headings: the columns are {', '.join(FIELDS)}; see --template"])


def _columns(name: str, row: int, known: Sequence[str | None]) -> dict[str, int]:
    lines = [f"{name}: row {row}: no column {field}: add it" for field in NEEDED if field not in known]
    lines += [f"{name}: row {row}: two columns {field}: delete one" for field in FIELDS if known.count(field) > 1]
    if lines:
        raise Problems(lines)
    return {field: at for at, field in enumerate(known) if field is not None}


def _cells(row: Row, columns: Mapping[str, int]) -> dict[str, object]:
    held = len(row.cells)
    return {field: import_cells.trimmed(row.cells[at]) if at < held else None for field, at in columns.items()}


def _words(cells: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """Cells as words, a number's digits as they are and a time as Excel keeps it; and those that cannot be read."""
    words, faults = dict[str, object](), list[str]()
    for field, cell in cells.items():
        if cell is None or (isinstance(cell, datetime) and field in {"start", "end"}):
            words[field] = cell
            continue
        try:
            words[field] = import_cells.read(cell, "decimal" if field == "edge_s" else "text")
        except ValueError as error:
            faults.append(f"{field}: {error}")
    return words, faults
