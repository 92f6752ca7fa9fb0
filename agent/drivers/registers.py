"""Register arithmetic: what exactly the raw words mean.

In: a profile's point and raw unsigned integers (words in wire order). Out: integers in canonical units (`wh_milli`,
`w_milli`, ...). Never: a float in between; there is one rounding, half to even, at the very end.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from agent.drivers import BAD_DECODING_ERROR, BAD_NO_DATA, GOOD
from agent.drivers.point import RATIOED, UNITS, Point
from agent.drivers.words import (
    NoValue,
    Undecodable,
    has_order,
    last_place,
    least,
    number,
    positions,
    signed,
)

# A scale point holds a decimal exponent from -10 to 10 (SunSpec Information Model Specification, type sunssf).
SCALE_MAX = 10
_WHOLE = {f"{sign}{bits}" for sign in ("uint", "int") for bits in (16, 32, 48, 64)}
_INT64_MAX = 2**63 - 1
ONES_BITS = 32


def status_of(point: Point, raw: int, scale_raw: int | None = None) -> int:
    """Good; BadNoData: invalid by the profile, or a float that is no number; BadDecodingError: not of the type.

    The last also for a scale no meter has. A text has no raw integer and no status of this kind.
    """
    if raw in point.invalid:
        return BAD_NO_DATA
    if point.type not in _WHOLE:
        try:
            number(point, raw)
        except NoValue:
            return BAD_NO_DATA
        except Undecodable:
            return BAD_DECODING_ERROR
    if scale_raw is not None and abs(signed(scale_raw, 16)) > SCALE_MAX:
        return BAD_DECODING_ERROR
    return GOOD


def unit_of(point: Point) -> str:
    """Name of the canonical unit `scaled` gives, e.g. `wh_milli`."""
    return UNITS[point.unit][0]


def value(point: Point, raw: int, scale_raw: int | None = None) -> Fraction:
    """Exact value in the profile's `unit`, as the meter states it (no CT or PT ratio): for display."""
    mantissa, exponent = number(point, raw)
    factor = _turned(point) * _power(10, _scale(point, scale_raw) + least(point))
    return mantissa * _power(2, exponent) * factor + Fraction(point.offset or 0)


def scaled(point: Point, raw: int, ratio: Fraction, scale_raw: int | None = None) -> int:
    """Exact value times `ratio` (CT x PT, for energy and power only) in the canonical unit, rounded half to even once.

    A point that is primary already is not multiplied again. Raises ValueError if `raw` is no number of the point's
    type, or the scale is absurd.
    """
    return _rounded(*number(point, raw), _factor(point, ratio, scale_raw), _added(point, ratio))


def stated(point: Point, text: str, ratio: Fraction) -> int:
    """A decimal number in the point's `unit`, as the meter's display shows it, in the canonical unit, as `scaled`."""
    return round(Fraction(text) * _primary(point, ratio) * _power(10, UNITS[point.unit][1]))


def of_last_digit(point: Point, text: str, ratio: Fraction) -> int:
    """What one in the last digit of such a number is worth, rounded up."""
    digits = len(text.partition(".")[2])
    return _ceil(_power(10, -digits) * _primary(point, ratio) * _power(10, UNITS[point.unit][1]))


def limit_of(point: Point, ratio: Fraction, scale_raw: int | None = None) -> int:
    """Roll-over limit of a counter in the canonical unit; 0 if the profile states none."""
    return 0 if point.limit is None else round(Fraction(point.limit) * _of_unit(point, ratio, scale_raw))


def ones_of(point: Point, ratio: Fraction, scale_raw: int | None = None) -> int:
    """What a whole number of 32 bits or more shows with every bit set, canonical units; -1 for any other register.

    A device that has no value often says so, whatever its manual states; narrower registers pass that number by
    themselves.
    """
    if not point.type.startswith("uint") or point.bits < ONES_BITS or point.bit_range is not None:
        return -1
    shown = scaled(point, 2**point.bits - 1, ratio, scale_raw)
    return shown if 0 <= shown < 2**62 else -1


