"""How much memory and how many descriptors processes hold over time, and whether that grows.

In: process ids. Out: samples from /proc, and a line for each process that holds more at the end than after it had
warmed up. Linux only: elsewhere nothing is sampled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PROC = Path("/proc")
GROWTH_PERCENT = 5
SAMPLES_MIN = 40  # fewer tell nothing: each quarter needs ten


@dataclass(frozen=True, slots=True)
class Held:
    """What a process held at an instant."""

    rss_kib: int
    descriptors: int


def of(pid: int) -> Held | None:
    """What a process holds now; None if it is gone, or there is no /proc."""
    try:
        status = (PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace")
        descriptors = len(list((PROC / str(pid) / "fd").iterdir()))
        return Held(int(status.split("VmRSS:")[1].split()[0]), descriptors)
    except (OSError, IndexError, ValueError):
        return None


def children(pid: int) -> list[int]:
    """The processes that a process's threads started, and theirs."""
    found: list[int] = []
    for thread in (PROC / str(pid) / "task").glob("*/children"):
        try:
            started = [int(child) for child in thread.read_text(encoding="ascii").split()]
        except OSError:
            continue  # the thread has ended meanwhile
        for child in started:
            found += [child, *children(child)]
    return found


def sample(into: dict[str, list[Held]], roots: Mapping[str, int]) -> None:
    """Add what each process holds now, by name; what it started is named after it."""
    for name, pid in roots.items():
        for called, one in [(name, pid), *((f"{name}/{n}", child) for n, child in enumerate(children(pid)))]:
            now = of(one)
            if now is not None:
                into.setdefault(called, []).append(now)


def grown(name: str, samples: Sequence[Held]) -> list[str]:
    """What grew: the last quarter held against the second, for the first is warming up. Empty if too few samples."""
    if len(samples) < SAMPLES_MIN:
        return []
    quarter = len(samples) // 4
    before, after = samples[quarter : 2 * quarter], samples[-quarter:]
    told = []
    rss = median(s.rss_kib for s in before), median(s.rss_kib for s in after)
    if 100 * rss[1] > (100 + GROWTH_PERCENT) * rss[0]:
        told.append(f"{name}: memory grew from {rss[0]:.0f} to {rss[1]:.0f} KiB, more than {GROWTH_PERCENT} %")
    held = max(s.descriptors for s in before), max(s.descriptors for s in after)
    if held[1] > held[0]:
        told.append(f"{name}: open descriptors grew from {held[0]} to {held[1]}")
    return told


def told(samples: Mapping[str, Sequence[Held]]) -> dict[str, dict[str, list[int]]]:
    """For a report: each process's samples as columns."""
    return {
        name: {"rss_kib": [s.rss_kib for s in of], "descriptors": [s.descriptors for s in of]}
        for name, of in samples.items()
    }
