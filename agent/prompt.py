"""What must be read at once: when a batch begins or ends, the counters that make it up. Pure.

In: scans as they arrive. Out: meters to read ahead of their slots, so that an edge is bracketed as closely as the buses
allow.
"""

from collections.abc import Iterable, Mapping

from agent import closing, looks, manifest
from agent.batches import Look
from agent.config import Line
from agent.drivers import Scan
from agent.drivers.point import Point


class Prompt:
    """Remembers, per line, what was last seen. `points` are those of each meter that tells one, by id."""

    def __init__(self, lines: Iterable[Line], points: Mapping[str, Mapping[str, Point]]) -> None:
        self._lines, self._points = tuple(lines), points
        self._last: dict[str, Look] = {}

    def hear(self, meter: str, scans: Iterable[Scan]) -> set[str]:
        """Take what a meter answered; returns the meters to read now."""
        now: set[str] = set()
        points = self._points.get(meter, {})
        for line in self._lines:
            for scan in looks.together(looks.tags(line), scans, points) if line.source == meter else ():
                last = self._last.get(line.name)
                seen = looks.look(line, scan, points, last)
                if seen is None:
                    continue
                if last is not None and last.batch != seen.batch:
                    now |= {name for name, _ in closing.places(manifest.line_part(line))}
                self._last[line.name] = seen
        return now
