"""Meter lists from disk: Excel workbooks (.xlsx) and CSV files, as rows of cells.

In: a path. Out: `Listed`: the cells as they stand, each row with its number, and how the file was read. Raises
Problems, one line. A file is measured before it is unpacked: what is small on disk may be huge inside.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.commission.import_cells import UNCALCULATED, Row
from contract.problems import Problems

FILE_BYTES_MAX = 16 * 2**20
UNPACKED_BYTES_MAX = 16 * 2**20  # parsed, a cell can take thirty times its bytes
FILES_INSIDE_MAX = 1000
ROWS_MAX, COLUMNS_MAX = 5_000, 200
ENCODINGS = (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030"))
OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # old .xls, and any workbook with a password
SHEET = "meters"


@dataclass(frozen=True, slots=True)
class Listed:
    """All rows of a list, and what was found out about the file."""

    rows: tuple[Row, ...]
    read_as: str


def load(path: Path) -> Listed:
    """Read a list. Raises Problems."""
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise _problem(path, f"{size} bytes, more than {FILE_BYTES_MAX}", "keep only the list of meters in it")
        data = path.read_bytes()
    except OSError as error:
        raise _problem(path, str(error.strerror), "name an .xlsx or .csv file") from None
    if data.startswith(OLE):
        raise _problem(path, "an old .xls workbook, or one with a password", "save it as .xlsx without a password")
    return _workbook(path, data) if data.startswith(b"PK") else _csv(path, data)


def _problem(path: Path, problem: str, hint: str) -> Problems:
    return Problems([f"{path}: {problem}: {hint}"])


def _csv(path: Path, data: bytes) -> Listed:
    for encoding, called in ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        with_mark = " with byte order mark" if data.startswith(b"\xef\xbb\xbf") else ""
        delimiter = max(",;\t", key=text[:10_000].count)
        try:
            records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error as error:
            raise _problem(path, f"not readable as CSV: {error}", "save it anew as CSV UTF-8") from None
        if len(records) > ROWS_MAX:
            raise _problem(path, f"more than {ROWS_MAX} rows", "split the list")
        rows = tuple(Row(number, tuple(record)) for number, record in enumerate(records, 1))
        return Listed(rows, f"CSV in {called}{with_mark}")
    raise _problem(path, "neither .xlsx, nor text in UTF-8 or GB18030", "save it as .xlsx or as CSV UTF-8")


def _workbook(path: Path, data: bytes) -> Listed:
    _measure(path, data)
    import openpyxl  # noqa: PLC0415 - half a second of imports that a CSV file does not need

    try:
        values = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        name = _sheet(path, values.sheetnames)
        # without the stated dimensions, which some programs write wrong; cells that are not there do not count
        pairs = zip(_records(values[name]), _records(formulas[name]), strict=True)
        rows = tuple(Row(number, _joined(*pair)) for number, pair in enumerate(pairs, 1))
    except Problems:
        raise
    except Exception as error:  # the library raises whatever its parts do; all mean the same here
        raise _problem(path, f"not readable as a workbook: {error}", "open it in Excel and save it anew") from error
    return Listed(rows, f"workbook, sheet {name!r}")


def _measure(path: Path, data: bytes) -> None:
    """Refuse an archive that would not fit into memory. Its directory binds: reading stops at the sizes it states."""
    try:
        inside = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _problem(path, f"damaged: {error}", "copy or save it anew") from None
    unpacked = sum(file.file_size for file in inside)
    if len(inside) > FILES_INSIDE_MAX or unpacked > UNPACKED_BYTES_MAX:
        told = (
            f"unpacks to {unpacked} bytes in {len(inside)} files, more than {UNPACKED_BYTES_MAX} or {FILES_INSIDE_MAX}"
        )
        raise _problem(path, told, "keep only the list of meters in it")


def _sheet(path: Path, names: Sequence[str]) -> str:
    found = [name for name in names if name.strip().lower() == SHEET] or list(names)
    if len(found) != 1:
        raise _problem(path, f"has sheets {', '.join(map(repr, names))}", f"call the one with the list {SHEET!r}")
    return found[0]


def _records(sheet: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - the library has no types
    sheet.reset_dimensions()
    for number, record in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX), 1):
        if number > ROWS_MAX:
            raise Problems([f"sheet {sheet.title!r}: more than {ROWS_MAX} rows: delete what stands below the list"])
        yield record


def _joined(values: Sequence[Any], formulas: Sequence[Any]) -> tuple[object, ...]:
    """The values up to the last one; a formula without a value is marked."""
    cells = [
        UNCALCULATED if value.value is None and formula.data_type == "f" else value.value
        for value, formula in zip(values, formulas, strict=True)
    ]
    while cells and cells[-1] is None:
        cells.pop()
    return tuple(cells)
