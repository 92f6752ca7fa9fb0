"""What to send next: the journal's undelivered entries in order, a bounded number at a time.

In: receipts and the time. Out: which entries to publish now. Pure. A broker's acknowledgement counts for nothing; only
a receipt moves the window. Without progress the agent starts again after the last receipt, each time later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contract.receipt import Receipt, Refusal, Wanted

WINDOW = 32
SEQ_MAX = 2**63 - 1
RETRY_FIRST_NS, RETRY_MOST_NS = 5_000_000_000, 60_000_000_000


@dataclass(frozen=True, slots=True)
class Outbox:
    """`delivered` is what receipts confirm per epoch, `sent` what has been published since, per epoch."""

    delivered: Mapping[bytes, int]
    sent: Mapping[bytes, int] = field(default_factory=dict)
    progress_ns: int = 0
    retry_ns: int = RETRY_FIRST_NS
    wanted: tuple[Wanted, ...] = ()
    stopped: frozenset[bytes] = frozenset()  # epochs the gateway will take no more of; they must not hold up others
    receipt_ns: int = 0

    @property
    def in_flight(self) -> int:
        """How many entries are on their way."""
        return sum(max(0, seq - self.delivered.get(epoch, -1)) for epoch, seq in self.sent.items())

    @property
    def room(self) -> int:
        """How many more entries may be on their way."""
        return max(0, WINDOW - self.in_flight)

    @property
    def reached(self) -> dict[bytes, int]:
        """Per epoch, the seq after which to read on in the journal."""
        known = {*self.delivered, *self.sent}
        reached = {epoch: max(self.delivered.get(epoch, -1), self.sent.get(epoch, -1)) for epoch in known}
        return {**reached, **dict.fromkeys(self.stopped, SEQ_MAX)}

    @property
    def settled(self) -> dict[bytes, int]:
        """Per epoch, the seq up to which nothing is left to do: delivered, or never to be."""
        return {**self.delivered, **dict.fromkeys(self.stopped, SEQ_MAX)}


@dataclass(frozen=True, slots=True)
class News:
    """What a receipt told: per epoch the seq now durable, where that is more or less than before, and new refusals."""

    moved: Mapping[bytes, int]
    fallen: Mapping[bytes, int]
    refused: tuple[Refusal, ...]


def published(outbox: Outbox, entries: Sequence[tuple[bytes, int]], at_ns: int) -> Outbox:
    """After publishing entries, each (epoch, seq), in order."""
    started_ns = outbox.progress_ns if outbox.in_flight else at_ns
    return replace(outbox, sent={**outbox.sent, **dict(entries)}, progress_ns=started_ns)  # the last of each stays


def received(outbox: Outbox, receipt: Receipt, at_ns: int) -> tuple[Outbox, News]:
    """Take a receipt: (next state, what was new in it)."""
    told = {head.epoch: head.seq for head in receipt.heads}
    for wanted in receipt.wanted:  # what the gateway lacks it cannot have made durable
        told[wanted.epoch] = min(wanted.first - 1, told.get(wanted.epoch, wanted.first - 1))
    moved = {epoch: seq for epoch, seq in told.items() if seq > outbox.delivered.get(epoch, -1)}
    fallen = {epoch: seq for epoch, seq in told.items() if seq < outbox.delivered.get(epoch, -1)}
    if fallen and receipt.at_ns <= outbox.receipt_ns:  # an old one, retained by a broker that was restored
        return outbox, News({}, {}, ())
    # The gateway was restored, or a message was lost: everything beyond its head is sent again. A range it asked for
    # before is on its way, or will be when the patience for it ends.
    again = {*fallen, *(wanted.epoch for wanted in receipt.wanted if wanted not in outbox.wanted)}
    refused = tuple(refusal for refusal in receipt.refused if refusal.epoch not in outbox.stopped)
    stopped = outbox.stopped | {refusal.epoch for refusal in refused}
    state = replace(
        outbox,
        delivered={**outbox.delivered, **told},
        sent={epoch: seq for epoch, seq in outbox.sent.items() if epoch not in again | stopped},
        wanted=tuple(receipt.wanted),
        stopped=stopped,
        receipt_ns=receipt.at_ns,
    )
    if moved or fallen:
        state = replace(state, progress_ns=at_ns, retry_ns=RETRY_FIRST_NS)
    return state, News(moved, fallen, refused)


def retried(outbox: Outbox, at_ns: int) -> Outbox:
    """Begin again after the last receipt if nothing has moved for too long."""
    if not outbox.in_flight or at_ns - outbox.progress_ns < outbox.retry_ns:
        return outbox
    return replace(outbox, sent={}, progress_ns=at_ns, retry_ns=min(2 * outbox.retry_ns, RETRY_MOST_NS))


def reconnected(outbox: Outbox, at_ns: int) -> Outbox:
    """After a new connection: the client sends again what no broker confirmed, and patience begins anew."""
    return replace(outbox, progress_ns=at_ns, retry_ns=RETRY_FIRST_NS)
