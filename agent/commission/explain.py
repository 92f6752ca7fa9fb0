"""What else could these registers mean? Every type and order that gives a plausible value, so that a wrong one shows.

In: register words and, if known, the unit they should be in. Out: decodings, the simplest first. Never: a decoder
shared with drivers - what is checked here is what a profile says, so it is decoded anew from bytes. Pure.
"""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from agent.drivers.point import Point

# What is met in a plant, lowest and highest amount, zero apart; amounts of meters for low and medium voltage.
PLAUSIBLE: Mapping[str, tuple[Fraction, Fraction]] = {
    unit: (Fraction(low), Fraction(high))
    for unit, low, high in (
        ("V", "80", "40000"), ("A", "0.01", "6000"), ("Hz", "45", "65"), ("1", "0.01", "1"), ("%", "1", "100"),
        ("W", "1", "50000000"), ("kW", "0.01", "50000"), ("VA", "1", "50000000"), ("kVA", "0.01", "50000"),
        ("var", "1", "50000000"), ("kvar", "0.01", "50000"), ("Wh", "100", "1000000000000"),
        ("kWh", "1", "1000000000"), ("MWh", "0.01", "1000000"), ("varh", "100", "1000000000000"),
        ("kvarh", "1", "1000000000"), ("VAh", "100", "1000000000000"), ("kVAh", "1", "1000000000"),
        ("m3", "0.01", "1000000000"), ("L", "1", "1000000000000"), ("m3/h", "0.01", "100000"),
        ("L/min", "0.1", "1000000"), ("bar", "0.1", "400"), ("Pa", "100", "40000000"),
        ("kPa", "1", "40000"), ("MPa", "0.01", "40"), ("degC", "0.1", "500"), ("K", "200", "800"),
        ("GJ", "0.01", "100000000"), ("MJ", "0.01", "100000000000"), ("kJ", "0.01", "100000000000000"),
        ("GJ/h", "0.01", "100000"),
        ("kg", "0.01", "1000000000"), ("t", "0.01", "100000000"), ("kg/h", "0.01", "1000000"), ("t/h", "0.01", "10000"),
    )
}  # fmt: skip
SIGNED = {"A", "W", "kW", "var", "kvar", "1", "%", "degC"}
LOW_VOLTAGE_MAX = Fraction(500)  # V; where no unit is known, more would be any number
GUESSED = ("V", "Hz", "1", "A", "W", "kWh")  # told apart where no unit is known; in this order
SCALES = (0, -1, -2, -3, -4, 1, 2, 3)  # of whole numbers and, since some makers do, of floats; the usual ones first
ORDERS = {
    1: ("high_first",),
    2: ("high_first", "low_first"),
    4: ("high_first", "low_first", "low_pair_first", "high_pair_first"),
}
# With words A B C D, A the most significant: where on the wire each is found.
_PLACES = {"low_pair_first": (2, 3, 0, 1), "high_pair_first": (1, 0, 3, 2)}


@dataclass(frozen=True, slots=True)
class Decoding:
    """One way to read `type` from `offset` on, in the keys of a profile, and what comes out."""

    offset: int
    type: str
    words: str
    bytes: str
    scale: int
    value: Fraction
    units: tuple[str, ...]  # in which the value is plausible


