"""What is remembered of the counters that lines speak of: their readings as sealed, as far back as batches need.

In: segments as they are sealed, or read back from the journal. Out: columns of readings. Pure. An edge rests on the
last two readings answered before it, however old they are, so memory begins with these or says that it does not.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from agent.aggregation.replay import NOTHING, Readings, joined, reaches, readings, since
from agent.closing import Counters, Place
from contract.segment import MeterSegment


@dataclass(slots=True)
class Known:
    """`columns` has an element per counter of `places`; `whole` are those of which nothing older is sealed."""

    counters: Counters
    places: Collection[Place]
    columns: dict[Place, Readings] = field(default_factory=dict)
    whole: set[Place] = field(default_factory=set)

    def __post_init__(self) -> None:
        for place in self.places:
            self.columns.setdefault(place, NOTHING)

    def add(self, made: Sequence[MeterSegment]) -> None:
        """Remember what was just sealed."""
        for place in self.places:
            newer = self.read(place, made)
            if newer.answered_ns.size:
                self.columns[place] = joined([self.columns[place], newer])

    def read(self, place: Place, made: Iterable[MeterSegment]) -> Readings:
        """One counter's readings in segments."""
        return readings(self.counters[place], [segment for segment in made if segment.meter == place[0]])

    def replace(self, place: Place, column: Readings, *, whole: bool) -> None:
        """Put what was read back from the journal in the place of what was remembered."""
        self.columns[place] = column
        if whole:
            self.whole.add(place)

    def reaches(self, place: Place, at_ns: int) -> bool:
        """Whether everything is remembered that an edge at `at_ns` or later can rest on."""
        return place in self.whole or reaches(self.columns[place].answered_ns, at_ns)

    def forget(self, before_ns: int) -> None:
        """Drop what no edge at or after `before_ns` can rest on."""
        for place, column in self.columns.items():
            kept = since(column, before_ns)
            if len(kept.raws) < len(column.raws):
                self.columns[place] = kept
                self.whole.discard(place)
