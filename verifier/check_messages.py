"""Batches told by messages of an MES: edges, product and lots must be those of the messages on record.

In: a trail, its evidence, the batches and the period of the statement. Out: findings. An agent records each message it
follows, verbatim, before anything that rests on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract import batch_message
from contract.batch_message import BatchMessage
from contract.errors import Malformed
from contract.lots import Lot
from contract.records import AnyEdge, Edge, EventPart
from verifier.check_batches import Batch, Period
from verifier.evidence import Evidence
from verifier.finding import Finding, lacking
from verifier.trail import Item, Trail, records_of

_Place = tuple[str, str, str, int]  # author, line, batch, and when the message came that ended it


@dataclass(frozen=True, slots=True)
class _Told:
    """A message as recorded: by which entry, when it came, and what it says."""

    item: Item
    line: str
    came_ns: int
    message: BatchMessage


def messages(trail: Trail, evidence: Evidence, batches: Sequence[Batch], period: Period | None) -> Iterator[Finding]:
    """Every batch of a line that is told by messages follows from them; no other batch states lots."""
    told, faults = _recorded(trail)
    beside = _beside(trail)
    checked = outside = lacks = 0
    for batch in batches:
        if batch.late is not None:
            faults += _unfounded(batch, "it was told late")
            continue
        stated = evidence.manifests.get(batch.item.index)
        line = None if stated is None else stated.lines.get(batch.head.line)
        if line is None:
            continue  # a finding of its own
        if line.told_by != "message":
            faults += _unfounded(batch, "its line is not told by messages", shows_lots=bool(line.lots))
            continue
        if withheld := _withheld(trail, batch):
            if period is not None and not period.touches(batch.head.start.earliest_ns, batch.head.end.latest_ns):
                outside += 1
            else:
                lacks += 1
                yield lacking("message", f"{batch.name}: not recomputable: {withheld} is withheld")
            continue
        checked += 1
        faults += [f"{batch.name}: {fault}" for fault in _faults(batch, told)]
        if line.overlap is not None:
            faults += _unnamed(batch, beside)
    yield from (Finding("message", ok=False, text=fault) for fault in faults)
    if not faults and not lacks and (checked or told):
        text = f"{len(told)} messages on record, {checked} batches follow from theirs"
        yield Finding("message", ok=True, text=text + (f"; {outside} outside the period not shown" if outside else ""))


def _recorded(trail: Trail) -> tuple[list[_Told], list[str]]:
    told, faults = [], []
    for item in trail.of("event"):
        try:
            events = [event for event in records_of(item, EventPart, "event") if event.event == "batch_message"]
            for event in events:
                payload = str(event.detail.get("payload", "")).encode()
                told.append(_Told(item, event.about, event.at_ns, batch_message.parse(payload)))
        except Malformed as error:
            faults.append(f"{item.index} {item.where}: {error}")
    return told, faults


def _beside(trail: Trail) -> dict[_Place, set[str]]:
    """The batches that ran on when one ended, by the messages shown. One that began before those is not among them."""
    running: dict[tuple[str, str], set[str]] = {}
    begun: set[tuple[str, str, str, int]] = set()
    found: dict[_Place, set[str]] = {}
    for author, event in _shown_events(trail):
        if event is None:
            running = {place: set() if place[0] == author else names for place, names in running.items()}
            continue
        mine = running.setdefault((author, event.about), set())
        if event.event == "batch_abandoned":
            mine.discard(str(event.detail.get("batch")))
        elif event.event == "batch_message" and (said := _read(event)) is not None:
            run = author, event.about, said.batch, said.at_ns
            if said.state == "ended" and said.batch in mine:
                mine.remove(said.batch)
                found[author, event.about, said.batch, event.at_ns] = {*mine}
            elif said.state == "started" and run not in begun:
                mine.add(said.batch)
                begun.add(run)
    return found


def _shown_events(trail: Trail) -> Iterator[tuple[str, EventPart | None]]:
    """Events with their authors, None where some may be withheld; what cannot be read is a finding of its own."""
    for item in trail.of("event"):
        author, hidden = item.header.author, item.whole() is None
        try:
            for event in records_of(item, EventPart, "event"):
                if hidden:
                    yield author, None
                yield author, event
        except Malformed:
            continue
        if hidden:
            yield author, None


def _read(event: EventPart) -> BatchMessage | None:
    try:
        return batch_message.parse(str(event.detail.get("payload", "")).encode())
    except Malformed:
        return None


def _unnamed(batch: Batch, beside: Mapping[_Place, set[str]]) -> Iterator[str]:
    """Batches that ran on beside it and that its record leaves out: what they share would seem all its own."""
    head = batch.head
    after_ns = head.end.after.answered_ns if isinstance(head.end, Edge) else 0
    due = beside.get((batch.item.header.author, head.line, head.batch, after_ns), set())
    for name in sorted(due - {*(head.beside or ())}):
        yield f"{batch.name}: does not name {name}, which ran on beside it"


def _withheld(trail: Trail, batch: Batch) -> str | None:
    """An entry of events withheld in which the batch's messages could be."""
    for item in trail.of("event"):
        mine = item.header.author == batch.item.header.author and item.order < batch.item.order
        if mine and item.whole() is None and item.header.to_ns >= batch.head.start.earliest_ns:
            return f"{item.index} {item.where}"
    return None


def _unfounded(batch: Batch, why: str, *, shows_lots: bool = False) -> Iterator[str]:
    if not shows_lots and (batch.head.inputs is not None or batch.head.outputs is not None):
        yield f"{batch.name}: states lots, but {why}"
    if "reported" in {batch.head.start.policy, batch.head.end.policy}:
        yield f"{batch.name}: has a reported edge, but {why}"


def _faults(batch: Batch, told: Sequence[_Told]) -> Iterator[str]:
    head, item = batch.head, batch.item
    mine = [
        one
        for one in told
        if (one.item.header.author, one.line, one.message.batch) == (item.header.author, head.line, head.batch)
        and one.item.order < item.order
    ]
    start, end = _place(mine, head.start, "started"), _place(mine, head.end, "ended")
    for name, place in (("start", start), ("end", end)):
        if place is None:
            yield f"its {name} is not what a message on record tells"
    if start is None or end is None:
        return
    began_ns = mine[start].message.at_ns
    later = enumerate(one.message for one in mine)
    again = (at for at, one in later if at > end and one.state == "started" and one.at_ns != began_ns)
    run = [one.message for one in mine[start : next(again, len(mine))]]  # up to the next run of this name
    if run[-1].product != head.product:
        yield f"signed product {head.product}, its messages say {run[-1].product}"
    for side, given in (("inputs", head.inputs), ("outputs", head.outputs)):
        due = next((lots for one in reversed(run) if (lots := getattr(one, side)) is not None), None)
        if due != (None if given is None else tuple(given)):
            yield f"signed {side} {_shown(given)}, its messages say {_shown(due)}"


def _place(mine: Sequence[_Told], edge: AnyEdge, state: str) -> int | None:
    """Which message tells the edge; None if none does."""
    if not isinstance(edge, Edge) or edge.policy != "reported":
        return None
    for at, one in enumerate(mine):
        if (one.came_ns, one.message.at_ns, one.message.state) == (
            edge.after.answered_ns,
            edge.after.source_ns,
            state,
        ):
            return at
    return None


def _shown(lots: Sequence[Lot] | None) -> str:
    if lots is None:
        return "nothing"
    return ", ".join(f"{lot.lot}: {lot.quantity} {lot.unit}" for lot in lots) or "none"