def decodings(words: Sequence[int], unit: str | None = None, *, offsets: bool = True) -> list[Decoding]:
    """Every plausible decoding. With a unit: in that one, the widest first; without: in some usual one.

    Only at the first word unless `offsets`. Zero and numbers that are none are never plausible: they tell nothing.
    """
    found: list[Decoding] = []
    for width in (4, 2, 1):
        at_width: list[Decoding] = []
        for offset in range(len(words) - width + 1 if offsets else min(1, len(words) // width)):
            at_width += _of(offset, words[offset : offset + width], unit)
        found += sorted(at_width, key=_strangeness)
    return found if unit is not None else sorted(found, key=_strangeness)


def is_configured(decoding: Decoding, point: Point, value: Fraction) -> bool:
    """Whether a decoding is what the profile says, if `value` is what it makes of these words; sign aside."""
    kinds = {kind.removeprefix("u") for kind in (decoding.type, point.type)}
    return decoding.offset == 0 and len(kinds) == 1 and abs(decoding.value) == abs(value)


def lines(
    found: Sequence[Decoding],
    point: Point | None = None,
    value: Fraction | None = None,
    address: int = 0,
    limit: int = 12,
) -> list[str]:
    """A table of decodings. The configured one is marked `*`, and told by itself where it is not plausible."""
    marked = [each for each in found if point is not None and value is not None and is_configured(each, point, value)]
    told = []
    if point is not None and value is not None and not marked:
        told.append(f"  * {point.type} as configured: {_shown(value)} {point.unit}: not plausible")
    shown = [*marked, *(each for each in found if each not in marked)][:limit]
    for each in shown:
        place = f"{address + each.offset:#06x}  " if point is None else ""
        orders = f"{each.words} words" + ("" if each.bytes == "high_first" else ", low byte first")
        kind = each.type + (f" x 10^{each.scale}" if each.scale else "")
        mark = "*" if each in marked else " "
        told.append(f"  {mark} {place}{kind:<16} {orders:<28} {_shown(each.value)} {'|'.join(each.units)}")
    return told + ([f"    and {len(found) - len(shown)} more"] if len(found) > len(shown) else [])


def _of(offset: int, words: Sequence[int], unit: str | None) -> Iterator[Decoding]:
    seen: set[tuple[str, Fraction]] = set()
    for order, inner in product(ORDERS[len(words)], ("high_first", "low_first")):
        data = _ordered(words, order, inner)
        for kind, number in _numbers(data):
            for scale in SCALES:
                value = number * Fraction(10) ** scale
                units = tuple(_units(value, unit, scale))
                if units and (kind, value) not in seen:
                    seen.add((kind, value))
                    yield Decoding(offset, kind, order, inner, scale, value, units)


def _units(value: Fraction, unit: str | None, scale: int) -> Iterator[str]:
    """The units in which a value is plausible: the one asked for, else those of `GUESSED`."""
    if unit is None and scale not in SCALES[:4]:
        return
    for each in GUESSED if unit is None else (unit,):
        low, high = PLAUSIBLE.get(each, (Fraction(1, 1000), Fraction(10**9)))
        high = min(high, LOW_VOLTAGE_MAX) if each == "V" and unit is None else high
        if low <= (abs(value) if each in SIGNED else value) <= high:
            yield each


def _ordered(words: Sequence[int], order: str, inner: str) -> bytes:
    places = _PLACES.get(order, range(len(words)))
    ranked = [words[place] for place in places]
    if order == "low_first":
        ranked.reverse()
    return struct.pack(f"{'<' if inner == 'low_first' else '>'}{len(ranked)}H", *ranked)


def _numbers(data: bytes) -> Iterator[tuple[str, Fraction]]:
    bits = 8 * len(data)
    unsigned = int.from_bytes(data, "big")
    yield f"uint{bits}", Fraction(unsigned)
    if unsigned >> (bits - 1):
        yield f"int{bits}", Fraction(unsigned - (1 << bits))
    if bits > 16:
        number = struct.unpack(">f" if bits == 32 else ">d", data)[0]
        if math.isfinite(number):
            yield f"float{bits}", Fraction(number)


def _strangeness(each: Decoding) -> tuple[int, int, str]:
    """Unusual orders and scales last; whole numbers and wide units are plausible by chance more often."""
    orders = ORDERS[4].index(each.words) + 4 * (each.bytes == "low_first")
    whole, wide = not each.type.startswith("float"), not {"V", "Hz", "1"} & set(each.units)
    return orders + 2 * SCALES.index(each.scale) + whole + wide, each.offset, each.type


def _shown(value: Fraction) -> str:
    return f"{float(value):.10g}"
