"""What the counter can have been at an edge, at least and at most: readings and anchors in, two columns out.

From the readings on either side, and, where it is declared what the circuit can carry, from the ones next to those. All
of it within one stretch; MISSING where nothing can be said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agent.aggregation.odd_steps import W_NS_PER_WH_MILLI, Rules

if TYPE_CHECKING:
    from agent.aggregation.counter import IntArray

# Stands for a missing estimate or bound in an int64 column. No counter reaches it: they stay within +-2^62.
MISSING = -(2**63)


class Rows(NamedTuple):
    """Readings that count, in the order of their answers, and the stretch of each."""

    requested_ns: IntArray
    answered_ns: IntArray
    counter: IntArray
    stretch: IntArray


class Anchors(NamedTuple):
    """Per edge: its stretch (-1 unknown), the last reading answered before it, the first requested an age after; or -1.

    Both may belong to another stretch.
    """

    stretch: IntArray
    floor: IntArray
    ceiling: IntArray


def within(rows: Rows, anchors: Anchors, index: IntArray) -> IntArray:
    """These readings, -1 where one is of another stretch than its edge, or none at all."""
    return np.where(at(rows.stretch, index, missing=-2) == anchors.stretch, index, -1)


def between_readings(rows: Rows, anchors: Anchors, rules: Rules) -> tuple[IntArray, IntArray]:
    """(lower, upper) from the readings on either side, for a register that never falls."""
    floor, ceiling = within(rows, anchors, anchors.floor), within(rows, anchors, anchors.ceiling)
    lower = np.where(floor >= 0, at(rows.counter, floor, missing=0) - rules.below, MISSING)
    upper = np.where(ceiling >= 0, at(rows.counter, ceiling, missing=0) + rules.above, MISSING)
    return lower, upper


def by_power(
    rows: Rows, anchors: Anchors, rules: Rules, earliest_ns: IntArray, latest_ns: IntArray
) -> tuple[IntArray, IntArray]:
    """(lower, upper) from how far the counter can have run, at the most that the circuit carries.

    Up to the edge since the last reading requested too early to bound it by itself; from the edge to the first one
    answered after it.
    """
    size = rows.counter.size
    earlier = within(rows, anchors, np.where(anchors.ceiling < 0, size, anchors.ceiling) - 1)
    later = within(rows, anchors, np.where(anchors.floor + 1 < size, anchors.floor + 1, -1))
    reached = _carried(latest_ns - at(rows.requested_ns, earlier, missing=0) + rules.age_ns, rules)
    to_come = _carried(at(rows.answered_ns, later, missing=0) - earliest_ns, rules)
    lower = np.where(later >= 0, at(rows.counter, later, missing=0) - rules.below - to_come, MISSING)
    upper = np.where(earlier >= 0, at(rows.counter, earlier, missing=0) + rules.above + reached, MISSING)
    return lower, upper


def bounds(
    rows: Rows, anchors: Anchors, rules: Rules, earliest_ns: IntArray, latest_ns: IntArray
) -> tuple[IntArray, IntArray]:
    """(lower, upper) of the counter at each edge. None for an unknown age, nor for a register that may fall."""
    if rules.age_ns < 0 or rules.net:
        nothing = np.full(earliest_ns.size, MISSING, np.int64)
        return nothing, nothing.copy()
    lower, upper = between_readings(rows, anchors, rules)
    if rules.power_max_w is None:
        return lower, upper
    least, most = by_power(rows, anchors, rules, earliest_ns, latest_ns)
    narrower = np.where(upper == MISSING, most, np.where(most == MISSING, upper, np.minimum(upper, most)))
    return np.maximum(lower, least), narrower


def at(column: IntArray, index: IntArray, *, missing: int) -> IntArray:
    """column[index], and `missing` where index is -1 (which numpy would take for the last element)."""
    out = np.full(index.shape, missing, np.int64)
    known = index >= 0
    out[known] = column[index[known]]
    return out


def _carried(between_ns: IntArray, rules: Rules) -> IntArray:
    from agent.aggregation import kernels  # noqa: PLC0415 - numba is paid for by the first window, not by every import

    out = np.empty(between_ns.size, np.int64)
    kernels.carried(np.maximum(between_ns, 0), rules.power_max_w or 0, W_NS_PER_WH_MILLI, out)
    return out
