"""Read requests: which registers to ask for together, and what the words of an answer are.

In: a profile's points, and the words that came. Out: blocks, and readings of raw integers. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.drivers import GOOD, Reading
from agent.drivers.profile import Point
from agent.drivers.registers import status_of


@dataclass(frozen=True, slots=True)
class Block:
    """One read request: `count` registers (or bits) of a table from `address` on, and the points in it by address."""

    table: str
    address: int
    count: int
    points: tuple[Point, ...]


def plan(points: Iterable[Point], registers_max: int, hole_max: int) -> tuple[Block, ...]:
    """Cover register points with the fewest requests, ordered by table and address.

    No request exceeds `registers_max`; none reads over more than `hole_max` unused registers to save another. A point
    shares its request with its scale point, whatever hole lies between. Raises ValueError if that cannot be.
    """
    blocks: list[list[Point]] = []
    for group in _groups(points):
        first, last = group[0].address, max(p.end for p in group)
        if last - first > registers_max:
            raise ValueError(
                f"{group[0].id}: with its scale point spans {last - first} registers, allowed {registers_max}"
            )
        for block in blocks:
            start, end = block[0].address, max(p.end for p in block)
            near = block[0].table == group[0].table and first - end <= hole_max
            if near and max(end, last) - start <= registers_max:
                block.extend(group)
                break
        else:
            blocks.append(list(group))
    return tuple(_block(block) for block in blocks)


def _groups(points: Iterable[Point]) -> list[list[Point]]:
    """Points that must come in one answer, each group and the groups ordered by address."""
    by_key: dict[str, list[Point]] = {}
    for point in points:
        by_key.setdefault(point.scale_point or point.id, []).append(point)
    groups = [sorted(group, key=lambda p: p.address) for group in by_key.values()]
    return sorted(groups, key=lambda g: (str(g[0].table), g[0].address))


def _block(points: list[Point]) -> Block:
    ordered = tuple(sorted(points, key=lambda p: p.address))
    start = ordered[0].address
    return Block(str(ordered[0].table), start, max(p.end for p in ordered) - start, ordered)


def raws(block: Block, words: Sequence[int]) -> dict[str, int]:
    """Raw integer of each point of a block from the words of its answer (for coils: bits), keyed by point id.

    Raises ValueError if the answer has not exactly the words that were asked for.
    """
    if len(words) != block.count:
        raise ValueError(f"{len(words)} words came, {block.count} were asked for")
    if not all(0 <= word <= 0xFFFF for word in words):
        raise ValueError("a word is outside 0..65535")
    found = {}
    for point in block.points:
        raw = 0
        for word in words[point.address - block.address : point.end - block.address]:
            raw = raw << 16 | word
        found[point.id] = raw
    return found


def readings(block: Block, words: Sequence[int]) -> tuple[Reading, ...]:
    """Readings of a block's answer; a point without a value gets a bad status. Raises ValueError as `raws` does."""
    found = raws(block, words)
    points = {point.id: point for point in block.points}
    made = []
    for point in block.points:
        raw = found[point.id]
        if point.scale_point is not None:
            scale_raw = found[point.scale_point]
            status = status_of(points[point.scale_point], scale_raw) or status_of(point, raw, scale_raw)
        else:
            status = status_of(point, raw)
        made.append(Reading(point.id, raw if status == GOOD else None, status))
    return tuple(made)
