"""The agent's clock: UTC that never runs back within a journal, and what the kernel says of its quality.

Only the composition root makes one. Between anchors time runs with the monotonic clock. When the system's UTC has been
stepped forward beyond ours, the anchor follows; when it was stepped back ours goes on. Either is told, with what a
reader needs to set right the times stated before: the same instant by the monotonic clock, by ours and by the system's.
A machine that starts with a false time reads its meters all the same.
"""

import ctypes
import ctypes.util
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.entry import Clock

RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while a machine sleeps, where there is one
STEP_NS = 100_000_000  # a difference that slewing cannot explain
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


@dataclass(frozen=True, slots=True)
class Step:
    """How the system's clock moved beside ours, at one instant of the monotonic clock of a boot.

    `clock_reanchored`: ours jumped from `from_ns` to `to_ns`, which is the system's. `clock_step`: the system's moved
    by `step_ns`, ours went on. `clock_behind`: at the start the system's was behind the journal, by -`step_ns`, and
    ours goes on from the journal's end.
    """

    event: Literal["clock_reanchored", "clock_step", "clock_behind"]
    step_ns: int
    from_ns: int
    to_ns: int
    monotonic_ns: int
    boot: bytes | None

    @property
    def jump_ns(self) -> int:
        """How far ours jumped: what was stated by the clock that was behind, in this boot, was later by so much."""
        return self.to_ns - self.from_ns


class AgentClock:
    """Anchored UTC in ns.

    It begins no earlier than `not_before_ns`: the journal knows how late it has been, whatever a machine believes that
    has lost its time with its power.
    """

    def __init__(self, not_before_ns: int = 0) -> None:
        system_ns, monotonic_ns = time.time_ns(), _up_ns()
        self._boot = _boot_id()
        self._anchor = max(system_ns, not_before_ns), monotonic_ns  # one value: other threads read it
        self._libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
        self._behind_ns = max(0, not_before_ns - system_ns)  # how far the system's clock is behind ours, as last told
        self._untold: Step | None = None
        if self._behind_ns >= STEP_NS:
            self._untold = self._step("clock_behind", -self._behind_ns, not_before_ns, not_before_ns, monotonic_ns)

    @property
    def ahead_ns(self) -> int:
        """How far ours is ahead of the system's."""
        return self._behind_ns

    def now_ns(self) -> int:
        """UTC, never less than before."""
        wall_ns, monotonic_ns = self._anchor
        return wall_ns + _up_ns() - monotonic_ns

    def step(self) -> Step | None:
        """Compare with the system's clock: what has happened since the last call, if anything."""
        if self._untold is not None:
            told, self._untold = self._untold, None
            return told
        wall_ns, monotonic_ns = time.time_ns(), _up_ns()
        ours_ns = self._anchor[0] + monotonic_ns - self._anchor[1]
        ahead_ns = wall_ns - ours_ns
        step_ns = ahead_ns + self._behind_ns
        if abs(step_ns) < STEP_NS:
            return None
        if ahead_ns > 0:
            self._anchor, self._behind_ns = (wall_ns, monotonic_ns), 0
            return self._step("clock_reanchored", step_ns, ours_ns, wall_ns, monotonic_ns)
        self._behind_ns = -ahead_ns
        return self._step("clock_step", step_ns, ours_ns, ours_ns, monotonic_ns)

    def state(self) -> Clock:
        """What an entry's header says of the clock. Nobody knows the error of one that follows no other."""
        timex = Timex()
        told = self._libc.adjtimex(ctypes.byref(timex))
        followed = told >= 0 and told != TIME_ERROR and not timex.status & UNSYNCHRONISED
        apart_ns = abs(time.time_ns() - self.now_ns())
        return Clock(
            synchronised=followed and apart_ns < STEP_NS if told >= 0 else None,
            error_ns=max(0, timex.maxerror) * 1000 + apart_ns if followed else None,
            boot=self._boot,
            monotonic_ns=_up_ns(),
        )

    def _step(
        self,
        event: Literal["clock_reanchored", "clock_step", "clock_behind"],
        step_ns: int,
        from_ns: int,
        to_ns: int,
        at_ns: int,
    ) -> Step:
        return Step(event, step_ns, from_ns, to_ns, at_ns, self._boot)


def _up_ns() -> int:
    """Nanoseconds since the boot."""
    return time.clock_gettime_ns(RUNNING)


def _boot_id() -> bytes | None:
    try:
        return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))
    except (OSError, ValueError):
        return None
