"""A ledger over three days, with readings of every form, forks and a receipt, to be packed and rebuilt."""

from authors import SITE, Author, admitted

from contract import checkpoint, keys, receipt, segment
from contract.entry import TreeHead, read
from contract.receipt import EpochHead, Receipt, Refusal
from contract.segment import Block, Column, MeterSegment
from gateway.checkpoint_copy import CheckpointCopy
from gateway.ledger import Ledger
from gateway.refusals import RefusedMessage

MS, DAY_NS = 10**6, 86_400 * 10**9
KEY, GATEWAY_KEY = keys.generate(), keys.generate()
DAYS = ("2026-11-26", "2026-11-27", "2026-11-28")
T0_NS = 1_795_651_200 * 10**9  # 2026-11-26T00:00Z
ENTRIES = 12


def segments(number: int) -> list[MeterSegment]:
    """Two meters: plain registers, and OPC UA values with source times and Bad statuses; other figures each time."""
    times = tuple(T0_NS + (100 * number + k) * 10**9 for k in range(4))
    answered = tuple(at + (20 + number) * MS for at in times)
    bad = 0x80000000
    plain = Column("energy_import", tuple(2**64 - 1 - number - k for k in range(4)), (0,) * 4)
    gaps = Column("power", (7, None, number, 9), (0, bad, 0x40000000, 0), (None, times[1] - 5, -1, times[3]))
    return [
        MeterSegment("m2", MS, (Block(0, times, answered, (plain,)), Block(3, times[:2], answered[:2], (
            Column("power", (1, 2), (0, 0)),)))),
        MeterSegment("m1", MS, (Block(0, times, answered, (gaps,)),)),
    ]  # fmt: skip


def write(url: str, copied=None, last: str = DAYS[2]) -> list:
    """Write the ledger: four entries a day, two commits a day; what was admitted."""
    edge, told = Author(), []
    ledger = Ledger.open(url, SITE, KEY, copied)
    for day in range(DAYS.index(last) + 1):
        sent = [edge.begin()] if day == 0 else [edge.say("segment", [b"no segment"])]
        sent += [edge.say("segment", [segment.encode(part) for part in segments(3 * day + k)]) for k in range(3)]
        for half in (0, 2):
            at_ns = T0_NS + day * DAY_NS + half * 3_600 * 10**9
            group = [admitted(one, at_ns=at_ns) for one in sent[half : half + 2]]
            ledger.append(group, at_ns, [refused(edge, day, at_ns)] if half else [])
            told += group
    head, after = edge.head, ledger.head()
    said = Receipt(
        v=1, agent="edge-1", at_ns=at_ns, heads=[EpochHead(epoch=head.epoch, seq=head.seq, hash=head.hash)], wanted=[],
        refused=[], checkpoint=TreeHead(size=after.size, root=after.root),
    )  # fmt: skip
    ledger.keep_receipts({"edge-1": receipt.sign(said, GATEWAY_KEY, SITE)}, at_ns)
    ledger.close()
    return told


def refused(edge: Author, number: int, at_ns: int) -> RefusedMessage:
    """A fork that the agent signed."""
    other = edge.copy().say("event", [b"\xa0"])
    of = read(other.signed).header
    told = Refusal(epoch=of.epoch, seq=of.seq, hash=other.hash, verdict="fork", reason="two")
    return RefusedMessage("edge-1", "fork", "two", bytes([number]) * 32, at_ns, told, other.signed)


def last_note(copied) -> checkpoint.Checkpoint:
    """The newest checkpoint outside."""
    return checkpoint.parse(CheckpointCopy(copied).last(KEY.public_key()))
