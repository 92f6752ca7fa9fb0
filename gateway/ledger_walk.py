"""One pass over a ledger's rows and checkpoints: what they prove of each other.

In: where a ledger is kept, whose it is, and the tree sizes and places somebody asks about. Out: a `Walk`: how far the
tree goes, its roots there, the hashes there, and every fault. Nothing is written, and no fault stops the pass; but
behind a row that is gone no root can be known.
"""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import body, checkpoint, merkle, message
from contract.checkpoint import Checkpoint
from contract.errors import Inadmissible
from contract.recover_records import RecoverPart
from contract.void_records import voids_of
from gateway import derived
from gateway.ledger_rows import Kept, Point, Source, Unreadable
from gateway.recoveries import newer, recoveries
from gateway.trust import GATEWAY, Place, shown_parts

NAMED_MAX = 3


@dataclass(slots=True)
class Tally:
    """How many were looked at, how many faults they have, and the first of these in words."""

    count: int = 0
    wrong: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, *faults: str) -> None:
        """Count one, with its faults."""
        self.count += 1
        self.wrong += len(faults)
        self.named += faults[: NAMED_MAX - len(self.named)]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose ledger it is, and what is asked about it beside its own checkpoints."""

    site: str
    key: Ed25519PublicKey
    sizes: Collection[int] = ()
    places: Collection[Place] = ()


@dataclass(slots=True)
class Walk:
    """What the pass found.

    `proven`: so many entries are whole, and those that a checkpoint signs. `broken_at`: the first that is not there;
    `spoilt_at`: the first whose bytes are no entry. `told`: what the ledger says of those it replaced. `lost`: hashes
    of entries that their author declared lost.
    """

    asked: Asked
    size: int = 0
    proven: int = 0
    broken_at: int | None = None
    spoilt_at: int | None = None
    rows: Tally = field(default_factory=Tally)
    columns: Tally = field(default_factory=Tally)
    points: Tally = field(default_factory=Tally)
    roots: dict[int, bytes] = field(default_factory=lambda: {0: merkle.root([])})
    hashes: dict[Place, bytes] = field(default_factory=dict)
    lost: dict[Place, bytes] = field(default_factory=dict)
    known: Checkpoint | None = None  # the newest that the ledger's key signed, whether it fits or not
    known_note: str = ""
    told: list[RecoverPart] = field(default_factory=list)
    tree: merkle.Frontier = field(default_factory=merkle.Frontier)


def walk(source: Source, asked: Asked) -> Walk:
    """Look at every row and every checkpoint once."""
    reach = source.extent()
    made = Walk(asked, size=reach.entries)
    points = source.points(reach.signed + 1)
    point = next(points, None)
    for row in source.rows(0, reach.entries):
        if isinstance(row, Unreadable):
            _break(made, row.index, f"cannot be read: {row.reason}")
        else:
            _row(made, row)
        while point is not None and _size(point) <= made.tree.size:
            _point(made, point)
            point = next(points, None)
    if made.broken_at is None and made.tree.size < reach.entries:
        _break(made, made.tree.size, "is missing")
    while point is not None:
        _point(made, point)
        point = next(points, None)
    if made.broken_at is None and reach.signed != reach.entries:
        made.points.add(f"the last one signs {reach.signed} entries; {reach.entries} are here")
    return made


def _row(made: Walk, row: Kept) -> None:
    if made.broken_at is None and row.index != made.tree.size:
        _break(made, made.tree.size, f"is missing; the next is {row.index}")
    made.rows.add()
    try:
        due = derived.columns(row.signed, row.message, made.asked.site)
    except Inadmissible as error:
        made.spoilt_at = row.index if made.spoilt_at is None else made.spoilt_at
        made.columns.add(f"entry {row.index}: {error}")
    else:
        made.columns.add(*(f"entry {row.index}: {told}" for told in derived.differences(row.columns or due, due)))
        with contextlib.suppress(Inadmissible):  # signed all the same: what it means is the verifier's to judge
            _told(made, row, due)
    if made.broken_at is None:
        made.tree.append(merkle.leaf_hash(row.signed))
        if made.tree.size in made.asked.sizes:
            made.roots[made.tree.size] = made.tree.root()


def _told(made: Walk, row: Kept, due: derived.Columns) -> None:
    """What is asked of this place, and what the entry says of others that are lost, and of ledgers it replaced."""
    author, epoch, seq = due["author"], due["epoch"], due["seq"]
    if (author, epoch, seq) in made.asked.places:
        made.hashes[author, epoch, seq] = due["hash"]
    if due["type"] == "void":
        parts = shown_parts(body.unpack(message.unpack(row.message)[1]))
        for part in voids_of(parts, epoch, seq):
            if part.last_hash is not None:
                made.lost[author, part.epoch, part.last] = part.last_hash
    elif due["type"] == "acknowledgement" and author == GATEWAY:
        made.told += recoveries([message.unpack(row.message)[1]])


def _break(made: Walk, index: int, words: str) -> None:
    made.broken_at = index if made.broken_at is None else made.broken_at
    made.rows.add(f"entry {index} {words}")


def _size(point: Point | Unreadable) -> int:
    return point.index if isinstance(point, Unreadable) else point.size


def _point(made: Walk, point: Point | Unreadable) -> None:
    if isinstance(point, Unreadable):
        made.points.add(f"at {point.index}: cannot be read: {point.reason}")
        return
    try:
        signed = checkpoint.verify(point.note, made.asked.key)
        site, _ = checkpoint.read_origin(signed.origin)
    except Inadmissible as error:
        made.points.add(f"at {point.size}: {error}")
        return
    if site == made.asked.site and (made.known is None or newer(signed, made.known)):
        made.known, made.known_note = signed, point.note
    if (signed.size, signed.root, site) != (point.size, point.root, made.asked.site):
        made.points.add(f"at {point.size}: its note is of {signed.origin} at {signed.size}, not what its row says")
    elif made.tree.size == signed.size and made.tree.root() != signed.root:
        made.points.add(f"at {point.size}: the entries do not lead to the root it signs")
    else:
        made.points.add()
        if made.tree.size == signed.size and made.spoilt_at is None:
            made.proven = signed.size
