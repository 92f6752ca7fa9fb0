"""What a utility's counter has counted since its accounting period began, kept up to date as segments arrive.

In: the counter as its manifest describes it, and the meter's segments in order. Out: the amount so far. Windows share
their edges, so the total is the counter's difference to the last digit; only readings around the last edge are kept.
Never: a total across something the counter does not explain. It is marked broken instead, with the reason.
"""

from dataclasses import dataclass, replace

from agent.aggregation.replay import Counter, Earlier, amounts, earlier, readings
from contract.segment import MeterSegment

MARGIN_NS = 30 * 10**9  # an edge is taken this long before the last reading, so that readings bracket it
SEGMENTS_MAX = 240


@dataclass(frozen=True, slots=True)
class RunningTotal:
    """Counted over [since_ns, until_ns), in the counter's canonical unit; None before the first window."""

    from_ns: int
    counter: Counter | None = None
    tail: tuple[MeterSegment, ...] = ()
    earlier: Earlier | None = None  # the instrument before, until the total is past the exchange
    since_ns: int | None = None
    until_ns: int | None = None
    amount: int | None = None
    broken: str | None = None


def restarted(total: RunningTotal, from_ns: int) -> RunningTotal:
    """The total of a new period: readings around its start are kept."""
    return RunningTotal(from_ns, total.counter, total.tail, total.earlier)


def described(total: RunningTotal, counter: Counter | None) -> RunningTotal:
    """The counter as a new manifest describes it: another meter or ratio ends what could be added up.

    But for an exchange whose hand-over readings it states: then it goes on.
    """
    if counter == total.counter:
        return total
    if total.counter is None:
        return replace(total, counter=counter)
    if counter is not None and total.broken is None and earlier(counter, [total.counter]) is not None:
        before = Earlier(total.counter, readings(total.counter, total.tail))
        return replace(total, counter=counter, tail=(), earlier=before)
    begun = total.until_ns is not None
    return RunningTotal(total.from_ns, counter, broken="meter or its description changed" if begun else None)


def added(total: RunningTotal, segment: MeterSegment) -> RunningTotal:
    """The total with one more segment."""
    counter = total.counter
    if counter is None:
        return total
    total = replace(total, tail=(*total.tail, segment)[-SEGMENTS_MAX:])
    known = replace(readings(counter, total.tail), earlier=total.earlier)
    if total.broken is not None or not known.answered_ns.size:
        return total
    start = total.until_ns if total.until_ns is not None else max(total.from_ns, int(known.answered_ns[0]))
    end = int(known.answered_ns[-1]) - MARGIN_NS
    if end <= start:
        return total
    (window,) = amounts(counter, known, [(start, start), (end, end)], [(0, 1)])
    if window.amount is None:
        full = len(total.tail) == SEGMENTS_MAX
        return replace(total, amount=None, broken=", ".join(window.anomalies) or "no reading") if full else total
    tail = total.tail
    while len(tail) > 1 and _last_answer(tail[1]) < end - MARGIN_NS:
        tail = tail[1:]
    since = start if total.since_ns is None else total.since_ns
    over = counter.handover
    before = total.earlier if over is not None and end < over.last_ns else None
    amount = (total.amount or 0) + window.amount
    return replace(total, tail=tail, earlier=before, since_ns=since, until_ns=end, amount=amount)


def _last_answer(segment: MeterSegment) -> int:
    return max((block.answered_ns[-1] for block in segment.blocks), default=0)
