"""A ledger's entries where they are kept outside its database: in packs, or in an archive of the whole ledger.

In: a folder or a file. Out: a `Source` (ledger_rows.py) of their bytes. An archive does not say when the gateway
admitted an entry: the time its author sealed it stands there instead, and a flag says so. Raises Corrupt.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contract import checkpoint, entry, message
from contract.errors import Inadmissible
from gateway import entry_sequence, pack_form
from gateway.errors import Corrupt
from gateway.ledger_rows import Extent, Kept, Point, Unreadable

ADMISSION_UNKNOWN = "admission_unknown"  # the flag
_BYTES = ("message_hash", "epoch", "hash", "signed")


class Packs:
    """A folder of packs, from the ledger's first entry on."""

    def __init__(self, folder: Path, site: str) -> None:
        self._packs = pack_form.packs(folder, site)
        if not self._packs:
            raise Corrupt(f"{folder}: holds no packs of {site}")

    def extent(self) -> Extent:
        """How far they reach."""
        size = self._packs[-1][1].last + 1
        return Extent(size, size)

    def rows(self, first: int, end: int) -> Iterator[Kept | Unreadable]:
        """Entries from `first` to before `end`."""
        for path, index in self._packs:
            if index.last >= first and index.first < end:
                yield from (one for one in _entries(path, index) if first <= one.index < end)

    def points(self, end: int) -> Iterator[Point | Unreadable]:
        """The checkpoint at the end of each pack."""
        for _, index in self._packs:
            if index.last + 1 < end:
                yield _point(index.checkpoint, index.checkpoint_at_ns)

    def refusals(self, after: int = 0) -> list[dict[str, Any]]:
        """What authors signed and was refused."""
        found = []
        for path, index in self._packs:
            with pack_form.opened(path, index, pack_form.REFUSALS) as stream:
                rows = [json.loads(line) for line in pack_form.lines(stream)]
            found += [{**row, **{name: bytes.fromhex(row[name]) for name in _BYTES}} for row in rows]
        return [row for row in found if row["id"] > after]

    def receipts(self) -> list[dict[str, Any]]:
        """None: the gateway writes them anew."""
        return []


class WholeLedger:
    """An archive of a whole ledger."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = zipfile.ZipFile(path)
            note = self._file.read("checkpoint.txt").decode()
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise Corrupt(f"{path}: no archive: {error}") from None
        self._path, self._point = path, _point(note, 0)

    def extent(self) -> Extent:
        """As far as its checkpoint says."""
        return Extent(self._point.size, self._point.size)

    def rows(self, first: int, end: int) -> Iterator[Kept | Unreadable]:
        """Entries from `first` to before `end`; one whose body is withheld is not there."""
        with self._file.open("entries.cborseq") as stream:
            for index, signed, body in _items(self._path, stream):
                if first <= index < end:
                    yield Unreadable(index, "its body is withheld") if body is None else _sealed(index, signed, body)

    def points(self, end: int) -> Iterator[Point | Unreadable]:
        """Its one checkpoint."""
        if self._point.size < end:
            yield self._point

    def refusals(self, after: int = 0) -> list[dict[str, Any]]:  # noqa: ARG002 - a Source's
        """None are in it."""
        return []

    def receipts(self) -> list[dict[str, Any]]:
        """None: the gateway writes them anew."""
        return []


def _entries(path: Path, index: pack_form.Index) -> Iterator[Kept]:
    with (
        pack_form.opened(path, index, pack_form.ENTRIES) as entries,
        pack_form.opened(path, index, pack_form.ADMISSIONS) as admissions,
    ):
        due = index.first
        for (number, signed, body), line in zip(_items(path, entries), pack_form.lines(admissions), strict=False):
            at, admitted_ns, *flags = line.split(" ")
            if not due == number == int(at) or body is None:
                raise Corrupt(f"{path}: entry {number} and the admission of {at} where {due} is due")
            yield Kept(number, signed, message.pack(signed, body), int(admitted_ns), " ".join(flags), {})
            due += 1
    if due != index.last + 1:
        raise Corrupt(f"{path}: ends before entry {due}")


def _items(path: Path, stream: entry_sequence.Stream) -> Iterator[entry_sequence.Item]:
    try:
        yield from entry_sequence.read(stream)
    except Inadmissible as error:
        raise Corrupt(f"{path}: {error}") from None


def _sealed(index: int, signed: bytes, body: bytes) -> Kept:
    try:
        sealed_ns = entry.read(signed).header.sealed_ns
    except Inadmissible:
        sealed_ns = 0  # no entry at all, and told as that
    return Kept(index, signed, message.pack(signed, body), sealed_ns, ADMISSION_UNKNOWN, {})


def _point(note: str, at_ns: int) -> Point:
    try:
        signed = checkpoint.parse(note)
    except Inadmissible as error:
        raise Corrupt(f"{error}") from None
    return Point(signed.size, signed.root, at_ns, note)
