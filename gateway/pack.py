"""`metertrail ledger pack`: closed days of a ledger into packs, and their readings into Parquet.

In: a ledger's database, a folder, the time. Out: a pack (pack_form.py) for every UTC day of admission that is over and
has none yet. A pack stands under its name only once it is whole and on the disk; nothing is ever taken from the ledger.
"""

import itertools
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from contract import checkpoint, merkle, message
from contract.errors import Inadmissible
from gateway import entry_sequence, pack_form
from gateway.errors import Corrupt
from gateway.ledger_rows import ROWS_AT_ONCE, Database, Kept, Point
from gateway.pack_form import Index
from gateway.readings_table import ReadingsTable
from gateway.schema import CHECKPOINTS, ENTRIES
from gateway.to_disk import to_disk

NS = 1_000_000_000
LEVEL = 12  # of zstd: measured 1.62 bytes a reading at 3 M readings/s; 19 makes 1.57 at a tenth of the speed


@dataclass(frozen=True, slots=True)
class Ledger:
    """Whose ledger is packed, and its key."""

    site: str
    key: Ed25519PublicKey
    source: Database


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries `first` to `last`, admitted on one day and ending at a checkpoint."""

    day: str
    first: int
    last: int


def pack(ledger: Ledger, folder: Path, now_ns: int) -> Iterator[tuple[Path, Index]]:
    """Make every pack that is due. Raises Corrupt where the ledger, or a pack that is there, is not what it was."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".*.part"):
        shutil.rmtree(left)  # of a run that was cut short
    there = pack_form.packs(folder, ledger.site)
    first, refusals_to = (there[-1][1].last + 1, there[-1][1].refusals_to) if there else (0, 0)
    tree = merkle.Frontier()
    leaves = _leaves(ledger.source)
    for path, index in there:
        _grow(tree, leaves, index.last + 1)
        _covered(ledger, index.checkpoint, tree, f"{path}: is of another ledger: choose another folder")
    for stretch in stretches(ledger.source, first, day_of(now_ns)):
        _grow(tree, leaves, stretch.last + 1)
        point = _point(ledger.source, stretch.last + 1)
        _covered(ledger, point.note, tree, f"checkpoint at {point.size}")
        path = folder / f"{stretch.day}.{stretch.first:012}"
        index = _write(ledger, path, stretch, point, refusals_to)
        refusals_to = index.refusals_to
        yield path, index


