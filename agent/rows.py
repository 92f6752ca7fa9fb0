"""The journal's unsealed rows and the agent's small state, as bytes and back.

In and out: scans, and what is remembered of lines and instruments. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from agent.batches import Ended, LineState
from agent.drivers import Reading, Scan
from agent.identity import Standing
from agent.line_states import Shown
from contract import cbor
from contract.errors import Malformed


@dataclass(frozen=True, slots=True)
class Lines:
    """Every line's state, and the batches that have ended but whose last readings are still to come.

    `shown` is what each line's state point showed last.
    """

    states: dict[str, LineState]
    closing: list[tuple[str, Ended]]
    shown: dict[str, Shown] = field(default_factory=dict)


_LINES = TypeAdapter(Lines)
_STANDINGS = TypeAdapter(dict[str, Standing])


def write_scan(meter: str, scan: Scan) -> bytes:
    """A scan as a row: its readings field by field; null where all are good, or none has a source time or a text."""
    readings = scan.readings
    statuses = [r.status for r in readings] if any(r.status for r in readings) else None
    sources = [r.source_ns for r in readings] if any(r.source_ns is not None for r in readings) else None
    texts = [r.text for r in readings] if any(r.text is not None for r in readings) else None
    fields = [[r.point for r in readings], [r.raw for r in readings], statuses, sources, texts]
    return cbor.encode([meter, scan.block, scan.requested_ns, scan.answered_ns, *fields])


def read_scan(data: bytes) -> tuple[str, Scan]:
    """A row as (meter, scan). Raises Malformed."""
    match cbor.decode(data):
        case [str(meter), int(block), int(requested_ns), int(answered_ns), list(points), list(raws), *rest]:
            usual: tuple[list[int | None], ...] = ([0] * len(points), [None] * len(points), [None] * len(points))
            told = [given or nothing for given, nothing in zip(rest, usual, strict=True)]
            return meter, Scan(block, requested_ns, answered_ns, tuple(map(Reading, points, raws, *told)))
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


def write_standings(standings: Mapping[str, Standing]) -> bytes:
    """What is known of the instruments as bytes."""
    return cbor.encode(_STANDINGS.dump_python(dict(standings), mode="json"))


def read_standings(data: bytes | None) -> dict[str, Standing]:
    """What was last known of the instruments, by meter; empty if nothing is."""
    return {} if data is None else _STANDINGS.validate_python(cbor.decode(data))