def scaled_column(
    point: Point, raws: Sequence[int] | NDArray[np.int64], ratio: Fraction, scale_raws: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """`scaled` for many readings of one point. Raises ValueError as `scaled` does, or if a result exceeds 64 bits."""
    column = np.asarray(raws, dtype=np.uint64)
    added = _added(point, ratio)
    if scale_raws is None:
        return _column(point, column, _factor(point, ratio, None), added)
    scales = np.asarray(scale_raws, dtype=np.int64)
    if scales.shape != column.shape:
        raise ValueError(f"{point.id}: {column.size} values but {scales.size} scales")
    result = np.empty(column.shape, dtype=np.int64)
    for scale_raw in np.unique(scales).tolist():
        at = scales == scale_raw
        result[at] = _column(point, column[at], _factor(point, ratio, scale_raw), added)
    return result


def slack(point: Point, largest_raw: int, ratio: Fraction, scale_raw: int | None = None) -> tuple[int, int]:
    """How far indicated energy may lie (below, above) a reading of the register, canonical units, rounded up.

    A register shows the floor to its step, so integers need nothing below and the step above. A float register is that
    floor in the nearest float: half a unit in the last place (at `largest_raw`) on both sides; without a stated step
    the unit in the last place stands for it. One canonical unit is added to each side if `scaled` had to round.
    """
    factor = _factor(point, ratio, scale_raw)
    mantissa, exponent = last_place(point, largest_raw)
    ulp = mantissa * _power(2, exponent) * factor
    # Smaller readings of a float register have finer bits than canonical units resolve.
    rounding = 1 if ulp else int(factor.denominator != 1)
    finest = factor * _power(10, point.parts[-1].scale - least(point)) if point.parts else factor
    step = ulp or finest if point.step is None else Fraction(point.step) * _of_unit(point, ratio, scale_raw)
    half = _ceil(ulp / 2)
    return half + rounding, _ceil(step) + half + rounding


def _scale(point: Point, scale_raw: int | None) -> int:
    if (scale_raw is None) != (point.scale_point is None):
        raise ValueError(f"{point.id}: needs {'the' if point.scale_point else 'no'} value of a scale point")
    shift = 0 if scale_raw is None else signed(scale_raw, 16)
    if abs(shift) > SCALE_MAX:
        raise ValueError(f"{point.id}: scale {shift} is outside -{SCALE_MAX}..{SCALE_MAX}")
    return point.scale + shift


def _factor(point: Point, ratio: Fraction, scale_raw: int | None) -> Fraction:
    """Canonical units per unit of the raw number, negative where the sign is turned."""
    return _turned(point) * _of_unit(point, ratio, scale_raw) * _power(10, point.scale + least(point))


def _of_unit(point: Point, ratio: Fraction, scale_raw: int | None) -> Fraction:
    """Canonical units per `unit` as the register counts it."""
    return _primary(point, ratio) * _power(10, _scale(point, scale_raw) - point.scale + UNITS[point.unit][1])


def _primary(point: Point, ratio: Fraction) -> Fraction:
    """What makes it a primary value: the ratio, unless it is none of energy and power or the meter has done it."""
    return ratio if point.quantity.startswith(RATIOED) and point.ratio_side != "primary" else Fraction(1)


def _added(point: Point, ratio: Fraction) -> Fraction:
    """The offset in canonical units."""
    if point.offset is None:
        return Fraction(0)
    return Fraction(point.offset) * _primary(point, ratio) * _power(10, UNITS[point.unit][1])


def _turned(point: Point) -> int:
    return -1 if point.negate else 1


def _power(base: int, exponent: int) -> Fraction:
    return Fraction(base**exponent) if exponent >= 0 else Fraction(1, base**-exponent)


def _rounded(mantissa: int, exponent: int, factor: Fraction, added: Fraction) -> int:
    if added:
        return round(mantissa * _power(2, exponent) * factor + added)
    numerator, denominator = mantissa * factor.numerator, factor.denominator
    if exponent >= 0:
        numerator <<= exponent
    else:
        denominator <<= -exponent
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient & 1))


def _ceil(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)


def _column(point: Point, column: NDArray[np.uint64], factor: Fraction, added: Fraction) -> NDArray[np.int64]:
    if point.type in _WHOLE and point.bit_range is None and not added:
        fast = _fast_column(point, column, factor)
        if fast is not None:
            return fast
    raws = column.tolist()
    memo = {raw: _rounded(*number(point, raw), factor, added) for raw in set(raws)}
    try:
        return np.array([memo[raw] for raw in raws], dtype=np.int64)
    except OverflowError:
        worst = max(memo.values(), key=abs)
        raise ValueError(f"{point.id}: {worst} {unit_of(point)} does not fit 64 bits") from None


def _fast_column(point: Point, column: NDArray[np.uint64], factor: Fraction) -> NDArray[np.int64] | None:
    """Whole numbers in 64-bit arithmetic, or None where that might overflow."""
    if not column.size:
        return np.empty(0, dtype=np.int64)
    if int(column.max()).bit_length() > point.bits:
        raise ValueError(f"{point.id}: {int(column.max())} does not fit {point.type}")
    bits = _ordered_column(point, column) if has_order(point) else column
    unused = np.int64(64 - point.bits)
    if point.type.startswith("int"):
        numbers = (bits << np.uint64(unused)).view(np.int64) >> unused
    elif int(bits.max()) > _INT64_MAX:
        return None
    else:
        numbers = bits.astype(np.int64)
    numerator, denominator = factor.numerator, factor.denominator
    largest = max(-int(numbers.min()), int(numbers.max())) * abs(numerator)
    if largest > _INT64_MAX or abs(numerator) > _INT64_MAX or denominator > _INT64_MAX // 2:
        return None
    quotient, rest = np.divmod(numbers * np.int64(numerator), np.int64(denominator))
    up = (2 * rest > denominator) | ((2 * rest == denominator) & (quotient & 1 == 1))
    result: NDArray[np.int64] = quotient + up
    return result


def _ordered_column(point: Point, column: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`words.ordered` for a column."""
    unused = 8 - point.bits // 8
    wire = column.astype(">u8").view(np.uint8).reshape(-1, 8)
    order = [*range(unused), *(unused + at for at in positions(point.words, point.bytes, point.bits))]
    return np.ascontiguousarray(wire[:, order]).view(">u8").reshape(-1).astype(np.uint64)
