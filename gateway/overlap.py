"""Several batches at once on one line: the energy of every time that they share, parted among them by a declared key.

In: batches with what their line declared, and the readings of its counters. Out: the same batches; each that ran beside
others has its part for its energy. Windows are cut at every edge, and each piece goes to the batches that run in it, in
equal parts or by their good output, to the last digit: all parts together are what the line took while any ran. Never:
a part of what is not known, or by a key that says nothing.
"""

from bisect import bisect, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from agent.aggregation import replay
from agent.aggregation.replay import Counter, Readings
from contract.records import LinePart, Overlap
from gateway.batch_facts import (
    BRANCHES,
    NO_BRANCH,
    OUTPUTS,
    BatchFacts,
    Interval,
    Place,
    Shared,
    Together,
    distinct,
    known_sum,
)

ENERGY = "wh_milli"

# A counter of an agent as the manifest of that hash describes it, and its readings as far as they count on.
Known = Callable[[str, bytes, Place], tuple[Counter, Readings] | None]


@dataclass(frozen=True, slots=True)
class Part:
    """Energy of one piece of time, or a batch's part of it; None: not known, and `why`."""

    amount: int | None
    lower: int | None = None
    upper: int | None = None
    u95: int | None = None
    why: str | None = None


class Span(NamedTuple):
    """The time between two edges that follow each other, and the batches that run in it, by number."""

    start: Interval
    end: Interval
    lasts_ns: int
    running: tuple[int, ...]


@dataclass(slots=True)
class _Mine:
    """What one batch gathers."""

    parts: list[Part] = field(default_factory=list)
    ran_ns: int = 0
    beside: set[int] = field(default_factory=set)


def together(line: LinePart, manifest: bytes) -> Together | None:
    """What a line declares of batches at once; None for one at a time, or where it counts what no key shares."""
    if line.overlap is None or line.good is not None or line.scrap is not None or line.media:
        return None
    return Together(line.overlap, tuple((ref.meter, ref.point) for ref in line.energy), manifest)


def may(one: Together | None, other: Together | None) -> bool:
    """Whether batches declared so may run at once: both by the same key, of the same counters."""
    return one is not None and other is not None and (one.key, one.counters) == (other.key, other.counters)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split a total in proportion to weights, to the last digit: largest remainders first, the earlier of equals.

    Zeros if every weight is zero. Raises ValueError for a negative total or weight.
    """
    if total < 0 or min(weights, default=0) < 0:
        raise ValueError("neither the total nor a weight may be negative")
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * one // whole for one in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def overlapping(batches: Sequence[BatchFacts]) -> set[int]:
    """Which batches, given in order of start, overlap one that goes before: an agent's first, then the earlier.

    Those that may run at once overlap only their own name, told twice. What its agent told before it went on from an
    earlier entry goes before what it told again; what is set aside overlaps nothing.
    """
    found: set[int] = set()
    taken: dict[tuple[str, str], list[tuple[int, int]]] = {}  # starts and numbers
    longest: dict[tuple[str, str], int] = {}
    for index in sorted(
        range(len(batches)), key=lambda i: (batches[i].late is not None, BRANCHES.index(batches[i].branch))
    ):
        batch = batches[index]
        if batch.branch in NO_BRANCH:
            continue
        place = batch.agent, batch.line
        runs = taken.setdefault(place, [])
        near = _near(runs, batches, batch, longest.get(place, 0))
        if any(_collide(batches[other], batch) for other in near):
            found.add(index)
        else:
            insort(runs, (batch.start_ns, index))
            if batch.together is not None:
                longest[place] = max(longest.get(place, 0), batch.end_ns - batch.start_ns)
    return found


def _near(
    runs: Sequence[tuple[int, int]], batches: Sequence[BatchFacts], batch: BatchFacts, reach_ns: int
) -> Iterable[int]:
    """The batches taken that a batch may overlap: those that begin within it, the one before, those that reach so far.

    Where batches run one at a time, the one before alone can reach into it.
    """
    place = bisect(runs, (batch.start_ns, len(batches)))
    first = bisect(runs, (batch.start_ns - reach_ns, -1)) if reach_ns else place - 1
    last = max(place + 1, bisect(runs, (batch.end_ns, -1)))
    return (index for _, index in runs[max(0, min(first, place - 1)) : last])


def _collide(one: BatchFacts, other: BatchFacts) -> bool:
    if one.end_ns <= other.start_ns or other.end_ns <= one.start_ns:
        return False
    return one.batch == other.batch or not may(one.together, other.together)


def shared(batches: Iterable[BatchFacts], known: Known | None, from_ns: int, to_ns: int) -> list[BatchFacts]:
    """The batches in order, each that ran beside others with its part; only those that end in [from_ns, to_ns) get it.

    Those that end outside it are needed where they share a time. Without readings nothing of a shared time is known.
    """
    found = distinct(batches)
    out = overlapping(found)
    lines: dict[tuple[str, str, Overlap], list[int]] = {}
    for index, batch in enumerate(found):
        runs = index not in out and batch.branch not in NO_BRANCH and batch.start_ns < batch.end_ns
        if batch.together is not None and runs:
            lines.setdefault((batch.agent, batch.line, batch.together.key), []).append(index)
    for (*_, key), numbers in lines.items():
        spans = cut(found, numbers)
        wanted = {n for span in spans if len(span.running) > 1 for n in span.running}
        wanted |= {n for n in numbers if found[n].beside}
        wanted = {n for n in wanted if from_ns <= found[n].end_ns < to_ns}
        for number, mine in _gathered(found, key, spans, wanted, known).items():
            found[number] = _with(found[number], key, mine, {found[other].batch for other in mine.beside})
    return found


def cut(batches: Sequence[BatchFacts], numbers: Iterable[int]) -> list[Span]:
    """All the times between edges in which any of these batches run; edges in order of their middles, ends first."""
    edges = []
    for number in numbers:
        batch = batches[number]
        start, end = batch.edges or ((batch.start_ns,) * 2, (batch.end_ns,) * 2)
        edges += [(batch.start_ns, True, start, number), (batch.end_ns, False, end, number)]
    edges.sort()
    spans: list[Span] = []
    running: set[int] = set()
    before: tuple[int, Interval] | None = None
    for at_ns, _, edge, number in edges:
        if before is not None and running:
            spans.append(Span(before[1], edge, at_ns - before[0], tuple(sorted(running))))
        running ^= {number}
        before = at_ns, edge
    return spans


def _gathered(
    batches: Sequence[BatchFacts], key: Overlap, spans: Sequence[Span], wanted: set[int], known: Known | None
) -> dict[int, _Mine]:
    found = {number: _Mine() for number in wanted}
    for span in spans:
        if wanted.isdisjoint(span.running):
            continue
        those = [batches[number] for number in span.running]
        weights, why = _weights(key, those)
        piece = _measured(those[-1], span, known) if why is None else Part(None, why=why)
        times = split(span.lasts_ns, weights)
        for number, part, ran_ns in zip(span.running, parted(piece, weights), times, strict=True):
            if number in wanted:
                mine = found[number]
                mine.parts.append(part)
                mine.ran_ns += ran_ns
                mine.beside |= {*span.running} - {number}
    return found


def _weights(key: Overlap, those: Sequence[BatchFacts]) -> tuple[list[int], str | None]:
    """The key's weights; equal ones, and the reason, where it says nothing: time goes by them, energy by none."""
    equal = [1] * len(those)
    if len(those) == 1 or key == "equal":
        return equal, None
    goods = [[good for batch in those if (good := batch.good(unit)) is not None] for unit in OUTPUTS]
    given = next((found for found in goods if len(found) == len(those)), None)
    if given is None:
        lacking = [batch.batch for batch in those if all(batch.good(unit) is None for unit in OUTPUTS)]
        if not lacking:
            return equal, "of the batches that share a time some are told by mass and some in pieces"
        return equal, f"good output of {lacking[0]}, which shares its time, is not known"
    if not sum(given):
        return equal, "of the batches that share a time none has good output"
    return given, None


