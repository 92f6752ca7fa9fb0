"""What can be wrong with how a line is told: keys that do not belong together, points that cannot tell it.

In: a line as configured, the points of its source. Out: `key.path: problem: hint` lines. Pure.
"""

import re
from collections.abc import Iterator, Sequence

from agent.config import STATED_BY, Line
from agent.drivers.profile import Point
from contract.calendar_form import ZonedCalendarForm
from contract.problems import suggest

TELLING = {"batch", "product", "makes", "running", "named_by", "ends_at", "state", "states", "edge_time", "lag_ms"}
USED = {
    "tags": {"makes", "batch", "product", "running", "state", "states", "edge_time", "lag_ms"},
    "packml": {"makes", "batch", "product", "state", "lag_ms"},
    "job_order": {"makes", "batch", "product", "state", "lag_ms"},
    "counter": TELLING,
    "schedule": {"makes", "state", "states", "lag_ms"},
}
WHOLE = re.compile(r"(u?int|bcd|mod10k)\d+")


def keys(at: str, line: Line, calendar: ZonedCalendarForm | None) -> Iterator[str]:
    """Keys that this way of telling has no use for, and those it lacks."""
    if line.told_by == "message":
        return  # of its own kind: check_lines tells
    for key in sorted(line.model_fields_set & TELLING - USED[line.told_by]):
        yield f"{at}.{key}: a line told by {line.told_by} has no use for it: remove it"
    if line.makes is not None and line.product is not None:
        yield f"{at}.makes: {line.product!r} tells the product already: keep one of the two"
    if line.state is not None and line.told_by not in STATED_BY and not line.states:
        yield f'{at}.states: missing: say what its numbers mean, such as {{ "1" = "produce", "0" = "idle" }}'
    if line.states and line.state_point is None:
        yield f"{at}.state: missing: name the point whose numbers these are"
    if line.ends_at == "fall" and line.edge_time == "source":
        yield f'{at}.edge_time: the time of a count is that of its last step: use "observed"'
    if line.told_by == "schedule":
        yield from _scheduled(at, line, calendar)


def _scheduled(at: str, line: Line, calendar: ZonedCalendarForm | None) -> Iterator[str]:
    if line.clock_tolerance_ms is not None:
        yield f"{at}.clock_tolerance_ms: a line told by schedule has no use for it: remove it"
    if line.makes is None:
        yield f"{at}.makes: missing: name the product, for no point tells it"
    if calendar is None or not calendar.shifts:
        yield f"{at}.told_by: there is no shift: add [calendar] with a [[calendar.shift]]"


def points(at: str, line: Line, known: Sequence[Point]) -> Iterator[str]:
    """Points that its source does not read, or that show something else than a line is told by."""
    by_id = {point.id: point for point in known}
    for key, name in _named(line):
        point = by_id.get(name)
        if point is None:
            yield f"{at}.{key}: {line.source} reads no point {name!r}: {suggest(name, by_id)}"
        elif not _tells(key, line, point):
            yield f"{at}.{key}: {name!r} is of type {point.type}: name a point that is {_wanted(key, line)}"


def _named(line: Line) -> Iterator[tuple[str, str]]:
    if line.told_by != "schedule":
        yield "batch", line.batch
        if line.product_point is not None:
            yield "product", line.product_point
        if line.running_point is not None:
            yield "running", line.running_point
    if line.state_point is not None:
        yield "state", line.state_point


def _tells(key: str, line: Line, point: Point) -> bool:
    if key == "running":
        return point.type != "text"
    if key == "state":
        return point.type == "bool" or _is_whole(point)
    return _is_whole(point) or (point.type == "text" and not (key == "batch" and line.told_by == "counter"))


def _is_whole(point: Point) -> bool:
    """Whether it shows nothing but whole numbers."""
    return bool(WHOLE.fullmatch(point.type)) and point.scale >= 0 and (point.scale_point, point.offset) == (None, None)


def _wanted(key: str, line: Line) -> str:
    if key == "running":
        return "a number or a bool that is 0 while nothing runs"
    if key == "state":
        return "a whole number or a bool"
    return "a whole number" if key == "batch" and line.told_by == "counter" else "a text or a whole number"
