"""Who is asked next on a bus: meters that answer at their ticks, everything that can wait in the time between.

In: the meters as they stand, the time, how long each would hold the bus if it were silent. Out: one turn. Pure.

A meter's slots begin at the whole multiples of its rhythm. A slot is kept if its read starts before it is over. A meter
that does not answer is lost: it is probed after pauses that double from 1 to 60 s, and only where its silence would end
before the next slot of a meter that answers. Where that never fits, it is probed all the same as long again after its
pause, at most 60 s after it could last have been asked: a meter that missed one answer is soon back, and a dead one
costs its neighbours a few slots at first, then one probe a minute. A meter never asked yet, a stranger, is asked once
whether it fits or not, behind those that answer. Where nobody answers there is nobody to spare: pauses are short, and
when the first is back the others are strangers again.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from contract.segment import TICK_NS

NS = 1_000_000_000
PAUSE_FIRST_NS, PAUSE_MOST_NS = 1 * NS, 60 * NS
ALONE_NS = 5 * NS  # the longest pause on a bus where nobody answers
OUT_OF_TURN_NS = 1 * NS  # a meter is read out of turn at most so often, whatever happens on its line
NEVER_NS = 2**63 - 1

# how long a read of a meter holds the bus at most if the meter does not answer
Silence = Callable[[str], int]


@dataclass(slots=True)
class Polled:
    """One meter's place on its bus. `due_ns` is when its slot began, or while it is lost when it may be probed."""

    name: str
    every_ns: int
    due_ns: int = 0
    answers: bool = False
    asked_ns: int | None = None  # when it was last probed
    lost_since_ns: int | None = None
    pause_ns: int = PAUSE_FIRST_NS
    wanted_ns: int = 0  # when it may be read out of turn again
    rested_ns: int = 0  # when it may be read again at all: evidence could not tell apart two answers of one tick
    identity_ns: int = NEVER_NS  # when its identity is to be read again; NEVER_NS: its profile names none
    barred: bool = False  # another model answers in its place: no value of it is taken
    missed: int = 0
    late_ns_max: int = 0
    took_ns: int = 0
    valueless: int = 0  # reads on end that were answered without any value

    @property
    def next_ns(self) -> int:
        """From when on its next slot may be read."""
        return max(self.due_ns, self.rested_ns)

    @property
    def has_identity(self) -> bool:
        """Whether its profile names registers that tell which instrument it is."""
        return self.identity_ns != NEVER_NS


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do now with one meter, or until when to rest. `forced`: it did not fit between the others' slots."""

    kind: Literal["read", "probe", "identify", "rest"]
    meter: Polled | None = None
    until_ns: int = 0
    forced: bool = False


@dataclass(frozen=True, slots=True)
class _Errand:
    """What can wait: from when it may be done, and from when it must be."""

    kind: Literal["probe", "identify"]
    meter: Polled
    from_ns: int
    must_ns: int


def decide(meters: Sequence[Polled], wanted: Collection[str], now_ns: int, silence_ns: Silence) -> Turn:
    """The next turn; meters in `wanted` are read first, if they answer."""
    answering = [meter for meter in meters if meter.answers]
    prompt = [meter for meter in answering if meter.name in wanted] if wanted else []
    for meter in prompt:
        if meter.wanted_ns <= now_ns:
            return Turn("read", meter)
    due = min((meter for meter in answering if meter.next_ns <= now_ns), key=lambda m: m.due_ns, default=None)
    if due is not None:
        return Turn("read", due)
    strangers = [meter for meter in meters if not meter.answers and meter.asked_ns is None]
    for meter in strangers:
        if meter.due_ns <= now_ns:
            return Turn("probe", meter)
    next_ns = min((meter.next_ns for meter in answering), default=NEVER_NS)
    rest_ns = min([next_ns, *(meter.due_ns for meter in strangers), *(meter.wanted_ns for meter in prompt)])
    errands = [errand for errand in _errands(meters, alone=not answering) if errand.from_ns < rest_ns]
    for errand in sorted(errands, key=lambda e: e.from_ns):
        fits = max(now_ns, errand.from_ns) + silence_ns(errand.meter.name) <= next_ns
        if errand.from_ns <= now_ns and (fits or errand.must_ns <= now_ns):
            return Turn(errand.kind, errand.meter, forced=not fits)
        if errand.from_ns > now_ns and fits:
            rest_ns = min(rest_ns, errand.from_ns)
    return Turn("rest", until_ns=rest_ns)


