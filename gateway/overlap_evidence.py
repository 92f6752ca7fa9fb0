"""What a ledger holds of batches that run at once: what each one's line declared, and the readings of its counters.

In: a ledger as it is read. Out: batches with what their line declared, and their parts (overlap.py). Never: another
declaration than that which a batch's record rests on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.aggregation.replay import Counter, Readings
from contract import records
from contract.errors import Malformed
from contract.late_records import LatePart
from contract.records import BatchPart, LinePart
from gateway import metered, overlap
from gateway.batch_facts import BatchFacts, Place, Together
from gateway.ledger import LedgerEntry
from gateway.metered import Log, Read, of_kind, parts_of


@dataclass(frozen=True, slots=True)
class _Manifest:
    index: int
    hash: bytes
    lines: Mapping[str, Together]


@dataclass(frozen=True, slots=True)
class Declarations:
    """What manifests declare of lines whose batches may run at once: by author and epoch in order, and by hash.

    `some` is whether there is any such line.
    """

    epochs: Mapping[tuple[str, bytes], Sequence[_Manifest]]
    hashes: Mapping[bytes, _Manifest]
    some: bool

    def of(self, entry: LedgerEntry, line: str) -> Together | None:
        """What the manifest that a batch entry rests on declares of its line. Raises Malformed."""
        if entry.type == "late_batch":
            named = self.hashes.get(records.read(parts_of(entry)[0], LatePart).manifest)
        else:
            before = [one for one in self.epochs.get((entry.author, entry.epoch), ()) if one.index < entry.index]
            named = before[-1] if before else None
        return None if named is None else named.lines.get(line)

    def shares(self, entry: LedgerEntry) -> bool:
        """Whether a batch entry is of a line whose batches may run at once; not if it cannot be read."""
        if not self.some:
            return False  # of most sites no batch need be read for it
        try:
            late = entry.type == "late_batch"
            batch = records.read(parts_of(entry)[1 if late else 0], BatchPart)
            return self.of(entry, batch.line) is not None
        except (Malformed, IndexError):
            return False

    def with_line(self, entry: LedgerEntry, batch: BatchFacts) -> BatchFacts:
        """The batch with what its line declared. Raises Malformed."""
        return replace(batch, together=self.of(entry, batch.line))


def declarations(log: Log, size: int) -> Declarations:
    """Every manifest in the first `size` entries."""
    epochs: dict[tuple[str, bytes], list[_Manifest]] = {}
    hashes: dict[bytes, _Manifest] = {}
    for entry in of_kind(log, "manifest", size):
        made = _Manifest(entry.index, entry.hash, _lines(parts_of(entry), entry.hash))
        epochs.setdefault((entry.author, entry.epoch), []).append(made)
        hashes[entry.hash] = made
    return Declarations(epochs, hashes, any(one.lines for one in hashes.values()))


def _lines(parts: Iterable[bytes], manifest: bytes) -> dict[str, Together]:
    """The lines of a manifest whose batches may run at once; none of one that cannot be read."""
    try:
        lines = [records.read(part, LinePart) for part in parts if records.kind_of(part) == "line"]
    except Malformed:
        return {}
    declared = {line.line: overlap.together(line, manifest) for line in lines}
    return {name: one for name, one in declared.items() if one is not None}


def shared(
    batches: Sequence[BatchFacts], read: Callable[[set[tuple[str, str]]], Read], from_ns: int, to_ns: int
) -> list[BatchFacts]:
    """The batches, each that ran at once with others with its part; meters, (agent, meter), are read if any did."""
    meters = {(one.agent, meter) for one in batches if one.together for meter, _ in one.together.counters}
    if not meters:
        return list(batches)
    known = read(meters)
    found: dict[tuple[bytes, Place], tuple[Counter, Readings] | None] = {}

    def readings(agent: str, manifest: bytes, place: Place) -> tuple[Counter, Readings] | None:
        if (manifest, place) not in found:
            number = known.numbers.get(manifest)
            found[manifest, place] = None if number is None else metered.described(known, agent, number, place)
        return found[manifest, place]

    return overlap.shared(batches, readings, from_ns, to_ns)
