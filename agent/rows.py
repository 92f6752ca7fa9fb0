"""The journal's unsealed rows and the agent's small state, as bytes and back.

In and out: scans, and what is remembered of lines. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from agent.batches import Ended, LineState
from agent.drivers import Reading, Scan
from contract import cbor
from contract.errors import Malformed


@dataclass(frozen=True, slots=True)
class Lines:
    """Every line's state, and the batches that have ended but whose last readings are still to come."""

    states: dict[str, LineState]
    closing: list[tuple[str, Ended]]


_LINES = TypeAdapter(Lines)


def write_scan(meter: str, scan: Scan) -> bytes:
    """A scan as a row."""
    readings = [[r.point, r.raw, r.status, r.source_ns, r.text] for r in scan.readings]
    return cbor.encode([meter, scan.block, scan.requested_ns, scan.answered_ns, readings])


def read_scan(data: bytes) -> tuple[str, Scan]:
    """A row as (meter, scan). Raises Malformed."""
    match cbor.decode(data):
        case [str(meter), int(block), int(requested_ns), int(answered_ns), list(readings)]:
            return meter, Scan(block, requested_ns, answered_ns, tuple(Reading(*reading) for reading in readings))
        case _:
            raise Malformed("journal: a row is not a scan")


def write_parts(parts: Sequence[bytes]) -> bytes:
    """The configuration that rows are recorded under, as a manifest states it."""
    return cbor.encode(list(parts))


def read_parts(data: bytes | None) -> tuple[bytes, ...] | None:
    """The configuration as last written; None if there is none."""
    return None if data is None else tuple(cbor.decode(data))


def write_lines(lines: Lines) -> bytes:
    """The lines' state as bytes."""
    return cbor.encode(_LINES.dump_python(lines))


def read_lines(data: bytes | None) -> Lines:
    """The lines' state as last written; empty if there is none."""
    return Lines({}, []) if data is None else _LINES.validate_python(cbor.decode(data))
