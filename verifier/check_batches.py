"""Batch records must follow from what was seen and read.

In: a trail, its evidence and the period of the statement. Out: findings on every batch's edges, and on every amount
that raw words and profiles do not lead to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge

from pydantic import BaseModel

from agent.aggregation import batch_record, replay
from agent.aggregation.batch_record import AROUND_NS, Run
from agent.aggregation.edges import edge, reported
from agent.aggregation.replay import Amount, Counter, Readings
from contract import records
from contract.errors import Malformed
from contract.late_records import LatePart
from contract.records import AmountPart, AnyEdge, BatchPart, DeclaredEdge, Edge, LinePart, ScheduledEdge
from gateway import manual, overlap
from gateway.batch_facts import BatchFacts, Together
from gateway.manual import Manual
from verifier import check_schedule
from verifier.evidence import Evidence, Stated
from verifier.finding import Finding, lacking
from verifier.trail import GATEWAY, Entries, Item, records_of

UNITS = {"wh_milli": "mWh", "m3_micro": "cm3", "g_milli": "mg", "j": "J", "one_milli": "thousandths of a piece"}
NO_BOUND = -(2**63)
SINCE = ("uncertainty", "corrected", "by_power", "by_power_slack")
COMPARED = ("amount", "lower", "upper", "u95", "interpolated_ppm", "anomalies", *SINCE)


@dataclass(frozen=True, slots=True)
class Period:
    """The statement's period, [from_ns, to_ns)."""

    from_ns: int
    to_ns: int

    def touches(self, from_ns: int, to_ns: int) -> bool:
        """Whether a span has an instant in the period."""
        return from_ns < self.to_ns and to_ns >= self.from_ns


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch entry that could be read: an agent's own, or the gateway's of a batch that was told late."""

    item: Item
    head: BatchPart
    amounts: tuple[AmountPart, ...]
    late: LatePart | None = None

    @property
    def agent(self) -> str:
        """Whose line it ran on, and whose readings it rests on."""
        return self.item.header.author if self.late is None else self.late.agent

    def may_rest_on(self, item: Item) -> bool:
        """Whether an entry of its agent came before it: before its record, or in the ledger when it was told."""
        return item.order < self.item.order if self.late is None else item.index < self.late.ledger_size

    @property
    def run(self) -> Run:
        """What was told of it."""
        return Run(self.head.batch, self.head.product, self.head.start, self.head.end)

    def facts(self, said: Manual) -> BatchFacts:
        """What a statement takes of it, with what people said of it. Raises Malformed."""
        return manual.batch(self.agent, self.item.hash, self.item.shown(), said, late=self.late is not None)

    def together(self, evidence: Evidence) -> Together | None:
        """What the manifest it rests on declares of batches at once on its line."""
        stated = evidence.manifests.get(self.item.index)
        line = None if stated is None else stated.lines.get(self.head.line)
        return None if stated is None or line is None else overlap.together(line, stated.hash)

    @property
    def name(self) -> str:
        """How findings name it."""
        return self.head.batch


def read(trail: Entries, period: Period | None) -> tuple[list[Batch], list[Finding]]:
    """The batch entries. One withheld though it touches the period is a finding, and so is an unreadable one."""
    batches, findings = [], []
    for item in merge(trail.of("batch"), trail.of("late_batch", author=GATEWAY), key=lambda item: item.index):
        if item.whole() is None:
            if period is not None and period.touches(item.header.from_ns, item.header.to_ns):
                text = f"{item.index} {item.where}: withheld, though it touches the statement's period"
                findings.append(lacking("batch", text))
            continue
        try:
            batches.append(_batch(item))
        except Malformed as error:
            findings.append(Finding("batch", ok=False, text=f"{item.index} {item.where}: {error}"))
    return batches, findings


def _batch(item: Item) -> Batch:
    """Raises Malformed where the statement would leave it out."""
    shown = item.shown()
    late = records.read(shown.pop(0), LatePart) if shown and item.header.type == "late_batch" else None
    if not shown:
        raise Malformed("has no parts")
    batch = Batch(item, records.read(shown[0], BatchPart), tuple(records_of(item, AmountPart, "amount")), late)
    batch.facts(Manual())
    return batch


def edges(batches: Sequence[Batch], evidence: Evidence) -> Iterator[Finding]:
    """Every edge is the one its two looks, or the site's calendar, give, and every batch starts before it ends."""
    wrong = 0
    for batch in batches:
        faults = [
            f"its {name} {fault}" for name in ("start", "end") if (fault := _edge_fault(getattr(batch.head, name)))
        ]
        stated = evidence.manifests.get(batch.item.index)
        if stated is not None and batch.late is None:
            faults += check_schedule.faults(batch.head, stated)
        start, end = batch.head.start, batch.head.end
        if start.earliest_ns > end.earliest_ns or start.latest_ns > end.latest_ns:
            faults.append("it ends before it starts")
        if any(isinstance(edge, DeclaredEdge) != (batch.late is not None) for edge in (start, end)):
            faults.append("its edges are declared" if batch.late is None else "it was told late, with edges as seen")
        wrong += len(faults)
        yield from (Finding("edge", ok=False, text=f"{batch.name}: {fault}") for fault in faults)
    if not wrong:
        yield Finding(
            "edge", ok=True, text=f"{2 * len(batches)} edges of {len(batches)} batches follow from their looks"
        )


