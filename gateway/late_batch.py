"""A batch that is told later, by a person or another program: checked against the ledger and computed from it.

In: a `LateBatch` as it is filed, and the ledger. Out: the parts of its `late_batch` entry. Raises Problems, one line
`field: problem: hint` for each thing that is wrong. Never: a batch for what the ledger holds already, or a filled gap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent.aggregation import batch_record
from agent.aggregation.batch_record import AFTER_END, NO_READINGS, Run, declared
from contract import body, records
from contract.entry import Count
from contract.errors import Malformed
from contract.late_records import LatePart
from contract.problems import Problems, suggest
from contract.topics import check_name
from contract.writer import Span
from gateway import late_evidence, overlap_evidence
from gateway.attribution import facts, late_facts
from gateway.batch_facts import Together
from gateway.export import site_in_force
from gateway.ledger import Ledger, LedgerEntry
from gateway.overlap import may, together
from gateway.site_model import SiteModel
from gateway.spool import Kind
from gateway.trust import shown_parts

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
DAY_NS = 24 * 3600 * 10**9
LENGTH_NS_MAX = 31 * DAY_NS
SAME_NAME_NS = 7 * DAY_NS  # a name used again so near is the same batch told twice

Instant = Annotated[int, Ge(0), Le(2**62)]


@dataclass(frozen=True, slots=True)
class Other:
    """Another batch of the same line, where it stands, and what the line declared of batches at once."""

    batch: str
    start_ns: int
    end_ns: int
    where: str
    together: Together | None = None


class LateBatch(BaseModel):
    """What is filed: a run on a line, who tells it and why, and where it was written. Times in ns UTC."""

    model_config = STRICT
    line: Annotated[str, AfterValidator(check_name)]
    batch: Annotated[str, Len(1, 200)]
    product: Annotated[str, Len(1, 200)]
    start_ns: Instant
    end_ns: Instant
    edge_ns: Annotated[int, Ge(0), Le(DAY_NS)]
    author: Annotated[str, Len(1, 200)]
    reason: Annotated[str, Len(1, 1000)]
    way: Literal["command", "file", "http"]
    file: Annotated[str, Len(1, 255)] | None = None
    file_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    row: Count | None = None
    told_ns: Instant

    @property
    def run(self) -> Run:
        """With its edges as intervals."""
        start, end = (declared(at_ns, self.edge_ns) for at_ns in (self.start_ns, self.end_ns))
        return Run(self.batch, self.product, start, end)


def parts(said: LateBatch, ledger: Ledger, listed: Sequence[LateBatch] = ()) -> Sequence[bytes]:
    """The entry's parts. One that says just this already is given again, so that a repeated filing adds nothing.

    `listed` are those of the same list that go before it.
    """
    size, run = ledger.size, said.run
    site = site_in_force(ledger, size)
    if lines := [*_unknown(said, site), *window_faults(said)]:
        raise Problems(lines)
    agent = next(line.agent for line in site.lines if line.id == said.line)
    near = list(_near(ledger, agent, said, size))
    for entry, _ in near:
        if entry.type == "late_batch" and _says(entry, said):
            return shown_parts(body.unpack(entry.body))
    others = [other for _, other in near]
    others += [_row(one, _together(ledger, agent, one, size)) for one in listed if _overlap(one, said)]
    if lines := list(collisions(said, others, _together(ledger, agent, said, size) if others else None)):
        raise Problems(lines)
    evidence = late_evidence.gather(ledger, agent, said.line, run, size)
    lacking = batch_record.lacking(evidence.line, run, evidence.counters, evidence.known)
    waits = [line for line in lacking if line.endswith((AFTER_END, NO_READINGS))]
    if waits and not late_evidence.has_passed(ledger, agent, run, size):
        hint = f"tell it again when {agent}'s readings reach an hour beyond it"
        raise Problems([f"end: what it needs may still come ({waits[0]}): {hint}"])
    late = LatePart(
        agent=agent,
        manifest=evidence.manifest,
        ledger_size=size,
        way=said.way,
        file=said.file,
        file_hash=None if said.file_hash is None else bytes.fromhex(said.file_hash),
        row=said.row,
        author=said.author,
        reason=said.reason,
        told_ns=said.told_ns,
        lacking=lacking,
    )
    made = batch_record.record(evidence.line, run, evidence.counters, evidence.known, complete=not lacking)
    return [records.write(late), *made]


def _unknown(said: LateBatch, site: SiteModel) -> Iterator[str]:
    if said.line not in (lines := [line.id for line in site.lines]):
        yield f"line: {said.line!r} is not in the site model: {suggest(said.line, lines)}"
    if site.product(said.product) is None:
        known = [product.id for product in site.products]
        yield f"product: {said.product!r} is not in the site model: {suggest(said.product, known)}"


def window_faults(said: LateBatch) -> Iterator[str]:
    """What is wrong with the window by itself."""
    if said.end_ns <= said.start_ns:
        yield "end: is not after its start: give a later time"
    elif said.end_ns - said.start_ns > LENGTH_NS_MAX:
        yield "end: more than 31 days after its start: check the year and the month"
    if said.end_ns + said.edge_ns > said.told_ns:
        yield "end: has not passed yet: tell a batch when it has ended"


def _row(said: LateBatch, together: Together | None) -> Other:
    return Other(said.batch, said.start_ns, said.end_ns, f"row {said.row}", together)


def _overlap(one: LateBatch | Other, said: LateBatch) -> bool:
    """Whether both have an instant in common; of filings, on the same line."""
    apart = isinstance(one, LateBatch) and one.line != said.line
    return not apart and one.start_ns < said.end_ns and said.start_ns < one.end_ns


def repeated(said: LateBatch, known: Sequence[Other]) -> Iterator[str]:
    """Which batches of its line keep this one out for having its name, near it."""
    for other in known:
        gap_ns = max(other.start_ns, said.start_ns) - min(other.end_ns, said.end_ns)
        if other.batch == said.batch and gap_ns <= SAME_NAME_NS:
            yield f"batch: {said.batch} is there already ({other.where}), within a week of it: give it another id"


def collisions(said: LateBatch, known: Sequence[Other], together: Together | None) -> Iterator[str]:
    """Which batches of its line keep this one out: one of its name near it, and those that it may not overlap."""
    for other in known:
        if _overlap(other, said) and not may(other.together, together):
            yield f"start: overlaps batch {other.batch} ({other.where}) of this line: give times between other batches"
        else:
            yield from repeated(said, [other])


def _together(ledger: Ledger, agent: str, said: LateBatch, size: int) -> Together | None:
    """What its line declared then; nothing where no manifest tells, which is a fault of its own."""
    try:
        found = late_evidence.gather(ledger, agent, said.line, said.run, size)
    except ValueError:
        return None
    return together(found.line, found.manifest)


def _near(ledger: Ledger, agent: str, said: LateBatch, size: int) -> Iterator[tuple[LedgerEntry, Other]]:
    """The batches of its line near it."""
    window = said.start_ns - SAME_NAME_NS, said.end_ns + SAME_NAME_NS
    declared = overlap_evidence.declarations(ledger, size)
    for entry in ledger.select(("batch", "late_batch"), *window):
        if entry.index >= size or (entry.type == "batch" and entry.author != agent):
            continue
        try:
            shown = shown_parts(body.unpack(entry.body))
            known = late_facts(shown) if entry.type == "late_batch" else facts(entry.author, shown)
        except Malformed:
            continue  # no batch, and the verifier names it
        if (known.agent, known.line) == (agent, said.line):
            where = f"entry {entry.index} of the ledger{'' if known.late is None else ', told late'}"
            yield entry, Other(known.batch, known.start_ns, known.end_ns, where, declared.of(entry, said.line))


def _says(entry: LedgerEntry, said: LateBatch) -> bool:
    """Whether an entry was made from this very filing."""
    shown = shown_parts(body.unpack(entry.body))
    late, batch = records.read(shown[0], LatePart), records.read(shown[1], records.BatchPart)
    told = (late.way, late.file, late.row, late.author, late.reason, late.told_ns)
    filed = (said.way, said.file, said.row, said.author, said.reason, said.told_ns)
    run = said.run
    same = (batch.batch, batch.product, batch.start, batch.end) == (run.batch, run.product, run.start, run.end)
    return same and told == filed


def span(said: LateBatch) -> Span:
    """The time the entry speaks of."""
    return Span(said.run.start.earliest_ns, said.run.end.latest_ns)


KIND = Kind(LateBatch, "late_batch", parts, span)
