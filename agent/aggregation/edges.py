"""When a batch edge happened, as an interval of agent time.

In: the last look that showed the old state, the first that showed the new one, and what is known of the source's clock.
Out: an Edge. The looks bracket the edge always; the source's own time may only narrow the bracket, never move it, and
never past the looks themselves, so that of two edges that share a look the later neither begins nor ends earlier.
"""

from contract.records import Edge, Offset, Seen

# A source tells when its tags last changed. Between looks further apart than this a batch may have ended and another
# begun, and the last change says nothing of the first.
APART_MOST_NS = 2_000_000_000


def edge(before: Seen, after: Seen, lag_ns: int, offset: Offset | None) -> Edge:
    """The interval in which the state changed.

    A look shows the state as it was at most `lag_ns` earlier (a PLC's cycle, a server's sampling). With `offset`, the
    source's time of the new value narrows the interval; where the two contradict each other, or the looks are too far
    apart, the looks stand alone.
    """
    told = None
    apart_ns = after.answered_ns - before.requested_ns
    if offset is not None and after.source_ns is not None and apart_ns <= APART_MOST_NS:
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


def _told(before: Seen, after: Seen, lag_ns: int, first_ns: int, last_ns: int) -> tuple[int, int] | None:
    """The bracket narrowed to the source's time, which is `first_ns` to `last_ns` of ours; None if they contradict."""
    earliest_ns = max(before.requested_ns - lag_ns, first_ns - lag_ns)
    latest_ns = min(after.answered_ns, last_ns)
    if earliest_ns > latest_ns:
        return None
    return min(earliest_ns, after.requested_ns - lag_ns), max(latest_ns, before.answered_ns)