def _edge_fault(given: AnyEdge) -> str | None:
    if isinstance(given, ScheduledEdge):
        return None  # the calendar gives it
    if isinstance(given, DeclaredEdge):
        due_edge = batch_record.declared(given.at_ns, given.half_width_ns)
        told = (due_edge.earliest_ns, due_edge.latest_ns)
        if told == (given.earliest_ns, given.latest_ns):
            return None
        return f"is signed as {given.earliest_ns}..{given.latest_ns}; what was declared gives {told[0]}..{told[1]}"
    before, after = given.before, given.after
    if before.requested_ns > before.answered_ns or after.requested_ns > after.answered_ns:
        return "rests on a look answered before it was requested"
    if before.answered_ns > after.answered_ns:
        return "rests on looks in the wrong order"
    try:
        due = _due(given)
    except ValueError as error:
        return f"rests on a message that {error}"
    if (due.earliest_ns, due.latest_ns, due.policy) == (given.earliest_ns, given.latest_ns, given.policy):
        return None
    return (
        f"is signed as {given.earliest_ns}..{given.latest_ns} ({given.policy}); "
        f"its looks give {due.earliest_ns}..{due.latest_ns} ({due.policy})"
    )


def _due(given: Edge) -> Edge:
    if given.policy == "reported":
        return reported(given.before, given.after, given.tolerance_ns or 0)
    return edge(given.before, given.after, given.lag_ns, given.offset)


def amounts(trail: Entries, evidence: Evidence, batches: Sequence[Batch], period: Period | None) -> Iterator[Finding]:
    """Every signed amount is the one that the readings sealed before it give."""
    checked = wrong = outside = 0
    withheld = evidence.hidden(trail)
    for batch in batches:
        head = batch.head
        if missing := missing_of(withheld, evidence, batch):
            if period is not None and not period.touches(head.start.earliest_ns, head.end.latest_ns):
                outside += 1
                continue
            wrong += 1
            text, hidden = f"{batch.name}: not recomputable: {missing}", is_hidden(evidence, batch)
            yield lacking("batch", text) if hidden else Finding("batch", ok=False, text=text)
            continue
        for fault in line_faults(evidence, batch):
            wrong += 1
            yield Finding("batch", ok=False, text=f"{batch.name}: {fault}")
        for signed in batch.amounts:
            checked += 1
            for fault in _amount_faults(evidence, batch, signed):
                wrong += 1
                yield Finding("batch", ok=False, text=f"{batch.name} {signed.meter}/{signed.point}: {fault}")
    if not wrong:
        text = f"{checked} amounts of {len(batches) - outside} batches recomputed from raw words, all equal"
        yield Finding("batch", ok=True, text=text + (f"; {outside} outside the period not shown" if outside else ""))


