"""Batches that are shifts: their edges, names and products must be those of the calendar that the manifest states.

In: a batch's first part and the manifest in force. Out: what is wrong, in words. The zone's rules are those of the
machine that verifies.
"""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from contract import records
from contract.calendar import Worked, shifts_of
from contract.calendar_records import CalendarPart
from contract.errors import Malformed
from contract.records import BatchPart, LinePart, ScheduledEdge
from contract.zone import zone_of
from verifier.evidence import Stated


def faults(head: BatchPart, stated: Stated) -> Iterator[str]:
    """Nothing for a batch that is told otherwise and does not pretend to be a shift."""
    line = stated.lines.get(head.line)
    start, end = head.start, head.end
    if line is None or line.told_by != "schedule":
        if isinstance(start, ScheduledEdge) or isinstance(end, ScheduledEdge):
            yield "it has a shift's edge, though its line is not told by the calendar"
    elif not isinstance(start, ScheduledEdge) or not isinstance(end, ScheduledEdge):
        yield "its line is told by the calendar, and its edges are no shift's"
    elif (start.shift, start.on) != (end.shift, end.on):
        yield f"it begins with shift {start.shift} of {start.on} and ends with shift {end.shift} of {end.on}"
    else:
        yield from _against(head, line, start, end, stated.parts)


def _against(
    head: BatchPart, line: LinePart, start: ScheduledEdge, end: ScheduledEdge, parts: tuple[bytes, ...]
) -> Iterator[str]:
    try:
        worked = _worked(parts, start.shift, start.on)
    except (Malformed, ValueError, OverflowError) as error:
        yield f"its shift cannot be looked up: {error}"
        return
    if worked is None:
        yield f"the calendar has no shift {start.shift} on {start.on}"
        return
    for name, given, due_ns in (("start", start, worked.from_ns), ("end", end, worked.to_ns)):
        if (given.earliest_ns, given.latest_ns) != (due_ns, due_ns):
            yield f"its {name} is signed as {given.earliest_ns}..{given.latest_ns}; the calendar gives {due_ns}"
    if head.batch != f"{line.line}-{start.on}-{start.shift}":
        yield f"it is shift {start.shift} of {start.on}, and named otherwise"
    if head.product != line.makes:
        yield f"its product is signed as {head.product!r}; its line makes {line.makes!r}"


@lru_cache
def _worked(parts: tuple[bytes, ...], shift: str, on: str) -> Worked | None:
    """That shift on that date, by the calendar in a manifest's parts. Raises Malformed or ValueError."""
    calendars = [records.read(part, CalendarPart) for part in parts if records.kind_of(part) == "calendar"]
    if len(calendars) != 1:
        raise Malformed(f"the manifest states {len(calendars)} calendars")
    worked = shifts_of(date.fromisoformat(on), zone_of(calendars[0].zone), calendars[0].calendar)
    return next((one for one in worked if one.name == shift), None)