def day_of(at_ns: int) -> str:
    """The UTC day of a time."""
    return datetime.fromtimestamp(at_ns // NS, UTC).date().isoformat()


def stretches(source: Database, first: int, today: str) -> Iterator[Stretch]:
    """What can be packed from an entry on: each day's entries, up to the last day that is over.

    A clock that steps back makes a day's name come twice; entries stay in their order all the same.
    """
    covered = CHECKPOINTS.c.size.is_not(None).label("covered")
    joined = ENTRIES.outerjoin(CHECKPOINTS, CHECKPOINTS.c.size == ENTRIES.c.index + 1)
    asked = select(ENTRIES.c.index.label("at"), ENTRIES.c.admitted_ns, covered).select_from(joined)
    asked = asked.where(ENTRIES.c.index >= first).order_by(ENTRIES.c.index)
    day = ""
    with source.engine.connect() as connection:
        found = connection.execute(asked.execution_options(yield_per=ROWS_AT_ONCE))
        for row, following in itertools.pairwise(itertools.chain(found, [None])):
            if row is None:
                return
            day = day or day_of(row.admitted_ns)
            over = day != (today if following is None else day_of(following.admitted_ns))
            if row.covered and over:
                yield Stretch(day, first, row.at)
                first, day = row.at + 1, ""


def _write(ledger: Ledger, path: Path, stretch: Stretch, point: Point, refusals_from: int) -> Index:
    part = path.with_name(f".{path.name}.part")
    part.mkdir()
    readings, named = _entries(ledger, part, stretch)
    refused = ledger.source.refusals(refusals_from)
    with (part / pack_form.REFUSALS).open("wb") as file, _packer(file) as out:
        for row in refused:
            told = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
            out.write(json.dumps(told, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    names = [*named, pack_form.REFUSALS]
    index = Index(
        site=ledger.site,
        day=stretch.day,
        first=stretch.first,
        last=stretch.last,
        checkpoint=point.note,
        checkpoint_at_ns=point.at_ns,
        readings=readings,
        refusals_to=max([refusals_from, *(int(str(row["id"])) for row in refused)]),
        files={name: pack_form.described(part / name) for name in names},
    )
    pack_form.write_index(part, index)
    for name in (*names, pack_form.INDEX):
        to_disk(part / name)
    to_disk(part)
    part.rename(path)
    to_disk(path.parent)
    return index


def _entries(ledger: Ledger, part: Path, stretch: Stretch) -> tuple[int, list[str]]:
    """Write entries, admissions and readings; how many readings there are, and which files."""
    named = [pack_form.ENTRIES, pack_form.ADMISSIONS]
    with ExitStack() as stack:
        files = [stack.enter_context((part / name).open("wb")) for name in named]
        entries = stack.enter_context(_packer(files[0], window_log=pack_form.WINDOW_LOG))
        admissions = stack.enter_context(_packer(files[1]))
        try:
            table = stack.enter_context(ReadingsTable(part / pack_form.READINGS))
        except ModuleNotFoundError:
            table = None
        for row in ledger.source.rows(stretch.first, stretch.last + 1):
            if not isinstance(row, Kept):
                raise Corrupt(f"entry {row.index} cannot be read: {row.reason}: see `metertrail ledger check`")
            body = _body(row)
            entries.write(entry_sequence.write(row.index, row.signed, body))
            admissions.write(f"{row.index} {row.admitted_ns} {row.flags}".rstrip().encode() + b"\n")
            if table and row.columns["type"] == "segment":
                table.add(str(row.columns["author"]), row.index, body)
    return (table.count, [*named, pack_form.READINGS]) if table else (0, named)


def _body(row: Kept) -> bytes:
    try:
        signed, body = message.unpack(row.message)
    except Inadmissible as error:
        raise Corrupt(f"entry {row.index}: {error}: see `metertrail ledger check`") from None
    if signed != row.signed:
        raise Corrupt(f"entry {row.index}: its message is another's: see `metertrail ledger check`")
    return body


def _packer(file: IO[bytes], window_log: int = 0) -> zstandard.ZstdCompressionWriter:
    settings = zstandard.ZstdCompressionParameters.from_level(LEVEL, window_log=window_log, write_checksum=1)
    return zstandard.ZstdCompressor(compression_params=settings).stream_writer(file, closefd=False)


def _leaves(source: Database) -> Iterator[bytes]:
    asked = select(ENTRIES.c.index.label("at"), ENTRIES.c.signed).order_by(ENTRIES.c.index)
    with source.engine.connect() as connection:
        for due, row in enumerate(connection.execute(asked.execution_options(yield_per=ROWS_AT_ONCE))):
            if row.at != due:
                raise Corrupt(f"entry {due} is missing: see `metertrail ledger check`")
            yield merkle.leaf_hash(row.signed)


def _grow(tree: merkle.Frontier, leaves: Iterator[bytes], size: int) -> None:
    for leaf in itertools.islice(leaves, size - tree.size):
        tree.append(leaf)


def _point(source: Database, size: int) -> Point:
    with source.engine.connect() as connection:
        return Point(**connection.execute(select(CHECKPOINTS).where(CHECKPOINTS.c.size == size)).one()._asdict())


def _covered(ledger: Ledger, note: str, tree: merkle.Frontier, where: str) -> None:
    """Raise Corrupt unless the note signs this tree."""
    try:
        signed = checkpoint.verify(note, ledger.key)
    except Inadmissible as error:
        raise Corrupt(f"{where}: {error}") from None
    if (signed.size, signed.root) != (tree.size, tree.root()):
        raise Corrupt(f"{where}: the ledger's first {tree.size} entries are not those it signs")
