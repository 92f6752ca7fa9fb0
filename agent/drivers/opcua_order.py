"""When a server's samples were taken, as intervals of our own time that never overtake each other.

In: a server's times, and bounds of its clock less ours. Out: scans in order. Pure.

A scan says: its values were true at some instant no earlier than `requested_ns`, and known by `answered_ns`. Both may
be widened without becoming untrue, an earlier request and a later answer; that is what keeps the order. Two scans of
one point are never answered within one tick of evidence, which could not tell them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.drivers import Reading, Scan
from contract.segment import TICK_NS

# Servers stamp with a clock that stands still for up to 15.6 ms (the timer of Windows).
GRAIN_NS = 20_000_000
DRIFT_PPM = 500  # what a bad quartz may gain or lose between two measurements


@dataclass(frozen=True, slots=True)
class Offset:
    """Bounds of the server's clock less ours, from one question and answer."""

    lower_ns: int
    upper_ns: int
    at_ns: int

    def ours(self, server_ns: int, now_ns: int) -> tuple[int, int]:
        """The earliest and latest instant of ours at which the server's clock may have shown a time."""
        slack_ns = GRAIN_NS + abs(now_ns - self.at_ns) * DRIFT_PPM // 1_000_000
        return server_ns - self.upper_ns - slack_ns, server_ns - self.lower_ns + slack_ns


def measured(server_ns: int | None, requested_ns: int, answered_ns: int) -> Offset | None:
    """The offset that an answer stamped by the server shows; None without a stamp."""
    if server_ns is None:
        return None
    return Offset(server_ns - answered_ns, server_ns - requested_ns, answered_ns)


@dataclass(slots=True)
class Order:
    """A meter's scans so far."""

    requested_ns: int = -(2**62)
    answered_ns: int = -(2**62)
    points: dict[str, int] = field(default_factory=dict)  # when each was last answered

    def note(self, scan: Scan) -> Scan:
        """Remember a scan that is in order."""
        self.requested_ns = max(self.requested_ns, scan.requested_ns)
        self.answered_ns = max(self.answered_ns, scan.answered_ns)
        self.points |= {reading.point: scan.answered_ns for reading in scan.readings}
        return scan

    def place(self, block: int, requested_ns: int, answered_ns: int, readings: Sequence[Reading]) -> Scan:
        """The next scan. Its request must not lie before that of the scan before it: that could not be made true."""
        if requested_ns < self.requested_ns:
            raise ValueError(f"requested {self.requested_ns - requested_ns} ns before the scan before it")
        last_ns = max((self.points[r.point] + TICK_NS for r in readings if r.point in self.points), default=answered_ns)
        return self.note(Scan(block, requested_ns, max(answered_ns, self.answered_ns, last_ns), tuple(readings)))
