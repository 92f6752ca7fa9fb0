"""Faults of a profile that one key alone does not show.

In: points, each valid by itself. Out: lines `key.path: problem: hint`. Never: stops at the first fault.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import get_args

from agent.drivers.point import RATIOED, UNITS, Item, Point

ON_NODES = {"bool", "text", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"}
OF_REGISTERS = ("scale_point", "words", "bytes", "bit", "bits", "parts", "length", "within")  # as written in a profile
FIELDS = {"bits": "bit_range", "length": "registers"}  # written so, kept under another name


def problems(points: Sequence[Point], registers_max: int) -> Iterator[str]:
    """Everything that is wrong with points by themselves and next to each other."""
    by_id: dict[str, Point] = {}
    for point in points:
        path = f"point.{point.id}"
        if point.id in by_id:
            yield f"{path}.id: used twice: give every point its own id"
        by_id[point.id] = point
        for faults in (_place(point, registers_max), _form(point), _meaning(point), _identity(point)):
            yield from (f"{path}.{line}" for line in faults)
    if len({point.node is None for point in points}) == 2:
        yield "point: registers and nodes are mixed: make one profile for each protocol"
    if len({point.di is None for point in points}) == 2:
        yield "point: data items and other places are mixed: make one profile for each protocol"
    for point in points:
        if point.scale_point is not None:
            fault = _scale_fault(point, by_id.get(point.scale_point), registers_max)
            yield from [f"point.{point.id}.scale_point: {fault}"] if fault else []
    told = Counter(point.identity for point in points if point.identity)
    yield from (
        f"point: identity {name!r} is given {count} times: keep one" for name, count in told.items() if count > 1
    )
    yield from _overlaps(points)


def given(point: Point, key: str) -> bool:
    """Whether a key is written in the profile."""
    return FIELDS.get(key, key) in point.model_fields_set


def _place(point: Point, registers_max: int) -> Iterator[str]:
    if point.di is not None:
        return _item(point)
    if point.node is not None:
        return _node(point)
    return _composite(point, registers_max) if point.type == "composite" else _registers(point, registers_max)


def _node(point: Point) -> Iterator[str]:
    if {"table", "address"} & point.model_fields_set:
        yield "node: given beside a register: keep either node, or table and address"
    yield from (f"{key}: only registers have it: remove it" for key in OF_REGISTERS if given(point, key))
    if point.type not in ON_NODES:
        yield f"type: {point.type} is not read from a node: use one of {', '.join(sorted(ON_NODES))}"


def _registers(point: Point, registers_max: int) -> Iterator[str]:
    if point.table is None or not given(point, "address"):
        yield "table: no place to read from: give table and address, or node"
        return
    if point.table in {"coil", "discrete"} and point.type != "bool":
        yield f"type: {point.type} is not read from table {point.table}: bool goes with coil and discrete only"
    if point.end > 0x10000:
        yield "address: runs past 65535: check address and type"
        return
    first, last = point.asked
    if not first <= point.start <= point.end <= last <= 0x10000 or (point.within and point.scale_point):
        yield "within: [address, count] of a stretch that holds the point, which has no scale_point: correct it"
    if last - first > registers_max:
        yield f"type: longer than registers_max = {registers_max}: check registers_max"


def _item(point: Point) -> Iterator[str]:
    if not re.fullmatch("[0-9A-Fa-f]{8}", str(point.di)):
        yield f"di: {point.di!r} is no data identifier: write its eight hexadecimal digits, DI3 first, as 00010000"
    elif 0xFF in bytes.fromhex(str(point.di)):
        yield f"di: {point.di} is a block of data items: name one item, without FF"
    if {"table", "address", "node"} & point.model_fields_set:
        yield "di: given beside another place: keep di alone"
    keys = set(OF_REGISTERS) - {"length"}
    yield from (f"{key}: only registers have it: remove it" for key in sorted(keys) if given(point, key))
    if point.type != "text" and not point.type.startswith("bcd"):
        yield f"type: {point.type} is no data item: use text, or bcd16 to bcd64 by its length"


def _composite(point: Point, registers_max: int) -> Iterator[str]:
    if given(point, "address"):
        yield "address: a composite has one for each part: remove it"
    if point.table not in {"holding", "input"}:
        yield 'table: a composite is read from registers: set table = "holding" or "input"'
    if len(point.parts) < 2:
        yield "parts: a composite has at least two: give address, type and scale of each, most significant first"
        return
    if point.bits > 64:
        yield f"parts: {point.bits} bits together: at most 64"
    if point.end > 0x10000:
        yield "parts: run past 65535: check address and type of each"
    if point.end - point.start > registers_max and cut_of(point, registers_max) is None:
        yield f"parts: too far apart for two requests of registers_max = {registers_max}: check their addresses"


def cut_of(point: Point, registers_max: int) -> int | None:
    """How many of a composite's parts a first request holds so that a second holds the rest; None if none does."""

    def span(spans: Sequence[tuple[int, int]]) -> int:
        return max(end for _, end in spans) - min(start for start, _ in spans)

    fits = (
        cut
        for cut in range(1, len(point.spans))
        if span(point.spans[:cut]) <= registers_max and span(point.spans[cut:]) <= registers_max
    )
    return next(fits, None)


