"""A ledger's rows as they stand, read to the end even where the database's file is damaged.

In: an engine. Out: a `Source`: rows in order, or `Unreadable` in their place. Never judges what a row says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Column, Engine, Table, func, select
from sqlalchemy.exc import DBAPIError

from gateway.database import fault
from gateway.schema import CHECKPOINTS, ENTRIES, RECEIPTS, REFUSALS

ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry's row. `signed` and `message` are its bytes; `columns` the index over them as it is kept."""

    index: int
    signed: bytes
    message: bytes
    admitted_ns: int
    flags: str
    columns: Mapping[str, object]  # none where only the bytes were kept


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry, or the checkpoint of a size, that the database does not give, and what it says instead."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Point:
    """A checkpoint's row: its note, and the index over it."""

    size: int
    root: bytes
    at_ns: int
    note: str


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the rows reach, and how far the last checkpoint does."""

    entries: int
    signed: int


class Source(Protocol):
    """Where a ledger's entries and checkpoints are kept."""

    def extent(self) -> Extent:
        """How far they reach."""

    def rows(self, first: int, end: int) -> Iterator[Kept | Unreadable]:
        """Entries from `first` to before `end`. One that is not there is left out."""

    def points(self, end: int) -> Iterator[Point | Unreadable]:
        """Checkpoints of sizes below `end`, in order."""

    def refusals(self, after: int = 0) -> list[dict[str, Any]]:
        """What authors signed and was refused, from the number after `after` on."""

    def receipts(self) -> list[dict[str, Any]]:
        """The last receipt of each author, where they were kept."""


class Database:
    """A ledger's own database, however damaged."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def extent(self) -> Extent:
        """Both at one moment; where the end of the entries cannot be read, as far as the last checkpoint says."""
        signed = select(func.coalesce(func.max(CHECKPOINTS.c.size), 0)).scalar_subquery()
        entries = select(func.coalesce(func.max(ENTRIES.c.index) + 1, 0)).scalar_subquery()
        try:
            with self.engine.connect() as connection:
                return Extent(*connection.execute(select(entries, signed)).one())
        except DBAPIError:
            with self.engine.connect() as connection:
                size = connection.execute(select(signed)).scalar_one()
            return Extent(size, size)

    def rows(self, first: int, end: int) -> Iterator[Kept | Unreadable]:
        """Entries from `first` to before `end`. One that is not there is left out."""
        for index, row in self._each(ENTRIES, ENTRIES.c.index, first, end):
            yield Unreadable(index, row) if isinstance(row, str) else _kept(row)

    def points(self, end: int) -> Iterator[Point | Unreadable]:
        """Checkpoints of sizes below `end`, in order. Where a page is lost, every size that can have been on it."""
        for size, row in self._each(CHECKPOINTS, CHECKPOINTS.c.size, 0, end):
            yield Unreadable(size, row) if isinstance(row, str) else Point(**row)

    def refusals(self, after: int = 0) -> list[dict[str, Any]]:
        """What authors signed and was refused, from the number after `after` on."""
        asked = select(REFUSALS).where(REFUSALS.c.signed.is_not(None), REFUSALS.c.id > after).order_by(REFUSALS.c.id)
        with self.engine.connect() as connection:
            return [row._asdict() for row in connection.execute(asked)]

    def receipts(self) -> list[dict[str, Any]]:
        """The last receipt of each author."""
        with self.engine.connect() as connection:
            return [row._asdict() for row in connection.execute(select(RECEIPTS).order_by(RECEIPTS.c.author))]

    def _each(self, table: Table, key: Column[int], first: int, end: int) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Rows by their keys, or why one cannot be read."""
        while first < end:
            last = min(end, first + ROWS_AT_ONCE)
            try:
                yield from self._range(table, key, first, last)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                for number in range(first, last):
                    try:
                        yield from self._range(table, key, number, number + 1)
                    except DBAPIError as one:
                        yield number, fault(one)
            first = last

    def _range(self, table: Table, key: Column[int], first: int, end: int) -> list[tuple[int, dict[str, Any]]]:
        with self.engine.connect() as connection:
            found = connection.execute(select(table).where(key >= first, key < end).order_by(key))
            rows = [row._asdict() for row in found]
        return [(row[key.name], row) for row in rows]


def _kept(row: dict[str, Any]) -> Kept:
    index, signed, message = (row.pop(name) for name in ("index", "signed", "message"))
    return Kept(index, signed, message, row.pop("admitted_ns"), row.pop("flags"), row)
