"""All lines at once: scans of their sources in, batches that begin and end out.

In: what is remembered of the lines, and scans in the order they were answered. Out: what is to be remembered next, and
events to be told. Pure: nothing here makes anything durable.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from agent import closing, line_lots, messages
from agent.batches import Ended, LineState, Look, Running, Source, ToldEdge, observe
from agent.config import Line
from agent.drivers import Scan
from agent.line_states import changed
from agent.looks import look, shown, tags, together
from agent.manifest import Stated
from agent.rows import Lines
from contract.records import EventPart

NS_PER_MS = 1_000_000
MESSAGE_AGE_NS = 60_000_000_000  # what a message tells is seldom older; for what is, readings are read back
NOTHING = Source(0, None)  # of a line that no meter tells


def observed(
    lines: Lines, settings: Iterable[Line], scans: Sequence[tuple[str, Scan]], sources: Mapping[str, Source]
) -> tuple[Lines, list[EventPart]]:
    """Take every look in the scans: (the lines after them, what began and ended)."""
    states, closing, known = dict(lines.states), list(lines.closing), dict(lines.shown)
    events = list[EventPart]()
    for line in settings:
        state, source = states.get(line.name, LineState()), sources.get(line.name, NOTHING)
        mine = [scan for meter, scan in scans if meter == line.source]
        for scan in (
            mine if line.told_by == "message" else together(tags(line) | line_lots.points(line), mine, source.points)
        ):
            if line.told_by == "message":
                taken = messages.take(line, state, closing, scan, source.ahead_ns)
                state, ended, closing = taken.state, taken.ended, [*taken.waiting]
                more = [*taken.events, *told(line.name, None, ended, taken.started)]
            else:
                state, ended, more = _looked(line, state, scan, source)
            closing += [] if ended is None else [(line.name, ended)]
            events += more
        states[line.name] = state
        for scan in together({line.state_point or ""}, mine, source.points):
            now = shown(line, scan, source.points)
            if now is not None:
                change = changed(line, known.get(line.name), now)
                events += [] if change is None else [change]
                known[line.name] = now
    after = Lines(states, closing, known)
    return (lines if after == lines else after), events


def _looked(
    line: Line, state: LineState, scan: Scan, source: Source
) -> tuple[LineState, Ended | None, list[EventPart]]:
    """What a scan of the line's tags changes: (the next state, the batch that ended, what is told)."""
    seen = look(line, scan, source.points, state.last)
    if seen is None:
        return state, None, []
    joins = state.last is None and seen.batch is not None
    state, ended, started = observe(state, seen, source)
    ended, lots = (None, []) if ended is None else line_lots.settled(line, ended, source.points)
    events = told(line.name, seen if joins else None, ended, started)
    return line_lots.noted(line, state, scan), ended, [*events, *lots]


def carried_over(lines: Lines, old: Stated, new: Stated, now_ns: int) -> tuple[Lines, list[EventPart]]:
    """What remains of the lines under a new configuration: those that are still told by the same source."""
    kept = {name: state for name, state in lines.states.items() if _told_alike(name, old, new)}
    events = [
        EventPart(event="batch_abandoned", about=name, at_ns=now_ns, detail={"batch": running.batch})
        for name, state in lines.states.items()
        if name not in kept
        for running in state.runs
    ]
    states = {name: now for name, now in lines.shown.items() if name in kept and _state(name, old) == _state(name, new)}
    return Lines(kept, [one for one in lines.closing if one[0] in kept], states), events


def bereft(lines: Lines, to_ns: int, now_ns: int) -> tuple[Lines, list[EventPart]]:
    """The lines without the batches that began before an instant up to which readings are gone, and what is told."""
    running = {n: s for n, s in lines.states.items() if any(run.start.earliest_ns <= to_ns for run in s.runs)}
    closing = [one for one in lines.closing if one[1].running.start.earliest_ns <= to_ns]
    if not running and not closing:
        return lines, []
    told = [(name, run) for name, state in running.items() for run in state.runs]
    told += [(name, ended.running) for name, ended in closing]
    events = [
        EventPart(
            event="batch_abandoned",
            about=name,
            at_ns=now_ns,
            detail={"batch": run.batch, "reason": "readings that it rests on are gone"},
        )
        for name, run in told
    ]
    states = {name: state for name, state in lines.states.items() if name not in running}
    return replace(lines, states=states, closing=[one for one in lines.closing if one not in closing]), events


def _told_alike(name: str, old: Stated, new: Stated) -> bool:
    before, after = old.lines.get(name), new.lines.get(name)
    if before is None or after is None or (before.source, before.told_by) != (after.source, after.told_by):
        return False
    return before.told_by != "schedule" or old.calendar == new.calendar


def _state(name: str, stated: Stated) -> tuple[object, object]:
    return stated.lines[name].state, stated.lines[name].states


def touched(old: Stated, new: Stated) -> set[str]:
    """The lines that a new configuration describes otherwise, or whose counters it does."""
    return {
        name
        for name, line in old.lines.items()
        if new.lines.get(name) != line
        or not _told_alike(name, old, new)
        or any(old.counters[p] != new.counters.get(p) for p in closing.places(line))
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


def told(line: str, joined: Look | None, ended: Ended | None, started: Running | None) -> list[EventPart]:
    """The events of what began and ended, and of a batch that was under way when it was first looked for."""
    events = []
    if joined is not None:
        # its start was not seen, so it will never have a record: that much must be on the record
        detail: dict[str, object] = {"batch": joined.batch}
        events.append(EventPart(event="batch_joined_late", about=line, at_ns=joined.seen.answered_ns, detail=detail))
    if ended is not None:
        events.append(_edge("batch_ended", line, ended.running.batch, ended.end))
    if started is not None:
        events.append(_edge("batch_started", line, started.batch, started.start))
    return events


def _edge(event: str, line: str, batch: str, at: ToldEdge) -> EventPart:
    return EventPart(event=event, about=line, at_ns=at.latest_ns, detail={"batch": batch, "edge": at.model_dump()})
