"""Batches as a line's own tags tell them: looks go in, started and ended batches come out.

In: one `Look` after another, in order, and the line's state. Out: the next state and what happened. Nothing here reads
a clock or a socket; energies are computed elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from agent.aggregation.edges import edge
from agent.drivers.point import Point
from contract.lots import Lot
from contract.records import Edge, Offset, ScheduledEdge, Seen

ToldEdge = Annotated[Edge | ScheduledEdge, Field(discriminator="policy")]


@dataclass(frozen=True, slots=True)
class Look:
    """What the source said at one moment: `batch` is None while nothing runs; `count` is the number it was told by."""

    seen: Seen
    batch: str | None
    product: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class LotsRead:
    """What a controller showed of a batch's lots: when, and per lot its name and the raw integer of its quantity."""

    requested_ns: int
    answered_ns: int
    values: tuple[tuple[str | None, int | None], ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A batch that has begun, and the lots that were told of; None where nothing is."""

    batch: str
    product: str
    start: ToldEdge
    inputs: tuple[Lot, ...] | None = None
    outputs: tuple[Lot, ...] | None = None
    read: LotsRead | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A batch whose both edges are known; `noticed_ns` says since when, if no look does.

    `beside` are the batches that ran on beside it, by name.
    """

    running: Running
    end: ToldEdge
    noticed_ns: int = 0
    beside: tuple[str, ...] = ()

    @property
    def known_ns(self) -> int:
        """When its end was known: later than the end itself, if it was told late."""
        return self.end.after.answered_ns if isinstance(self.end, Edge) else self.noticed_ns


@dataclass(frozen=True, slots=True)
class LineState:
    """What is remembered of a line between two looks.

    `joined_late` is the batch that was already running at the very first look: its start was not seen, so it never
    becomes a batch record. `heard` are the latest messages, of a line that is told by them. `running` began first of
    those that run at once on a line that lets them; `beside` are the others, in order of their starts.
    """

    last: Look | None = None
    running: Running | None = None
    joined_late: str | None = None
    heard: tuple[bytes, ...] = ()
    beside: tuple[Running, ...] = ()

    @property
    def runs(self) -> tuple[Running, ...]:
        """Every batch that runs, in order of start."""
        return (() if self.running is None else (self.running,)) + self.beside


@dataclass(frozen=True, slots=True)
class Source:
    """How a line's source tells time: the delay of its tags, and its clock's offset if that is to be used.

    `points` are what it reads, by id. `ahead_ns`: how far our time is known to be ahead of our machine's clock.
    """

    lag_ns: int
    offset: Offset | None
    points: Mapping[str, Point] = field(default_factory=dict)
    ahead_ns: int = 0


def observe(state: LineState, look: Look, source: Source) -> tuple[LineState, Ended | None, Running | None]:
    """Take one look: (next state, the batch that ended, the batch that started)."""
    last = state.last
    if last is None:
        return LineState(look, None, look.batch), None, None
    if look.batch == last.batch:
        running = state.running
        if running is not None and look.product == last.product:
            # the tags of one look can straddle a source's cycle, at either edge: what two looks agree on counts
            running = replace(running, product=look.product)
        return replace(state, last=look, running=running), None, None
    at = edge(last.seen, look.seen, source.lag_ns, source.offset)
    ended = Ended(state.running, at) if state.running is not None else None
    started = Running(look.batch, look.product, at) if look.batch is not None else None
    return LineState(look, started, None), ended, started
