"""A journal's sealed entries as one file, for whoever recomputes them: `metertrail replay` on an agent's data folder.

In: the folder of an agent, which may be running. Out: [index, signed header, body] one after another, in the form of an
archive's member `entries.cborseq`, in the order of sealing. Never: a lock, a write, an entry whose row is damaged.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import zstandard

from agent import files, stored
from agent.day_files import DAYS
from contract import cbor


def pack(folder: Path) -> tuple[bytes, int]:
    """All sealed entries, and how many damaged rows were left out. Raises ValueError, one line, if it is no journal."""
    days = sorted(folder.glob(DAYS))
    if not days:
        raise ValueError(f"{folder}: holds no journal: name the data folder of an agent that has sealed entries")
    packed: list[bytes] = []
    damaged = 0
    for path in days:
        try:
            for entry in _entries(path):
                if entry is None:
                    damaged += 1
                else:
                    packed.append(cbor.encode([len(packed), *entry]))
        except sqlite3.DatabaseError as error:
            hint = "copy the folder to where you may write, and name the copy"
            raise ValueError(f"{path}: cannot be read as a journal: {error}: {hint}") from None
    return b"".join(packed), damaged


def _entries(path: Path) -> Iterator[tuple[bytes, bytes] | None]:
    """Signed header and body of each row; None for one that is not what was written."""
    with files.reading(path) as file:
        for row in file.execute(f"{stored.SELECT} ORDER BY id"):
            entry = None
            if stored.is_sound(row):
                with contextlib.suppress(zstandard.ZstdError):
                    sealed = stored.stored(row).sealed
                    entry = sealed.signed, sealed.body
            yield entry
