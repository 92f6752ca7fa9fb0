"""A line told by an MES: its messages in, batches that begin and end and the lots they speak of out. Pure.

In: what is remembered of a line, and scans that carry a message each, in the order they came. Out: what is to be
remembered next, and events: each message taken, verbatim, and each that says nothing usable, with the reason. A message
that came before changes nothing. One batch runs at a time, unless the line says how several share its energy: where
another begins, the end of the one before was not told and is not made up, so it has no record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.aggregation.edges import reported
from agent.batches import Ended, LineState, Look, Running
from agent.config import Line
from agent.drivers import Scan
from contract import batch_message
from contract.batch_message import BatchMessage
from contract.errors import Malformed
from contract.records import Edge, EventPart, Seen

MESSAGE = "message"  # the point that carries a message as it came
RUNS_MAX = 64  # batches at once; more are ends that nobody told
HEARD_MAX = 64  # a broker sends again what no acknowledgement came for: no more than it has under way
NS_PER_MS = 1_000_000

Waiting = tuple[tuple[str, Ended], ...]


class Refused(Exception):
    """A message that changes nothing, and why."""


@dataclass(frozen=True, slots=True)
class _Came:
    """When a message came, and how far our time was ahead then."""

    seen: Seen
    ahead_ns: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a message leads to: the line's state, the batches that wait for their record, what is to be told."""

    state: LineState
    waiting: Waiting
    ended: Ended | None = None
    started: Running | None = None
    events: tuple[EventPart, ...] = ()


def take(line: Line, state: LineState, waiting: Sequence[tuple[str, Ended]], scan: Scan, ahead_ns: int = 0) -> Taken:
    """Take a scan of the line's source. `ahead_ns`: how far our time is known to be ahead of the machine's clock.

    Who sends the messages may follow that clock, so edges are wider by as much.
    """
    text = next((one.text for one in scan.readings if one.point == MESSAGE), None)
    if text is None:
        return Taken(state, tuple(waiting))
    try:
        told = batch_message.parse(text.encode())
    except Malformed as error:
        return Taken(state, tuple(waiting), events=(_refused(line, scan, str(error), text),))
    if told.digest in state.heard:
        return Taken(state, tuple(waiting))
    heard = replace(state, heard=(*state.heard, told.digest)[-HEARD_MAX:])
    seen = Seen(requested_ns=scan.requested_ns, answered_ns=scan.answered_ns, source_ns=told.at_ns)
    try:
        taken = _follow(line, heard, tuple(waiting), told, _Came(seen, ahead_ns))
    except Refused as why:
        return Taken(heard, tuple(waiting), events=(_refused(line, scan, str(why), text),))
    event = EventPart(event="batch_message", about=line.name, at_ns=scan.answered_ns, detail={"payload": text})
    return replace(taken, events=(event, *taken.events))


def _follow(line: Line, state: LineState, waiting: Waiting, told: BatchMessage, came: _Came) -> Taken:
    """Raises Refused."""
    running = next((one for one in state.runs if one.batch == told.batch), None)
    if running is not None:
        return _of_running(line, state, running, waiting, told, came)
    place = _place(line, waiting, told)
    if place is not None:
        ended = waiting[place][1]
        amended = replace(ended, running=_stated(ended.running, told))
        return Taken(state, (*waiting[:place], (line.name, amended), *waiting[place + 1 :]))
    if told.state == "ended":
        raise Refused(
            f"{told.batch} does not run: its start was not told, or its record is made: enter it at the gateway"
        )
    at = _edge(line, state, None, told, came)
    seen = came.seen
    started = _stated(Running(told.batch, told.product, at), told)
    if line.overlap == "refuse":
        abandoned = tuple(_abandoned(line, one, told, seen) for one in state.runs)
        return Taken(_next(state, seen, (started,)), waiting, started=started, events=abandoned)
    if len(state.runs) >= RUNS_MAX:
        raise Refused(f"{told.batch}: {RUNS_MAX} batches run already: tell which have ended")
    return Taken(_next(state, seen, (*state.runs, started)), waiting, started=started)


def _of_running(
    line: Line, state: LineState, running: Running, waiting: Waiting, told: BatchMessage, came: _Came
) -> Taken:
    stated = _stated(running, told)
    if told.state == "started":
        first, *more = (stated if one is running else one for one in state.runs)
        return Taken(replace(state, running=first, beside=tuple(more)), waiting)
    others = tuple(one for one in state.runs if one is not running)
    ended = Ended(stated, _edge(line, state, running, told, came), beside=tuple(one.batch for one in others))
    return Taken(_next(state, came.seen, others), waiting, ended=ended)


def _edge(line: Line, state: LineState, ends: Running | None, told: BatchMessage, came: _Came) -> Edge:
    """Raises Refused for a message that is older than the one before it, or not past yet."""
    seen = came.seen
    before = seen if state.last is None else state.last.seen
    if before.source_ns is not None and told.at_ns < before.source_ns:
        early_ms = -((told.at_ns - before.source_ns) // NS_PER_MS)
        raise Refused(f"{told.batch} {told.state} {early_ms} ms before what was told last: send messages in order")
    tolerance_ns = (line.clock_tolerance_ms or 0) * NS_PER_MS + came.ahead_ns
    start = None if ends is None else ends.start
    if isinstance(start, Edge) and start.tolerance_ns is not None:
        # both edges alike, whatever was configured in between, but for a clock that was set back meanwhile
        tolerance_ns = max(start.tolerance_ns, tolerance_ns if came.ahead_ns else 0)
    try:
        return reported(before, seen, tolerance_ns)
    except ValueError as error:
        raise Refused(
            f"{told.batch}: {error}: set the clock of whoever sends it, or raise clock_tolerance_ms"
        ) from None


def _place(line: Line, waiting: Waiting, told: BatchMessage) -> int | None:
    """Which batch that has ended and has no record yet is told of once more; a later start is another run."""
    for at, (name, one) in reversed(list(enumerate(waiting))):
        start = one.running.start
        again = told.state == "ended" or (isinstance(start, Edge) and told.at_ns == start.after.source_ns)
        if name == line.name and one.running.batch == told.batch and again:
            return at
    return None


def _stated(running: Running, told: BatchMessage) -> Running:
    """What is told last stands: the product, and each side's lots where the message has that side."""
    return replace(
        running,
        product=told.product,
        inputs=running.inputs if told.inputs is None else told.inputs,
        outputs=running.outputs if told.outputs is None else told.outputs,
    )


def _next(state: LineState, seen: Seen, runs: tuple[Running, ...]) -> LineState:
    running = runs[0] if runs else None
    look = Look(seen, None if running is None else running.batch, "" if running is None else running.product)
    return LineState(look, running, None, state.heard, runs[1:])


def _refused(line: Line, scan: Scan, reason: str, text: str) -> EventPart:
    detail: dict[str, object] = {"reason": reason, "payload": text}
    return EventPart(event="message_refused", about=line.source or "", at_ns=scan.answered_ns, detail=detail)


def _abandoned(line: Line, running: Running, told: BatchMessage, seen: Seen) -> EventPart:
    detail: dict[str, object] = {"batch": running.batch, "reason": f"its end was not told before {told.batch} started"}
    return EventPart(event="batch_abandoned", about=line.name, at_ns=seen.answered_ns, detail=detail)
