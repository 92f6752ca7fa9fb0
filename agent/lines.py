"""All lines at once: scans of their sources in, batches that begin and end out.

In: what is remembered of the lines, and scans in the order they were answered. Out: what is to be remembered next, and
events to be told. Pure: nothing here makes anything durable.
"""

from collections.abc import Iterable, Mapping, Sequence

from agent import closing
from agent.batches import Ended, LineState, Look, Running, Source, observe
from agent.config import Line
from agent.drivers import Scan
from agent.looks import look
from agent.manifest import Stated
from agent.rows import Lines
from contract.records import Edge, EventPart, LinePart

NS_PER_MS = 1_000_000


def observed(
    lines: Lines, settings: Iterable[Line], scans: Sequence[tuple[str, Scan]], sources: Mapping[str, Source]
) -> tuple[Lines, list[EventPart]]:
    """Take every look in the scans: (the lines after them, what began and ended)."""
    states, closing, events = dict(lines.states), list(lines.closing), list[EventPart]()
    for line in settings:
        state = states.get(line.name, LineState())
        for meter, scan in scans:
            seen = look(line, scan) if meter == line.source else None
            if seen is None:
                continue
            joins = state.last is None and seen.batch is not None
            state, ended, started = observe(state, seen, sources[line.name])
            if ended is not None:
                closing.append((line.name, ended))
            events += _told(line.name, seen if joins else None, ended, started)
        states[line.name] = state
    return (lines if states == lines.states else Lines(states, closing)), events


def carried_over(
    lines: Lines, old: Mapping[str, LinePart], new: Mapping[str, LinePart], now_ns: int
) -> tuple[Lines, list[EventPart]]:
    """What remains of the lines under a new configuration: those that are still told by the same source."""
    kept = {
        name: state
        for name, state in lines.states.items()
        if name in old and name in new and old[name].source == new[name].source
    }
    events = [
        EventPart(event="batch_abandoned", about=name, at_ns=now_ns, detail={"batch": state.running.batch})
        for name, state in lines.states.items()
        if name not in kept and state.running is not None
    ]
    return Lines(kept, [one for one in lines.closing if one[0] in kept]), events


def touched(old: Stated, new: Stated) -> set[str]:
    """The lines that a new configuration describes otherwise, or whose counters it does."""
    return {
        name
        for name, line in old.lines.items()
        if new.lines.get(name) != line or any(old.counters[p] != new.counters.get(p) for p in closing.places(line))
    }


def needed_ns(lines: Lines, settings: Iterable[Line], now_ns: int) -> int:
    """The earliest instant at which an edge may lie of a batch that has no record yet, or of one still to begin."""
    lags = {line.name: line.lag_ms * NS_PER_MS for line in settings}
    instants = [now_ns, *(ended.running.start.earliest_ns for _, ended in lines.closing)]
    for name, state in lines.states.items():
        if state.running is not None:
            instants.append(state.running.start.earliest_ns)
        if state.last is not None:
            instants.append(state.last.seen.requested_ns - lags.get(name, 0))
    return min(instants)


def _told(line: str, joined: Look | None, ended: Ended | None, started: Running | None) -> list[EventPart]:
    told = []
    if joined is not None:
        # its start was not seen, so it will never have a record: that much must be on the record
        detail: dict[str, object] = {"batch": joined.batch}
        told.append(EventPart(event="batch_joined_late", about=line, at_ns=joined.seen.answered_ns, detail=detail))
    if ended is not None:
        told.append(_edge("batch_ended", line, ended.running.batch, ended.end))
    if started is not None:
        told.append(_edge("batch_started", line, started.batch, started.start))
    return told


def _edge(event: str, line: str, batch: str, at: Edge) -> EventPart:
    return EventPart(event=event, about=line, at_ns=at.latest_ns, detail={"batch": batch, "edge": at.model_dump()})
