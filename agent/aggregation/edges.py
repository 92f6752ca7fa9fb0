"""When a batch edge happened, as an interval of agent time.

In: the last look that showed the old state, the first that showed the new one, and what is known of the source's clock.
Out: an Edge. The looks bracket the edge always; the source's own time may only narrow the bracket, never move it, and
never past the looks themselves, so that of two edges that share a look the later neither begins nor ends earlier.

Some sources stamp a value when it changes, others whenever they sample it. Only the first kind's tell of an edge.
The look before tells the kinds apart: a stamp older than what it sampled can only be that of a change. A stamp as fresh
as the look may be either kind's, and the source is not believed.

A source that reports an edge by itself, as an MES does in a message, says when it was; what is looked at before and
after says nothing then. How wrong its clock may be is declared, for nothing measures it.
"""

from contract.records import Edge, Offset, Seen

# A source tells when its tags last changed. Between looks further apart than this a batch may have ended and another
# begun, and the last change says nothing of the first.
APART_MOST_NS = 2_000_000_000
NS_PER_MS = 1_000_000


def edge(before: Seen, after: Seen, lag_ns: int, offset: Offset | None) -> Edge:
    """The interval in which the state changed.

    A look shows the state as it was at most `lag_ns` earlier (a PLC's cycle, a server's sampling). With `offset`, the
    source's time of the new value narrows the interval if the source's time of the old value is older than any sample
    that the look before can have shown: before `before.requested_ns` - `lag_ns`, wherever within `offset` its clock is.
    A source that stamps samples never passes, for what it shows is at most `lag_ns` old; one that stamps changes fails
    only where the old value had itself just come. Where looks and stamp contradict each other, or the looks are too far
    apart, the looks stand alone.
    """
    told = None
    apart_ns = after.answered_ns - before.requested_ns
    if (
        offset is not None
        and after.source_ns is not None
        and apart_ns <= APART_MOST_NS
        and _stands(before, lag_ns, offset)
    ):
        told = _told(before, after, lag_ns, after.source_ns - offset.upper_ns, after.source_ns - offset.lower_ns)
    earliest_ns, latest_ns = told or (before.requested_ns - lag_ns, after.answered_ns)
    return Edge(
        earliest_ns=earliest_ns,
        latest_ns=latest_ns,
        policy="observed" if told is None else "source",
        lag_ns=lag_ns,
        offset=None if told is None else offset,
        before=before,
        after=after,
    )


def reported(before: Seen, after: Seen, tolerance_ns: int) -> Edge:
    """The interval of an edge that `after`, a message, reports: its own time, as wrong as declared, and past already.

    `before` is the message before it, or itself if it is the first. Messages in order of their times give edges of
    which none begins or ends earlier than the one before. Raises ValueError where it reports no time, or one so far
    after its arrival that the clock is more wrong than declared.
    """
    if after.source_ns is None:
        raise ValueError("reports no time of its own")
    earliest_ns = after.source_ns - tolerance_ns
    if earliest_ns > after.answered_ns:
        ahead_ms = (after.source_ns - after.answered_ns) // NS_PER_MS
        raise ValueError(f"reports what happens {ahead_ms} ms after it came")
    return Edge(
        earliest_ns=earliest_ns,
        latest_ns=min(after.source_ns + tolerance_ns, after.answered_ns),
        policy="reported",
        lag_ns=0,
        offset=None,
        before=before,
        after=after,
        tolerance_ns=tolerance_ns,
    )


def _stands(before: Seen, lag_ns: int, offset: Offset) -> bool:
    """Whether the old value's stamp is older than a sample could be. Without a stamp nothing shows it."""
    return before.source_ns is not None and before.source_ns - offset.lower_ns < before.requested_ns - lag_ns


def _told(before: Seen, after: Seen, lag_ns: int, first_ns: int, last_ns: int) -> tuple[int, int] | None:
    """The bracket narrowed to the source's time, which is `first_ns` to `last_ns` of ours; None if they contradict."""
    earliest_ns = max(before.requested_ns - lag_ns, first_ns - lag_ns)
    latest_ns = min(after.answered_ns, last_ns)
    if earliest_ns > latest_ns:
        return None
    return min(earliest_ns, after.requested_ns - lag_ns), max(latest_ns, before.answered_ns)
