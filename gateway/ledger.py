"""The ledger: every admitted entry, verbatim, as the leaves of one Merkle log.

In: admitted entries. Out: checkpoints, and the entries again. An append is one transaction of rows and signed
checkpoint; nobody may be told of an entry before it has returned. Opened without a key the ledger is only read. Opened
with one it first proves to itself that its rows lead to its last checkpoint, and that the copy kept outside knows
nothing newer: the same work after a clean stop and after a crash.
"""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row, Select, case, func, insert, null, select
from sqlalchemy.exc import DBAPIError

from contract import checkpoint, merkle, message, receipt
from contract.checkpoint import Checkpoint
from contract.errors import Inadmissible
from gateway import database, ledger_lock, refusals, schema
from gateway.checkpoint_copy import CheckpointCopy
from gateway.errors import Corrupt, Unfit
from gateway.recoveries import Found, Replaced, recoveries
from gateway.refusals import RefusedMessage
from gateway.schema import CHECKPOINTS, ENTRIES, RECEIPTS
from gateway.trust import GATEWAY, Admitted, Place

ALL_TIME = -(2**63), 2**63 - 1
RECOVERED = "acknowledgement"  # the type of the entries that say so
ROWS_AT_ONCE = 256
NEEDED_AT_START = ("manifest", "enrolment", "void")  # the types whose bodies decide who may say what


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry(Admitted):
    """An entry in its place in the log."""

    index: int


