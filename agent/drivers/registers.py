"""Register arithmetic: what exactly the raw words mean.

In: a profile's point and raw unsigned integers (words in wire order). Out: integers in canonical units (`wh_milli`,
`w_milli`, ...). Never: a float in between; there is one rounding, half to even, at the very end.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from agent.drivers import BAD_DECODING_ERROR, BAD_NO_DATA, GOOD
from agent.drivers.profile import RATIOED, UNITS, Point

# A scale point holds a decimal exponent from -10 to 10 (SunSpec Information Model Specification, type sunssf).
SCALE_MAX = 10
_FLOATS = {"float32": (8, 23), "float64": (11, 52)}  # exponent and fraction bits, IEEE 754
_INT64_MAX = 2**63 - 1


def status_of(point: Point, raw: int, scale_raw: int | None = None) -> int:
    """Good, BadNoData (invalid by the profile, or a float that is no number) or BadDecodingError (absurd scale)."""
    if raw in point.invalid:
        return BAD_NO_DATA
    if point.type in _FLOATS and not _is_finite(point, raw):
        return BAD_NO_DATA
    if scale_raw is not None and abs(_signed(scale_raw, 16)) > SCALE_MAX:
        return BAD_DECODING_ERROR
    return GOOD


def unit_of(point: Point) -> str:
    """Name of the canonical unit `scaled` gives, e.g. `wh_milli`."""
    return UNITS[point.unit][0]


def value(point: Point, raw: int, scale_raw: int | None = None) -> Fraction:
    """Exact value in the profile's `unit`, as the meter states it (no CT or PT ratio): for display."""
    mantissa, exponent = _number(point, raw)
    return mantissa * _power(2, exponent) * _power(10, _scale(point, scale_raw))


def scaled(point: Point, raw: int, ratio: Fraction, scale_raw: int | None = None) -> int:
    """Exact value times `ratio` (CT x PT, for energy and power only) in the canonical unit, rounded half to even once.

    Raises ValueError if `raw` is no number of the point's type, or the scale is absurd.
    """
    return _rounded(*_number(point, raw), _factor(point, ratio, scale_raw))


def limit_of(point: Point, ratio: Fraction, scale_raw: int | None = None) -> int:
    """Roll-over limit of a counter in the canonical unit; 0 if the profile states none."""
    return 0 if point.limit is None else round(Fraction(point.limit) * _of_unit(point, ratio, scale_raw))


def scaled_column(
    point: Point, raws: Sequence[int] | NDArray[np.int64], ratio: Fraction, scale_raws: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """`scaled` for many readings of one point. Raises ValueError as `scaled` does, or if a result exceeds 64 bits."""
    column = np.asarray(raws, dtype=np.uint64)
    if scale_raws is None:
        return _column(point, column, _factor(point, ratio, None))
    scales = np.asarray(scale_raws, dtype=np.int64)
    if scales.shape != column.shape:
        raise ValueError(f"{point.id}: {column.size} values but {scales.size} scales")
    result = np.empty(column.shape, dtype=np.int64)
    for scale_raw in np.unique(scales).tolist():
        at = scales == scale_raw
        result[at] = _column(point, column[at], _factor(point, ratio, scale_raw))
    return result


def slack(point: Point, largest_raw: int, ratio: Fraction, scale_raw: int | None = None) -> tuple[int, int]:
    """How far indicated energy may lie (below, above) a reading of the register, canonical units, rounded up.

    A register shows the floor to its step, so integers need nothing below and the step above. A float register is that
    floor in the nearest float: half a unit in the last place (at `largest_raw`) on both sides; without a stated step
    the unit in the last place stands for it. One canonical unit is added to each side if `scaled` had to round.
    """
    factor = _factor(point, ratio, scale_raw)
    if point.type in _FLOATS:
        ulp = _ulp(point, largest_raw) * factor
        rounding = 1  # smaller readings of the same register have finer bits than canonical units resolve
    else:
        ulp = Fraction(0)
        rounding = int(factor.denominator != 1)
    step = ulp or factor if point.step is None else Fraction(point.step) * _of_unit(point, ratio, scale_raw)
    half = _ceil(ulp / 2)
    return half + rounding, _ceil(step) + half + rounding


def _scale(point: Point, scale_raw: int | None) -> int:
    if (scale_raw is None) != (point.scale_point is None):
        raise ValueError(f"{point.id}: needs {'the' if point.scale_point else 'no'} value of a scale point")
    shift = 0 if scale_raw is None else _signed(scale_raw, 16)
    if abs(shift) > SCALE_MAX:
        raise ValueError(f"{point.id}: scale {shift} is outside -{SCALE_MAX}..{SCALE_MAX}")
    return point.scale + shift


def _factor(point: Point, ratio: Fraction, scale_raw: int | None) -> Fraction:
    """Canonical units per raw unit."""
    return _of_unit(point, ratio, scale_raw) * _power(10, point.scale)


def _of_unit(point: Point, ratio: Fraction, scale_raw: int | None) -> Fraction:
    """Canonical units per `unit` as the register counts it."""
    primary = ratio if point.quantity.startswith(RATIOED) else 1
    return primary * _power(10, _scale(point, scale_raw) - point.scale + UNITS[point.unit][1])


def _power(base: int, exponent: int) -> Fraction:
    return Fraction(base**exponent) if exponent >= 0 else Fraction(1, base**-exponent)


def _ordered(point: Point, raw: int) -> int:
    """The raw integer with the most significant word first."""
    if not 0 <= raw < 1 << point.bits:
        raise ValueError(f"{point.id}: {raw} does not fit {point.type}")
    if point.words == "high_first" or point.bits <= 16:
        return raw
    words = [raw >> shift & 0xFFFF for shift in range(0, point.bits, 16)]
    return sum(word << shift for word, shift in zip(reversed(words), range(0, point.bits, 16), strict=True))


def _signed(raw: int, bits: int) -> int:
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def _fields(point: Point, raw: int) -> tuple[int, int, int]:
    """Sign, biased exponent and fraction of a float register (IEEE 754-2019, 3.4)."""
    exponent_bits, fraction_bits = _FLOATS[point.type]
    bits = _ordered(point, raw)
    exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1)
    return bits >> (point.bits - 1), exponent, bits & ((1 << fraction_bits) - 1)


