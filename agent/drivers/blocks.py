"""Read requests: which registers to ask for together, and what the words of an answer are.

In: a profile's points, and the words that came. Out: blocks, and readings of raw integers. Pure.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from agent.drivers import BAD_DATA_UNAVAILABLE, BAD_DECODING_ERROR, BAD_NO_DATA, GOOD, Reading
from agent.drivers.point import Point
from agent.drivers.profile_checks import cut_of
from agent.drivers.registers import SCALE_MAX, status_of
from agent.drivers.words import FLOATS, ordered, text

_new = tuple.__new__  # 15,000 readings a second are made here: the named tuple's own constructor takes twice as long
Slices = tuple[tuple[int, int], ...]  # of an answer's bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Points that come together: the registers (or bits) of a table that are asked for, and the points in it.

    `requests` are (address, count), one after another; `count` is all of them together. There is one, unless a
    composite's parts are too far apart for one request: then they are high part, low part, high part again, and the
    answer's words are those of the three in that order.
    """

    table: str
    address: int
    count: int
    points: tuple[Point, ...]
    requests: tuple[tuple[int, int], ...] = ()
    cells: tuple["Cell", ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out once how each point's reading is made."""
        if not self.requests:
            object.__setattr__(self, "requests", ((self.address, self.count),))
        object.__setattr__(self, "cells", tuple(_cell(self, point) for point in self.points))


class Cell(NamedTuple):
    """How a point's reading is made from an answer's bytes: by `special`, or from one slice without a look at `point`.

    A value is none if it is in `invalid`, or has all bits of `mask` set (a float that is not finite).
    """

    name: str
    start: int
    end: int
    mask: int
    invalid: frozenset[int]
    special: Callable[[bytes], Reading] | None


def plan(points: Iterable[Point], registers_max: int, hole_max: int) -> tuple[Block, ...]:
    """Cover register points with the fewest requests, ordered by table and address; composites torn apart come last.

    No request exceeds `registers_max`; none reads over more than `hole_max` unused registers to save another. A point
    shares its request with its scale point, and a composite's parts theirs, whatever hole lies between. Raises
    ValueError if that cannot be.
    """
    blocks: list[list[Point]] = []
    torn: list[Block] = []
    for group in _groups(points):
        first, last = _span(group)
        if last - first > registers_max:
            torn.append(_torn(group, registers_max))
            continue
        for block in blocks:
            start, end = _span(block)
            near = block[0].table == group[0].table and first - end <= hole_max
            if near and max(end, last) - start <= registers_max:
                block.extend(group)
                break
        else:
            blocks.append(list(group))
    return (*(_block(block) for block in blocks), *torn)


def split(block: Block) -> tuple[Block, Block] | None:
    """Cut a refused block in two at its widest hole, else in its middle; None if it cannot be cut.

    What must come in one answer is never separated.
    """
    if len(block.requests) > 1:
        return None
    clusters: list[list[Point]] = []
    for group in _groups(block.points):
        if clusters and _span(group)[0] < _span(clusters[-1])[1]:
            clusters[-1] += group
        else:
            clusters.append(group)
    best: tuple[tuple[int, int], int] | None = None
    for cut in range(1, len(clusters)):
        end, start = _span(clusters[cut - 1])[1], _span(clusters[cut])[0]
        rank = (end - start, abs(end + start - 2 * block.address - block.count))  # widest first, then most central
        best = min(best or (rank, cut), (rank, cut))
    if best is None:
        return None
    low, high = clusters[: best[1]], clusters[best[1] :]
    return _block([p for group in low for p in group]), _block([p for group in high for p in group])


def raws(block: Block, words: Sequence[int]) -> dict[str, int]:
    """Raw integer of each point of a block from the words of its answers (for coils: bits), keyed by point id.

    Texts have none. Raises ValueError if the answers have not exactly the words that were asked for.
    """
    data = _packed(block, words)
    return {point.id: _raw(data, _slices(block, point)) for point in block.points if point.type != "text"}


def readings(block: Block, words: Sequence[int]) -> tuple[Reading, ...]:
    """Readings of a block's answers; a point without a value gets a bad status. Raises ValueError as `raws` does."""
    data = _packed(block, words)
    made = []
    for name, start, end, mask, invalid, special in block.cells:
        if special is not None:
            made.append(special(data))
            continue
        raw = int.from_bytes(data[start:end], "big")
        if raw in invalid or (mask and raw & mask == mask):
            made.append(_new(Reading, (name, None, BAD_NO_DATA, None, None)))
        else:
            made.append(_new(Reading, (name, raw, GOOD, None, None)))
    return tuple(made)


def _groups(points: Iterable[Point]) -> list[list[Point]]:
    """Points that must come in one answer, each group and the groups ordered by address."""
    by_key: dict[str, list[Point]] = {}
    for point in points:
        by_key.setdefault(str(point.within or point.scale_point or point.id), []).append(point)
    groups = [sorted(group, key=lambda p: p.start) for group in by_key.values()]
    return sorted(groups, key=lambda g: (str(g[0].table), _span(g)[0]))


def _span(points: Sequence[Point]) -> tuple[int, int]:
    asked = [point.asked for point in points]
    return min(start for start, _ in asked), max(end for _, end in asked)


def _block(points: list[Point]) -> Block:
    ordered = tuple(sorted(points, key=lambda p: p.start))
    start, end = _span(ordered)
    return Block(str(ordered[0].table), start, end - start, ordered)


def _torn(group: list[Point], registers_max: int) -> Block:
    """Three requests for a composite whose parts do not fit one: high, low, high again. Raises ValueError."""
    point = group[0]
    cut = cut_of(point, registers_max) if len(group) == 1 else None
    if cut is None:
        first, last = _span(group)
        raise ValueError(f"{point.id}: with its scale point spans {last - first} registers, allowed {registers_max}")
    stretches = []
    for spans in (point.spans[:cut], point.spans[cut:]):
        start = min(start for start, _ in spans)
        stretches.append((start, max(end for _, end in spans) - start))
    high, low = stretches
    return Block(str(point.table), high[0], 2 * high[1] + low[1], (point,), (high, low, high))


def _packed(block: Block, words: Sequence[int]) -> bytes:
    if len(words) != block.count:
        raise ValueError(f"{len(words)} words came, {block.count} were asked for")
    try:
        return struct.pack(f">{block.count}H", *words)
    except struct.error:
        raise ValueError("a word is outside 0..65535") from None


def _slices(block: Block, point: Point) -> Slices:
    """Where a point's bytes are in the block's answers: for each stretch of it, in the first answer that has it."""
    found = []
    for start, end in point.spans:
        before = 0
        for address, count in block.requests:
            if address <= start and end <= address + count:
                found.append((2 * (before + start - address), 2 * (before + end - address)))
                break
            before += count
    return tuple(found)


def _raw(data: bytes, slices: Slices) -> int:
    return int.from_bytes(b"".join(data[start:end] for start, end in slices), "big")


def _cell(block: Block, point: Point) -> Cell:
    slices = _slices(block, point)
    mask = 0
    if point.type in FLOATS:
        exponent_bits, fraction_bits = FLOATS[point.type]
        mask = ordered(point, ((1 << exponent_bits) - 1) << fraction_bits, point.bits)  # each order is its own inverse
    cell = Cell(point.id, *slices[0], mask, frozenset(point.invalid), None)
    if point.type == "text":
        return cell._replace(special=partial(_text_reading, point, slices[0]))
    if len(block.requests) > 1:
        (_, high), (_, low), _ = block.requests
        first = tuple(place for place in slices if place[1] <= 2 * high)
        again = tuple((start + 2 * (high + low), end + 2 * (high + low)) for start, end in first)
        return cell._replace(special=partial(_torn_reading, point, slices, first, again))
    judged = point.parts or point.type.startswith(("bcd", "mod10k"))
    if point.scale_point is not None:
        scale = next(other for other in block.points if other.id == point.scale_point)
        whole = partial(_judged_reading, point, slices) if judged else None
        return cell._replace(special=partial(_scaled_reading, cell._replace(special=whole), _cell(block, scale)))
    return cell._replace(special=partial(_judged_reading, point, slices)) if judged else cell


def _text_reading(point: Point, place: tuple[int, int], data: bytes) -> Reading:
    found = text(data[place[0] : place[1]], low_first=point.bytes == "low_first")
    return Reading(point.id, None, BAD_DECODING_ERROR if found is None else GOOD, text=found)


def _scaled_reading(cell: Cell, scale: Cell, data: bytes) -> Reading:
    """A value is none without its scale, or with one that no meter has."""
    name, start, end, mask, invalid, special = cell
    shift = int.from_bytes(data[scale.start : scale.end], "big")
    if shift in scale.invalid:
        return Reading(name, None, BAD_NO_DATA)
    if special is not None:
        reading = special(data)
    else:
        raw = int.from_bytes(data[start:end], "big")
        none = raw in invalid or (mask and raw & mask == mask)
        reading = _new(Reading, (name, None, BAD_NO_DATA, None, None) if none else (name, raw, GOOD, None, None))
    if reading.status == GOOD and SCALE_MAX < shift < 0x10000 - SCALE_MAX:
        return Reading(name, None, BAD_DECODING_ERROR)
    return reading


def _torn_reading(point: Point, slices: Slices, first: Slices, again: Slices, data: bytes) -> Reading:
    if _raw(data, first) != _raw(data, again):
        return Reading(point.id, None, BAD_DATA_UNAVAILABLE)  # the high part moved on while the low part was asked for
    return _judged_reading(point, slices, data)


def _judged_reading(point: Point, slices: Slices, data: bytes) -> Reading:
    raw = _raw(data, slices)
    status = status_of(point, raw)
    return Reading(point.id, raw if status == GOOD else None, status)
