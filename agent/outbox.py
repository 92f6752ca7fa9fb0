"""What to send next: the journal's undelivered entries in order, a bounded number at a time.

In: receipts and the time. Out: which entries to publish now. Pure. A broker's acknowledgement counts for nothing; only
a receipt moves the window. Without progress the agent starts again after the last receipt, each time later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contract.chain import Head
from contract.receipt import Receipt, Wanted

WINDOW = 32
SEQ_MAX = 2**63 - 1
STOPPING = {"fork", "stopped"}
RETRY_FIRST_NS, RETRY_MOST_NS = 5_000_000_000, 60_000_000_000


@dataclass(frozen=True, slots=True)
class Outbox:
    """`delivered` is what receipts confirm per epoch, `sent` what has been published since, per epoch."""

    delivered: Mapping[bytes, int]
    sent: Mapping[bytes, int] = field(default_factory=dict)
    in_flight: int = 0
    progress_ns: int = 0
    retry_ns: int = RETRY_FIRST_NS
    wanted: tuple[Wanted, ...] = ()
    stopped: frozenset[bytes] = frozenset()  # epochs the gateway will take no more of; they must not hold up others

    def room(self) -> int:
        """How many more entries may be on their way."""
        return max(0, WINDOW - self.in_flight)

    def beyond(self) -> dict[bytes, int]:
        """Per epoch, the seq after which to read on in the journal."""
        known = {*self.delivered, *self.sent}
        reached = {epoch: max(self.delivered.get(epoch, -1), self.sent.get(epoch, -1)) for epoch in known}
        return {**reached, **dict.fromkeys(self.stopped, SEQ_MAX)}


def published(outbox: Outbox, entries: Sequence[tuple[bytes, int]], at_ns: int) -> Outbox:
    """After publishing entries, each (epoch, seq), in order."""
    sent = {**outbox.sent, **dict(entries)}  # the last of each epoch stays
    started = at_ns if not outbox.in_flight else outbox.progress_ns
    return replace(outbox, sent=sent, in_flight=outbox.in_flight + len(entries), progress_ns=started)


def received(outbox: Outbox, receipt: Receipt, at_ns: int) -> tuple[Outbox, list[Head], list[Head]]:
    """Take a receipt: (next state, heads that moved on, heads that fell back)."""
    heads = [Head(head.epoch, head.seq, head.hash) for head in receipt.heads]
    moved = [h for h in heads if h.seq > outbox.delivered.get(h.epoch, -1)]
    fallen = [h for h in heads if h.seq < outbox.delivered.get(h.epoch, -1)]
    delivered = {**outbox.delivered, **{h.epoch: h.seq for h in heads}}
    if fallen:  # the gateway was restored from an older state: everything beyond its head is sent again
        again = {h.epoch for h in fallen}
        sent = {epoch: seq for epoch, seq in outbox.sent.items() if epoch not in again}
    else:
        sent = dict(outbox.sent)
    stopped = outbox.stopped | {refusal.epoch for refusal in receipt.refused if refusal.verdict in STOPPING}
    in_flight = sum(max(0, s - delivered.get(epoch, -1)) for epoch, s in sent.items() if epoch not in stopped)
    state = replace(
        outbox, delivered=delivered, sent=sent, in_flight=in_flight, wanted=tuple(receipt.wanted), stopped=stopped
    )
    if moved:
        state = replace(state, progress_ns=at_ns, retry_ns=RETRY_FIRST_NS)
    return state, moved, fallen


def retried(outbox: Outbox, at_ns: int) -> Outbox:
    """Begin again after the last receipt if nothing has moved for too long."""
    if not outbox.in_flight or at_ns - outbox.progress_ns < outbox.retry_ns:
        return outbox
    return replace(
        outbox, sent={}, in_flight=0, progress_ns=at_ns, retry_ns=min(2 * outbox.retry_ns, RETRY_MOST_NS)
    )  # fmt: skip
