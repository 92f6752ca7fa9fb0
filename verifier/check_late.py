"""A batch told late must be what the ledger gave when it was told: the line as declared then, and what was lacking.

In: a trail, its evidence, the batches and the period. Out: findings, none where no batch was told late. Edges, amounts
and the partition of its counters are checked with the agents' own batches.
"""

from collections.abc import Iterator, Sequence

from agent.aggregation import batch_record
from contract.late_records import LatePart
from verifier.check_batches import Batch, Period, known_of, missing_of
from verifier.evidence import Evidence, Stated
from verifier.finding import Finding, lacking
from verifier.trail import Trail


def late(trail: Trail, evidence: Evidence, batches: Sequence[Batch], period: Period | None) -> Iterator[Finding]:
    """Every late batch by itself."""
    withheld = evidence.hidden(trail)
    unstated = [item for item in trail.of("manifest") if item.whole() is None]
    told = [(batch, batch.late) for batch in batches if batch.late is not None]
    wrong = 0
    for batch, part in told:
        faults = list(_named_faults(batch, part))
        mine = [item for item in unstated if item.header.author == batch.agent and item.index < part.ledger_size]
        if mine:
            wrong += 1
            yield lacking("late", f"{batch.name}: not decided: manifest {mine[-1].index} {mine[-1].where} is withheld")
        else:
            faults += _manifest_faults(evidence, batch, part)
        if not faults and not missing_of(withheld, evidence, batch):
            faults = list(_lacking_faults(evidence, batch, part))
        wrong += len(faults)
        yield from (Finding("late", ok=False, text=f"{batch.name}: {fault}") for fault in faults)
    if told and not wrong:
        counted = [
            one for one, _ in told if period is None or period.touches(one.run.end.latest_ns, one.run.end.latest_ns)
        ]
        yield Finding("late", ok=True, text=f"{len(told)} batches told late, {len(counted)} of them in the period")


def _named_faults(batch: Batch, part: LatePart) -> Iterator[str]:
    """The entry's own words: the ledger it was computed from, and its time."""
    header, start, end = batch.item.header, batch.head.start, batch.head.end
    if part.ledger_size > batch.item.index:
        yield f"computed from {part.ledger_size} entries, though only {batch.item.index} stood before it"
    if (header.from_ns, header.to_ns) != (start.earliest_ns, end.latest_ns):
        yield "its entry is filed under another time than the batch's"


def _manifest_faults(evidence: Evidence, batch: Batch, part: LatePart) -> Iterator[str]:
    """It names the manifest that was in force at its end."""
    due = _due(evidence, batch, part)
    named = evidence.manifests.get(batch.item.index)
    if due is None or named is None or named.index != due.index:
        yield f"rests on manifest {part.manifest.hex()[:16]}, which is not the one {part.agent} had stated last by then"


def _due(evidence: Evidence, batch: Batch, part: LatePart) -> Stated | None:
    """The manifest in force at its end, as far as the ledger knew."""
    told = evidence.stated.get(part.agent, [])
    by_then = [one for one in told if one.index < part.ledger_size and one.from_ns <= batch.head.end.latest_ns]
    return by_then[-1] if by_then else None


def _lacking_faults(evidence: Evidence, batch: Batch, part: LatePart) -> Iterator[str]:
    stated = evidence.manifests[batch.item.index]
    line = stated.lines.get(batch.head.line)
    if line is None or not batch_record.places(line) <= stated.counters.keys():
        return  # a finding where amounts are recomputed
    known = {place: known_of(evidence, batch, stated.counters[place]) for place in batch_record.places(line)}
    due = batch_record.lacking(line, batch.run, stated.counters, known)
    if part.lacking != due:
        yield f"lacks {'; '.join(part.lacking) or 'nothing'} as signed, {'; '.join(due) or 'nothing'} as recomputed"
    if (batch.head.closed == "complete") != (not due):
        yield f"closed as {batch.head.closed}, though it lacks {'; '.join(due) or 'nothing'}"
