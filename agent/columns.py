"""Scans become columns: what the drivers gave, meter by meter and block by block, ready to be sealed.

In: (meter, scan) pairs in the order they were answered. Out: one MeterSegment per meter. Pure; text tags are left out,
for events tell of them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from agent.drivers import BAD_NO_DATA, Reading, Scan
from contract.segment import TICK_NS, Block, Column, MeterSegment

Meters = Sequence[tuple[str, Scan]]


def segments(scans: Iterable[tuple[str, Scan]], texts: Collection[tuple[str, str]]) -> list[MeterSegment]:
    """Group scans by meter and block, without the text tags, (meter, point)."""
    grouped: dict[str, dict[int, list[Scan]]] = {}
    for meter, scan in scans:
        if any((meter, reading.point) not in texts for reading in scan.readings):
            grouped.setdefault(meter, {}).setdefault(scan.block, []).append(scan)
    return [
        MeterSegment(
            meter,
            TICK_NS,
            tuple(_block(index, blocks[index], {p for m, p in texts if m == meter}) for index in sorted(blocks)),
        )
        for meter, blocks in grouped.items()
    ]


def requested_ns(scan: Scan) -> int:
    """When a scan was asked for, as evidence has it: rounded down to a tick, so that bounds still hold."""
    return scan.requested_ns // TICK_NS * TICK_NS


def answered_ns(scan: Scan) -> int:
    """When a scan was answered, as evidence has it: rounded up to a tick."""
    return -(-scan.answered_ns // TICK_NS) * TICK_NS


def cost(scan: Scan) -> int:
    """The most bytes a scan can take in a segment: two times; per reading a raw word, a status run, a source time."""
    return 20 + 40 * len(scan.readings)


def portions(scans: Meters, bytes_max: int) -> Iterator[Meters]:
    """Cut scans into runs that cost at most `bytes_max` each, or are one scan."""
    first = spent = 0
    for index, (_, scan) in enumerate(scans):
        if index > first and spent + cost(scan) > bytes_max:
            yield scans[first:index]
            first, spent = index, 0
        spent += cost(scan)
    if first < len(scans):
        yield scans[first:]


def _block(index: int, scans: Sequence[Scan], texts: Collection[str]) -> Block:
    by_point = [{r.point: r for r in scan.readings if r.point not in texts} for scan in scans]
    points = list(dict.fromkeys(point for readings in by_point for point in readings))
    columns = [_column(point, [readings.get(point) for readings in by_point]) for point in points]
    return Block(
        index, tuple(requested_ns(scan) for scan in scans), tuple(answered_ns(scan) for scan in scans), tuple(columns)
    )


def _column(point: str, readings: Sequence[Reading | None]) -> Column:
    sources = tuple(None if reading is None else reading.source_ns for reading in readings)
    return Column(
        point,
        tuple(None if reading is None else reading.raw for reading in readings),
        tuple(BAD_NO_DATA if reading is None else reading.status for reading in readings),
        None if all(source is None for source in sources) else sources,
    )
