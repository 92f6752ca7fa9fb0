"""The load's tan(phi) over a window, from the active and reactive power that its meter showed beside its counter.

In: the readings' times and both powers. Out: tan(phi) x 1000, or None where one of them does not reach over the window.
The error that a phase displacement makes is that angle times the reactive energy, so a window's mean is all it needs.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from agent.aggregation.bounds import MISSING
from agent.aggregation.by_power import integral, within
from agent.aggregation.power_beside import TOTAL_IMPORT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.drivers import profile as profiles


def reactive_beside(profile: profiles.Profile, counter: profiles.Point) -> profiles.Point | None:
    """The point that tells a total counter's reactive power; None where the profile has none, or several."""
    fit = [point for point in profile.points if point.quantity == "reactive_power" and point.kind == "gauge"]
    return fit[0] if counter.obis == TOTAL_IMPORT and len(fit) == 1 and fit[0].scale_point is None else None


def tan_phi_milli(
    requested_ns: NDArray[np.int64],
    answered_ns: NDArray[np.int64],
    power_w_milli: NDArray[np.int64],
    reactive_var_milli: NDArray[np.int64],
    start: tuple[int, int],
    end: tuple[int, int],
) -> int | None:
    """Reactive over active energy x 1000, rounded up; None without active energy.

    Meters differ in the sign they give to inductive and capacitive load, so the sign is left out: capacitive load
    counts as inductive.
    """
    either = np.where(reactive_var_milli == MISSING, MISSING, power_w_milli)
    rows = within(requested_ns, answered_ns, either, start, end)
    if rows is None:
        return None
    times = (requested_ns[rows], answered_ns[rows])
    active = integral(*times, np.maximum(power_w_milli[rows], 0), sum(start), sum(end))
    reactive = integral(*times, np.abs(reactive_var_milli[rows]), sum(start), sum(end))
    return ceil(1000 * reactive / active) if active else None
