"""All lines at once: scans of their sources in, batches that begin and end out.

In: what is remembered of the lines, and scans in the order they were answered. Out: what is to be remembered next, and
events to be told. Pure: nothing here makes anything durable.
"""

from collections.abc import Iterable, Mapping, Sequence

from agent import closing, messages
from agent.batches import Ended, LineState, Look, Running, Source, observe
from agent.config import Line
from agent.drivers import Scan
from agent.looks import look
from agent.manifest import Stated
from agent.rows import Lines
from contract.records import Edge, EventPart, LinePart

NS_PER_MS = 1_000_000
MESSAGE_AGE_NS = 60_000_000_000  # what a message tells is seldom older; for what is, readings are read back


def observed(
    lines: Lines, settings: Iterable[Line], scans: Sequence[tuple[str, Scan]], sources: Mapping[str, Source]
) -> tuple[Lines, list[EventPart]]:
    """Take every look in the scans: (the lines after them, what began and ended)."""
    states, closing, events = dict(lines.states), list(lines.closing), list[EventPart]()
    for line in settings:
        state = states.get(line.name, LineState())
        for scan in (scan for meter, scan in scans if meter == line.source):
            if line.told_by == "message":
                taken = messages.take(line, state, closing, scan)
                state, ended, started, closing = taken.state, taken.ended, taken.started, [*taken.waiting]
                told = [*taken.events, *_told(line.name, None, ended, started)]
            else:
                state, ended, told = _looked(line, state, scan, sources[line.name])
            closing += [] if ended is None else [(line.name, ended)]
            events += told
        states[line.name] = state
    return (lines if states == lines.states and closing == lines.closing else Lines(states, closing)), events


def _looked(
    line: Line, state: LineState, scan: Scan, source: Source
) -> tuple[LineState, Ended | None, list[EventPart]]:
    """What a scan of the line's tags changes: (the next state, the batch that ended, what is told)."""
    seen = look(line, scan)
    if seen is None:
        return state, None, []
    joins = state.last is None and seen.batch is not None
    state, ended, started = observe(state, seen, source)
    return state, ended, _told(line.name, seen if joins else None, ended, started)


def carried_over(
    lines: Lines, old: Mapping[str, LinePart], new: Mapping[str, LinePart], now_ns: int
) -> tuple[Lines, list[EventPart]]:
    """What remains of the lines under a new configuration: those that are still told by the same source."""
    kept = {
        name: state
        for name, state in lines.states.items()
        if name in old and name in new and _told_alike(old[name], new[name])
    }
    events = [
        EventPart(event="batch_abandoned", about=name, at_ns=now_ns, detail={"batch": state.running.batch})
        for name, state in lines.states.items()
        if name not in kept and state.running is not None
    ]
    return Lines(kept, [one for one in lines.closing if one[0] in kept]), events


def _told_alike(old: LinePart, new: LinePart) -> bool:
    return (old.source, old.told_by) == (new.source, new.told_by)


def touched(old: Stated, new: Stated) -> set[str]:
    """The lines that a new configuration describes otherwise, or whose counters it does."""
    return {
        name
        for name, line in old.lines.items()
        if new.lines.get(name) != line or any(old.counters[p] != new.counters.get(p) for p in closing.places(line))
    }


def needed_ns(lines: Lines, settings: Iterable[Line], now_ns: int) -> int:
    """The earliest instant at which an edge may lie of a batch that has no record yet, or of one still to begin."""
    settings = tuple(settings)
    lags = {line.name: line.lag_ms * NS_PER_MS for line in settings}
    instants = [now_ns, *(ended.running.start.earliest_ns for _, ended in lines.closing)]
    messaged = {line.name for line in settings if line.told_by == "message"}
    if messaged:
        instants.append(now_ns - MESSAGE_AGE_NS)
    for name, state in lines.states.items():
        if state.running is not None:
            instants.append(state.running.start.earliest_ns)
        if state.last is not None and name not in messaged:
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
