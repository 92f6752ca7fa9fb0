"""The lots that a line's controller shows while a batch runs: what was read last stands when it ends. Pure.

In: scans of the line's source. Out: the line's state with what they show, and at a batch's end its lots and an event
with the values they come from.
"""

from collections.abc import Mapping
from dataclasses import replace

from agent import config
from agent.aggregation.lot_tags import lots
from agent.batches import Ended, LineState, LotsRead
from agent.drivers import Scan
from agent.drivers.point import Point
from contract.lots import LotRef
from contract.records import EventPart
from contract.segment import is_good


def refs(line: config.Line) -> list[LotRef]:
    """A line's lots as a manifest states them."""
    return [LotRef.model_validate(one.model_dump()) for one in line.lots]


def points(line: config.Line) -> set[str]:
    """The points of its source that show lots."""
    return {name for one in line.lots for name in (one.lot, one.quantity)}


def noted(line: config.Line, state: LineState, scan: Scan) -> LineState:
    """Remember what a scan shows of the lots of the batch that runs."""
    if not line.lots or state.running is None:
        return state
    good = {reading.point: reading for reading in scan.readings if is_good(reading.status)}
    names = [good[one.lot].text if one.lot in good else None for one in line.lots]
    raws = [good[one.quantity].raw if one.quantity in good else None for one in line.lots]
    read = LotsRead(scan.requested_ns, scan.answered_ns, tuple(zip(names, raws, strict=True)))
    return replace(state, running=replace(state.running, read=read))


def settled(line: config.Line, ended: Ended, source: Mapping[str, Point]) -> tuple[Ended, list[EventPart]]:
    """A batch that ended with its lots, and the event they rest on; as it is where nothing was read."""
    read = ended.running.read
    if not line.lots or read is None:
        return ended, []
    inputs, outputs = lots(refs(line), read.values, source)
    detail: dict[str, object] = {
        "batch": ended.running.batch,
        "edge": ended.end.model_dump(),
        "requested_ns": read.requested_ns,
        "answered_ns": read.answered_ns,
        "values": [list(value) for value in read.values],
    }
    told = EventPart(event="batch_lots", about=line.name, at_ns=read.answered_ns, detail=detail)
    return replace(ended, running=replace(ended.running, inputs=inputs, outputs=outputs)), [told]