def _is_finite(point: Point, raw: int) -> bool:
    return _fields(point, raw)[1] != (1 << _FLOATS[point.type][0]) - 1


def _number(point: Point, raw: int) -> tuple[int, int]:
    """The register's number as (mantissa, exponent), exactly mantissa x 2^exponent."""
    if point.type not in _FLOATS:
        bits = _ordered(point, raw)
        return (_signed(bits, point.bits) if point.type.startswith("int") else bits), 0
    if not _is_finite(point, raw):
        raise ValueError(f"{point.id}: {raw:#x} is not a finite {point.type}")
    sign, exponent, fraction = _fields(point, raw)
    exponent_bits, fraction_bits = _FLOATS[point.type]
    mantissa = fraction | (1 << fraction_bits if exponent else 0)  # exponent 0: subnormal, no hidden bit
    return -mantissa if sign else mantissa, max(exponent, 1) - (1 << exponent_bits - 1) + 1 - fraction_bits


def _ulp(point: Point, raw: int) -> Fraction:
    return _power(2, _number(point, raw)[1])


def _rounded(mantissa: int, exponent: int, factor: Fraction) -> int:
    numerator, denominator = mantissa * factor.numerator, factor.denominator
    if exponent >= 0:
        numerator <<= exponent
    else:
        denominator <<= -exponent
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient & 1))


def _ceil(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)


def _column(point: Point, column: NDArray[np.uint64], factor: Fraction) -> NDArray[np.int64]:
    fast = None if point.type in _FLOATS else _fast_column(point, column, factor)
    if fast is not None:
        return fast
    raws = column.tolist()
    memo = {raw: _rounded(*_number(point, raw), factor) for raw in set(raws)}
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
    bits = column
    if point.words == "low_first" and point.bits > 16:
        shifts = range(0, point.bits, 16)
        words = [(column >> np.uint64(s) & np.uint64(0xFFFF)) << np.uint64(point.bits - 16 - s) for s in shifts]
        bits = np.bitwise_or.reduce(words)
    unused = np.int64(64 - point.bits)
    if point.type.startswith("int"):
        numbers = (bits << np.uint64(unused)).view(np.int64) >> unused
    elif int(bits.max()) > _INT64_MAX:
        return None
    else:
        numbers = bits.astype(np.int64)
    numerator, denominator = factor.numerator, factor.denominator
    if max(-int(numbers.min()), int(numbers.max())) * numerator > _INT64_MAX or denominator > _INT64_MAX // 2:
        return None
    quotient, rest = np.divmod(numbers * np.int64(numerator), np.int64(denominator))
    up = (2 * rest > denominator) | ((2 * rest == denominator) & (quotient & 1 == 1))
    result: NDArray[np.int64] = quotient + up
    return result
