"""Numbers as a meter puts them into registers; written apart from the decoder, so that they share no mistake.

In: a point of a profile and the value to show, in the point's unit. Out: 16-bit words in address order (a composite's
part by part).
Never: clips. A gauge that does not fit raises OverflowError; a counter rolls over, as a register does.
"""

import struct
from collections.abc import Callable
from fractions import Fraction

from agent.drivers.profile import Point

FLOATS = {"float32": ">f", "float64": ">d"}  # IEEE 754, most significant byte first
Words = tuple[int, ...]
ORDERS: dict[str, Callable[[Words], Words]] = {
    "high_first": lambda words: words,
    "low_first": lambda words: words[::-1],
    "low_pair_first": lambda words: words[2:] + words[:2],
    "high_pair_first": lambda words: (words[1], words[0], words[3], words[2]),
}


def encode(point: Point, value: Fraction, exponent: int = 0) -> Words:
    """Return the words that show a value; `exponent` is the decimal exponent held by the point's scale point.

    Whole numbers of a counter show what has been completed (rounded down), of a gauge the nearest; floats the nearest
    representable number. A field of a word comes as that word with nothing else in it.
    """
    value -= Fraction(point.offset or 0)
    shown = (-value if point.negate else value) / Fraction(10) ** (point.scale + exponent)
    if point.parts:
        return _composite(point, shown)
    if point.bit is not None:
        return _swapped(point, (int(bool(shown)) << point.bit,))
    if point.bit_range is not None:
        low, high = point.bit_range
        return _swapped(point, (_fitting(round(shown), 0, 2 ** (high - low + 1) - 1) << low,))
    if point.type == "bool":
        return (int(bool(shown)),)
    return _swapped(point, _words(point.type, shown, counts=point.kind == "counter"))


def encode_text(point: Point, text: str) -> Words:
    """Return the words of a text, filled up with NUL. Raises OverflowError if it is too long."""
    data = text.encode()
    if len(data) > 2 * point.length:
        raise OverflowError(f"{point.id}: {text!r} is longer than {2 * point.length} characters")
    return _swapped(point, struct.unpack(f">{point.length}H", data.ljust(2 * point.length, b"\0")))


def _swapped(point: Point, words: Words) -> Words:
    """Words, most significant first, as the point has them on the wire."""
    wire = ORDERS[point.words](words) if len(words) > 1 else words
    return wire if point.bytes == "high_first" else tuple(word % 256 * 256 + word // 256 for word in wire)


def _composite(point: Point, shown: Fraction) -> Words:
    """Each part takes what it can show of the rest, the last one all of it."""
    words: Words = ()
    for part in point.parts:
        step = Fraction(10) ** part.scale
        last = part is point.parts[-1]
        own = shown / step if last else Fraction(shown // step)
        shown -= own * step
        words += _swapped(point, _words(part.type, own, counts=point.kind == "counter"))
    return words


def _words(kind: str, shown: Fraction, *, counts: bool) -> Words:
    """A number of a plain type, most significant word first."""
    if kind in FLOATS:
        data = struct.pack(FLOATS[kind], float(shown))
        return struct.unpack(f">{len(data) // 2}H", data)
    whole = shown.numerator // shown.denominator if counts else round(shown)
    if kind.startswith("mod10k"):
        return _mod10k(kind, whole, counts=counts)
    bits = int(kind[-2:])
    signed = kind.startswith("int")
    if kind.startswith("bcd"):
        digits = bits // 4
        whole = whole % 10**digits if counts else _fitting(whole, 0, 10**digits - 1)
        data = bytes.fromhex(str(whole).rjust(digits, "0"))
    else:
        data = (whole % (1 << (bits - signed)) if counts else whole).to_bytes(bits // 8, "big", signed=signed)
    return struct.unpack(f">{len(data) // 2}H", data)


def _mod10k(kind: str, whole: int, *, counts: bool) -> Words:
    """Four decimal digits a word; of a negative number every word is negative or zero."""
    name, _, sign = kind.partition("_")
    count = int(name.removeprefix("mod10k")) // 16
    end = 10000**count
    whole = whole % end if counts else _fitting(whole, 1 - end if sign else 0, end - 1)
    words = [abs(whole) // 10000**place % 10000 for place in reversed(range(count))]
    return tuple((-word if whole < 0 else word) % 65536 for word in words)


def _fitting(whole: int, lowest: int, highest: int) -> int:
    if not lowest <= whole <= highest:
        raise OverflowError(f"{whole} is outside {lowest}..{highest}")
    return whole
