"""What is remembered of the counters that lines speak of: their readings as sealed, as far back as batches need.

In: segments as they are sealed, or read back from the journal. Out: columns of readings. Pure. An edge rests on the
last two readings answered before it, however old they are, so memory begins with these or says that it does not.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from agent.aggregation.replay import NOTHING, Readings, joined, reaches, readings, since
from agent.closing import Counters, Place
from contract.segment import MeterSegment


@dataclass(slots=True)
class Known:
    """`columns` has an element per counter of `places`; `whole` are those of which nothing older is sealed.

    `whole_before` are those for which the same holds of the instrument before, where a hand-over reading joins the two.
    """

    counters: Counters
    places: Collection[Place]
    columns: dict[Place, Readings] = field(default_factory=dict)
    whole: set[Place] = field(default_factory=set)
    whole_before: set[Place] = field(default_factory=set)

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

    def replace(self, place: Place, column: Readings, *, whole: bool, whole_before: bool = False) -> None:
        """Put what was read back from the journal in the place of what was remembered."""
        self.columns[place] = column
        if whole:
            self.whole.add(place)
        if whole_before:
            self.whole_before.add(place)

    def reaches(self, place: Place, at_ns: int) -> bool:
        """Whether everything is remembered that an edge at `at_ns` or later can rest on."""
        here = place in self.whole or reaches(self.columns[place].answered_ns, at_ns)
        return here and self.reaches_before(place, at_ns)

    def reaches_before(self, place: Place, at_ns: int) -> bool:
        """Whether that is so of the instrument before; that there is one matters until two readings of the new came."""
        over, column = self.counters[place].handover, self.columns[place]
        if over is None or place in self.whole_before:
            return True
        if at_ns >= over.last_ns:
            return column.earlier is not None or reaches(column.answered_ns, at_ns)
        return column.earlier is not None and reaches(column.earlier.known.answered_ns, at_ns)

    def rests_from_ns(self, at_ns: int) -> int:
        """When the first reading was asked for that an edge at `at_ns` or later rests on; `at_ns` if there is none."""
        kept = [since(column, at_ns) for column in self.columns.values()]
        kept += [column.earlier.known for column in kept if column.earlier is not None]
        return min((int(column.requested_ns[0]) for column in kept if column.requested_ns.size), default=at_ns)

    def forget(self, before_ns: int) -> None:
        """Drop what no edge at or after `before_ns` can rest on."""
        for place, column in self.columns.items():
            over = self.counters[place].handover
            kept = since(column, before_ns)
            if column.earlier is not None and (over is None or before_ns >= over.last_ns):
                kept = replace(kept, earlier=replace(column.earlier, known=NOTHING))
                self.whole_before.discard(place)
            if len(kept.raws) < len(column.raws):
                self.whole.discard(place)
            self.columns[place] = kept
