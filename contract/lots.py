"""What a batch took in and gave out, lot by lot: as somebody stated it, beside what counters say.

In: quantities as people and systems write them. Out: `Lot` records of integers in canonical units. Never: a quantity
without a unit, a rounded one, or a guess at what was meant.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel, Field

from contract.entry import RECORD, Count, Name

LOTS_MAX = 200  # of one side of one batch
QUANTITY_MAX = 2**63 - 1
# unit as written -> (canonical unit, decimal exponent between the two), as contract/README.md section 10
UNITS: dict[str, tuple[str, int]] = {
    "mg": ("g_milli", 0),
    "g": ("g_milli", 3),
    "kg": ("g_milli", 6),
    "t": ("g_milli", 9),
    "L": ("m3_micro", 3),
    "m3": ("m3_micro", 6),
    "1": ("one_milli", 3),
    "piece": ("one_milli", 3),
}

Said = Annotated[str, Len(1, 200)]


class Lot(BaseModel):
    """One lot and its quantity. `kind` is None of an input; `source` says whether a scale counted or somebody told."""

    model_config = RECORD
    lot: Said
    quantity: Count
    unit: Literal["g_milli", "m3_micro", "one_milli"]
    source: Literal["metered", "reported"]
    kind: Literal["good", "scrap", "rework"] | None = Field(default=None, exclude_if=lambda given: given is None)
    instrument: Said | None = Field(default=None, exclude_if=lambda given: given is None)
    evidence: Said | None = Field(default=None, exclude_if=lambda given: given is None)


class LotRef(BaseModel):
    """Where a line's controller shows a lot: the point with its name, and the point with its quantity."""

    model_config = RECORD
    lot: Name
    quantity: Name
    kind: Literal["input", "good", "scrap", "rework"]
    source: Literal["metered", "reported"]
    instrument: Said | None = Field(default=None, exclude_if=lambda given: given is None)


def canonical(quantity: Decimal, unit: str) -> tuple[int, str]:
    """A quantity as an integer in its canonical unit. Raises ValueError for what is none, or would be rounded."""
    if unit not in UNITS:
        raise ValueError(f"unit: {unit[:40]!r}: use one of {', '.join(UNITS)}")
    name, exponent = UNITS[unit]
    if not quantity.is_finite() or quantity < 0 or quantity.adjusted() > 18:
        raise ValueError("quantity: not a number from 0 to 10^19: give what there is, not less than nothing")
    numerator, denominator = quantity.as_integer_ratio() if quantity.adjusted() > -30 else (int(quantity != 0), 10**30)
    whole, rest = divmod(numerator * 10**exponent, denominator)
    if rest or whole > QUANTITY_MAX:
        told = f"{str(quantity)[:40]} {unit}"
        raise ValueError(
            f"quantity: {told}: not a whole number of {name} below 2^63: give fewer decimals, or less of it"
        )
    return whole, name


def output(
    outputs: Sequence[Lot] | None, kind: Literal["good", "scrap", "rework"], unit: Literal["g_milli", "one_milli"]
) -> int | None:
    """A kind's output in a unit; None if none is stated or one of its lots is stated in another unit."""
    stated = [lot for lot in outputs or () if lot.kind == kind]
    if not stated or any(lot.unit != unit for lot in stated):
        return None
    return sum(lot.quantity for lot in stated)
