"""Signals: functions of time that are constant for a while, then step.

In: steps and their lengths. Out: an integer level at every nanosecond, and the exact integer area between two instants
(mW x ns for power, cm3/s x ns for air).
Never: floats, the clock, sampling.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

SECOND_NS = 1_000_000_000
WH_MILLI_MW_NS = 3_600 * SECOND_NS  # 1 mWh = 3.6 J / 1000 = 3600 mW x s


class Signal(Protocol):
    """A piecewise constant quantity: power in mW, or flow in cm3/s."""

    def level(self, at_ns: int) -> int:
        """Return the level at an instant; a step counts from its first nanosecond."""
        ...

    def area(self, from_ns: int, to_ns: int) -> int:
        """Return the exact integral, level x ns; additive over neighbouring intervals."""
        ...


@dataclass(frozen=True, slots=True)
class Repeating:
    """Levels that follow one another and start again, for ever in both directions; closed form, O(log steps)."""

    anchor_ns: int
    edges_ns: tuple[int, ...]  # offsets from the anchor; first 0, last the period
    levels: tuple[int, ...]
    areas: tuple[int, ...]  # from 0 to each edge

    def level(self, at_ns: int) -> int:
        """Return the level at an instant."""
        into_ns = (at_ns - self.anchor_ns) % self.edges_ns[-1]
        return self.levels[bisect_right(self.edges_ns, into_ns) - 1]

    def area(self, from_ns: int, to_ns: int) -> int:
        """Return the integral in level x ns."""
        return self._from_anchor(to_ns) - self._from_anchor(from_ns)

    def _from_anchor(self, at_ns: int) -> int:
        turns, into_ns = divmod(at_ns - self.anchor_ns, self.edges_ns[-1])
        step = bisect_right(self.edges_ns, into_ns) - 1
        return turns * self.areas[-1] + self.areas[step] + self.levels[step] * (into_ns - self.edges_ns[step])


def repeating(anchor_ns: int, edges_ns: Sequence[int], levels: Sequence[int]) -> Repeating:
    """Build a repeating signal; `edges_ns` are the ascending ends of the steps, as offsets from the anchor."""
    edges, areas = [0], [0]
    for end_ns, level in zip(edges_ns, levels, strict=True):
        if end_ns <= edges[-1]:
            raise ValueError(f"a step must end after it begins: {end_ns} ns after {edges[-1]} ns")
        areas.append(areas[-1] + level * (end_ns - edges[-1]))
        edges.append(end_ns)
    return Repeating(anchor_ns, tuple(edges), tuple(levels), tuple(areas))


@lru_cache(maxsize=256)  # a compressor makes thousands of spans an hour from a handful of levels
def constant(level: int) -> Repeating:
    """Return a signal that never changes."""
    return repeating(0, [SECOND_NS], [level])


@dataclass(frozen=True, slots=True)
class Sum:
    """Several signals at once."""

    parts: tuple[Signal, ...]

    def level(self, at_ns: int) -> int:
        """Return the sum of the levels."""
        return sum(part.level(at_ns) for part in self.parts)

    def area(self, from_ns: int, to_ns: int) -> int:
        """Return the sum of the integrals."""
        return sum(part.area(from_ns, to_ns) for part in self.parts)


class Span(Protocol):
    """What a track is made of: something that lasts from one instant to another."""

    @property
    def start_ns(self) -> int:
        """First nanosecond."""
        ...

    @property
    def end_ns(self) -> int:
        """First nanosecond that no longer belongs to it."""
        ...


S = TypeVar("S", bound=Span)


class Track(Generic[S]):
    """Spans without holes, from `start_ns` on without end, each with a signal of its own.

    They are drawn from the iterator as far as asked and kept, so the order of the questions changes no answer. Not
    for several threads.
    """

    def __init__(self, start_ns: int, spans: Iterator[S], signal: Callable[[S], Signal]) -> None:
        self._spans = spans
        self._signal = signal
        self._drawn: list[S] = []
        self._starts_ns = [start_ns]  # one more than drawn: the start of the next
        self._areas = [0]

    def index(self, at_ns: int) -> int:
        """Return the number of the span that holds an instant. Raises ValueError before the start."""
        if at_ns < self._starts_ns[0]:
            raise ValueError(f"{at_ns} ns is before the start at {self._starts_ns[0]} ns")
        while self._starts_ns[-1] <= at_ns:
            span = next(self._spans)
            self._areas.append(self._areas[-1] + self._signal(span).area(span.start_ns, span.end_ns))
            self._starts_ns.append(span.end_ns)
            self._drawn.append(span)
        return bisect_right(self._starts_ns, at_ns) - 1

    def span(self, at_ns: int) -> S:
        """Return the span that holds an instant."""
        return self._drawn[self.index(at_ns)]

    def spans(self, until_ns: int) -> Sequence[S]:
        """Return all spans that begin at or before an instant."""
        return self._drawn[: self.index(until_ns) + 1]

    def level(self, at_ns: int) -> int:
        """Return the level at an instant."""
        return self._signal(self.span(at_ns)).level(at_ns)

    def area(self, from_ns: int, to_ns: int) -> int:
        """Return the integral in level x ns."""
        return self._from_start(to_ns) - self._from_start(from_ns)

    def _from_start(self, at_ns: int) -> int:
        at = self.index(at_ns)
        return self._areas[at] + self._signal(self._drawn[at]).area(self._starts_ns[at], at_ns)
