"""Lots as a line's controller shows them: values of its points in, lots out.

Pure, and the same for the agent that reads the points and for who recomputes a record from what was read. A lot without
a name or without a good quantity is not there: nothing is put in its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from agent.drivers.point import Point
from agent.drivers.registers import scaled, status_of, unit_of
from contract.lots import QUANTITY_MAX, Lot, LotRef

UNITS = ("g_milli", "m3_micro", "one_milli")
NAME_CHARACTERS_MAX = 200  # as records allow

Value = tuple[str | None, int | None]  # the text of the lot's point, the raw integer of its quantity's


def lots(
    refs: Sequence[LotRef], values: Iterable[Value], points: Mapping[str, Point]
) -> tuple[tuple[Lot, ...] | None, tuple[Lot, ...] | None]:
    """(what went in, what came out), None for a side of which the line shows nothing at all.

    Raises KeyError for a quantity that is not among the points, ValueError for other values than places.
    """
    found: tuple[list[Lot], list[Lot]] = ([], [])
    for ref, (name, raw) in zip(refs, values, strict=True):
        one = _lot(ref, name, raw, points[ref.quantity])
        if one is not None:
            found[ref.kind != "input"].append(one)
    sides = {ref.kind != "input" for ref in refs}
    inputs, outputs = (tuple(lots) if side in sides else None for side, lots in enumerate(found))
    return inputs, outputs


def _lot(ref: LotRef, name: str | None, raw: int | None, point: Point) -> Lot | None:
    if not name or raw is None or status_of(point, raw):
        return None
    quantity = scaled(point, raw, Fraction(1))
    if not 0 <= quantity <= QUANTITY_MAX:
        return None
    return Lot.model_validate(
        {
            "lot": name[:NAME_CHARACTERS_MAX],
            "quantity": quantity,
            "unit": unit_of(point),
            "source": ref.source,
            "kind": None if ref.kind == "input" else ref.kind,
            "instrument": ref.instrument,
        }
    )
