"""What must be read at once: when a batch begins or ends, the counters that make it up. Pure.

In: scans as they arrive. Out: meters to read ahead of their slots, so that an edge is bracketed as closely as the buses
allow.
"""

from collections.abc import Iterable

from agent import closing, looks, manifest
from agent.config import Line
from agent.drivers import Scan


class Prompt:
    """Remembers, per line, what batch was last seen."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = tuple(lines)
        self._last: dict[str, str | None] = {}

    def hear(self, meter: str, scans: Iterable[Scan]) -> set[str]:
        """Take what a meter answered; returns the meters to read now."""
        now: set[str] = set()
        for line in self._lines:
            for scan in scans if line.source == meter else ():
                seen = looks.look(line, scan)
                if seen is None:
                    continue
                if line.name in self._last and self._last[line.name] != seen.batch:
                    now |= {name for name, _ in closing.places(manifest.line_part(line))}
                self._last[line.name] = seen.batch
        return now
