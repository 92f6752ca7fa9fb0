"""The counter state machine: what a register showed in, unwrapped stretches and named anomalies out.

A stretch is a run of readings between which energy is the difference of two counter values. A wrap continues its
stretch; any other backward step opens a new one. This module never invents a delta across a stretch and never drops or
alters a reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Kind = Literal["wrap", "reset", "back_step", "jump", "conditions_apart", "conditions_beyond"]

# Counters stay within +-2^62, so that the difference of any two fits 64 bits.
COUNTER_MOST = 2**62
# 1 W for 1 ns is 1/3.6e9 mWh.
_W_NS_PER_WH_MILLI = 3_600_000_000
# A register that was reset starts at 0. Without a power limit, under a thousandth of what it showed before counts as
# near 0.
_NEAR_ZERO = 1_000


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A step that is no plain count: the counter showed `before`, then `after` in reading `index`, answered at `at_ns`.

    The first four kinds no running counter makes; the others cannot be converted (derive.py).
    """

    kind: Kind
    index: int
    at_ns: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Stretches:
    """The counter with its wraps undone and the stretch number (both int64, one per reading), and the anomalies.

    A new stretch starts from what the register shows, so values of two stretches must not be subtracted.
    """

    counter: IntArray
    stretch: IntArray
    anomalies: tuple[Anomaly, ...]


def stretches(
    requested_ns: IntArray,
    answered_ns: IntArray,
    counter: IntArray,
    limit: int = 0,
    power_max_w: int | None = None,
    age_ns: int = -1,
    above: int = 0,
) -> Stretches:
    """Find backward steps and jumps, undo wraps and number the stretches.

    A step back is a wrap if the modulus `limit` is known (not 0), both values lie in [0, limit) and the energy a wrap
    would mean is plausible: no more than `power_max_w` delivers between the two register contents plus one step
    (`above`); without `power_max_w` (it is meant for electricity, in mWh) no more than half of `limit`. An unknown age
    (-1) grants no extra time. A rise beyond what `power_max_w` delivers is a jump: another instrument, or garbage in
    the register. Raises ValueError if the unwrapped counter would leave +-2^62.
    """
    steps = _suspects(requested_ns, answered_ns, counter, power_max_w, max(age_ns, 0))
    change = np.zeros(counter.size, np.int64)
    opened = np.zeros(counter.size, np.int64)
    if steps.size == 0:
        return Stretches(counter, opened, ())
    anomalies: list[Anomaly] = []
    lift = 0
    for index in steps.tolist():
        before, after = int(counter[index - 1]), int(counter[index])
        between_ns = int(answered_ns[index]) - int(requested_ns[index - 1]) + max(age_ns, 0)
        most = None if power_max_w is None else power_max_w * between_ns // _W_NS_PER_WH_MILLI + 1 + above
        if after >= before and most is not None and after - before <= most:
            continue  # suspected on rounded figures; the exact ones clear it
        kind = "jump" if after >= before else _kind(before, after, limit, most)
        anomalies.append(Anomaly(kind, index, int(answered_ns[index]), before, after))
        lifted = lift + limit if kind == "wrap" else 0
        if lifted > COUNTER_MOST - limit:
            raise ValueError(f"reading {index}: the counter wrapped past 2^62: split the columns before it")
        change[index] = lifted - lift
        opened[index] = kind != "wrap"
        lift = lifted
    return Stretches(counter + np.cumsum(change), np.cumsum(opened), tuple(anomalies))


def _suspects(
    requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, power_max_w: int | None, age_ns: int
) -> IntArray:
    """Indices of readings that fall below the one before, or rise by about as much as the circuit can carry or more.

    Only a first sieve, so floats may do: whoever asks decides on exact integers.
    """
    rises = np.diff(counter)
    strange = rises < 0
    if power_max_w is not None:
        between_ns = (answered_ns[1:] - requested_ns[:-1] + age_ns).astype(np.float64)
        strange |= rises > between_ns * (power_max_w / _W_NS_PER_WH_MILLI * 0.999)
    found: IntArray = np.flatnonzero(strange) + 1
    return found


def _kind(before: int, after: int, limit: int, most: int | None) -> Kind:
    """Name one backward step; `most` is the most energy the interval can hold, None if no power limit is declared."""
    wrapped = limit - before + after
    if 0 <= after < before < limit and wrapped <= (limit // 2 if most is None else most):
        return "wrap"
    near_zero = before // _NEAR_ZERO if most is None else most
    return "reset" if 0 <= after <= near_zero else "back_step"
