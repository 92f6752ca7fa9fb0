"""What was given of a meter so far, and what the server remembers of an outage, put before the first reading after it.

In: a live session, the meter's tags and memory, the first answer after the outage. Out: scans in order, each with an
honest interval, and what to tell of them. A remembered value's time is by the server's clock as it was then; that is
believed to have kept the offset it shows now, unless the value would then lie outside the outage: it is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.drivers import Reading, Scan
from agent.drivers.opcua_history import VALUES_MAX, missed, read_raw
from agent.drivers.opcua_link import Answer, Link
from agent.drivers.opcua_nodes import Tag
from agent.drivers.opcua_order import Offset, Order, measured
from agent.drivers.opcua_session import FAULTS

FAILURES_MAX = 2  # connections that may break over one backfill before the meter is read without it
Told = tuple[str, dict[str, object]]


@dataclass(slots=True)
class Memory:
    """A meter's last reading of each point, when its tags were last asked for, and the order of its scans.

    `failures` counts the connections that broke while it was asked what it remembers.
    """

    last: dict[str, Reading] = field(default_factory=dict)
    read_ns: int = 0
    order: Order = field(default_factory=Order)
    failures: int = 0

    def keep(self, reading: Reading) -> None:
        """Remember what is given now. A reading without a source time leaves the last one's in force."""
        if reading.source_ns is not None or reading.point not in self.last:
            self.last[reading.point] = reading

    def is_news(self, reading: Reading, requested_ns: int) -> bool:
        """Whether a sample taken at or after `requested_ns` is newer than all that was given of its point."""
        last = self.last.get(reading.point)
        if last is None:
            return True
        if reading.source_ns is None or last.source_ns is None:
            return requested_ns >= self.order.points.get(reading.point, 0)
        same = (reading.raw, reading.text, reading.status) == (last.raw, last.text, last.status)
        return reading.source_ns > last.source_ns or (reading.source_ns == last.source_ns and not same)


async def backfill(link: Link, tags: Sequence[Tag], memory: Memory, answer: Answer) -> tuple[list[Scan], Told | None]:
    """Scans of what was missed, and what to tell: `backfilled`, or `backfill_failed` with its reason.

    Raises OSError if the connection breaks meanwhile, a few times: the next one can still fetch it, if nothing later is
    given first.
    """
    offset = measured(answer.server_ns, answer.requested_ns, answer.answered_ns)
    found: list[tuple[int, int, int, Reading]] = []  # block, earliest, latest, reading
    left_out, whole, most = 0, True, VALUES_MAX // max(1, len(tags))
    firsts = {reading.point: reading for reading in answer.readings}
    for block, tag in enumerate(tags, 1):
        last, node = memory.last.get(tag.point.id), link.found[tag].node
        if node is None or not link.found[tag].has_history or link.found[tag].unit or last is None:
            continue
        if last.source_ns is None or answer.server_ns is None:
            continue  # a server without times remembers nothing that could be placed
        try:
            values, all_of_them = await read_raw(link.client, node, last.source_ns, answer.server_ns, most)
        except FAULTS as error:
            if isinstance(error, OSError) and memory.failures < FAILURES_MAX:
                memory.failures += 1
                raise
            memory.failures = 0
            reason = " ".join(str(error).split()) or type(error).__name__
            return [], ("backfill_failed", {"point": tag.point.id, "reason": reason[:1000]})
        whole = whole and all_of_them
        for reading, early_ns, late_ns in missed(tag.point, values, last, firsts[tag.point.id]):
            times = _interval(offset, early_ns, late_ns, memory.order.requested_ns, answer)
            if times is None:
                left_out += 1
            else:
                found.append((block, *times, reading))
    memory.failures = 0
    return _scans(found, memory, answer), _told(found, left_out, whole=whole)


def _interval(
    offset: Offset | None, early_ns: int, late_ns: int, last_ns: int, answer: Answer
) -> tuple[int, int] | None:
    """When in our time a value was true that the server stamped so; None outside of the outage."""
    if offset is None:
        return last_ns, answer.answered_ns
    earliest_ns = offset.ours(early_ns, offset.at_ns)[0]
    latest_ns = offset.ours(late_ns, offset.at_ns)[1]
    if latest_ns < last_ns or earliest_ns > answer.answered_ns:
        return None
    return min(max(earliest_ns, last_ns), answer.requested_ns), min(latest_ns, answer.answered_ns)


def _scans(found: Sequence[tuple[int, int, int, Reading]], memory: Memory, answer: Answer) -> list[Scan]:
    scans = []
    for block, earliest_ns, latest_ns, reading in sorted(found, key=lambda one: one[1]):
        requested_ns = min(max(earliest_ns, memory.order.requested_ns), answer.requested_ns)
        scans.append(memory.order.place(block, requested_ns, latest_ns, [reading]))
        memory.keep(reading)
    return scans


def _told(found: Sequence[tuple[int, int, int, Reading]], left_out: int, *, whole: bool) -> Told | None:
    if not found and not left_out:
        return None
    detail: dict[str, object] = {"count": len(found), "left_out": left_out, "whole": whole}
    if found:
        detail |= {"from_ns": min(one[1] for one in found), "to_ns": max(one[2] for one in found)}
    return "backfilled", detail
