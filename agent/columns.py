"""Scans become columns: what the drivers gave, meter by meter and block by block, ready to be sealed.

In: (meter, scan) pairs in the order they were answered. Out: segments, and parts grouped into entries. Pure. Between
two seals a plant's readings wait here as plain 64-bit columns, a ninth of what they take as objects. Text tags are left
out, for events tell of them.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agent.drivers import BAD_NO_DATA, Reading, Scan
from contract import segment
from contract.errors import TooManyItems
from contract.segment import READINGS_MAX, SCANS_MAX, TICK_NS, Block, Column, MeterSegment

PART_BYTES_MAX = 800_000  # a receiver refuses more than a mebibyte, and need not be able to compress a part
ENTRY_BYTES = 256 * 1024  # an entry is complete when it has grown to this


def requested_ns(scan: Scan) -> int:
    """When a scan was asked for, as evidence has it: rounded down to a tick, so that bounds still hold."""
    return scan.requested_ns // TICK_NS * TICK_NS


def answered_ns(scan: Scan) -> int:
    """When a scan was answered, as evidence has it: rounded up to a tick."""
    return -(-scan.answered_ns // TICK_NS) * TICK_NS


@dataclass(slots=True)
class _Column:
    """One point: a word for each scan, and those statuses and source times that are not the usual good and none."""

    raws: "array[int]" = field(default_factory=lambda: array("Q"))
    statuses: dict[int, int] = field(default_factory=dict)
    sources_ns: dict[int, int] = field(default_factory=dict)

    def add(self, reading: Reading) -> None:
        at = len(self.raws)
        self.raws.append(reading.raw or 0)
        if reading.status:
            self.statuses[at] = reading.status
        if reading.source_ns is not None:
            self.sources_ns[at] = reading.source_ns

    def miss(self, count: int) -> None:
        """Fill up to `count` scans with the statement that there is no value."""
        for at in range(len(self.raws), count):
            self.raws.append(0)
            self.statuses[at] = BAD_NO_DATA

    def written(self, point: str) -> Column:
        raws: list[int | None] = list(self.raws)
        statuses = [0] * len(raws)
        for at, status in self.statuses.items():
            statuses[at] = status
            if segment.is_bad(status):
                raws[at] = None
        sources = tuple(self.sources_ns.get(at) for at in range(len(raws))) if self.sources_ns else None
        return Column(point, tuple(raws), tuple(statuses), sources)


@dataclass(slots=True)
class _Block:
    requested_ns: "array[int]" = field(default_factory=lambda: array("q"))
    answered_ns: "array[int]" = field(default_factory=lambda: array("q"))
    columns: dict[str, _Column] = field(default_factory=dict)

    def add(self, scan: Scan, readings: Collection[Reading]) -> None:
        before = len(self.requested_ns)
        self.requested_ns.append(requested_ns(scan))
        self.answered_ns.append(answered_ns(scan))
        for reading in readings:
            column = self.columns.get(reading.point)
            if column is None:
                column = self.columns[reading.point] = _Column()
                column.miss(before)
            column.add(reading)
        if len(readings) != len(self.columns):
            for column in self.columns.values():
                column.miss(before + 1)

    def written(self, index: int) -> Block:
        columns = tuple(column.written(point) for point, column in self.columns.items())
        return Block(index, tuple(self.requested_ns), tuple(self.answered_ns), columns)


class Pending:
    """Readings that wait to be sealed; `texts` are the text tags, (meter, point), that are left out."""

    def __init__(self, texts: Collection[tuple[str, str]]) -> None:
        self._meters: dict[str, dict[int, _Block]] = {}
        self._texts: dict[str, set[str]] = {}
        for meter, point in texts:
            self._texts.setdefault(meter, set()).add(point)
        self.readings = 0

    def add(self, meter: str, scan: Scan) -> None:
        """Take a scan."""
        readings, texts = scan.readings, self._texts.get(meter)
        if texts is not None:
            readings = tuple(reading for reading in readings if reading.point not in texts)
        if readings:
            self._meters.setdefault(meter, {}).setdefault(scan.block, _Block()).add(scan, readings)
            self.readings += len(readings)

    def segments(self, meters: Collection[str] | None = None) -> Iterator[MeterSegment]:
        """One for each meter, or each of these, that said anything."""
        for meter, blocks in self._meters.items():
            if meters is None or meter in meters:
                yield MeterSegment(meter, TICK_NS, tuple(blocks[index].written(index) for index in sorted(blocks)))


def segments(scans: Iterable[tuple[str, Scan]], texts: Collection[tuple[str, str]]) -> list[MeterSegment]:
    """The segments of scans at once."""
    pending = Pending(texts)
    for meter, scan in scans:
        pending.add(meter, scan)
    return list(pending.segments())


def cut(parts: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Parts of any kind in runs that have grown to an entry's size."""
    first = size = 0
    for index, part in enumerate(parts):
        if index > first and size + len(part) > ENTRY_BYTES:
            yield parts[first:index]
            first, size = index, 0
        size += len(part)
    if first < len(parts):
        yield parts[first:]


