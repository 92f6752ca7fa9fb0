"""Scans become columns: what the drivers gave, meter by meter and block by block, ready to be sealed.

In: (meter, scan) pairs in the order they were answered. Out: one MeterSegment per meter. Pure; text tags are left out,
for they are told in events.
"""

from collections.abc import Iterable, Sequence

from agent.drivers import Reading, Scan
from contract.segment import TICK_NS, Block, Column, MeterSegment


def segments(scans: Iterable[tuple[str, Scan]]) -> list[MeterSegment]:
    """Group scans by meter and block. A request is rounded down to a tick and an answer up, so bounds still hold."""
    grouped: dict[str, dict[int, list[Scan]]] = {}
    for meter, scan in scans:
        if any(reading.text is None for reading in scan.readings):
            grouped.setdefault(meter, {}).setdefault(scan.block, []).append(scan)
    return [
        MeterSegment(meter, TICK_NS, tuple(_block(index, blocks[index]) for index in sorted(blocks)))
        for meter, blocks in grouped.items()
    ]


def _block(index: int, scans: Sequence[Scan]) -> Block:
    by_point: list[dict[str, Reading]] = [{r.point: r for r in scan.readings if r.text is None} for scan in scans]
    points = list(dict.fromkeys(point for readings in by_point for point in readings))
    columns = [_column(point, [readings.get(point) for readings in by_point]) for point in points]
    return Block(
        index,
        tuple(scan.requested_ns // TICK_NS * TICK_NS for scan in scans),
        tuple(-(-scan.answered_ns // TICK_NS) * TICK_NS for scan in scans),
        tuple(columns),
    )


BAD_NO_DATA = 0x809B0000  # OPC UA: the scan held nothing for this point


def _column(point: str, readings: Sequence[Reading | None]) -> Column:
    sources = tuple(None if reading is None else reading.source_ns for reading in readings)
    return Column(
        point,
        tuple(None if reading is None else reading.raw for reading in readings),
        tuple(BAD_NO_DATA if reading is None else reading.status for reading in readings),
        None if all(source is None for source in sources) else sources,
    )