def _form(point: Point) -> Iterator[str]:
    """What each type needs, and what it cannot have."""
    is_register = point.table in {"holding", "input"}
    if point.di is None and point.type in get_args(Item):
        yield f"type: {point.type} is only a data item of DL/T 645: give di, or choose another type"
    if (point.bit is not None) != (point.type == "bool" and is_register):
        yield "bit: goes with bool in a register: give both or neither, table coil and discrete have no bits"
    if point.bit_range is not None and (point.type != "uint16" or point.bit_range[0] > point.bit_range[1]):
        yield "bits: [lowest, highest] of a word: set type = uint16 and order them"
    if (point.registers is not None) != (point.type == "text" and (is_register or point.di is not None)):
        yield "length: goes with text in registers: give both or neither, length counts registers"
    if point.parts and point.type != "composite":
        yield 'parts: only a composite has them: set type = "composite" or remove them'
    if point.words.endswith("pair_first") and point.bits != 64:
        yield f"words: {point.words} is an order of four words: {point.type} has {point.length}"
    if point.type == "composite" and point.words.endswith("pair_first"):
        yield "words: is the order inside each part: use high_first or low_first"
    if point.type == "text" and point.words != "high_first":
        yield "words: text stands in order: remove it; characters swapped in pairs are bytes = low_first"
    if any(not 0 <= raw < 1 << point.bits for raw in point.invalid):
        yield f"invalid: does not fit {point.type}: give raw integers of {point.bits} bits, words in wire order"


def _meaning(point: Point) -> Iterator[str]:
    if point.unit not in UNITS:
        near = [unit for unit in UNITS if unit.lower() == point.unit.lower()]
        meant = " or ".join(near) or "one of " + ", ".join(
            UNITS
        )  # never the next best: bar for mbar is a factor of 1000
        yield f"unit: {point.unit!r} is not known: use {meant}"
    else:
        for quantity, canonical in (("active_energy", "wh_milli"), ("active_power", "w_milli")):
            if point.quantity.startswith(quantity) and UNITS[point.unit][0] != canonical:
                units = ", ".join(unit for unit, (name, _) in UNITS.items() if name == canonical)
                yield f"unit: {point.unit!r} does not measure {quantity}: use one of {units}"
    counts = {"step", "limit", "age_ms"} & point.model_fields_set
    if point.kind == "gauge" and counts:
        yield f"{min(counts)}: only a counter has it: remove it, or set kind to counter"
    if point.kind == "counter" and (point.offset is not None or point.negate):
        yield f"{'offset' if point.offset is not None else 'negate'}: a counter is taken as it is: only a gauge has it"
    changed = point.scale != 0 or point.scale_point is not None or point.offset is not None or point.negate
    if point.type in {"bool", "text"} and (point.kind != "gauge" or point.unit != "1" or changed):
        yield f'type: {point.type} is no quantity: set kind = "gauge", unit = "1", and leave out scale and scale_point'
    if point.reference_degc is not None and (point.kind != "counter" or point.unit not in {"m3", "L"}):
        yield "reference_degc: only a counter of gas in m3 or L has reference conditions: remove it"
    if point.ratio_side is not None and not point.quantity.startswith(RATIOED):
        yield f"ratio_side: {point.quantity} has none: transformers multiply energies and powers only"


def _identity(point: Point) -> Iterator[str]:
    if point.expect and point.identity != "model":
        yield 'expect: says what a model reads: set identity = "model" or remove it'
    if point.identity is None:
        return
    if point.kind != "gauge" or point.scale_point is not None or point.type == "bool":
        yield "identity: is read once, by itself: use a gauge that is no bool and has no scale_point"
    if point.type == "text" and point.identity not in {"serial", "model", "firmware"}:
        yield f"identity: {point.identity} is a number to be compared: give the type of its registers, not text"


def _scale_fault(point: Point, scale: Point | None, registers_max: int) -> str | None:
    if scale is None:
        return f"{point.scale_point!r} does not exist: name another point of this profile"
    changed = scale.scale or scale.offset or scale.negate or scale.identity or scale.bytes != "high_first"
    if scale is point or scale.scale_point is not None or scale.type != "int16" or changed:
        return f"{scale.id!r} is not a plain int16 point: a scale has type int16, scale 0 and no scale_point"
    if scale.within is not None:
        return f"{scale.id!r} is answered within a stretch of its own: both must come in one answer"
    if scale.table != point.table:
        return f"{scale.id!r} is in another table: both must come in one answer"
    if max(point.end, scale.end) - min(point.start, scale.start) > registers_max:
        return f"{scale.id!r} is more than registers_max = {registers_max} away: both must come in one answer"
    return None


def _overlaps(points: Sequence[Point]) -> Iterator[str]:
    """Registers that two points claim. Fields of one word share it, and nothing else does."""
    spans = [(str(point.table), *span, point) for point in points if point.table is not None for span in point.spans]
    before: tuple[str, int, int, Point] | None = None
    for here in sorted(spans, key=lambda span: span[:3]):
        table, start, end, point = here
        if before is None or before[0] != table or before[2] <= start:
            before = here
            continue
        _, first, last, other = before
        if not (_is_field(point) and _is_field(other)):
            yield (
                f"point.{point.id}.address: registers {start}..{end - 1} overlap those of {other.id!r}"
                f" ({first}..{last - 1}): check address and type of both"
            )
        before = max(before, here, key=lambda span: span[2])


def _is_field(point: Point) -> bool:
    return point.bit is not None or point.bit_range is not None
