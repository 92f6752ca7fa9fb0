"""What agents say that lines did must be what their state points showed.

In: a trail and its evidence. Out: findings on `line_state` events: words against numbers, edges against looks, each
event against the one before it, and numbers against the readings that were sealed.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from pydantic import ValidationError

from agent.aggregation.edges import edge
from agent.drivers import profile as profiles
from agent.drivers.profile import Point
from agent.drivers.registers import value
from contract import records
from contract.errors import Malformed
from contract.records import Edge, EventPart, LinePart, Seen
from contract.segment import TICK_NS
from verifier.evidence import Evidence, Said
from verifier.finding import Finding
from verifier.trail import Item, Trail, records_of

STATE = "line_state"
Shown = Mapping[tuple[int, int], set[int]]  # requested and answered, in ticks: raw words


class _Numbers:
    """What a line's state point showed at a look, from the segments; None if no such reading is shown."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._shown: dict[tuple[str, str, str], Shown] = {}

    def at(self, author: str, line: LinePart, point: Point, seen: Seen) -> set[int] | None:
        key = (author, line.source, point.id)
        if key not in self._shown:
            self._shown[key] = _shown(self._evidence.said.get((author, line.source), Said()), point.id)
        raws = self._shown[key].get((seen.requested_ns // TICK_NS, -(-seen.answered_ns // TICK_NS)))
        return None if raws is None else {number for raw in raws if (number := _number(point, raw)) is not None}


def states(trail: Trail, evidence: Evidence) -> Iterator[Finding]:
    """Nothing at all where no line has states."""
    numbers, last = _Numbers(evidence), dict[tuple[str, str], EventPart]()
    hidden = {item.header.author for item in evidence.hidden(trail)}
    told = wrong = 0
    for item in trail.of("event"):
        may_hide = item.whole() is None or item.index in evidence.unstated  # a state, between those that are shown
        for event in () if item.index in evidence.unstated else _told(item):
            told += 1
            for fault in _faults(item, event, evidence, numbers, hidden, {} if may_hide else last):
                wrong += 1
                yield Finding("state", ok=False, text=f"{item.index} {item.where}: {event.about}: {fault}")
            last[item.header.author, event.about] = event
        if may_hide:
            last = {place: event for place, event in last.items() if place[0] != item.header.author}
    if told and not wrong:
        yield Finding("state", ok=True, text=f"{told} states of lines follow from what their state points showed")


def _told(item: Item) -> list[EventPart]:
    """The states that an entry tells; none of one that cannot be read, which the check of ends names."""
    try:
        return [event for event in records_of(item, EventPart, "event") if event.event == STATE]
    except Malformed:
        return []


def _faults(
    item: Item,
    event: EventPart,
    evidence: Evidence,
    numbers: _Numbers,
    hidden: set[str],
    last: Mapping[tuple[str, str], EventPart],
) -> Iterator[str]:
    stated = evidence.manifests.get(item.index)
    line = None if stated is None else stated.lines.get(event.about)
    if stated is None or line is None or line.state is None:
        yield "no manifest in force states a line of this name with a state point"
        return
    try:
        looks = list(_looks(event, line))
        point = _point(stated.parts, line.source, line.state)
    except (Malformed, ValidationError, KeyError, TypeError, ValueError) as error:
        yield str(error).splitlines()[0]
        return
    yield from _chain(event, last.get((item.header.author, event.about)))
    for seen, number in looks:
        found = numbers.at(item.header.author, line, point, seen)
        if found is None and item.header.author not in hidden:
            yield f"no reading of {line.source}/{line.state} is sealed that was asked for at {seen.requested_ns}"
        elif found is not None and number not in found:
            yield f"told as {number}, though {line.source}/{line.state} showed {min(found, default='no number')}"


def _looks(event: EventPart, line: LinePart) -> Iterator[tuple[Seen, int]]:
    """The looks an event rests on, each with the number it showed. Raises for what does not hang together."""
    words = {one.number: one.state for one in line.states or ()}
    detail = event.detail
    if detail["state"] != words.get(detail["number"]):
        raise Malformed(f"number {detail['number']} is {words.get(detail['number'])}, not {detail['state']}")
    if "edge" not in detail:
        yield Seen.model_validate(detail["seen"]), detail["number"]
        return
    given = Edge.model_validate(detail["edge"])
    if detail["was"] != words.get(detail["was_number"]) or detail["was"] == detail["state"]:
        raise Malformed(f"it was {detail['was']} by number {detail['was_number']}, and is {detail['state']}")
    if given != edge(given.before, given.after, given.lag_ns, None):
        raise Malformed("its edge does not follow from its looks")
    yield given.before, detail["was_number"]
    yield given.after, detail["number"]


def _chain(event: EventPart, before: EventPart | None) -> Iterator[str]:
    if before is None or "edge" not in event.detail:
        return
    if event.at_ns < before.at_ns:
        yield "it was told earlier than the state before it"
    if event.detail["was"] != before.detail.get("state"):
        yield f"it is said to have been {event.detail['was']}; the state told before it is {before.detail.get('state')}"


@lru_cache
def _point(parts: tuple[bytes, ...], source: str, state: str) -> Point:
    """The state point by a manifest's profiles. Raises Malformed."""
    files = [records.read(part, records.ProfilePart).toml for part in parts if _is(part, "profile")]
    known = {profiles.profile_hash(toml): toml for toml in files}
    for part in parts:
        if _is(part, "meter") and (meter := records.read(part, records.MeterPart)).meter == source:
            points = {point.id: point for point in profiles.parse(known[meter.profile]).points}
            if state in points:
                return points[state]
    raise Malformed(f"{source} has no point {state}")


def _number(point: Point, raw: int) -> int | None:
    try:
        exact = value(point, raw)
    except (ValueError, ArithmeticError):
        return None
    return int(exact) if exact.denominator == 1 else None


def _is(part: bytes, kind: str) -> bool:
    return records.kind_of(part) == kind


def _shown(said: Said, point: str) -> Shown:
    shown: dict[tuple[int, int], set[int]] = defaultdict(set)
    for block in (block for segment in said.segments for block in segment.blocks):
        for column in (column for column in block.columns if column.point == point):
            for requested_ns, answered_ns, raw in zip(block.requested_ns, block.answered_ns, column.raws, strict=True):
                if raw is not None:
                    shown[requested_ns // TICK_NS, answered_ns // TICK_NS].add(raw)
    return shown
