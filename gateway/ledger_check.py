"""Everything in a ledger's database that follows from its entries' bytes and its keys, worked out again and compared.

In: the database, keys, and the copy of the checkpoints. Out: a line per check. The gateway may be running: it is asked
how far the ledger goes, and what comes later is not looked at. Entries' signatures are `metertrail verify`'s to check.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError

from contract import body, checkpoint, cose, keys, message, receipt
from contract.checkpoint import Checkpoint
from contract.entry import read
from contract.errors import Inadmissible
from contract.receipt import Receipt
from contract.recover_records import left_of
from gateway import database, schema
from gateway.enrolments import Keys, take
from gateway.ledger_rows import Database
from gateway.ledger_walk import NAMED_MAX, Asked, Tally, Walk, walk
from gateway.schema import ENTRIES, RECEIPTS, REFUSALS
from gateway.trust import GATEWAY, shown_parts


@dataclass(frozen=True, slots=True)
class Given:
    """Whose ledger it is, by which keys, and the notes of the copy outside; `gateway` signs receipts."""

    site: str
    key: Ed25519PublicKey
    gateway: keys.PublicKey
    copied: Iterable[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """One line: what was checked, whether it holds, and what was counted or is wrong."""

    name: str
    ok: bool
    text: str

    def line(self) -> str:
        """As it is printed."""
        return f"{'ok  ' if self.ok else 'FAIL'} {self.name} {self.text}"


def check(engine: Engine, given: Given) -> Iterator[Checked]:
    """Run every check. Raises Unfit if there is no ledger to read."""
    database.require(engine)
    yield _triggers(engine)
    unread, receipts = Tally(), Tally()
    said = list(_receipts(engine, given, unread, receipts))
    points = list(_points(given, copied := Tally()))
    sizes = {one.checkpoint.size for one in said} | {point.size for point in points}
    places = {(one.agent, head.epoch, head.seq) for one in said for head in one.heads}
    found = walk(Database(engine), Asked(given.site, given.key, sizes, places))
    end = "" if found.broken_at is None else f", of which the first {found.broken_at} stand in order"
    yield from _lines("rows", found.rows, f"{found.rows.count} entries{end}, none missing")
    yield from _lines("columns", found.columns, f"those of {found.columns.count} entries are what their bytes say")
    text = f"{found.points.count}, each signed by the ledger's key and a state of this tree"
    yield from _lines("checkpoints", found.points, f"{text}; the last covers all {found.size} entries")
    for one in said:
        receipts.add(*_promised(one, found))
    yield from _lines("receipts", receipts, f"{receipts.count}, all heads they name are in the ledger or declared lost")
    yield from _lines("refusals", unread, f"{unread.count} of authors' own words are of the entries they name")
    for point in points:
        copied.add(*_known(point, found))
    yield from _lines("copy", copied, f"{copied.count} checkpoints kept outside are states of this ledger")


def _triggers(engine: Engine) -> Checked:
    with engine.connect() as connection:
        gone = schema.missing(connection)
    if gone:
        return Checked("triggers", ok=False, text=f"{', '.join(gone)}: not in force; a start of the gateway makes them")
    return Checked("triggers", ok=True, text=f"{database.named(engine)}: changes are refused")


def _receipts(engine: Engine, given: Given, refusals: Tally, faulty: Tally) -> Iterator[Receipt]:
    """The receipts that the gateway signed; what else is there, and refusals, are judged at once."""
    try:
        known = _gateway_keys(engine)
        with engine.connect() as connection:
            kept = connection.execute(select(RECEIPTS).order_by(RECEIPTS.c.author)).all()
            refused = connection.execute(select(REFUSALS).where(REFUSALS.c.signed.is_not(None))).all()
    except DBAPIError as error:
        faulty.add(f"cannot be read: {database.fault(error)}")
        return
    for row in kept:
        try:
            key = known.get(cose.parse(row.signed).key_id, given.gateway)
            said = receipt.verify(row.signed, key, given.site)
            if said.agent != row.author:
                faulty.add(f"{row.author}: is {said.agent}'s")
            else:
                yield said
        except Inadmissible as error:
            faulty.add(f"{row.author}: {error}")
    for row in refused:
        refusals.add(*_refused(row.signed, (row.author, row.epoch, row.seq, row.hash), given.site))


def _gateway_keys(engine: Engine) -> dict[bytes, keys.PublicKey]:
    """Every key that the gateway ever had: receipts of authors long gone are signed by older ones."""
    enrolments = (ENTRIES.c.author == GATEWAY) & (ENTRIES.c.type == "enrolment")
    with engine.connect() as connection:
        kept = connection.execute(select(ENTRIES.c.message).where(enrolments).order_by(ENTRIES.c.index)).scalars().all()
    ring: defaultdict[str, Keys] = defaultdict(Keys)
    for sent in kept:
        with contextlib.suppress(Inadmissible):  # named by its row's own check
            for part in shown_parts(body.unpack(message.unpack(sent)[1])):
                take(ring.__getitem__, part)
    mine = ring[GATEWAY]
    current = {} if mine.current is None else {keys.thumbprint(mine.current): mine.current}
    return {**mine.retired, **mine.revoked, **current}


def _refused(signed: bytes, kept: tuple[str, bytes, int, bytes], site: str) -> Iterator[str]:
    try:
        of = read(signed).header
        due = (of.author, of.epoch, of.seq, cose.parse(signed).digest("entry", site))
    except Inadmissible as error:
        yield f"{kept[0]} {kept[2]}: {error}"
        return
    if due != kept:
        yield f"{kept[0]} {kept[2]}: its row names another entry than its bytes"


def _promised(said: Receipt, found: Walk) -> Iterator[str]:
    for head in said.heads:
        place = (said.agent, head.epoch, head.seq)
        held = found.hashes.get(place) or found.lost.get(place)
        name = f"{said.agent} {head.epoch.hex()[:8]}/{head.seq}"
        if held is None:
            yield f"{name}: is promised, but not here"
        elif held != head.hash:
            yield f"{name}: is here with another hash than promised"
    size = said.checkpoint.size
    if found.roots.get(size) != said.checkpoint.root:
        yield f"{said.agent}: its checkpoint at {size} is no state of this ledger"


def _points(given: Given, tally: Tally) -> Iterator[Checkpoint]:
    for note in given.copied:
        try:
            yield checkpoint.verify(note, given.key)
        except Inadmissible as error:
            tally.add(f"{error}")


def _known(point: Checkpoint, found: Walk) -> Iterator[str]:
    """A checkpoint outside is a state of this ledger, or of one it replaced where that went further."""
    try:
        left = left_of(point.origin, found.told)
    except Inadmissible as error:
        yield f"{error}"
        return
    if left is not None and point.size > left:
        return
    if point.size > found.tree.size:
        yield f"{point.origin} had {point.size} entries; {found.tree.size} are here"
    elif found.roots.get(point.size) != point.root:
        yield f"{point.origin} at {point.size}: the entries do not lead to the root it signs"


def _lines(name: str, tally: Tally, text: str) -> Iterator[Checked]:
    yield from (Checked(name, ok=False, text=words) for words in tally.named)
    if tally.wrong > NAMED_MAX:
        yield Checked(name, ok=False, text=f"and {tally.wrong - NAMED_MAX} more")
    if not tally.wrong:
        yield Checked(name, ok=True, text=text)
