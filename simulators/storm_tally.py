"""What a storm's values turn out to be: right, wrong, or wrong in a way that no frame shows.

In: the requests as a server saw them, scans as a driver returns them. Out: counts by fault. Pure.

Every value says where it is from: 8 bits unit, 16 bits address, 40 bits number of the request it answers. It is right
if unit and address are its own and the request was made between the two times of its scan; all else is wrong.
"""

from collections import Counter
from dataclasses import dataclass, field

from agent.drivers import GOOD, Scan

NO_FAULT = "none"
WORDS = 4  # one value
# Lengths over TCP of what may come late: an exception, and the answers with up to three values.
FRAME_BYTES = {9, *(9 + 2 * WORDS * values for values in range(1, 4))}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the server saw it."""

    at_ns: int
    unit: int
    address: int
    count: int
    fault: str
    missing: int = 0  # bytes that its answer lacks


@dataclass(slots=True)
class Tally:
    """What became of the requests of one bus, or of several added up. `requests` are one bus's, by number."""

    beyond: bool
    requests: list[Asked] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    admitted: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)  # as unit, function or length show, or no answer at all
    alike: Counter[str] = field(default_factory=Counter)  # of an earlier request, and nothing in the frame differs
    merged: Counter[str] = field(default_factory=Counter)  # a broken answer, and a late one that is just what it lacks

    def judge(self, unit: int, scan: Scan) -> None:
        """Count a scan's values as right or wrong."""
        start = min(int(reading.point[1:]) for reading in scan.readings)
        words = WORDS * len(scan.readings)
        good = [reading for reading in scan.readings if reading.status == GOOD]
        taken = {self._verdict((unit, start, words), scan, int(r.point[1:]), r.raw or 0) for r in good}
        for verdict, fault in taken:
            counters = {"right": self.admitted, "wrong": self.wrong, "alike": self.alike, "merged": self.merged}
            counters[verdict][fault] += 1

    def _verdict(self, shape: tuple[int, int, int], scan: Scan, address: int, raw: int) -> tuple[str, str]:
        """What a value at an address is, and the fault of the request it is from; shape: unit, first address, words."""
        number = raw & (1 << 40) - 1
        known = number < len(self.requests)
        asked, (unit, start, words) = self.requests[number if known else -1], shape
        if raw >> 40 == unit << 16 | address and scan.requested_ns <= asked.at_ns <= scan.answered_ns:
            return "right", asked.fault
        if self._is_merged(shape, scan):
            return "merged", "truncated"
        in_place = raw >> 40 == unit << 16 | asked.address + address - start
        alike = in_place and (asked.unit, asked.count) == (unit, words)
        return "alike" if alike else "wrong", asked.fault if known else NO_FAULT

    def _is_merged(self, shape: tuple[int, int, int], scan: Scan) -> bool:
        """Whether the answer broke off where another frame fits in: over TCP no checksum tells them apart."""
        for asked in reversed(self.requests):
            if asked.at_ns < scan.requested_ns:
                break
            if (asked.unit, asked.address, asked.count) == shape and asked.at_ns <= scan.answered_ns:
                return asked.missing in FRAME_BYTES
        return False

    @property
    def holds(self) -> bool:
        """Whether the driver kept its promise."""
        return not self.wrong and (self.beyond or not self.alike)

    def add(self, other: "Tally") -> None:
        """Count another bus's as well."""
        self.injected += other.injected
        self.admitted += other.admitted
        self.wrong += other.wrong
        self.alike += other.alike
        self.merged += other.merged
