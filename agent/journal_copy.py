"""A journal's sealed entries as one file, for whoever recomputes them: `metertrail replay` on an agent's data folder.

In: the folder of an agent, which may be running. Out: [index, signed header, body] one after another, in the form of an
archive's member `entries.cborseq`, in the order of sealing. Never: a lock, a write, an entry whose row is damaged.
"""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import zstandard

from agent import files
from contract import cbor
from contract.message import PLAIN_BYTES_MAX

DAYS = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].db"


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
        for signed, body, crc in file.execute("SELECT signed, body, crc FROM entry ORDER BY id"):
            sound = isinstance(signed, bytes) and isinstance(body, bytes)
            plain = None
            if sound and zlib.crc32(body, zlib.crc32(signed)) == crc:
                with contextlib.suppress(zstandard.ZstdError):
                    plain = zstandard.ZstdDecompressor().decompress(body, max_output_size=PLAIN_BYTES_MAX)
            yield None if plain is None else (signed, plain)
