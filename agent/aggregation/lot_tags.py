"""Lots as a line's controller shows them: values of its points in, lots out.

Pure, and the same for the agent that reads the points and for who recomputes a record from what was read. A lot without
a name is not there; one whose name or quantity has no good value leaves its whole side unknown.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from agent.drivers.profile import Point
from agent.drivers.registers import scaled, status_of, unit_of
from contract.lots import QUANTITY_MAX, Lot, LotRef

UNITS = ("g_milli", "m3_micro", "one_milli")
NAME_CHARACTERS_MAX = 200  # as records allow

Value = tuple[str | None, int | None]  # the text of the lot's point, the raw integer of its quantity's


def lots(
    refs: Sequence[LotRef], values: Iterable[Value], points: Mapping[str, Point]
) -> tuple[tuple[Lot, ...] | None, tuple[Lot, ...] | None]:
    """(what went in, what came out); None for a side that the line does not show, or whose quantities are not known.

    Raises KeyError for a quantity that is not among the points, ValueError for other values than places.
    """
    found: dict[bool, list[Lot | None]] = {ref.kind == "input": [] for ref in refs}
    for ref, (name, raw) in zip(refs, values, strict=True):
        if name != "":  # nothing is there
            found[ref.kind == "input"].append(_lot(ref, name, raw, points[ref.quantity]))
    return _side(found.get(True)), _side(found.get(False))


def _side(found: Sequence[Lot | None] | None) -> tuple[Lot, ...] | None:
    known = [lot for lot in found or () if lot is not None]
    return None if found is None or len(known) < len(found) else tuple(known)


def _lot(ref: LotRef, name: str | None, raw: int | None, point: Point) -> Lot | None:
    if name is None or raw is None or status_of(point, raw):
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
