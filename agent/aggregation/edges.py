"""When a batch edge happened, as an interval of agent time.

In: the last look that showed the old state, the first that showed the new one, and what is known of the source's clock.
Out: an Edge. The look brackets the edge always; the source's own time may only narrow the bracket, never move it.
"""

from contract.records import Edge, Offset, Seen


def edge(before: Seen, after: Seen, lag_ns: int, offset: Offset | None) -> Edge:
    """The interval in which the state changed.

    A look shows the state as it was at most `lag_ns` earlier (a PLC's cycle, a server's sampling). With `offset`, the
    source's time of the new value narrows the interval; where the two contradict each other the looks stand alone.
    """
    earliest_ns, latest_ns = before.requested_ns - lag_ns, after.answered_ns
    if offset is not None and after.source_ns is not None:
        told_earliest_ns = max(earliest_ns, after.source_ns - offset.upper_ns - lag_ns)
        told_latest_ns = min(latest_ns, after.source_ns - offset.lower_ns)
        if told_earliest_ns <= told_latest_ns:
            earliest_ns, latest_ns = told_earliest_ns, told_latest_ns
            return Edge(
                earliest_ns=earliest_ns, latest_ns=latest_ns, policy="source", lag_ns=lag_ns, offset=offset,
                before=before, after=after,
            )  # fmt: skip
    return Edge(
        earliest_ns=earliest_ns, latest_ns=latest_ns, policy="observed", lag_ns=lag_ns, offset=None,
        before=before, after=after,
    )  # fmt: skip
