"""What can be wrong with the lots that a line's controller is said to show. Pure.

In: a line as configured, the points of its source; None where no meter is its source. Out: `key.path: problem: hint`
lines.
"""

from collections.abc import Iterator, Sequence

from agent.aggregation.lot_tags import UNITS
from agent.config import Line, LotTags
from agent.drivers.profile import Point
from agent.drivers.registers import unit_of
from contract.problems import suggest

WANTED = "g, kg, t, L, m3, piece or 1"


def faults(at: str, line: Line, points: Sequence[Point] | None) -> Iterator[str]:
    """Everything that is wrong with a line's lots."""
    if line.lots and line.told_by in {"message", "schedule"}:
        hint = "a message states them itself" if line.told_by == "message" else "nothing is read at a shift's end"
        yield f"{at}.lots: a line told by {line.told_by} has no use for it: remove it, {hint}"
        return
    for index, lot in enumerate(line.lots if points is not None else ()):
        yield from _lot(f"{at}.lots.{index}", line, lot, {point.id: point for point in points or ()})


def _lot(at: str, line: Line, lot: LotTags, points: dict[str, Point]) -> Iterator[str]:
    for key, name in (("lot", lot.lot), ("quantity", lot.quantity)):
        if name not in points:
            yield f"{at}.{key}: {line.source} reads no point {name!r}: {suggest(name, points)}"
    if lot.lot in points and points[lot.lot].type != "text":
        yield f"{at}.lot: {lot.lot!r} is of type {points[lot.lot].type}: name a point that is a text"
    quantity = points.get(lot.quantity)
    if quantity is None:
        return
    if quantity.type in {"text", "bool"} or quantity.scale_point is not None:
        yield f"{at}.quantity: {lot.quantity!r} is no plain number: name a point that is one, without a scale_point"
    elif unit_of(quantity) not in UNITS:
        yield f"{at}.quantity: {lot.quantity!r} is in {quantity.unit!r}: name a point in {WANTED}"
