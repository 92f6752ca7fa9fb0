"""A new database of a ledger from the bytes of its entries, every index over them worked out anew.

In: where the bytes are, and an empty database. Out: the database, as far as a checkpoint signs whole entries, and a
word on what is left out. What the bytes come from is never changed. Raises Stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import DBAPIError

from contract import cbor, checkpoint, cose, merkle
from gateway import database, derived, ledger_lock, schema
from gateway.errors import Corrupt, Unfit
from gateway.ledger_lock import Lock
from gateway.ledger_rows import ROWS_AT_ONCE, Kept, Point, Source, Unreadable
from gateway.ledger_walk import Asked, Walk, walk
from gateway.schema import CHECKPOINTS, ENTRIES, RECEIPTS, REFUSALS


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`size` of the `found` entries are in the new database, under the root `root`.

    `differed` are columns that said something else than their bytes; `faults` what stands in the way of the rest.
    `known` is the newest checkpoint that the ledger's key signed, even of what is left out; empty if there is none.
    """

    size: int
    found: int
    root: bytes
    differed: tuple[str, ...]
    faults: tuple[str, ...]
    known: str

    @property
    def whole(self) -> bool:
        """Whether all that was found, and all that is known of, is there."""
        return self.size == self.found and (not self.known or checkpoint.parse(self.known).size <= self.size)


def rebuild(source: Source, target: str, asked: Asked) -> Rebuilt:
    """Write a new database. Raises Unfit if there is anything in it already."""
    engine = database.engine(target)
    lock = ledger_lock.hold(engine)
    try:
        database.require_durable(engine, lock.connection)
        schema.create(lock.connection)
        _require_empty(engine, lock)
        found = walk(source, asked)
        tree = _copy(source, lock, found)
        _copy_others(source, lock, found.proven)
    except DBAPIError as error:
        raise Corrupt(f"{database.named(engine)}: {database.fault(error)}") from None
    finally:
        lock.close()
        engine.dispose()
    spoilt = tuple(found.columns.named) if found.spoilt_at is not None else ()
    faults = (*found.rows.named, *spoilt, *found.points.named)
    differed = () if spoilt else tuple(found.columns.named)
    return Rebuilt(found.proven, found.size, tree.root(), differed, faults, found.known_note)


def _require_empty(engine: Engine, lock: Lock) -> None:
    with lock.transaction() as connection:
        for table in (ENTRIES, CHECKPOINTS, REFUSALS, RECEIPTS):
            if connection.execute(select(func.count()).select_from(table)).scalar_one():
                raise Unfit(f"{database.named(engine)}: holds a ledger already: name another, which need not exist")


def _copy(source: Source, lock: Lock, found: Walk) -> merkle.Frontier:
    """Entries up to the last checkpoint that fits, and every checkpoint that does."""
    tree, points = merkle.Frontier(), _fitting(source, found)
    point = next(points, None)
    entries: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for row in source.rows(0, found.proven):
        if isinstance(row, Unreadable):
            raise Corrupt(f"entry {row.index} could be read before, and cannot any more: {row.reason}")
        entries.append(_row(row, found.asked.site))
        tree.append(merkle.leaf_hash(row.signed))
        if point is not None and point.size == tree.size:
            if point.root == tree.root():
                notes.append({"size": point.size, "root": point.root, "at_ns": point.at_ns, "note": point.note})
            point = next(points, None)
        if len(entries) == ROWS_AT_ONCE or tree.size == found.proven:
            with lock.transaction() as connection:
                connection.execute(insert(ENTRIES), entries)
                if notes:
                    connection.execute(insert(CHECKPOINTS), notes)
            entries, notes = [], []
    return tree


def _fitting(source: Source, found: Walk) -> Iterator[Point]:
    """Checkpoints that the ledger's key signed and whose rows say what they do; their roots are for the caller."""
    for point in source.points(found.proven + 1):
        if isinstance(point, Unreadable) or not point.size:
            continue
        try:
            signed = checkpoint.verify(point.note, found.asked.key)
        except ValueError:
            continue
        if signed.size == point.size:
            yield Point(signed.size, signed.root, point.at_ns, point.note)


def _copy_others(source: Source, lock: Lock, size: int) -> None:
    """Refusals of signed words, and receipts that speak of nothing beyond."""
    refused = [{name: value for name, value in row.items() if name != "id"} for row in source.refusals()]
    receipts = [row for row in source.receipts() if _covered(row["signed"]) <= size]
    with lock.transaction() as connection:
        if refused:
            connection.execute(insert(REFUSALS), refused)
        if receipts:
            connection.execute(insert(RECEIPTS), receipts)


def _covered(signed: bytes) -> int:
    """Of how large a ledger a receipt speaks; without end where it cannot be read."""
    try:
        payload = cbor.decode(cose.parse(signed).payload)
        return int(payload["checkpoint"]["size"])
    except (ValueError, TypeError, KeyError):
        return 2**63


def _row(row: Kept, site: str) -> dict[str, Any]:
    own = {"index": row.index, "admitted_ns": row.admitted_ns, "flags": row.flags}
    due = derived.columns(row.signed, row.message, site)
    return {**own, **due, "signed": row.signed, "message": row.message}
