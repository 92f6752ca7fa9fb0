"""A segment's part: what one meter said over a stretch of time, as columns of raw words.

In and out: `MeterSegment`. Each block is one planned request, polled n times: times once, then one column per point.
Integers are written as differences, zigzag, LEB128 (least significant seven bits first), which any language reads in
ten lines. Values are never interpreted here: `raw` is the register words in wire order, or an OPC UA value's bits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from contract import cbor
from contract.errors import Malformed

SCANS_MAX = 1 << 16  # per block
READINGS_MAX = 1 << 18  # per part, so that a run of Bad statuses in a few bytes cannot fill a reader's memory
LEB128_BYTES_MAX = 10  # the difference of two 64-bit words takes 65 bits, a second difference of times 66
_CONTINUED = bytes(range(0x80, 0x100))  # bytes that are not the last of an integer
OPTIONAL_COLUMNS = {"status", "source", "sourceless"}
TICK_NS = 1_000_000  # agents keep times to a millisecond: requests rounded down, answers up, so bounds still hold


@dataclass(frozen=True, slots=True)
class Column:
    """One point over n scans. `raws[i]` is None where `statuses[i]` is Bad; `sources_ns` is None if none was given."""

    point: str
    raws: tuple[int | None, ...]
    statuses: tuple[int, ...]
    sources_ns: tuple[int | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One planned request over n scans; times are UTC in ns and whole ticks."""

    index: int
    requested_ns: tuple[int, ...]
    answered_ns: tuple[int, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class MeterSegment:
    """Everything one meter said between two seals."""

    meter: str
    tick_ns: int
    blocks: tuple[Block, ...]


def is_bad(status: int) -> bool:
    """Whether an OPC UA StatusCode means: no value (severity Bad, or the reserved one above it)."""
    return status >= 0x80000000


def is_good(status: int) -> bool:
    """Whether a value may be computed with: an Uncertain one may be the last that was to be had, or a substitute."""
    return status < 0x40000000


def encode(segment: MeterSegment) -> bytes:
    """Write a part. Raises ValueError if times are not whole ticks, columns differ in length, or a limit is passed."""
    if any(later.index <= earlier.index for earlier, later in pairwise(segment.blocks)):
        raise ValueError("the indexes of blocks must rise")
    if sum(len(block.answered_ns) * len(block.columns) for block in segment.blocks) > READINGS_MAX:
        raise ValueError(f"more than {READINGS_MAX} readings")
    blocks = [_encode_block(block, segment.tick_ns) for block in segment.blocks]
    return cbor.encode({"meter": segment.meter, "tick_ns": int(segment.tick_ns), "blocks": blocks})


def decode(data: bytes) -> MeterSegment:
    """Read a part. Raises Malformed unless `data` is exactly what `encode` would write."""
    match cbor.decode(data):
        case {"meter": str(meter), "tick_ns": int(tick_ns), "blocks": list(blocks), **rest} if not rest and tick_ns > 0:
            segment = MeterSegment(meter, tick_ns, tuple(_decode_blocks(blocks, tick_ns)))
        case _:
            raise Malformed("segment: must be {meter, tick_ns, blocks}")
    try:
        if encode(segment) == data:
            return segment
    except ValueError as error:
        raise Malformed(f"segment: {error}") from None
    raise Malformed("segment: not in its one form")


def _encode_block(block: Block, tick_ns: int) -> dict[str, object]:
    count = len(block.answered_ns)
    columns_fit = all(len(c.raws) == len(c.statuses) == count for c in block.columns)
    if not 0 < count <= SCANS_MAX or len(block.requested_ns) != count or not columns_fit:
        raise ValueError(f"block {block.index}: columns must have one length between 1 and {SCANS_MAX}")
    if block.index < 0 or len({column.point for column in block.columns}) != len(block.columns):
        raise ValueError(f"block {block.index}: an index is not negative, and a point stands once in a block")
    for at_ns in (*block.requested_ns, *block.answered_ns):
        if at_ns % tick_ns or not -(2**63) <= at_ns < 2**63:
            raise ValueError(f"block {block.index}: times must be whole ticks of {tick_ns} ns in 64 bits")
    answered = [at_ns // tick_ns for at_ns in block.answered_ns]
    trips = [a - r // tick_ns for a, r in zip(answered, block.requested_ns, strict=True)]
    steps = [later - earlier for earlier, later in pairwise(answered)]
    return {
        "i": int(block.index),  # int(): a boolean that was read must not be written back as one
        "n": count,
        "at": answered[0],
        "times": pack(differences(steps)),
        "trips": pack(differences(trips)),
        "points": [_encode_column(column, block.answered_ns) for column in block.columns],
    }


def _encode_column(column: Column, answered_ns: Sequence[int]) -> dict[str, object]:
    present = [not is_bad(status) for status in column.statuses]
    if any((raw is not None) != there for raw, there in zip(column.raws, present, strict=True)):
        raise ValueError(f"point {column.point!r}: a value must stand exactly where the status is not Bad")
    values = [raw for raw in column.raws if raw is not None]
    if any(not 0 <= raw < 2**64 for raw in values) or any(not 0 <= status < 2**32 for status in column.statuses):
        raise ValueError(f"point {column.point!r}: raw words are unsigned, 64 bits; statuses unsigned, 32 bits")
    written: dict[str, object] = {"id": column.point, "raw": pack(differences(values))}
    if runs := _runs(column.statuses, unless=0):
        written["status"] = runs
    if column.sources_ns is not None:
        if len(column.sources_ns) != len(answered_ns):
            raise ValueError(f"point {column.point!r}: one source time per scan")
        if any(s is not None and not -(2**63) <= s < 2**63 for s in column.sources_ns):
            raise ValueError(f"point {column.point!r}: source times have 64 bits")
        offsets = [a - s for a, s in zip(answered_ns, column.sources_ns, strict=True) if s is not None]
        written["source"] = pack(differences(offsets))
        if missing := _runs([int(s is None) for s in column.sources_ns], unless=0):
            written["sourceless"] = [run[:2] for run in missing]
    return written


def _decode_blocks(blocks: Sequence[object], tick_ns: int) -> Iterator[Block]:
    room = READINGS_MAX
    for fields in blocks:
        block = _decode_block(fields, tick_ns, room)
        room -= len(block.answered_ns) * len(block.columns)
        yield block


def _decode_block(fields: object, tick_ns: int, room: int) -> Block:
    match fields:
        case {
            "i": int(index), "n": int(count), "at": int(at), "times": bytes(times), "trips": bytes(trips),
            "points": list(points), **rest,
        } if not rest and 0 < count <= SCANS_MAX and count * len(points) <= room:  # fmt: skip
            steps = list(accumulate(unpack(times, count - 1)))
            answered = list(accumulate([at, *steps]))
            requested = [a - trip for a, trip in zip(answered, accumulate(unpack(trips, count)), strict=True)]
        case _:
            raise Malformed(f"segment: a block must be {{i, n, at, times, trips, points}}, {room} readings at most")
    answered_ns = tuple(tick * tick_ns for tick in answered)
    columns = tuple(_decode_column(point, answered_ns) for point in points)
    return Block(index, tuple(tick * tick_ns for tick in requested), answered_ns, columns)


def _decode_column(fields: object, answered_ns: Sequence[int]) -> Column:
    count = len(answered_ns)
    match fields:
        case {"id": str(point), "raw": bytes(raw), **rest} if not rest.keys() - OPTIONAL_COLUMNS:
            statuses, source = _expand(rest.get("status", []), count), rest.get("source")
        case _:
            raise Malformed("segment: a point must be {id, raw, status?, source?, sourceless?}")
    present = [not is_bad(status) for status in statuses]
    values = iter(accumulate(unpack(raw, sum(present))))
    raws = tuple(next(values) if there else None for there in present)
    if not isinstance(source, bytes):
        return Column(point, raws, statuses)
    missing = _expand([[*run, 1] for run in _pairs(rest.get("sourceless", []))], count)
    offsets = iter(accumulate(unpack(source, count - sum(missing))))
    sources = tuple(None if gone else a - next(offsets) for a, gone in zip(answered_ns, missing, strict=True))
    return Column(point, raws, statuses, sources)


def _runs(values: Sequence[int], *, unless: int) -> list[list[int]]:
    """Every longest run of one value as [first, count, value], except runs of `unless`."""
    runs: list[list[int]] = []
    for index, value in enumerate(values):
        if runs and runs[-1][2] == value and runs[-1][0] + runs[-1][1] == index:
            runs[-1][1] += 1
        elif value != unless:
            runs.append([index, 1, int(value)])
    return runs


def _pairs(runs: object) -> list[list[int]]:
    if not isinstance(runs, list) or not all(isinstance(run, list) and len(run) == 2 for run in runs):
        raise Malformed("segment: runs must be [first, count]")
    return runs


def _expand(runs: object, count: int) -> tuple[int, ...]:
    values, end = [0] * count, 0
    for run in runs if isinstance(runs, list) else [None]:
        match run:
            case [int(first), int(length), int(value)] if first >= end and 0 < length <= count - first:
                end = first + length
                values[first:end] = [value] * length
            case _:
                raise Malformed("segment: runs must be [first, count, status] inside the block, one after another")
    return tuple(values)


def differences(values: Sequence[int]) -> list[int]:
    """First value, then each value less the one before."""
    return [*values[:1], *(later - earlier for earlier, later in pairwise(values))]


def pack(values: Iterable[int]) -> bytes:
    """Zigzag LEB128: 0, -1, 1, -2 ... become 0, 1, 2, 3 ..., seven bits a byte, the last byte below 128."""
    out = bytearray()
    for value in values:
        rest = value << 1 if value >= 0 else (-value << 1) - 1
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def unpack(data: bytes, count: int) -> list[int]:
    """Read exactly `count` integers. Raises Malformed if the bytes hold another number of them, before any is read."""
    if (held := len(data.translate(None, _CONTINUED))) != count:
        raise Malformed(f"segment: a column of {held} where {count} are due")
    values: list[int] = []
    rest = shift = 0
    for byte in data:
        rest |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift == 7 * LEB128_BYTES_MAX:
                raise Malformed(f"segment: an integer of more than {LEB128_BYTES_MAX} bytes")
            continue
        values.append(rest >> 1 if not rest & 1 else -(rest >> 1) - 1)
        rest = shift = 0
    if shift:
        raise Malformed("segment: a column's last integer is cut short")
    return values
