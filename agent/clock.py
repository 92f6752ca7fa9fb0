"""The agent's clock: UTC that never runs back within a process, and what the kernel says of its quality.

Only the composition root makes one. Between anchors time runs with the monotonic clock; when the system's UTC has been
stepped forward the anchor follows, when it was stepped back ours goes on and the difference is told.
"""

import ctypes
import ctypes.util
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contract.entry import Clock

STEP_NS = 100_000_000  # a difference that slewing cannot explain
AHEAD_MOST_NS = 3600 * 1_000_000_000  # so far may a journal be ahead of the system's clock at a start
TIME_ERROR = 5  # adjtimex(2): the kernel's clock is not synchronised
UNSYNCHRONISED = 0x0040  # adjtimex(2): STA_UNSYNC


class Timex(ctypes.Structure):
    """`struct timex` of the Linux kernel (include/uapi/linux/timex.h) on 64-bit machines."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


class Behind(Exception):
    """The system's clock is further behind the journal than a clock may be wrong: one of the two is of a false time."""


class AgentClock:
    """Anchored UTC in ns.

    It begins no earlier than `not_before_ns`: the journal knows how late it has been, whatever a machine believes that
    has lost its time with its power. But a journal that is more than AHEAD_MOST_NS ahead is not followed: a single
    start with a clock in the future would put every later reading there, for good.
    """

    def __init__(self, not_before_ns: int = 0) -> None:
        """Raises Behind if `not_before_ns` cannot be believed."""
        system_ns = time.time_ns()
        if not_before_ns - system_ns > AHEAD_MOST_NS:
            raise Behind(_apart(not_before_ns, system_ns))
        self._anchor = max(system_ns, not_before_ns), time.monotonic_ns()  # one value: other threads read it
        self._boot = _boot_id()
        self._libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
        self._behind_ns = 0  # how far the system's clock is behind ours, as last told

    def now_ns(self) -> int:
        """UTC, never less than before."""
        wall_ns, monotonic_ns = self._anchor
        return wall_ns + time.monotonic_ns() - monotonic_ns

    def step_ns(self) -> int:
        """Compare with the system's clock; returns the size of a step since the last call, or 0."""
        wall_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
        ahead_ns = wall_ns - (self._anchor[0] + monotonic_ns - self._anchor[1])
        step = ahead_ns + self._behind_ns
        if abs(step) < STEP_NS:
            return 0
        if ahead_ns > 0:
            self._anchor, self._behind_ns = (wall_ns, monotonic_ns), 0
        else:
            self._behind_ns = -ahead_ns
        return step

    def state(self) -> Clock:
        """What an entry's header says of the clock."""
        timex = Timex()
        told = self._libc.adjtimex(ctypes.byref(timex))
        known = told >= 0
        apart_ns = abs(time.time_ns() - self.now_ns())
        synchronised = told != TIME_ERROR and not timex.status & UNSYNCHRONISED and apart_ns < STEP_NS
        return Clock(
            synchronised=synchronised if known else None,
            error_ns=max(0, timex.maxerror) * 1000 + apart_ns if known else None,
            boot=self._boot,
            monotonic_ns=time.monotonic_ns(),
        )


def _apart(journal_ns: int, system_ns: int) -> str:
    ends, now = (_utc(at_ns) for at_ns in (journal_ns, system_ns))
    ahead = timedelta(seconds=(journal_ns - system_ns) // 1_000_000_000)
    return f"the journal ends at {ends}, {ahead} (h:mm:ss) ahead of the system's clock, {now}"


def _utc(at_ns: int) -> str:
    """Times far beyond a calendar are told as they are."""
    try:
        return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return f"{at_ns} ns"


def _boot_id() -> bytes | None:
    try:
        return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))
    except (OSError, ValueError):
        return None
