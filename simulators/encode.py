"""Numbers as a meter puts them into registers; written apart from the decoder, so that they share no mistake.

In: a point of a profile and the value to show, in the point's unit. Out: 16-bit words in address order.
Never: clips. A gauge that does not fit raises OverflowError; a counter rolls over, as a register does.
"""

import struct
from fractions import Fraction

from agent.drivers.profile import Point

FLOATS = {"float32": ">f", "float64": ">d"}  # IEEE 754, most significant byte first


def encode(point: Point, value: Fraction, exponent: int = 0) -> tuple[int, ...]:
    """Return the words that show a value; `exponent` is the decimal exponent held by the point's scale point.

    Integer counters show what has been completed (rounded down), gauges the nearest; floats the nearest representable
    number.
    """
    shown = value / Fraction(10) ** (point.scale + exponent)
    if point.type in FLOATS:
        data = struct.pack(FLOATS[point.type], float(shown))
    else:
        bits = 16 * point.length
        signed = point.type.startswith("int")
        whole = shown.numerator // shown.denominator if point.kind == "counter" else round(shown)
        if point.kind == "counter":
            whole %= 1 << (bits - signed)
        data = whole.to_bytes(bits // 8, "big", signed=signed)
    words = struct.unpack(f">{point.length}H", data)
    return words if point.words == "high_first" else words[::-1]
