"""Lists that people fill in: Excel workbooks (.xlsx) and CSV files, as rows of cells.

In: a file's name and bytes, and what it lists, which is its sheet's name as well. Out: `Listed`: the cells as they
stand, each row with its number, and how the file was read. Raises Problems, one line. A file is measured before it is
unpacked: what is small on disk may be huge inside. Pure.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from agent.commission.import_cells import UNCALCULATED, Row
from contract.problems import Problems

UNPACKED_BYTES_MAX = 16 * 2**20  # parsed, a cell can take thirty times its bytes
FILES_INSIDE_MAX = 1000
ROWS_MAX, COLUMNS_MAX = 5_000, 200
ENCODINGS = (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030"))
DTDS = tuple("<!DOCTYPE".encode(coding) for coding in ("ascii", "utf-16-le", "utf-16-be"))  # of what XML may be in
OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # old .xls, and any workbook with a password


@dataclass(frozen=True, slots=True)
class Listed:
    """All rows of a list, and what was found out about the file."""

    rows: tuple[Row, ...]
    read_as: str


def read(name: str, data: bytes, of: str) -> Listed:
    """Read a list of these things. Raises Problems."""
    if data.startswith(OLE):
        raise _problem(name, "an old .xls workbook, or one with a password", "save it as .xlsx without a password")
    return _workbook(name, data, of) if data.startswith(b"PK") else _csv(name, data)


def _problem(file: str, problem: str, hint: str) -> Problems:
    return Problems([f"{file}: {problem}: {hint}"])


def _csv(file: str, data: bytes) -> Listed:
    for encoding, called in ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        with_mark = " with byte order mark" if data.startswith(b"\xef\xbb\xbf") else ""
        delimiter = max(",;\t", key=text[:10_000].count)
        try:
            records = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), ROWS_MAX + 1))
        except csv.Error as error:
            raise _problem(file, f"not readable as CSV: {error}", "save it anew as CSV UTF-8") from None
        if len(records) > ROWS_MAX:
            raise _problem(file, f"more than {ROWS_MAX} rows", "split the list")
        rows = tuple(Row(number, tuple(record)) for number, record in enumerate(records, 1))
        return Listed(rows, f"CSV in {called}{with_mark}")
    raise _problem(file, "neither .xlsx, nor text in UTF-8 or GB18030", "save it as .xlsx or as CSV UTF-8")


def _workbook(file: str, data: bytes, of: str) -> Listed:
    _measure(file, data, of)
    import openpyxl  # noqa: PLC0415 - half a second of imports that a CSV file does not need

    try:
        values = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        name = _sheet(file, values.sheetnames, of)
        # without the stated dimensions, which some programs write wrong; cells that are not there do not count
        pairs = zip(_records(file, values[name]), _records(file, formulas[name]), strict=True)
        rows = tuple(Row(number, _joined(*pair)) for number, pair in enumerate(pairs, 1))
    except Problems:
        raise
    except Exception as error:  # the library raises whatever its parts do; all mean the same here
        raise _problem(file, f"not readable as a workbook: {error}", "open it in Excel and save it anew") from error
    return Listed(rows, f"workbook, sheet {name!r}")


def _measure(file: str, data: bytes, of: str) -> None:
    """Refuse an archive that would not fit into memory. Its directory binds: reading stops at the sizes it states."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        inside = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _problem(file, f"damaged: {error}", "copy or save it anew") from None
    unpacked = sum(file.file_size for file in inside)
    if len(inside) > FILES_INSIDE_MAX or unpacked > UNPACKED_BYTES_MAX:
        told = (
            f"unpacks to {unpacked} bytes in {len(inside)} files, more than {UNPACKED_BYTES_MAX} or {FILES_INSIDE_MAX}"
        )
        raise _problem(file, told, f"keep only the list of {of} in it")
    try:
        grows = any(mark in archive.read(one) for one in inside for mark in DTDS)
    except Exception as error:  # a damaged member, a password, a compression nobody uses
        raise _problem(file, f"damaged: {error}", "copy or save it anew") from error
    if grows:  # by its entities it says more than its size: no program writes them into a workbook
        raise _problem(file, "holds a document type declaration", "open it in Excel and save it anew")


def _sheet(file: str, names: Sequence[str], of: str) -> str:
    found = [name for name in names if name.strip().lower() == of] or list(names)
    if len(found) != 1:
        raise _problem(file, f"has sheets {', '.join(map(repr, names))}", f"call the one with the list {of!r}")
    return found[0]


def _records(file: str, sheet: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - the library has no types
    sheet.reset_dimensions()
    for number, record in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX), 1):
        if number > ROWS_MAX:
            raise _problem(
                file, f"sheet {sheet.title!r}: more than {ROWS_MAX} rows", "delete what stands below the list"
            )
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