def missing_of(withheld: Sequence[Item], evidence: Evidence, batch: Batch) -> str | None:
    """What is withheld that the batch needs, or None."""
    item, head = batch.item, batch.head
    if item.index not in evidence.manifests:
        manifest = evidence.unstated.get(item.index)
        if manifest is None:
            return "no readable manifest is in force"
        return f"manifest {manifest.index} {manifest.where} is withheld"
    mine = [s for s in withheld if s.header.author == batch.agent and batch.may_rest_on(s)]
    if not mine:
        return None
    rests_on = [] if batch.late is not None else list(_before_start(evidence, batch))
    since_ns, until_ns = _rests_since(batch, rests_on), _rests_until(evidence, batch)
    meters = {amount.meter for amount in batch.amounts}
    for segment in mine:
        stated, manifest = evidence.manifests.get(segment.index), evidence.unstated.get(segment.index)
        if stated is None and manifest is None:
            continue  # its manifest cannot be read: a finding of its own
        if stated is not None and (
            batch.late is None
            and stated.parts != evidence.manifests[item.index].parts
            and segment.header.to_ns < head.start.earliest_ns
            and not any(_is_of(stated, old) for old, own, _ in rests_on if old is not own)
        ):
            continue  # amounts rest on nothing from before another configuration, but for an exchange
        if segment.header.from_ns <= until_ns and segment.header.to_ns >= since_ns and evidence.lacks(segment, meters):
            what = segment if manifest is None else manifest
            return f"{what.header.type} {what.index} {what.where} is withheld"
    return None


def is_hidden(evidence: Evidence, batch: Batch) -> bool:
    """Whether what a batch is missing is withheld, and not unreadable."""
    return batch.item.index in evidence.manifests or batch.item.index in evidence.unstated


def _is_of(stated: Stated, counter: Counter) -> bool:
    return stated.counters.get((counter.meter, counter.point)) == counter


def _before_start(evidence: Evidence, batch: Batch) -> Iterator[tuple[Counter, Counter, Readings]]:
    """What was there at its start, of what instrument now is, and its readings: over an exchange, the old one's."""
    for amount in batch.amounts:
        counter = evidence.manifests[batch.item.index].counters.get((amount.meter, amount.point))
        if counter is None:
            continue  # a finding of its own
        known = evidence.sealed_before(batch.item, counter)
        over, old = counter.handover, known.earlier
        if over is not None and old is not None and batch.head.start.earliest_ns < over.last_ns:
            yield old.counter, counter, old.known
        else:
            yield counter, counter, known


def _rests_since(batch: Batch, rests_on: Sequence[tuple[Counter, Counter, Readings]]) -> int:
    """The earliest of its counters' last two readings before it, however old; no bound where fewer are shown."""
    start_ns = since_ns = batch.head.start.earliest_ns
    if batch.late is not None:
        return start_ns - AROUND_NS
    for _, _, known in rests_on:
        before = known.answered_ns[known.answered_ns <= start_ns]
        since_ns = min(since_ns, int(before[-2]) if len(before) > 1 else NO_BOUND)
    return since_ns


def _rests_until(evidence: Evidence, batch: Batch) -> int:
    """The latest of its counters' first two readings after it: one ends it, and one more says whether to believe that.

    No bound where fewer are shown: a record waits for them, however long they take.
    """
    end_ns = batch.head.end.latest_ns
    if batch.late is not None:
        return end_ns + AROUND_NS
    until_ns = end_ns
    for amount in batch.amounts:
        counter = evidence.manifests[batch.item.index].counters.get((amount.meter, amount.point))
        if counter is not None:
            known = evidence.sealed_before(batch.item, counter)
            after = known.answered_ns[known.requested_ns >= end_ns + max(0, counter.age_ns)]
            until_ns = max(until_ns, int(after[1]) if len(after) > 1 else -NO_BOUND)
    return until_ns


def known_of(evidence: Evidence, batch: Batch, counter: Counter) -> Readings:
    """The readings that a batch's amounts of this counter rest on."""
    if batch.late is None:
        return evidence.sealed_before(batch.item, counter)
    stated = evidence.manifests[batch.item.index]
    return batch_record.around(evidence.around(batch.agent, counter, stated, batch.late.ledger_size), batch.run)


