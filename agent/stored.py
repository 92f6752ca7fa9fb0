"""Sealed entries as rows of a day's file, and what a day's file holds of each epoch.

In: entries. Out: rows, and back. Pure. A row's checksum covers all of it; rows of earlier versions have one over header
and body alone, which still counts. A row that is not what was written is never made into an entry.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import zstandard

from contract.entry import Header, Sealed
from contract.message import PLAIN_BYTES_MAX

ENTRIES = (
    """CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY, epoch BLOB NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, type TEXT NOT NULL,
  from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL, at_ns INTEGER NOT NULL, covers INTEGER NOT NULL,
  signed BLOB NOT NULL, body BLOB NOT NULL, crc INTEGER NOT NULL, UNIQUE (epoch, seq))""",
    "CREATE INDEX IF NOT EXISTS entry_by_type ON entry (type, id)",
)
INSERT = """INSERT INTO entry (epoch, seq, hash, type, from_ns, to_ns, at_ns, covers, signed, body, crc)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SELECT = "SELECT epoch, seq, hash, type, from_ns, to_ns, at_ns, covers, signed, body, crc FROM entry"
FORMS = (bytes, int, bytes, str, int, int, int, int, bytes, bytes, int)

Row = Sequence[Any]  # as SELECT gives it; a damaged one may hold values of any type


@dataclass(frozen=True, slots=True)
class Stored:
    """A sealed entry with what its row says of it."""

    sealed: Sealed
    epoch: bytes
    seq: int
    type: str
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class Extent:
    """Entries `first` to `last` of one epoch, without a gap, in the day's file of this name.

    `last_hash` is the hash of entry `last`, None where nothing tells it; `from_ns` to `to_ns` what they speak of.
    """

    day: str
    epoch: bytes
    first: int
    last: int
    last_hash: bytes | None
    from_ns: int
    to_ns: int


def of(header: Header, sealed: Sealed) -> Stored:
    """An entry that was just sealed."""
    return Stored(sealed, header.epoch, header.seq, header.type, header.from_ns, header.to_ns)


def row(entry: Stored, covers: int, at_ns: int) -> tuple[Any, ...]:
    """An entry's row, sealed at `at_ns` and covering unsealed rows up to `covers`."""
    signed, body = entry.sealed.signed, zstandard.ZstdCompressor(level=3).compress(entry.sealed.body)
    places = entry.epoch, entry.seq, entry.sealed.hash, entry.type, entry.from_ns, entry.to_ns, at_ns, covers
    return (*places, signed, body, checksum((*places, signed, body)))


def checksum(fields: Sequence[Any]) -> int:
    """Over a row's fields, whatever types they have."""
    crc = 0
    for field in fields:
        data = field if isinstance(field, bytes) else repr(field).encode(errors="replace")
        crc = zlib.crc32(data, zlib.crc32(len(data).to_bytes(8, "big"), crc))
    return crc


def is_sound(row: Row) -> bool:
    """Whether a row is what was written."""
    if len(row) != len(FORMS) or not all(type(value) is form for value, form in zip(row, FORMS, strict=True)):
        return False
    return row[10] in {checksum(row[:10]), zlib.crc32(row[9], zlib.crc32(row[8]))}


def stored(row: Row) -> Stored:
    """The entry of a sound row."""
    body = zstandard.ZstdDecompressor().decompress(row[9], max_output_size=PLAIN_BYTES_MAX)
    return Stored(Sealed(row[8], body, row[2]), row[0], row[1], row[3], row[4], row[5])


def extended(extents: Iterable[Extent], day: str, rows: Iterable[Row]) -> list[Extent]:
    """The extents after these rows came into a day's file, in order."""
    made = list(extents)
    for epoch, seq, entry_hash, _, from_ns, to_ns, *_ in rows:
        last = made[-1] if made else None
        if last is not None and (last.day, last.epoch, last.last + 1) == (day, epoch, seq):
            span = min(last.from_ns, from_ns), max(last.to_ns, to_ns)
            made[-1] = replace(last, last=seq, last_hash=entry_hash, from_ns=span[0], to_ns=span[1])
        else:
            made.append(Extent(day, epoch, seq, seq, entry_hash, from_ns, to_ns))
    return made
