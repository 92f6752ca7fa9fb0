"""What waits to be recorded while nothing can be written: in order, in memory, up to a limit.

In: rounds of scans and events, identities, configurations, jumps of the clock. Out: the same in order, and what was
let go of as an event. Pure. Beyond the limit the oldest readings go first, and are counted; events wait longer.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.batches import Source
from agent.drivers import Scan
from agent.identity import Met
from contract.records import EventPart

READINGS_MAX = 200_000  # some 50 MB of memory
ITEMS_MAX = 20_000  # rounds, with or without readings: they hold events


@dataclass(frozen=True, slots=True)
class Round:
    """What was read and what happened since the round before."""

    scans: Sequence[tuple[str, Scan]]
    events: Sequence[EventPart]
    sources: Mapping[str, Source]

    @property
    def readings(self) -> int:
        """How many it holds."""
        return sum(len(scan.readings) for _, scan in self.scans)


@dataclass(frozen=True, slots=True)
class Identified:
    """What meters said of themselves."""

    met: Sequence[Met]


@dataclass(frozen=True, slots=True)
class Jump:
    """Our time went from one instant to another."""

    from_ns: int
    to_ns: int


@dataclass(slots=True)
class Lost:
    """What could not wait any longer."""

    readings: int = 0
    events: int = 0
    from_ns: int = 0
    to_ns: int = 0

    def add(self, one: Round) -> None:
        """Count a round that nobody will record."""
        times = [*(s.requested_ns for _, s in one.scans), *(s.answered_ns for _, s in one.scans)]
        times += [event.at_ns for event in one.events]
        if times:
            self.from_ns = min([*times, *([self.from_ns] if self.from_ns else [])])
            self.to_ns = max([*times, self.to_ns])
        self.readings += one.readings
        self.events += len(one.events)

    def event(self, now_ns: int) -> EventPart:
        """As it is told."""
        detail: dict[str, object] = {"cause": "disk_full", "readings": self.readings, "events": self.events}
        detail |= {"from_ns": self.from_ns, "to_ns": self.to_ns}
        return EventPart(event="readings_lost", about="journal", at_ns=now_ns, detail=detail)


@dataclass(slots=True)
class Waiting:
    """What waits, the oldest first, and what could not wait any longer."""

    items: deque[object] = field(default_factory=deque[object])
    lost: Lost = field(default_factory=Lost)

    @property
    def readings(self) -> int:
        """How many wait."""
        return sum(one.readings for one in self.items if isinstance(one, Round))

    def shed(self) -> None:
        """Let go of what is beyond the limits."""
        beyond = self.readings - READINGS_MAX
        for at, one in enumerate(self.items):
            if beyond <= 0:
                break
            if isinstance(one, Round) and one.scans:
                beyond -= one.readings
                self.lost.add(replace(one, events=[]))
                self.items[at] = replace(one, scans=[])
        if len(self.items) > ITEMS_MAX:
            kept = [one for one in self.items if not isinstance(one, Round) or one.scans or one.events]
            for one in kept[: max(0, len(kept) - ITEMS_MAX)]:
                if isinstance(one, Round):
                    self.lost.add(one)
            self.items = deque(kept[-ITEMS_MAX:])

    def own_up(self, now_ns: int) -> None:
        """Put what was lost at the front, to be recorded before anything else."""
        if self.lost.readings or self.lost.events:
            self.items.appendleft(Round([], [self.lost.event(now_ns)], {}))
            self.lost = Lost()