@dataclass(slots=True)
class Portion:
    """What one entry holds: segments, and each as the bytes of a part."""

    segments: list[MeterSegment] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    @property
    def times_ns(self) -> list[int]:
        """Every block's first request and last answer."""
        blocks = [block for made in self.segments for block in made.blocks]
        return [at_ns for block in blocks for at_ns in (block.requested_ns[0], block.answered_ns[-1])]


def portions(made: Iterable[MeterSegment]) -> Iterator[Portion]:
    """Segments as entries: whole meters until one has grown to its size, so that names are written once a minute."""
    portion = Portion()
    for whole in made:
        for piece, part in _parts(whole):
            if portion.parts and portion.size + len(part) > ENTRY_BYTES:
                yield portion
                portion = Portion()
            portion.segments.append(piece)
            portion.parts.append(part)
            portion.size += len(part)
    if portion.parts:
        yield portion


def _parts(made: MeterSegment) -> Iterator[tuple[MeterSegment, bytes]]:
    """A segment as a part; as several, one after the other in time, where one would be too much for a reader."""
    scans = max(len(block.answered_ns) for block in made.blocks)
    readings = sum(len(block.answered_ns) * len(block.columns) for block in made.blocks)
    if scans <= SCANS_MAX and readings <= READINGS_MAX:
        part = _written(made)
        if part is not None and (len(part) <= PART_BYTES_MAX or scans == 1):
            yield made, part
            return
    middle = _middle(made)
    for earlier in (True, False):
        blocks = [_cut(b, 0, at) if earlier else _cut(b, at, None) for b, at in zip(made.blocks, middle, strict=True)]
        yield from _parts(MeterSegment(made.meter, made.tick_ns, tuple(block for block in blocks if block.answered_ns)))


def _written(made: MeterSegment) -> bytes | None:
    """The part, or None where its words' states change so often that it has more items than a reader takes."""
    try:
        return segment.encode(made)
    except TooManyItems:
        if all(len(block.answered_ns) == 1 for block in made.blocks):
            raise  # nothing is left to divide
        return None


def _middle(made: MeterSegment) -> list[int]:
    """Where to cut each block, at one instant for all: nothing in a part is answered before what the part before has.

    That instant halves the longest block; whatever cannot be cut so, for all of it came at once, is halved by number.
    """
    longest = max((block.answered_ns for block in made.blocks), key=len)
    at_ns = longest[(len(longest) - 1) // 2]
    places = [bisect_right(block.answered_ns, at_ns) for block in made.blocks]
    if all(at == len(block.answered_ns) for at, block in zip(places, made.blocks, strict=True)):
        places = [bisect_left(block.answered_ns, at_ns) for block in made.blocks]
    return places if any(places) else [(len(block.answered_ns) + 1) // 2 for block in made.blocks]


def _cut(block: Block, first: int, last: int | None) -> Block:
    columns = tuple(
        Column(
            column.point, column.raws[first:last], column.statuses[first:last],
            None if column.sources_ns is None else column.sources_ns[first:last],
        )
        for column in block.columns
    )  # fmt: skip
    return Block(block.index, block.requested_ns[first:last], block.answered_ns[first:last], columns)
