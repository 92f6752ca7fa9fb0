"""Everything that follows from raw words: of what counts for every author, and of each branch that is off its trunk.

In: a trail and the statement's period. Out: findings, and what a statement is computed from. A batch rests on what its
own epoch descends from; all else on the trunk. Never: readings of two branches taken together.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.aggregation.batch_record import AROUND_NS
from contract.lineage import Standing
from verifier import (
    check_batches,
    check_clock,
    check_events,
    check_late,
    check_lots,
    check_manual,
    check_messages,
    check_partition,
    check_states,
    check_void,
    check_withheld,
    evidence,
    lineages,
)
from verifier.check_batches import Batch, Period
from verifier.evidence import Evidence
from verifier.finding import Finding
from verifier.lineages import Side
from verifier.trail import Trail

Spans = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Beside:
    """A batch that is not judged with the trunk: what it rests on, and whether it counts."""

    batch: Batch
    known: Evidence
    standing: Standing


@dataclass(frozen=True, slots=True)
class Recomputed:
    """`trail`, `known` and `batches` are of the trunks; `beside` are all other batches."""

    findings: list[Finding]
    trail: Trail
    known: Evidence
    batches: list[Batch]
    beside: list[Beside]

    def counted(self) -> list[Batch]:
        """All batches but those set aside."""
        return [*self.batches, *(one.batch for one in self.beside if one.standing in {"trunk", "before"})]


def recomputed(read: Trail, period: Period | None, *, provisional: bool) -> Recomputed:
    """Recompute a trail."""
    views = lineages.views(read, read.items)
    main, lost = Trail(read.archive, views.main), check_void.spans(read)
    known, unfit = evidence.read(main)
    batches, unread = check_batches.read(main, period)
    findings = [*unfit, *check_withheld.manifests(main, known, period), *unread]
    findings += _batches(main, known, batches, period, lost)
    beside: list[Beside] = []
    for side in views.sides:
        more, told = _side(read, side, period, lost)
        findings += [one for one in more if one not in findings]
        beside += told
    off, _ = check_batches.read(Trail(read.archive, views.lost), None)
    beside += [Beside(batch, known, "lost") for batch in off]
    findings += _ends(read, views.sides, [*batches, *(one.batch for one in beside)], period, provisional=provisional)
    findings += check_partition.partitions(known, batches, known.hidden(main))
    findings += check_manual.said_by_hand(main)
    findings += check_states.states(main, known)
    findings += check_clock.clocks(main, batches)
    return Recomputed(findings, main, known, batches, beside)


def _batches(
    trail: Trail, known: Evidence, batches: Sequence[Batch], period: Period | None, lost: Spans
) -> Iterator[Finding]:
    """The batches' edges, lots and amounts. One that may rest on what was lost is judged by itself."""
    shaken = [batch for batch in batches if _may_lack(batch, lost)]
    yield from _judged(trail, known, [batch for batch in batches if batch not in shaken], period)
    for batch in shaken:
        faults = [one for one in _judged(trail, known, [batch], period) if one.standing == "failed"]
        if faults:
            head = batch.head
            counts = period is None or period.touches(head.start.earliest_ns, head.end.latest_ns)
            text = f"{batch.name}: not recomputable, for entries that it may rest on were lost: {faults[0].text}"
            yield Finding("void", ok=not (trail.archive.statement and counts), text=text)


def _judged(trail: Trail, known: Evidence, batches: Sequence[Batch], period: Period | None) -> Iterator[Finding]:
    yield from check_batches.edges(batches, known)
    yield from check_messages.messages(trail, known, batches, period)
    yield from check_lots.shown(trail, known, batches, period)
    yield from check_batches.amounts(trail, known, batches, period)
    yield from check_late.late(trail, known, batches, period)


def _may_lack(batch: Batch, lost: Spans) -> bool:
    from_ns, to_ns = batch.head.start.earliest_ns - AROUND_NS, batch.head.end.latest_ns + AROUND_NS
    return any(since <= to_ns and until >= from_ns for since, until in lost.get(batch.agent, ()))


def _side(read: Trail, side: Side, period: Period | None, lost: Spans) -> tuple[list[Finding], list[Beside]]:
    """What is found on a branch, or of a batch told late on a trunk that was another: in sum, and each fault."""
    trail = Trail(read.archive, side.items)
    known, unfit = evidence.read(trail)
    every, unread = check_batches.read(trail, period)
    mine = [batch for batch in every if batch.item.index in side.standings]
    found = [*unfit, *unread, *_batches(trail, known, mine, period, lost)]
    found += check_partition.partitions(known, every, known.hidden(trail))
    found += check_states.states(trail, known)
    faults = [replace(one, text=f"on {side.name}: {one.text}") for one in found if not one.ok]
    counted = [batch for batch in mine if side.standings[batch.item.index] != "aside"]
    text = f"{side.name}: {len(mine)} batches, {len(counted)} of them counted, on what they rest on"
    if set(side.standings.values()) <= {"aside"}:
        text = f"{side.name}: set aside, {len(mine)} batches, in no figure" + _first(faults)
        faults = []
    summed = [Finding("branch", ok=True, text=text)] if not faults else []
    return summed + faults, [Beside(batch, known, side.standings[batch.item.index]) for batch in mine]


def _first(faults: Sequence[Finding]) -> str:
    return f"; it does not hold: {faults[0].text}" if faults else ""


def _ends(
    read: Trail, sides: Iterable[Side], batches: Collection[Batch], period: Period | None, *, provisional: bool
) -> Iterator[Finding]:
    """Ends of batches told without a record, but for those told on a branch that is set aside."""
    aside = {index for side in sides for index, standing in side.standings.items() if standing == "aside"}
    counted = Trail(read.archive, tuple(item for item in read.items if item.index not in aside))
    yield from check_events.unaccounted(counted, list(batches), period, provisional=provisional)
