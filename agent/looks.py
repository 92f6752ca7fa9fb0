"""A line's look at its batch source: scans of the source's tags in, looks out. Pure."""

from agent import config
from agent.batches import Look
from agent.drivers import Reading, Scan
from contract.records import Seen
from contract.segment import is_good

NAME_CHARACTERS_MAX = 1000  # as records allow: whatever a tag holds beyond that is no name


def look(line: config.Line, scan: Scan) -> Look | None:
    """What a scan of the line's source says, or None unless all three tags have a good value in it."""
    readings = {reading.point: reading for reading in scan.readings}
    batch, product, running = (readings.get(name) for name in (line.batch, line.product, line.running))
    if batch is None or product is None or running is None:
        return None
    if not all(is_good(reading.status) for reading in (batch, product, running)):
        return None
    seen = Seen(requested_ns=scan.requested_ns, answered_ns=scan.answered_ns, source_ns=_changed_ns(batch, running))
    name = (batch.text or "")[:NAME_CHARACTERS_MAX] if running.raw else ""
    return Look(seen, name or None, (product.text or "")[:NAME_CHARACTERS_MAX])


def _changed_ns(batch: Reading, running: Reading) -> int | None:
    """The source's time of the later change of the two tags that make an edge."""
    if batch.source_ns is None or running.source_ns is None:
        return None
    return max(batch.source_ns, running.source_ns)
