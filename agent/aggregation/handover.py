"""A counter across the exchange of its instrument: which readings are whose, and what each register stood at.

In: a counter whose description states hand-over readings, and what both instruments said. Out: for a window, up to two
sides, each one register over the whole window. The old register stands at its last reading ever after, the new one
stood at its first until then; so every window, wherever it begins or ends, holds the sum of what both moved by, and
windows share their edges as ever. Pure. What the old instrument had not yet shown when it was read is in no register.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.aggregation.counters import Counter, counts_on
from agent.aggregation.readings import Readings, rests_on
from agent.drivers.registers import of_last_digit, scaled, slack, stated
from contract.handovers import Handover

IntArray = NDArray[np.int64]
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a register stood at beyond its readings: rows to put before or after them, one value for all.

    The text has fewer digits than the register where `finest` is not 0: the value is that or up to `finest` from it.
    """

    leads: bool
    requested_ns: IntArray
    answered_ns: IntArray
    shown: int
    finest: int


@dataclass(frozen=True, slots=True)
class Side:
    """One instrument's part in a window."""

    counter: Counter
    known: Readings
    standing: Standing | None = None


def earlier(counter: Counter, described: Sequence[Counter | None]) -> tuple[Counter, frozenset[int]] | None:
    """The counter of the instrument before: (as it was described, the manifests that describe it so); None if unknown.

    `described` is what each manifest says of the place, in order, up to the last that does not let `counter` count on.
    Between the two instruments only the new one may have been described, at another place or under another name. The
    old one is that whose serial number was noted; one described without any may be it.
    """
    over, at = counter.handover, len(described) - 1
    if over is None:
        return None
    while at >= 0 and (one := described[at]) is not None:
        if not one.serial or is_same(one.serial, over.serial_before):
            if (one.quantity, one.unit, one.derivation) != (counter.quantity, counter.unit, None):
                return None
            return one, _so_described(one, described[: at + 1])
        if not is_same(one.serial, counter.serial):
            return None
        at -= 1
    return None


def _so_described(counter: Counter, described: Sequence[Counter | None]) -> frozenset[int]:
    found = set()
    for at in range(len(described) - 1, -1, -1):
        if not counts_on(counter, described[at]):
            break
        if described[at] == counter:
            found.add(at)
    return frozenset(found)


def is_same(serial: str, other: str | None) -> bool:
    """Whether two serials name one instrument: blanks, case and leading zeros are a matter of writing."""
    return other is not None and _plain(serial) == _plain(other)


def _plain(serial: str) -> str:
    return "".join(serial.split()).casefold().lstrip("0")


def sides(counter: Counter, known: Readings, start: Interval, end: Interval) -> list[Side]:
    """What a window rests on: one instrument, or the old one and the new one.

    Where the old one is not known, what was noted may be of other instruments than these: nothing rests on it. Raises
    ValueError or ArithmeticError for readings that cannot be computed with.
    """
    over = counter.handover
    if over is None or known.earlier is None:
        return [Side(counter, known)]
    found = []
    if start[0] < over.last_ns:
        life = old_life(over, known.earlier.known)
        found.append(_side(over, known.earlier.counter, life, (start, end), leads=False))
    if end[1] > over.first_ns or not found:  # without length, at the instant of the exchange, it holds nothing
        found.append(_side(over, counter, new_life(over, known), (start, end), leads=True))
    return found


def lives(counter: Counter, known: Readings) -> list[tuple[Counter, Readings]]:
    """The instruments whose readings make up one count: the old one and the new one, or the one alone."""
    if counter.handover is not None and known.earlier is not None:
        old, new = old_life(counter.handover, known.earlier.known), new_life(counter.handover, known)
        if old.raws and new.raws:
            return [(known.earlier.counter, old), (counter, new)]
    return [(counter, known)]


def old_life(over: Handover, known: Readings) -> Readings:
    """The readings that surely are the old instrument's: answered before the exchange."""
    return known.cut(0, int(np.searchsorted(known.answered_ns, min(over.first_ns, over.last_ns - 1), side="right")))


def new_life(over: Handover, known: Readings) -> Readings:
    """The readings that surely are the new instrument's: requested after the exchange."""
    return known.cut(int(np.searchsorted(known.requested_ns, over.last_ns, side="right")))


def noted(over: Handover, counter: Counter, life: Readings, *, leads: bool) -> tuple[int, int]:
    """A hand-over reading in canonical units, and what its digits hide: 0 if they are as fine as the register's.

    `leads`: that of the new instrument, before its readings. Where the text has fewer digits than the register, the
    reading next to it says more if it lies within them. Raises ValueError or ArithmeticError for what no counter shows.
    """
    text, row = (over.after, 0) if leads else (over.before, -1)
    scale = life.scale_raws[row] if life.scale_raws else None
    beside = scaled(counter.spec, life.raws[row], counter.ratio, scale)
    value = stated(counter.spec, text, counter.ratio)
    below, above = slack(counter.spec, life.raws[row], counter.ratio, scale)
    finest = of_last_digit(counter.spec, text, counter.ratio)
    if finest <= above - below:
        return value, 0
    beyond = value - beside if leads else beside - value
    return (beside if 0 < beyond <= finest else value), finest


def _side(
    over: Handover, counter: Counter, life: Readings, window: tuple[Interval, Interval], *, leads: bool
) -> Side:  # fmt: skip
    """One instrument's part: its readings, and of the rows where its register stood still those that are needed."""
    if not life.raws:
        return Side(counter, life)
    (start, end), age_ns = window, max(0, counter.age_ns)
    far_ns = min(over.first_ns, start[0]) - 1 if leads else max(over.last_ns, end[1] + age_ns) + 1
    rows = sorted([(over.first_ns, over.last_ns), (far_ns, far_ns)])
    shown, finest = noted(over, counter, life, leads=leads)
    requested_ns, answered_ns = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    parts = [(requested_ns, answered_ns), (life.requested_ns, life.answered_ns)][:: 1 if leads else -1]
    first = rests_on(np.concatenate([answered for _, answered in parts]), start[0])
    last = int(np.searchsorted(np.concatenate([asked for asked, _ in parts]), end[1] + age_ns, side="left")) + 2
    needed = slice(first, last) if leads else slice(max(0, first - len(life.raws)), max(0, last - len(life.raws)))
    return Side(counter, life, Standing(leads, requested_ns[needed], answered_ns[needed], shown, finest))