class Ledger:
    """One site's log. `open` makes one."""

    def __init__(self, url: str, site: str) -> None:
        self.site = site
        self.origin = checkpoint.origin(site)
        self.replaced: Replaced | None = None  # set where it was opened with `renew`
        self._engine = database.engine(url)
        self._key: Ed25519PrivateKey | None = None
        self._tree = merkle.Frontier()
        self._copy: CheckpointCopy | None = None
        self._lock: ledger_lock.Lock | None = None

    @classmethod
    def open(
        cls,
        url: str,
        site: str,
        key: Ed25519PrivateKey | None = None,
        checkpoints: Path | None = None,
        *,
        renew: bool = False,
    ) -> "Ledger":
        """Open a ledger to read it, or with its key to add to it as well.

        `url` is SQLAlchemy's; `checkpoints` the copy outside. Raises Busy if another process adds to it, Corrupt if it
        is not what it was, Unfit if there is none to read. `renew` opens one that is not what it was, and only such a
        one, under the name of the ledger that replaces it; `replaced` then says which that is.
        """
        ledger = cls(url, site)
        if key is None:
            database.require(ledger._engine)
            return ledger
        ledger._key, ledger._copy = key, CheckpointCopy(checkpoints) if checkpoints else None
        ledger._lock = ledger_lock.hold(ledger._engine)
        try:
            database.require_durable(ledger._engine, ledger._lock.connection)
            schema.create(ledger._lock.connection)
            ledger._prove(key, renew=renew)
        except DBAPIError as error:
            ledger.close()
            raise Corrupt(f"{database.named(ledger._engine)}: {database.fault(error)}") from None
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Bring the copy up to date and let go of the lock."""
        try:
            if self._copy:
                self._copy.flush()
        finally:
            if self._lock:
                self._lock.close()
            self._engine.dispose()

    @property
    def size(self) -> int:
        """How many entries the ledger holds."""
        if self._key:
            return self._tree.size
        last = self._last_checkpoint()
        return 0 if last is None else int(last.size)

    def head(self) -> Checkpoint:
        """The tree as it stands."""
        if self._key:
            return Checkpoint(self.origin, self._tree.size, self._tree.root())
        note = self.latest_checkpoint()
        return checkpoint.parse(note) if note else Checkpoint(self.origin, 0, merkle.root([]))

    def latest_checkpoint(self) -> str | None:
        """The last signed note, or None before the first entry."""
        last = self._last_checkpoint()
        return None if last is None else str(last.note)

    def append(self, entries: Sequence[Admitted], at_ns: int, refused: Sequence[RefusedMessage] = ()) -> Checkpoint:
        """Make entries durable, and the refusals that came with them; returns the tree after them.

        Raises Corrupt if the database will not: then this ledger must be opened anew.
        """
        if self._key is None or self._lock is None:
            raise RuntimeError("a ledger opened without its key is only read")
        if not entries and not refused:
            return self.head()
        tree, first = copy.deepcopy(self._tree), self._tree.size
        for one in entries:
            tree.append(merkle.leaf_hash(one.signed))
        after = Checkpoint(self.origin, tree.size, tree.root())
        note = checkpoint.sign(after, self._key)
        try:
            with self._lock.transaction() as connection:
                if entries:
                    connection.execute(insert(ENTRIES), [_row(first + i, one) for i, one in enumerate(entries)])
                    made = {"size": after.size, "root": after.root, "at_ns": at_ns, "note": note}
                    connection.execute(insert(CHECKPOINTS), made)
                refusals.record(connection, refused)
        except DBAPIError as error:
            raise Corrupt(f"the ledger takes no more entries: {database.fault(error)}") from None
        self._tree = tree
        if entries and self._copy:
            self._copy.add(note, at_ns)
        return after

    def keep_receipts(self, receipts: Mapping[str, bytes], at_ns: int) -> None:
        """Keep the last receipt of each author. Raises Corrupt as `append` does."""
        if self._lock is None:
            raise RuntimeError("a ledger opened without its key is only read")
        if not receipts:
            return
        rows = [{"author": author, "at_ns": at_ns, "signed": data} for author, data in receipts.items()]
        try:
            with self._lock.transaction() as connection:
                connection.execute(RECEIPTS.delete().where(RECEIPTS.c.author.in_(receipts)))
                connection.execute(insert(RECEIPTS), rows)
        except DBAPIError as error:
            raise Corrupt(f"the ledger takes no more receipts: {database.fault(error)}") from None

    def receipts(self) -> dict[str, bytes]:
        """The last receipt of every author, as it was sent."""
        with self._engine.connect() as connection:
            return {row.author: row.signed for row in connection.execute(select(RECEIPTS))}

    def entries(self, first: int = 0, last: int | None = None) -> Iterator[LedgerEntry]:
        """Entries in order, from index `first` to `last`, both included; None: to the end."""
        found = select(ENTRIES).where(ENTRIES.c.index >= first)
        return self._read(found if last is None else found.where(ENTRIES.c.index <= last))

    def select(
        self, types: Collection[str], from_ns: int, to_ns: int, author: str | None = None
    ) -> Iterator[LedgerEntry]:
        """Entries of these types that speak of any time in [from_ns, to_ns], in order."""
        found = select(ENTRIES).where(ENTRIES.c.type.in_(types))
        found = found.where(ENTRIES.c.to_ns >= from_ns, ENTRIES.c.from_ns <= to_ns)
        return self._read(found if author is None else found.where(ENTRIES.c.author == author))

    def chain(self) -> Iterator[LedgerEntry]:
        """Every entry in order, with an empty body where it does not decide who may say what."""
        needed = case((ENTRIES.c.type.in_(NEEDED_AT_START), ENTRIES.c.message), else_=null()).label("message")
        return self._read(select(*[column for column in ENTRIES.c if column.name != "message"], needed))

    def first_admitted(self, since_ns: int) -> int:
        """The index of the first entry admitted at or after a time; the ledger's size if there is none."""
        with self._engine.connect() as connection:
            found = select(func.min(ENTRIES.c.index)).where(ENTRIES.c.admitted_ns >= since_ns)
            index = connection.execute(found).scalar_one()
        return self.size if index is None else int(index)

    def leaves(self, size: int) -> Iterator[bytes]:
        """The leaf hashes of the first `size` entries, in order."""
        found = select(ENTRIES.c.signed).where(ENTRIES.c.index < size).order_by(ENTRIES.c.index)
        with self._engine.connect() as connection:
            for (signed,) in connection.execute(found.execution_options(yield_per=ROWS_AT_ONCE)):
                yield merkle.leaf_hash(signed)

    def checkpoint_at(self, size: int) -> str | None:
        """The note that was signed at this size, or None if none was."""
        with self._engine.connect() as connection:
            return connection.execute(select(CHECKPOINTS.c.note).where(CHECKPOINTS.c.size == size)).scalar_one_or_none()

    def refusals(self) -> list[tuple[str, receipt.Refusal]]:
        """Every refusal of an author's own signed words, oldest first."""
        with self._engine.connect() as connection:
            return list(refusals.signed(connection))

    def hash_at(self, place: Place) -> bytes | None:
        """The hash of the entry in a place, or None. Raises Corrupt if the database does not answer."""
        author, epoch, seq = place
        here = (ENTRIES.c.author == author) & (ENTRIES.c.epoch == epoch) & (ENTRIES.c.seq == seq)
        try:
            with self._engine.connect() as connection:
                return connection.execute(select(ENTRIES.c.hash).where(here)).scalar_one_or_none()
        except DBAPIError as error:
            raise Corrupt(f"the ledger does not answer: {database.fault(error)}") from None

    def last_seq(self, author: str, epoch: bytes) -> int:
        """The number of an epoch's last entry here; -1 if there is none."""
        here = (ENTRIES.c.author == author) & (ENTRIES.c.epoch == epoch)
        with self._engine.connect() as connection:
            found = connection.execute(select(func.max(ENTRIES.c.seq)).where(here)).scalar_one_or_none()
            return -1 if found is None else int(found)

    def _read(self, found: Select[tuple[object, ...]]) -> Iterator[LedgerEntry]:
        ordered = found.order_by(ENTRIES.c.index).execution_options(yield_per=ROWS_AT_ONCE)
        with self._engine.connect() as connection:
            for row in connection.execute(ordered):
                yield _entry(row)

    def _last_checkpoint(self) -> Row[tuple[object, ...]] | None:
        with self._engine.connect() as connection:
            return connection.execute(select(CHECKPOINTS).order_by(CHECKPOINTS.c.size.desc()).limit(1)).first()

    def _prove(self, key: Ed25519PrivateKey, *, renew: bool) -> None:
        """Grow the tree from the rows, and hold it against the checkpoint inside and the copy outside."""
        note = self.latest_checkpoint()
        inside = _verified(note, key, self.origin) if note else None
        copied = self._copy.last(key.public_key()) if self._copy else None
        outside = _verified(copied, key, self.origin) if copied else None
        roots = self._grow({point.size for point in (inside, outside) if point})
        told = recoveries(one.body for one in self.select([RECOVERED], *ALL_TIME, GATEWAY))
        found = Found(self.site, self._tree.size, roots, inside, outside, tuple(told))
        faults = list(found.faults())
        if faults and (found.foreign or not renew):
            raise Corrupt(faults[0])
        self.origin = found.origin
        if not renew:
            return
        if not faults:
            raise Unfit(f"{self.origin} is the ledger that its checkpoints know: there is nothing to recover")
        if found.contradictory:
            raise Unfit(f"{faults[0]}: its own checkpoint contradicts it: run `metertrail ledger rebuild` first")
        known = copied if found.known is outside else note
        self.replaced = Replaced(found.known.origin if found.known else self.origin, known, found.rewritten)
        self.origin = found.successor

    def _grow(self, sizes: Collection[int]) -> dict[int, bytes]:
        """Add every row to the tree; returns its root at each of `sizes` that it passes."""
        tree, roots = self._tree, {0: self._tree.root()}
        leaves = select(ENTRIES.c.index, ENTRIES.c.signed).order_by(ENTRIES.c.index)
        with self._engine.connect() as connection:
            for index, signed in connection.execute(leaves.execution_options(yield_per=ROWS_AT_ONCE)):
                if index != tree.size:
                    raise Corrupt(f"entry {index} where {tree.size} is due")
                tree.append(merkle.leaf_hash(signed))
                if tree.size in sizes:
                    roots[tree.size] = tree.root()
        return roots


def _verified(note: str, key: Ed25519PrivateKey, origin: str) -> Checkpoint:
    try:
        return checkpoint.verify(note, key.public_key())
    except Inadmissible as error:
        raise Corrupt(f"{origin}: {error}: is this the ledger's key?") from None


def _row(index: int, one: Admitted) -> dict[str, object]:
    return {
        "index": index,
        "author": one.author,
        "epoch": one.epoch,
        "seq": one.seq,
        "hash": one.hash,
        "type": one.type,
        "from_ns": one.from_ns,
        "to_ns": one.to_ns,
        "admitted_ns": one.admitted_ns,
        "flags": " ".join(one.flags),
        "signed": one.signed,
        "message": one.message or message.pack(one.signed, one.body),
    }


def _entry(row: Row[tuple[object, ...]]) -> LedgerEntry:
    fields = row._asdict()
    fields["flags"] = tuple(fields["flags"].split())
    packed = fields.pop("message")
    fields["body"] = message.unpack(packed)[1] if packed else b""
    return LedgerEntry(**fields)