def line_faults(evidence: Evidence, batch: Batch) -> Iterator[str]:
    """The amounts are those of exactly the counters its line declares, each in its role."""
    line = evidence.manifests[batch.item.index].lines.get(batch.head.line)
    if line is None:
        yield f"line {batch.head.line} is not in the manifest in force"
        return
    due: list[tuple[str, str, str]] = [("energy", ref.meter, ref.point) for ref in line.energy]
    due += [
        (role, ref.meter, ref.point) for role, ref in (("good", line.good), ("scrap", line.scrap)) if ref is not None
    ]
    due += [("medium", ref.meter, ref.point) for ref in line.media or ()]
    given: list[tuple[str, str, str]] = [(amount.role, amount.meter, amount.point) for amount in batch.amounts]
    for role, meter, point in due:
        if given.count((role, meter, point)) != 1:
            yield f"{meter}/{point} ({role}) is due once and given {given.count((role, meter, point))} times"
    for role, meter, point in given:
        if (role, meter, point) not in due:
            yield f"{meter}/{point} ({role}) is given, but line {line.line} does not declare it"
    if batch.head.closed == "complete" and any(amount.amount is None for amount in batch.amounts):
        yield "closed as complete, though an amount is unknown"
    elif batch.late is None:
        yield from _closed_faults(evidence, batch, line)


def _closed_faults(evidence: Evidence, batch: Batch, line: LinePart) -> Iterator[str]:
    """A batch is complete where every counter has a reading after its end: nobody may choose which batches count."""
    counters, places = evidence.manifests[batch.item.index].counters, batch_record.places(line)
    if not places <= counters.keys():
        return  # a finding where amounts are recomputed
    known = {place: known_of(evidence, batch, counters[place]) for place in places}
    settled = batch_record.is_settled(line, batch.head.end, counters, known)
    due = "complete" if settled and None not in [amount.amount for amount in batch.amounts] else "incomplete"
    if batch.head.closed != due:
        yield f"closed as {batch.head.closed}, its readings make it {due}"


def recomputed(evidence: Evidence, batch: Batch, signed: AmountPart) -> Amount:
    """What the readings give for a signed amount. Raises ValueError, with the reason, where nothing can be given."""
    head = batch.head
    counter = evidence.manifests[batch.item.index].counters.get((signed.meter, signed.point))
    if counter is None:
        raise ValueError("the manifest in force has no such counter")
    if counter.unit != signed.unit:
        raise ValueError(f"signed in {signed.unit}, though the counter counts {counter.unit}")
    window = [(head.start.earliest_ns, head.start.latest_ns), (head.end.earliest_ns, head.end.latest_ns)]
    try:
        return replay.amounts(counter, known_of(evidence, batch, counter), window, [(0, 1)])[0]
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"not recomputable: {error}") from None


def _amount_faults(evidence: Evidence, batch: Batch, signed: AmountPart) -> Iterator[str]:
    try:
        due = recomputed(evidence, batch, signed)
    except ValueError as error:
        yield str(error)
    else:
        yield from differences(signed, due)


def differences(signed: AmountPart, due: Amount) -> Iterator[str]:
    """Each figure of a signed amount that is not the one recomputed, in words."""
    unit = UNITS[signed.unit]
    for name in COMPARED:
        given, found = getattr(signed, name), getattr(due, name)
        if name == "anomalies":
            given = tuple(given)
        if given is None and signed.uncertainty is None and name in SINCE:  # of before any of them was stated
            continue
        if name in {"uncertainty", "corrected"}:
            yield from _part_faults(name, given, found)
        elif given != found and not (name == "u95" and _is_doubled(signed, due)):
            what = "" if name == "amount" else f"{name} "
            of = f" {unit}" if name in {"amount", "lower", "upper", "u95"} else ""
            yield f"{what}signed {_shown(given)}{of}, recomputed {_shown(found)}"


def _is_doubled(signed: AmountPart, due: Amount) -> bool:
    """Whether u95 may stand for twice the standard uncertainty, as records had it before they stated its parts.

    Twice is never less than what 95 % need, so a smaller figure is none of these.
    """
    if signed.uncertainty is not None or signed.u95 is None or due.u95 is None:
        return False
    return signed.u95 >= due.u95


def _part_faults(name: str, given: BaseModel | None, found: BaseModel | None) -> Iterator[str]:
    """Every member of a map in an amount, if either has one."""
    either = found if given is None else given
    for member in () if either is None else type(either).model_fields:
        said, due = getattr(given, member, None), getattr(found, member, None)
        if said != due:
            yield f"{name}.{member} signed {_shown(said)}, recomputed {_shown(due)}"


def _shown(value: object) -> str:
    return "nothing" if value is None or value == () else ", ".join(value) if isinstance(value, tuple) else str(value)
