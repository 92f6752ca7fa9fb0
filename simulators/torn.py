"""A meter whose counters are torn: their high words are of an earlier refresh than their low words.

In: a meter, which of its registers hold high words, how old these are. Out: words of two instants.
Never: a word that the meter has not shown at one of the two.
"""

from collections.abc import Iterator

from agent.drivers.profile import Point, Profile
from simulators.modbus_server import Unit


class Torn:
    """A unit like another, but for high words that are `age_ns` older: wrong by a carry, if there was one since."""

    def __init__(self, unit: Unit, highs: frozenset[tuple[str, int]], age_ns: int) -> None:
        self._unit = unit
        self._highs = highs
        self._age_ns = age_ns

    def words(self, table: str, address: int, count: int, at_ns: int) -> list[int] | None:
        """Return the words of a request; None if one of them does not exist."""
        old = self._unit.words(table, address, count, at_ns - self._age_ns)
        new = self._unit.words(table, address, count, at_ns)
        if old is None or new is None:
            return None
        return [old[i] if (table, address + i) in self._highs else new[i] for i in range(count)]


def highs(profile: Profile, base: int = 0) -> frozenset[tuple[str, int]]:
    """Return where counters hold their more significant half: (table, address)."""
    return frozenset(
        (str(point.table), base + address)
        for point in profile.points
        if point.kind == "counter" and point.table is not None
        for address in _high(point)
    )


def _high(point: Point) -> Iterator[int]:
    if point.parts:
        for start, end in point.spans[:-1]:
            yield from range(start, end)
        return
    half = point.length // 2
    low_first = point.words in {"low_first", "low_pair_first"}
    yield from range(point.end - half, point.end) if low_first else range(point.address, point.address + half)