def _errands(meters: Sequence[Polled], *, alone: bool) -> Iterator[_Errand]:
    for meter in meters:
        if meter.answers and meter.has_identity:
            yield _Errand("identify", meter, meter.identity_ns, meter.identity_ns + PAUSE_MOST_NS)
        elif not meter.answers and meter.asked_ns is not None:
            from_ns = min(meter.due_ns, meter.asked_ns + ALONE_NS) if alone else meter.due_ns
            must_ns = min(meter.asked_ns + PAUSE_MOST_NS, meter.due_ns + meter.pause_ns)
            yield _Errand("probe", meter, from_ns, must_ns)


def lost(meter: Polled, asked_ns: int, at_ns: int) -> bool:
    """Note that a meter did not answer, and when it may be probed. Whether that is news."""
    news = meter.lost_since_ns is None
    if news:
        meter.lost_since_ns = asked_ns
    meter.answers, meter.asked_ns = False, asked_ns
    meter.due_ns = at_ns + meter.pause_ns
    meter.pause_ns = min(2 * meter.pause_ns, PAUSE_MOST_NS)
    return news


def revived(meters: Sequence[Polled], at_ns: int) -> None:
    """Note that a lost meter is back; if it is the first on a silent bus, the other lost ones are strangers again."""
    if not any(meter.answers for meter in meters):
        for meter in meters:
            if meter.lost_since_ns is not None:
                meter.asked_ns, meter.due_ns, meter.pause_ns = None, at_ns, PAUSE_FIRST_NS


def answered(meter: Polled, asked_ns: int, at_ns: int) -> tuple[int, int]:
    """Note that a meter answered what was asked at `asked_ns`: (how late in its slot, how many slots passed unread).

    A slot that is over is missed and never made up for; what is read out of turn moves no slot.
    """
    meter.rested_ns = -(-at_ns // TICK_NS) * TICK_NS
    meter.wanted_ns = max(meter.wanted_ns, meter.rested_ns)
    if not meter.answers:
        meter.answers, meter.lost_since_ns, meter.pause_ns = True, None, PAUSE_FIRST_NS
        meter.due_ns = next_tick(at_ns, meter.every_ns)
        return 0, 0
    if asked_ns < meter.due_ns:
        meter.wanted_ns = asked_ns + OUT_OF_TURN_NS
        return 0, 0
    late_ns = (asked_ns - meter.due_ns) % meter.every_ns
    missed = (asked_ns - meter.due_ns) // meter.every_ns
    meter.due_ns += (missed + 1) * meter.every_ns
    meter.missed += missed
    meter.late_ns_max = max(meter.late_ns_max, late_ns)
    return late_ns, missed


def moved(meter: Polled, by_ns: int, now_ns: int) -> None:
    """Let a meter's place be as far off as before, by a clock that has jumped forward."""
    meter.due_ns = next_tick(now_ns, meter.every_ns) if meter.answers else meter.due_ns + by_ns
    meter.asked_ns = None if meter.asked_ns is None else meter.asked_ns + by_ns
    meter.wanted_ns += by_ns
    meter.rested_ns += by_ns
    if meter.has_identity:
        meter.identity_ns += by_ns


def next_tick(at_ns: int, every_ns: int) -> int:
    """The first whole multiple of `every_ns` after `at_ns`: meters of one rhythm are read together."""
    return (at_ns // every_ns + 1) * every_ns
