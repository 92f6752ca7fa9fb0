"""Batch records of a period again from raw words: what was signed beside what the readings give.

In: entries, a period. Out: the batches to go through, then one `Row` per amount and per fault of a batch. Nothing is
verified here but that records follow from readings; signatures and the ledger are for `metertrail verify`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.aggregation.replay import Amount
from contract.records import AmountPart
from verifier import check_batches, evidence
from verifier.check_batches import Batch, Period
from verifier.evidence import Evidence
from verifier.finding import Finding
from verifier.trail import Entries, Item


@dataclass(frozen=True, slots=True)
class Row:
    """One amount of a batch as signed and as recomputed, or (both None) what is wrong with the batch itself.

    `recomputed` is None with a reason in `faults` where the readings give nothing; without faults all is equal.
    """

    batch: str
    agent: str
    signed: AmountPart | None
    recomputed: Amount | None
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether what is signed follows from the readings."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class Replay:
    """What is to be recomputed, and the faults of entries that could not be read."""

    known: Evidence
    batches: tuple[Batch, ...]
    unreadable: tuple[Finding, ...]
    _withheld: tuple[Item, ...]

    def rows(self, batch: Batch) -> Iterator[Row]:
        """Recompute one batch."""
        if missing := check_batches.missing_of(self._withheld, self.known, batch):
            yield self._fault(batch, f"not recomputable: {missing}")
            return
        for edge in check_batches.edges([batch], self.known):
            if not edge.ok:
                yield self._fault(batch, edge.text.removeprefix(f"{batch.name}: "))
        for fault in check_batches.line_faults(self.known, batch):
            yield self._fault(batch, fault)
        for signed in batch.amounts:
            try:
                due = check_batches.recomputed(self.known, batch, signed)
            except ValueError as error:
                yield Row(batch.name, batch.agent, signed, None, (str(error),))
            else:
                yield Row(batch.name, batch.agent, signed, due, tuple(check_batches.differences(signed, due)))

    @staticmethod
    def _fault(batch: Batch, fault: str) -> Row:
        return Row(batch.name, batch.agent, None, None, (fault,))


def prepare(entries: Entries, unread: Sequence[Finding], period: Period) -> Replay:
    """Read the evidence and choose the batches that touch the period; `unread` are findings on entries so far."""
    known, unfit = evidence.read(entries)
    batches, withheld = check_batches.read(entries, period)
    chosen = [b for b in batches if period.touches(b.head.start.earliest_ns, b.head.end.latest_ns)]
    return Replay(
        known,
        tuple(chosen),
        tuple(finding for finding in (*unread, *unfit, *withheld) if not finding.ok),
        known.hidden(entries),
    )
