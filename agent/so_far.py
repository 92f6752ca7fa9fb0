"""What a running batch has taken so far, at the cost of the readings that came since it was last asked.

In: readings as they come. Out: per role, an amount and its bounds up to the latest instant that all its counters
bracket. The figures are those of all readings since the start: what is forgotten in between is forgotten only if the
figures stay what they are without it. Around the start, around the newest instant and around whatever a register did
that a running counter does not, readings are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from agent import closing
from agent.aggregation.by_power import POWER_DISAGREES
from agent.aggregation.replay import Amount, Counter, Readings, amounts, joined, readings, since
from agent.batches import Running
from agent.closing import Counters, Place
from contract.records import LinePart
from contract.segment import MeterSegment

FORGET_ABOVE = 128  # readings of a counter: with fewer, forgetting costs more than it saves
FORGET_AT_ONCE = 1024  # so many stay around a step that has a name
MARGIN = 4  # readings beyond those that an edge rests on, for rules that look at a reading's neighbours


@dataclass(slots=True)
class _Trail:
    """One counter's readings since the start; all up to `kept_ns` stay, `seen` are the anomalies among them if told."""

    known: Readings
    kept_ns: int
    seen: tuple[str, ...] = ()

    def forget(self, counter: Counter, start: tuple[int, int], at_ns: int) -> None:
        """Drop what lies between `kept_ns` and what an edge at or after `at_ns` rests on."""
        while True:
            first = int(np.searchsorted(self.known.requested_ns, self.kept_ns)) + 1 + MARGIN
            last = int(np.searchsorted(self.known.answered_ns, at_ns, side="right")) - 1 - MARGIN
            cut = min(last, first + FORGET_AT_ONCE)
            if cut - first >= FORGET_ABOVE and counter.unit == "wh_milli":
                cut = self._where_it_moved(first, cut, last)
            if cut - first < FORGET_ABOVE:
                return
            self._forget(counter, start, first, cut)

    def _where_it_moved(self, first: int, cut: int, last: int) -> int:
        """The reading nearest to `cut` that shows another content than the one before; `first` if there is none.

        How long a register has stood still tells whether it is frozen, so such a time is kept or dropped as a whole.
        """
        raws = self.known.raws
        earlier = (at for at in range(cut, first, -1) if raws[at] != raws[at - 1])
        later = (at for at in range(cut + 1, last + 1) if raws[at] != raws[at - 1])
        found = next(earlier, first)
        return found if found - first >= FORGET_ABOVE else next(later, first)

    def _forget(self, counter: Counter, start: tuple[int, int], first: int, last: int) -> None:
        """Drop these readings if that changes nothing; else they stay, and whatever had a name among them."""
        until_ns = int(self.known.answered_ns[last + MARGIN])
        edges = [start, (until_ns, until_ns)]
        found = _counted(amounts(counter, self.known, edges, [(0, 1)])[0])
        if found[-1] == self.seen:
            fewer = joined([self.known.cut(0, first), self.known.cut(last)])
            if _counted(amounts(counter, fewer, edges, [(0, 1)])[0]) == found:
                self.known = fewer
                return
        self.kept_ns, self.seen = until_ns + max(0, counter.age_ns), found[-1]


@dataclass(slots=True)
class SoFar:
    """One running batch; `refs` names its counters by role."""

    batch: str
    start: tuple[int, int]
    refs: Mapping[str, Sequence[Place]]
    counters: Counters
    trails: dict[Place, _Trail] = field(default_factory=dict)

    @classmethod
    def of(cls, running: Running, line: LinePart, counters: Counters, columns: Mapping[Place, Readings]) -> "SoFar":
        """A batch of a line, from everything that is remembered of its counters."""
        start = (running.start.earliest_ns, running.start.latest_ns)
        refs: dict[str, list[Place]] = {}
        for role, ref in closing.refs(line):
            if role != "medium":  # each has a unit of its own: there is no sum of them
                refs.setdefault(role, []).append((ref.meter, ref.point))
        trails = {
            place: _Trail(_thinned(counters[place], columns[place], start), start[1] + max(0, counters[place].age_ns))
            for counted in refs.values()
            for place in counted
        }
        return cls(running.batch, start, refs, counters, trails)

    def is_of(self, running: Running) -> bool:
        """Whether this is the batch that runs."""
        return (self.batch, self.start) == (running.batch, (running.start.earliest_ns, running.start.latest_ns))

    def add(self, made: Sequence[MeterSegment]) -> None:
        """Take what was read since."""
        for (meter, point), trail in self.trails.items():
            newer = readings(self.counters[meter, point], [one for one in made if one.meter == meter])
            if newer.answered_ns.size:
                trail.known = joined([trail.known, newer])

    def told(self) -> dict[str, dict[str, int | str | None]]:
        """Per role, amount, bounds and unit, from the start to the latest instant that all its counters bracket."""
        until_ns = {role: min(map(self._bracketed_ns, counted)) for role, counted in self.refs.items()}
        sums: dict[str, dict[str, int | str | None]] = {}
        for role, counted in self.refs.items():
            at_ns = until_ns[role]
            if at_ns < self.start[1]:
                continue
            edges = [self.start, (at_ns, at_ns)]
            found = [amounts(self.counters[p], self.trails[p].known, edges, [(0, 1)])[0] for p in counted]
            sums[role] = {
                "amount": _sum([one.amount for one in found]),
                "lower": _sum([one.lower for one in found]),
                "upper": _sum([one.upper for one in found]),
                "unit": self.counters[counted[0]].unit,
            }
        for place, trail in self.trails.items():
            asked_ns = [until_ns[role] for role, counted in self.refs.items() if place in counted]
            trail.forget(self.counters[place], self.start, min(asked_ns))
        return sums

    def _bracketed_ns(self, place: Place) -> int:
        """The latest instant at which the newest reading still gives an upper bound; 0 without a reading."""
        requested_ns = self.trails[place].known.requested_ns
        return int(requested_ns[-1]) - max(0, self.counters[place].age_ns) if requested_ns.size else 0


def _counted(one: Amount) -> tuple[int | None, int | None, int | None, tuple[str, ...]]:
    """What the counter alone says. Energy by power needs every reading, and only the batch's record has it."""
    return one.amount, one.lower, one.upper, tuple(name for name in one.anomalies if name != POWER_DISAGREES)


def _thinned(counter: Counter, column: Readings, start: tuple[int, int]) -> Readings:
    """What an edge at or after the start rests on; of an instrument before an exchange no more than its two ends.

    It says no more, so what it counted since the start is compared but once, with all its readings and with these.
    """
    known, over = since(column, start[0]), counter.handover
    if over is None or known.earlier is None or start[1] > over.first_ns:
        return known
    near = since(known.earlier.known, start[0])
    ends = joined([near.cut(0, FORGET_ABOVE), near.cut(max(FORGET_ABOVE, len(near.raws) - FORGET_ABOVE))])
    fewer = replace(known, earlier=replace(known.earlier, known=ends))
    edges = [start, (over.first_ns, over.first_ns)]
    whole, thinned = (_counted(amounts(counter, one, edges, [(0, 1)])[0]) for one in (known, fewer))
    return fewer if whole == thinned else known


def _sum(found: Sequence[int | None]) -> int | None:
    """The sum of what is known, None if anything is not."""
    known = [one for one in found if one is not None]
    return sum(known) if len(known) == len(found) else None
