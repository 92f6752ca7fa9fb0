"""What to send next: the journal's undelivered entries in order, a bounded number at a time.

In: receipts and the time. Out: which entries to publish now. Pure. A broker's acknowledgement counts for nothing; only
a receipt moves the window. Without progress the agent starts again after the last receipt, each time later. The window
is bounded in entries and in bytes: on a slow line little is under way, so that live messages are not held up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from contract.receipt import Receipt, Refusal, Wanted

WINDOW = 32
SEQ_MAX = 2**63 - 1
RETRY_FIRST_NS, RETRY_MOST_NS = 5_000_000_000, 60_000_000_000
# What is under way stands in front of the next live message on the same line. How long from sending to receipt is
# what such a message waits at most, so that decides how much may be under way.
LINE_FIRST, LINE_LEAST, LINE_MOST = 1 << 16, 1 << 14, 1 << 23
QUICK_NS, SLOW_NS = 750_000_000, 2_000_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """An entry on its way: its message's size and when it was published."""

    epoch: bytes
    seq: int
    size: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Outbox:
    """`delivered` is what receipts confirm per epoch, `on_way` what has been published since, in order.

    `line_bytes` is how much may be on its way at once, since `line_ns`; a single entry always may. `usual_bytes` is an
    entry's size of late.
    """

    delivered: Mapping[bytes, int]
    on_way: tuple[Sent, ...] = ()
    progress_ns: int = 0
    retry_ns: int = RETRY_FIRST_NS
    wanted: tuple[Wanted, ...] = ()
    stopped: frozenset[bytes] = frozenset()  # epochs the gateway will take no more of; they must not hold up others
    receipt_ns: int = 0
    line_bytes: int = LINE_FIRST
    line_ns: int = 0
    usual_bytes: int = 0

    @property
    def in_flight(self) -> int:
        """How many entries are on their way."""
        return len(self.on_way)

    @property
    def bytes_in_flight(self) -> int:
        """And how much that is."""
        return sum(one.size for one in self.on_way)

    @property
    def room(self) -> int:
        """How many more entries are worth taking from the journal; `fitting` tells how many of them may go."""
        if not self.on_way:
            return WINDOW if self.usual_bytes == 0 else min(WINDOW, 1 + self.line_bytes // self.usual_bytes)
        free = max(0, self.line_bytes - self.bytes_in_flight)
        return max(0, min(WINDOW - len(self.on_way), free // max(1, self.usual_bytes)))

    @property
    def reached(self) -> dict[bytes, int]:
        """Per epoch, the seq after which to read on in the journal."""
        sent = {one.epoch: one.seq for one in self.on_way}  # the last of each stays
        return {**self.delivered, **sent, **dict.fromkeys(self.stopped, SEQ_MAX)}

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


def together(outbox: Outbox, epochs: Sequence[bytes]) -> int:
    """How many of the next entries may go beside those on their way: one epoch at a time, here as sealed.

    Should the last of an epoch be lost on the way, the next epoch would come before it, and batches before what they
    rest on.
    """
    going = outbox.on_way[-1].epoch if outbox.on_way else epochs[0] if epochs else b""
    return next((place for place, epoch in enumerate(epochs) if epoch != going), len(epochs))


def fitting(outbox: Outbox, sizes: Sequence[int]) -> int:
    """How many of the next entries, of these sizes, may go now: an entry that is too large for the line goes alone."""
    under_way, count = outbox.bytes_in_flight, outbox.in_flight
    for place, size in enumerate(sizes):
        if count and (count >= WINDOW or under_way + size > outbox.line_bytes):
            return place
        under_way, count = under_way + size, count + 1
    return len(sizes)


def published(outbox: Outbox, entries: Sequence[tuple[bytes, int, int]], at_ns: int) -> Outbox:
    """After publishing entries, each (epoch, seq, size), in order."""
    if not entries:
        return outbox
    started_ns = outbox.progress_ns if outbox.on_way else at_ns
    more = tuple(Sent(epoch, seq, size, at_ns) for epoch, seq, size in entries)
    return replace(outbox, on_way=outbox.on_way + more, progress_ns=started_ns, usual_bytes=max(1, more[-1].size))


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
    delivered = {**outbox.delivered, **told}
    arrived = [one for one in outbox.on_way if moved.get(one.epoch, -1) >= one.seq]
    left = [one for one in outbox.on_way if one.seq > delivered.get(one.epoch, -1) and one.epoch not in again | stopped]
    line_bytes = _line_bytes(outbox, arrived, at_ns)
    state = replace(
        outbox,
        delivered=delivered,
        on_way=tuple(left),
        wanted=tuple(receipt.wanted),
        stopped=stopped,
        receipt_ns=max(receipt.at_ns, outbox.receipt_ns),
        line_bytes=line_bytes,
        line_ns=outbox.line_ns if line_bytes == outbox.line_bytes else at_ns,
    )
    if moved or fallen:
        state = replace(state, progress_ns=at_ns, retry_ns=RETRY_FIRST_NS)
    return state, News(moved, fallen, refused)


def _line_bytes(outbox: Outbox, arrived: Sequence[Sent], at_ns: int) -> int:
    """How much may be on its way from now on: less where the slowest took long, more where a full line was quick."""
    tell = [one.at_ns for one in arrived if one.at_ns >= outbox.line_ns]  # what went out before tells of another line
    if not tell:
        return outbox.line_bytes
    took_ns = at_ns - min(tell)
    if took_ns > SLOW_NS:
        return max(LINE_LEAST, outbox.line_bytes // 2)
    is_full = outbox.bytes_in_flight + outbox.usual_bytes > outbox.line_bytes  # else it shows nothing of more
    return min(LINE_MOST, 2 * outbox.line_bytes) if took_ns < QUICK_NS and is_full else outbox.line_bytes


def retried(outbox: Outbox, at_ns: int) -> Outbox:
    """Begin again after the last receipt if nothing has moved for too long."""
    if not outbox.on_way or at_ns - outbox.progress_ns < outbox.retry_ns:
        return outbox
    less = max(LINE_LEAST, outbox.line_bytes // 2)
    patience_ns = min(2 * outbox.retry_ns, RETRY_MOST_NS)
    return replace(outbox, on_way=(), progress_ns=at_ns, retry_ns=patience_ns, line_bytes=less, line_ns=at_ns)


def reconnected(outbox: Outbox, at_ns: int) -> Outbox:
    """After a new connection: the client sends again what no broker confirmed, and patience begins anew."""
    return replace(outbox, progress_ns=at_ns, retry_ns=RETRY_FIRST_NS)
