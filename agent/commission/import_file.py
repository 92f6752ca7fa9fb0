"""Meter lists from disk.

In: a path. Out: the list's rows of cells as import_sheet.py reads them. Raises Problems, one line. A file that is too
large is not read.
"""

from pathlib import Path

from agent.commission import import_sheet
from agent.commission.import_sheet import Listed
from contract.problems import Problems

FILE_BYTES_MAX = 16 * 2**20
LISTS = "meters"


def load(path: Path) -> Listed:
    """Read a list. Raises Problems."""
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            told = f"{size} bytes, more than {FILE_BYTES_MAX}"
            raise Problems([f"{path}: {told}: keep only the list of {LISTS} in it"])
        data = path.read_bytes()
    except OSError as error:
        raise Problems([f"{path}: {error.strerror}: name an .xlsx or .csv file"]) from None
    return import_sheet.read(str(path), data, LISTS)