def _measured(batch: BatchFacts, span: Span, known: Known | None) -> Part:
    """What the line's counters say of a span, as they are described for the latest of its batches."""
    if known is None or batch.together is None:
        return Part(None, why="its readings are not at hand")
    found: list[Part] = []
    for place in batch.together.counters:
        one = known(batch.agent, batch.together.manifest, place)
        name = "/".join(place)
        if one is None or one[0].unit != ENERGY:
            return Part(None, why=f"no reading of {name} counts")
        try:
            (seen,) = replay.amounts(*one, [span.start, span.end], [(0, 1)])
        except ValueError:
            return Part(None, why="edges are told so roughly that one lies within another")
        if seen.amount is None:
            return Part(None, why=f"{name}: {', '.join(seen.anomalies) or 'a gap in the readings'}")
        found.append(Part(seen.amount, seen.lower, seen.upper, seen.u95))
    amount = sum(part.amount or 0 for part in found)
    if amount < 0:
        return Part(None, why="the line gave back more than it took")
    lower, upper, u95 = (known_sum(getattr(part, name) for part in found) for name in ("lower", "upper", "u95"))
    return Part(amount, lower, upper, u95)


def parted(piece: Part, weights: Sequence[int]) -> list[Part]:
    """A piece in parts that add up to it; bounds and U95 are of each part by itself, rounded outwards."""
    if piece.amount is None:
        return [piece] * len(weights)
    whole = sum(weights)

    def down(value: int | None, weight: int) -> int | None:
        return None if value is None else value * weight // whole

    def up(value: int | None, weight: int) -> int | None:
        return None if value is None else -(-value * weight // whole)

    return [
        Part(amount, down(piece.lower, weight), up(piece.upper, weight), up(piece.u95, weight))
        for amount, weight in zip(split(piece.amount, weights), weights, strict=True)
    ]


def _with(batch: BatchFacts, key: Overlap, mine: _Mine, names: set[str]) -> BatchFacts:
    """A batch with the sum of its parts, where `names` has all that ran on beside it: else some part is another's.

    The parts' uncertainties add linearly: neighbours share edges and instruments.
    """
    parts = [
        *mine.parts,
        *(Part(None, why=f"{name} ran beside it and has no record") for name in batch.beside if name not in names),
    ]
    why = next((part.why for part in parts if part.amount is None), None)
    sums = {name: known_sum(getattr(part, name) for part in parts) for name in ("lower", "upper", "u95")}
    return replace(
        batch,
        energy_wh_milli=known_sum(part.amount for part in parts),
        **(sums if why is None else dict.fromkeys(sums)),
        errors=(),
        shared=Shared(key, len(mine.beside), batch.energy_wh_milli, mine.ran_ns, why),
    )
