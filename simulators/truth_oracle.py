"""The tightest bounds any observer could claim of a window: told the step, the age, the power limit, the intervals.

In: readings as intervals of energy, what is known of the register, two edges. Out: bounds on the energy indicated
between the edges.
Never: the product's code, a float, an index that hurries: every reading is asked at every edge.

A reading (requested, answered) shows the indication I as it was at some instant s: least <= I(s) < bound, and s is no
older than the register's age before the request and no later than the answer. A number that has changed says no more:
an age may be the time from measuring to showing. I never falls and never rises faster than the power limit. All of
these bound differences of I, so the tightest bound on one is its shortest way through them, and each way has one step
or two.
"""

from dataclasses import dataclass

import numpy as np

from simulators.truth_load import IntArray


@dataclass(frozen=True, slots=True)
class Shown:
    """What readings say, one element each: agent time in us, energies in mW us (from any one zero); all int64."""

    requested_us: IntArray
    answered_us: IntArray
    least: IntArray
    bound: IntArray


def tightest(
    shown: Shown, age_us: int, power_mw: int, start_us: tuple[int, int], end_us: tuple[int, int]
) -> tuple[int, int]:
    """(lower, upper) of I(end) - I(start) in mW us, both edges known as (earliest, latest)."""
    least = [_least(shown, power_mw, edge[0]) for edge in (start_us, end_us)]
    most = [_most(shown, age_us, power_mw, edge[1]) for edge in (start_us, end_us)]
    return max(0, least[1] - most[0]), min(most[1] - least[0], power_mw * (end_us[1] - start_us[0]))


def _least(shown: Shown, power_mw: int, at_us: int) -> int:
    """What I(at) is at least: the number was there by its answer; before it, less what the circuit can have added."""
    return int((shown.least - power_mw * np.maximum(shown.answered_us - at_us, 0)).max())


def _most(shown: Shown, age_us: int, power_mw: int, at_us: int) -> int:
    """What I(at) is at most: bounded at the oldest the number can be; later, plus what the circuit can have added."""
    oldest_us = shown.requested_us - age_us
    return int((shown.bound + power_mw * np.maximum(at_us - oldest_us, 0)).min())
