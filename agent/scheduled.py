"""Batches that are the shifts of the site's calendar: time passes, and shifts begin and end.

In: what is remembered of the lines, the calendar, the time. Out: what is to be remembered next, and events to be told.
Edges are exact and rest on no look. Pure: nothing here reads a clock or makes anything durable.
"""

from collections.abc import Iterable
from dataclasses import replace

from agent.batches import Ended, LineState, Look, Running
from agent.config import Line
from agent.lines import told
from agent.rows import Lines
from contract.calendar import NS, Worked, shift_of, shifts_between
from contract.calendar_records import CalendarPart
from contract.records import EventPart, ScheduledEdge, Seen
from contract.zone import zone_of

SILENT_MOST_NS = 31 * 86_400 * NS  # a longer silence may be a clock's jump that no running agent has seen


def passed(
    lines: Lines, settings: Iterable[Line], calendar: CalendarPart | None, now_ns: int
) -> tuple[Lines, list[EventPart]]:
    """Let time pass up to now: (the lines after it, what began and ended)."""
    states, closing, events = dict(lines.states), list(lines.closing), list[EventPart]()
    for line in settings:
        if line.told_by != "schedule" or calendar is None:
            continue
        state = states.get(line.name, LineState())
        if state.last is not None and now_ns // NS <= state.last.seen.answered_ns // NS:
            continue  # edges are on whole seconds; a clock that was set back has passed them already
        if state.last is not None and now_ns - state.last.seen.answered_ns > SILENT_MOST_NS:
            states[line.name], more = _jumped(line, state, calendar, now_ns, now_ns)
            events += more
            continue
        states[line.name], ended, more = _passed(line, state, calendar, now_ns)
        closing += [(line.name, one) for one in ended]
        events += more
    return (lines if states == lines.states else replace(lines, states=states, closing=closing)), events


def jumped(
    lines: Lines, settings: Iterable[Line], calendar: CalendarPart | None, since_ns: int, jump: tuple[int, int]
) -> tuple[Lines, list[EventPart]]:
    """Let our time jump, from one instant to another. It was behind since `since_ns`, or may have been.

    What is counted at an instant in between nobody has read, and what was read before it is stated too early: no edge
    lies there. Nor was it what it is called at a start since then.
    """
    from_ns, to_ns = jump
    settings = tuple(settings)
    lines, events = passed(lines, settings, calendar, from_ns)
    states = dict(lines.states)
    for line in settings:
        if line.told_by == "schedule" and calendar is not None and line.name in states:
            states[line.name], more = _jumped(line, states[line.name], calendar, to_ns, since_ns)
            events += more
    return (lines if states == lines.states else replace(lines, states=states)), events


def batch_name(line: str, on: str, shift: str) -> str:
    """What a batch is called that is a shift."""
    return f"{line}-{on}-{shift}"


def _passed(
    line: Line, state: LineState, calendar: CalendarPart, now_ns: int
) -> tuple[LineState, list[Ended], list[EventPart]]:
    since_ns = now_ns if state.last is None else state.last.seen.answered_ns
    ended, events = list[Ended](), list[EventPart]()
    running, product = state.running, line.makes or ""
    seen = Seen(requested_ns=now_ns, answered_ns=now_ns, source_ns=None)
    now = Look(seen, None, product)
    for worked in shifts_between(since_ns, now_ns, zone_of(calendar.zone), calendar.calendar):
        name = batch_name(line.name, worked.on.isoformat(), worked.name)
        if worked.to_ns > now_ns:
            now = Look(seen, name, product)
        if worked.from_ns > since_ns:
            running = Running(name, product, _edge(worked, worked.from_ns))
            events += told(line.name, None, None, running)
        elif state.last is None and worked.to_ns > now_ns:
            events += told(line.name, now, None, None)
        if worked.to_ns <= now_ns and running is not None:
            ended.append(Ended(running, _edge(worked, worked.to_ns), now_ns))
            events += told(line.name, None, ended[-1], None)
            running = None
    joined = now.batch if running is None else None
    return LineState(now, running, joined), ended, events


def _jumped(
    line: Line, state: LineState, calendar: CalendarPart, to_ns: int, since_ns: int
) -> tuple[LineState, list[EventPart]]:
    """A shift goes on that began before `since_ns` and has not ended; any other has no record."""
    worked = shift_of(to_ns, zone_of(calendar.zone), calendar.calendar)
    name = None if worked is None else batch_name(line.name, worked.on.isoformat(), worked.name)
    now = Look(Seen(requested_ns=to_ns, answered_ns=to_ns, source_ns=None), name, line.makes or "")
    running = state.running
    if running is not None and running.batch == name and running.start.earliest_ns < since_ns:
        return replace(state, last=now), []
    events = []
    if running is not None:
        why = "the clock was behind at its start" if running.batch == name else "the clock jumped over its end"
        detail: dict[str, object] = {"batch": running.batch, "reason": why}
        events.append(EventPart(event="batch_abandoned", about=line.name, at_ns=to_ns, detail=detail))
    if name is not None and name != state.joined_late:
        events += told(line.name, now, None, None)
    return LineState(now, None, name), events


def _edge(worked: Worked, at_ns: int) -> ScheduledEdge:
    return ScheduledEdge(earliest_ns=at_ns, latest_ns=at_ns, shift=worked.name, on=worked.on.isoformat())
