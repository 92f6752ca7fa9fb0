"""A register image: the words a meter holds, by table and address.

In: what to read, and the replies. Out: which stretches to ask next, and the image as JSON for the simulator. Pure.
The words are not of one instant: a meter counts on while it is read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from agent.commission.spans import BITS, WORDS_MAX, Reply, Span
from agent.drivers import BAD_OUT_OF_RANGE
from agent.drivers.blocks import plan
from agent.drivers.profile import Profile


@dataclass(slots=True)
class Image:
    """What is known so far. `refused` are registers that do not exist, `silent` those that never got an answer."""

    tables: dict[str, dict[int, int]] = field(default_factory=dict)
    refused: list[Span] = field(default_factory=list)
    silent: list[Span] = field(default_factory=list)

    def take(self, span: Span, reply: Reply) -> tuple[Span, ...]:
        """Keep what came; return the stretches to ask for again, smaller, to find the holes.

        Where the driver has gone around refused registers itself, what is missing does not exist.
        """
        held = self.tables.setdefault(span.table, {})
        held.update({span.address + at: word for at, word in enumerate(reply.words) if word is not None})
        if not reply.words:
            self.silent.append(span)
            return ()
        missing = tuple(_missing(span, reply))
        if reply.status != BAD_OUT_OF_RANGE:
            self.silent += missing
        elif reply.pieces > 1 or span.count == 1:
            self.refused += missing
        else:
            return _halves(span)
        return ()


def of_profile(profile: Profile, base: int) -> tuple[Span, ...]:
    """The requests that read every register of a profile, identity included, at the addresses of the wire."""
    found = []
    for points in (profile.measured, profile.identifying):
        for block in plan(points, profile.registers_max, profile.hole_max):
            found += [Span(block.table, base + address, count) for address, count in block.requests]
    return tuple(dict.fromkeys(found))


def of_range(table: str, first: int, last: int) -> tuple[Span, ...]:
    """Requests of the largest size from `first` to `last`, both included."""
    return tuple(Span(table, at, min(WORDS_MAX, last + 1 - at)) for at in range(first, last + 1, WORDS_MAX))


def document(image: Image, profile: str | None, unit: int, taken_ns: int) -> str:
    """The image as `metertrail simulate` serves it."""
    tables: Mapping[str, Mapping[str, int]] = {
        table: {str(address): held[address] for address in sorted(held)}
        for table, held in sorted(image.tables.items())
        if held
    }
    return json.dumps({"profile": profile, "unit": unit, "tables": tables, "taken_ns": taken_ns}, indent=1) + "\n"


def summary(image: Image) -> list[str]:
    """What was read and what was not, for whoever waits."""
    told = [f"{sum(map(len, image.tables.values()))} registers read"]
    told += [f"{_ranges(image.refused)}: refused, left out"] if image.refused else []
    told += [f"{_ranges(image.silent)}: no answer, left out"] if image.silent else []
    return told


def _missing(span: Span, reply: Reply) -> Iterator[Span]:
    """Runs of registers without a word."""
    start: int | None = None
    for at, word in enumerate((*reply.words, 0)):
        if word is None and start is None:
            start = at
        if word is not None and start is not None:
            yield Span(span.table, span.address + start, at - start)
            start = None


def _halves(span: Span) -> tuple[Span, ...]:
    """Cut where both sides keep whole pairs of registers, for many devices refuse half a 32-bit value."""
    first = span.count // 2
    if first > 1 and span.table not in BITS:
        first -= first % 2
    return Span(span.table, span.address, first), Span(span.table, span.address + first, span.count - first)


def _ranges(spans: Iterable[Span]) -> str:
    """Neighbours told as one."""
    joined: list[Span] = []
    for span in sorted(spans):
        last = joined[-1] if joined else None
        if last is not None and last.table == span.table and last.address + last.count == span.address:
            joined[-1] = Span(last.table, last.address, last.count + span.count)
        else:
            joined.append(span)
    return ", ".join(map(str, joined))
