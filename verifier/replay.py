"""Batch records of a period again from raw words: what was signed beside what the readings give.

In: entries, a period. Out: the batches to go through, then one `Row` per amount and per fault of a batch. Nothing is
verified here but that records follow from readings; signatures and the ledger are for `metertrail verify`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.aggregation.replay import Amount
from contract.records import AmountPart
from verifier import check_batches, evidence, lineages
from verifier.check_batches import Batch, Period
from verifier.evidence import Evidence
from verifier.finding import Finding
from verifier.trail import Alone, Entries, Item


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
class _Seen:
    """What batches rest on, and the segments of it that are not shown whole."""

    known: Evidence
    withheld: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """What is to be recomputed, and the faults of entries that could not be read.

    `_seen` has by a batch's index in the ledger what it rests on; none where its manifest is lost.
    """

    batches: tuple[Batch, ...]
    unreadable: tuple[Finding, ...]
    _seen: Mapping[int, _Seen]

    def rows(self, batch: Batch) -> Iterator[Row]:
        """Recompute one batch."""
        seen = self._seen.get(batch.item.index)
        if seen is None:
            yield self._fault(batch, "not recomputable: the manifest it needs is lost")
            return
        if missing := check_batches.missing_of(seen.withheld, seen.known, batch):
            yield self._fault(batch, f"not recomputable: {missing}")
            return
        for edge in check_batches.edges([batch], seen.known):
            if not edge.ok:
                yield self._fault(batch, edge.text.removeprefix(f"{batch.name}: "))
        for fault in check_batches.line_faults(seen.known, batch):
            yield self._fault(batch, fault)
        for signed in batch.amounts:
            try:
                due = check_batches.recomputed(seen.known, batch, signed)
            except ValueError as error:
                yield Row(batch.name, batch.agent, signed, None, (str(error),))
            else:
                yield Row(batch.name, batch.agent, signed, due, tuple(check_batches.differences(signed, due)))

    @staticmethod
    def _fault(batch: Batch, fault: str) -> Row:
        return Row(batch.name, batch.agent, None, None, (fault,))


def prepare(entries: Entries, unread: Sequence[Finding], period: Period) -> Replay:
    """Read the evidence and choose the batches that touch the period; `unread` are findings on entries so far.

    A batch rests on what its own epoch descends from (lineages.py).
    """
    views = lineages.views(entries, entries.items)
    unreadable, seen, found = list(unread), dict[int, _Seen](), list[Batch]()
    for items, judged in [(views.main, None), *((side.items, side.standings.keys()) for side in views.sides)]:
        known, unfit = evidence.read(Alone(items))
        batches, withheld = check_batches.read(Alone(items), period)
        mine = [batch for batch in batches if judged is None or batch.item.index in judged]
        seen |= dict.fromkeys((batch.item.index for batch in mine), _Seen(known, known.hidden(Alone(items))))
        found += mine
        unreadable += [one for one in (*unfit, *withheld) if one not in unreadable]
    found += check_batches.read(Alone(views.lost), period)[0]
    found.sort(key=lambda batch: batch.item.index)
    chosen = [b for b in found if period.touches(b.head.start.earliest_ns, b.head.end.latest_ns)]
    return Replay(tuple(chosen), tuple(finding for finding in unreadable if not finding.ok), seen)
