"""Raw integers to exact numbers: word and byte order, signs, floats, decimal digits, bit fields, sums of parts.

In: a point and a raw unsigned integer (its words in wire order). Out: a number as mantissa x 2^exponent, or the text.
Never: a float in between, a unit or a scale of its own (registers.py knows those).
"""

from functools import lru_cache

from agent.drivers.point import Part, Point

FLOATS = {"float32": (8, 23), "float64": (11, 52)}  # exponent and fraction bits, IEEE 754-2019, 3.4
# Most significant first, these words of the wire.
ORDERS = {"low_pair_first": (2, 3, 0, 1), "high_pair_first": (1, 0, 3, 2)}
BASE = 10_000  # mod10k: each word holds four decimal digits (Schneider Electric, "How to convert Mod10 registers")


class NoValue(ValueError):
    """The register says that it has no number: a float that is not finite."""


class Undecodable(ValueError):
    """The words are none that the type can hold."""


def number(point: Point, raw: int) -> tuple[int, int]:
    """The number as (mantissa, exponent), exactly mantissa x 2^exponent; a composite's counts its finest part's units.

    Raises NoValue or Undecodable, both ValueErrors, or ValueError if `raw` does not fit the type.
    """
    if not 0 <= raw < 1 << point.bits:
        raise ValueError(f"{point.id}: {raw} does not fit {point.type}")
    if point.parts:
        return _sum(point, raw)
    bits = ordered(point, raw, point.bits)
    if point.bit is not None:
        return bits >> point.bit & 1, 0
    if point.bit_range is not None:
        low, high = point.bit_range
        return bits >> low & ((2 << high - low) - 1), 0
    return _number(point.id, point.type, bits, point.bits)


def least(point: Point) -> int:
    """Decimal exponent of the units that a composite's `number` counts; 0 for other points."""
    return min((part.scale for part in point.parts), default=0)


def last_place(point: Point, raw: int) -> tuple[int, int]:
    """The unit in the last place of a float as (mantissa, exponent) in units of `number`; mantissa 0 for whole numbers.

    Of a composite, the sum of its float parts' - of parts after the first at least where they reach the part before
    them, since readings nearby may have come closer to it.
    """
    if not point.parts:
        return (1, number(point, raw)[1]) if point.type in FLOATS else (0, 0)
    places = [(0, 0)]
    for index, (part, own) in enumerate(_parted(point, raw)):
        if part.type in FLOATS:
            exponent = _number(point.id, part.type, ordered(point, own, part.bits), part.bits)[1]
            if index:
                reach = 10 ** max(0, point.parts[index - 1].scale - part.scale)
                exponent = max(exponent, reach.bit_length() - 1 - FLOATS[part.type][1])
            places.append((10 ** (part.scale - least(point)), exponent))
    return _added(places)


def text(data: bytes, *, low_first: bool = False) -> str | None:
    """The text in registers, two characters each: NUL, blank and 0xFF after it are filling. None if it is no text."""
    if low_first:
        data = bytes(data[i ^ 1] for i in range(len(data)))
    try:
        found = data.rstrip(b"\x00 \xff").decode()
    except UnicodeDecodeError:
        return None
    return found if found.isprintable() else None


def has_order(point: Point) -> bool:
    """Whether the wire's order is another than that of significance."""
    return (point.words != "high_first" and point.bits > 16) or point.bytes != "high_first"


def ordered(point: Point, raw: int, bits: int) -> int:
    """The raw integer with the most significant byte first."""
    if not has_order(point) or bits < 16:
        return raw
    wire = raw.to_bytes(bits // 8, "big")
    return int.from_bytes(bytes(wire[i] for i in positions(point.words, point.bytes, bits)), "big")


@lru_cache
def positions(words: str, inner: str, bits: int) -> tuple[int, ...]:
    """Most significant first, these bytes of the wire."""
    count = bits // 16
    order = ORDERS[words] if words in ORDERS else tuple(range(count))[:: -1 if words == "low_first" else 1]
    flip = int(inner == "low_first")
    return tuple(2 * word + (byte ^ flip) for word in order for byte in (0, 1))


def _sum(point: Point, raw: int) -> tuple[int, int]:
    summands = []
    for part, own in _parted(point, raw):
        mantissa, exponent = _number(point.id, part.type, ordered(point, own, part.bits), part.bits)
        summands.append((mantissa * 10 ** (part.scale - least(point)), exponent))
    return _added(summands)


def _parted(point: Point, raw: int) -> list[tuple[Part, int]]:
    """Each part with its own raw integer."""
    shift, found = point.bits, []
    for part in point.parts:
        shift -= part.bits
        found.append((part, raw >> shift & ((1 << part.bits) - 1)))
    return found


def _added(summands: list[tuple[int, int]]) -> tuple[int, int]:
    lowest = min(exponent for _, exponent in summands)
    return sum(mantissa << exponent - lowest for mantissa, exponent in summands), lowest


def _number(name: str, kind: str, bits: int, width: int) -> tuple[int, int]:
    """A number of a plain type, most significant byte first."""
    if kind in FLOATS:
        return _float(name, kind, bits, width)
    if kind.startswith("bcd"):
        return _decimal(name, bits, width, signed=kind.endswith("_signed")), 0
    if kind.startswith("mod10k"):
        return _mod10k(name, bits, width, signed=kind.endswith("_signed")), 0
    return signed(bits, width) if kind.startswith("int") else bits, 0


def _decimal(name: str, bits: int, width: int, *, signed: bool) -> int:
    sign = bits >> (width - 1) if signed else 0
    digits = f"{bits - (sign << width - 1):x}"
    if not digits.isdecimal():
        raise Undecodable(f"{name}: {bits:#x} is not binary-coded decimal")
    return -int(digits) if sign else int(digits)


def _mod10k(name: str, bits: int, width: int, *, signed: bool) -> int:
    total = 0
    for shift in range(width - 16, -1, -16):
        word = bits >> shift & 0xFFFF
        if signed and word >= 0x8000:
            word -= 0x10000
        if abs(word) >= BASE:
            raise Undecodable(f"{name}: {word} is no word of four decimal digits")
        total = total * BASE + word
    return total


def _float(name: str, kind: str, bits: int, width: int) -> tuple[int, int]:
    exponent_bits, fraction_bits = FLOATS[kind]
    exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1)
    fraction = bits & ((1 << fraction_bits) - 1)
    if exponent == (1 << exponent_bits) - 1:
        raise NoValue(f"{name}: {bits:#x} is not a finite {kind}")
    mantissa = fraction | (1 << fraction_bits if exponent else 0)  # exponent 0: subnormal, no hidden bit
    negative = bits >> (width - 1)
    return -mantissa if negative else mantissa, max(exponent, 1) - (1 << exponent_bits - 1) + 1 - fraction_bits


def signed(raw: int, bits: int) -> int:
    """Two's complement."""
    return raw - (1 << bits) if raw >> (bits - 1) else raw
