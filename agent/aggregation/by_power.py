"""A cross-check of a counter: the integral of its meter's own power over the same window.

In: the readings' times, the power read beside each, and the window's edges. Out: an energy with its own slack, or None
where the power does not reach over the whole window. It stands beside the counter's energy and never replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import TYPE_CHECKING

import numpy as np

from agent.aggregation.bounds import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.aggregation.energy import WindowEnergy

POWER_DISAGREES = "power_disagrees"
# What a meter's power may differ from its counter over a window, as a share: sampling and the power's own error. It is
# this project's choice: wide enough for loads that switch between two readings, far below a wrong ratio or unit.
ALLOWED = 10
_MW_NS_PER_WH_MILLI = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class PowerEnergy:
    """Energy by power over a window, and how far the counter's may lie from it, in mWh."""

    energy_wh_milli: int
    slack_wh_milli: int

    def agrees(self, window: WindowEnergy) -> bool:
        """Whether a window's energy can be this one; without bounds it may always be."""
        if window.lower is None or window.upper is None:
            return True
        low, high = self.energy_wh_milli - self.slack_wh_milli, self.energy_wh_milli + self.slack_wh_milli
        return low <= window.upper and window.lower <= high


def by_power(
    requested_ns: NDArray[np.int64],
    answered_ns: NDArray[np.int64],
    power_w_milli: NDArray[np.int64],
    start: tuple[int, int],
    end: tuple[int, int],
    age_ns: int,
) -> PowerEnergy | None:
    """Trapezoids between readings, each at the middle of its request and answer, from one edge's middle to the other's.

    A counter of import counts no export: power below 0 is taken as 0. The slack is half of each change of power for as
    long as its two readings can lie apart (so far a trapezoid can be from any monotone course between them), the
    largest power over half of each edge's width, the range of power over the register's age, and a tenth. Rounded half
    to even, the slack up. None if the readings do not reach over the window or one of them has no power.
    """
    rows = within(requested_ns, answered_ns, power_w_milli, start, end)
    if rows is None:
        return None
    power = np.maximum(power_w_milli[rows], 0)
    energy = integral(requested_ns[rows], answered_ns[rows], power, sum(start), sum(end))
    changes = _dot(np.abs(np.diff(power)), answered_ns[rows][1:] - requested_ns[rows][:-1])
    edges = int(power.max()) * (start[1] - start[0] + end[1] - end[0])
    late = 2 * max(0, age_ns) * int(power.max() - power.min())
    slack = Fraction(changes + edges + late, 2 * _MW_NS_PER_WH_MILLI) + energy / ALLOWED
    return PowerEnergy(round(energy), -(-slack.numerator // slack.denominator))


def within(
    requested_ns: NDArray[np.int64],
    answered_ns: NDArray[np.int64],
    power: NDArray[np.int64],
    start: tuple[int, int],
    end: tuple[int, int],
) -> slice | None:
    """The readings from the last before the start's middle to the first after the end's; None if any has no power."""
    twice_ns = requested_ns + answered_ns
    first = int(np.searchsorted(twice_ns, sum(start), side="right")) - 1
    last = int(np.searchsorted(twice_ns, sum(end), side="left"))
    if sum(start) >= sum(end) or first < 0 or last >= twice_ns.size or bool((power[first : last + 1] == MISSING).any()):
        return None
    return slice(first, last + 1)


def integral(
    requested_ns: NDArray[np.int64], answered_ns: NDArray[np.int64], power: NDArray[np.int64], begin: int, stop: int
) -> Fraction:
    """Exact area in mWh between two instants, given as twice their ns, under readings that reach over both."""
    at = requested_ns + answered_ns
    # four times the area in mW ns: sums of two powers times twice the time
    whole = _dot(power[1:] + power[:-1], np.diff(at))
    head = _until(int(power[0]), int(power[1]), begin - int(at[0]), int(at[1] - at[0]))
    tail = _until(int(power[-1]), int(power[-2]), int(at[-1]) - stop, int(at[-1] - at[-2]))
    return (whole - head - tail) / (4 * _MW_NS_PER_WH_MILLI)


def _dot(power: NDArray[np.int64], time_ns: NDArray[np.int64]) -> int:
    """The exact sum of the products, neither column below 0: in limbs of 16 bits, whose products with times fit 64."""
    if int(time_ns.max()) >= 2**46:  # a gap of most of a day
        return sum(map(mul, power.tolist(), time_ns.tolist()))
    total = 0
    for shift in range(0, int(power.max()).bit_length(), 16):
        product = ((power >> shift) & 0xFFFF) * time_ns
        total += ((int((product >> 31).sum()) << 31) + int((product & (2**31 - 1)).sum())) << shift
    return total


def _until(outer: int, inner: int, outside: int, whole: int) -> Fraction:
    """Four times the area of the part of an outermost trapezoid that lies outside the window."""
    return outside * (2 * outer + Fraction((inner - outer) * outside, whole))
