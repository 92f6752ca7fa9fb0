"""A batch that has ended becomes a batch record: edges and readings in, the entry's parts out.

Pure, and a function of the chain alone: whoever has the entries before it can make the same parts again.
"""

from collections.abc import Iterable, Mapping, Sequence

from agent.aggregation import batch_record
from agent.aggregation.batch_record import Counters, Place, Role, Run, places, refs
from agent.aggregation.replay import Counter, Readings, ends_open, readings
from agent.batches import Ended
from contract import records
from contract.records import AmountPart, BatchPart, LinePart
from contract.segment import MeterSegment

__all__ = [
    "Counters",
    "Place",
    "Role",
    "awaits_lots",
    "is_open",
    "is_settled",
    "outcome",
    "parts",
    "places",
    "record",
    "refs",
    "settled_ns",
]


def settled_ns(ended: Ended, counter: Counter) -> int:
    """The request time that some reading must reach before later ones cannot change what was counted."""
    return batch_record.settled_ns(ended.end, counter)


def awaits_lots(line: LinePart, ended: Ended) -> bool:
    """Whether somebody may still say what came out: of a line told by messages that has not been told yet."""
    return line.told_by == "message" and ended.running.outputs is None


def parts(
    line: LinePart, ended: Ended, counters: Counters, segments: Mapping[str, Iterable[MeterSegment]], *, complete: bool
) -> list[bytes]:
    """The parts of the batch entry, from the segments sealed before it."""
    sealed = {meter: list(made) for meter, made in segments.items()}
    known = {place: readings(counters[place], sealed.get(place[0], ())) for place in places(line)}
    return record(line, ended, counters, known, complete=complete)


def record(
    line: LinePart, ended: Ended, counters: Counters, known: Mapping[Place, Readings], *, complete: bool
) -> list[bytes]:
    """The parts of the batch entry, from the readings sealed before it."""
    told = ended.running
    run = Run(told.batch, told.product, told.start, ended.end, told.inputs, told.outputs, ended.beside)
    return batch_record.record(line, run, counters, known, complete=complete)


def outcome(made: Sequence[bytes]) -> str:
    """For the log: how the record of these parts is closed, and the counters that have no amount."""
    amounts = [records.read(part, AmountPart) for part in made if records.kind_of(part) == "amount"]
    lacking = [f"{one.meter}/{one.point}" for one in amounts if one.amount is None]
    closed = f"closed={records.read(made[0], BatchPart).closed}"
    return f"{closed} lacking={','.join(lacking)}" if lacking else closed


def is_settled(line: LinePart, ended: Ended, counters: Counters, known: Mapping[Place, Readings]) -> bool:
    """Whether every counter has a reading after which nothing can change any more."""
    return batch_record.is_settled(line, ended.end, counters, known)


def is_open(line: LinePart, counters: Counters, known: Mapping[Place, Readings]) -> bool:
    """Whether only one more reading can tell if some counter's last one is to be believed."""
    return any(ends_open(counters[place], known[place]) for place in places(line))
