"""A line's look at its batch source: scans of the source's points in, looks out. Pure.

Names may be texts, or whole numbers, which become decimal text.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from agent import config, line_states
from agent.batches import Look
from agent.drivers import Reading, Scan
from agent.drivers.point import Point
from agent.drivers.registers import value
from agent.line_states import Shown
from contract.calendar import wall_of
from contract.records import Seen
from contract.segment import is_good
from contract.zone import zone_of

NAME_CHARACTERS_MAX = 1000  # as records allow: whatever a tag holds beyond that is no name
UTC = zone_of("UTC")
NOTHING: Mapping[str, Point] = MappingProxyType({})

Points = Mapping[str, Point]
Readings = Mapping[str, Reading]


def look(line: config.Line, scan: Scan, points: Points = NOTHING, last: Look | None = None) -> Look | None:
    """What a scan of the line's source says, or None unless all its tags have a good value in it.

    `points` are the source's, which say what numbers mean; `last` is the look before, which a counter goes on from.
    """
    readings = _good(scan)
    names = tags(line)
    if not names or not names <= readings.keys():
        return None
    runs = _runs(line, readings, points)
    if runs is None:
        return None
    product = line.makes if line.product_point is None else _text(readings[line.product_point], points)
    name = _text(readings[line.batch], points)
    if name is None or product is None:
        return None
    seen = Seen(requested_ns=scan.requested_ns, answered_ns=scan.answered_ns, source_ns=_changed_ns(line, readings))
    if not runs:
        return Look(seen, None, product)
    number = _number(readings[line.batch], points)
    if line.told_by == "counter":
        return None if number is None else _counted(line, Look(seen, None, product, number), last)
    return Look(seen, name or None, product)


def shown(line: config.Line, scan: Scan, points: Points) -> Shown | None:
    """What a scan of the line's source says of its state, or None if it says nothing."""
    reading = _good(scan).get(line.state_point or "")
    number = None if reading is None else _number(reading, points)
    if number is None:
        return None
    return Shown(Seen(requested_ns=scan.requested_ns, answered_ns=scan.answered_ns, source_ns=None), number)


def together(names: Collection[str], scans: Iterable[Scan], points: Points) -> Iterator[Scan]:
    """What a meter answered of these points: one scan for each time it was read, if registers lie in several blocks.

    Nodes are read all at once; other blocks of theirs are samples of one node each, from other moments.
    """
    told = list[Scan]()
    registers = all(name in points and points[name].table is not None for name in names)
    for scan in scans:
        if told and not (registers and scan.block > told[-1].block):
            yield _joined(told)
            told = []
        if any(reading.point in names for reading in scan.readings):
            told.append(scan)
    if told:
        yield _joined(told)


def tags(line: config.Line) -> set[str]:
    """The points of its source that tell a line's batches."""
    if line.told_by == "schedule":
        return set()
    state = line.state_point if line.told_by in config.STATED_BY else None
    return {name for name in (line.batch, line.product_point, line.running_point, state) if name is not None}


def _joined(scans: Sequence[Scan]) -> Scan:
    readings = tuple(reading for scan in scans for reading in scan.readings)
    return Scan(scans[0].block, min(s.requested_ns for s in scans), max(s.answered_ns for s in scans), readings)


def _good(scan: Scan) -> Readings:
    return {reading.point: reading for reading in scan.readings if is_good(reading.status)}


def _runs(line: config.Line, readings: Readings, points: Points) -> bool | None:
    """Whether something runs; None if what the source says of it means nothing."""
    if line.told_by in config.STATED_BY:
        number = _number(readings[line.state_point or ""], points)
        return None if number is None else line_states.runs(line, number)
    return True if line.running_point is None else bool(readings[line.running_point].raw)


def _counted(line: config.Line, now: Look, last: Look | None) -> Look:
    """A batch goes on while its number is the same, or, if what it makes is counted, while the count does not fall."""
    falls = line.ends_at == "fall"
    before, count = None if last is None else last.count, now.count or 0
    if last is not None and before is not None and (count == before or (falls and count > before)):
        return replace(now, batch=last.batch)
    if falls or line.named_by == "time":
        return replace(now, batch=f"{line.name}-{wall_of(now.seen.answered_ns, UTC):%Y%m%dT%H%M%SZ}")
    return replace(now, batch=f"{line.name}-{count}")


def _text(reading: Reading, points: Points) -> str | None:
    """A name; empty where there is none, which is 0 in a number. None if the point shows neither."""
    if reading.raw is None:
        return (reading.text or "")[:NAME_CHARACTERS_MAX]
    number = _number(reading, points)
    return None if number is None else str(number or "")


def _number(reading: Reading, points: Points) -> int | None:
    """A whole number; None if the point shows none."""
    if reading.raw is None or reading.point not in points:
        return None
    try:
        exact = value(points[reading.point], reading.raw)
    except ValueError:
        return None
    return int(exact) if exact.denominator == 1 else None


def _changed_ns(line: config.Line, readings: Readings) -> int | None:
    """The source's time of the later change of the tags that make an edge."""
    times = [readings[name].source_ns for name in (line.batch, line.running_point) if name is not None]
    known = [at_ns for at_ns in times if at_ns is not None]
    return max(known) if len(known) == len(times) else None
