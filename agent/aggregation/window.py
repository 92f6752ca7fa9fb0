"""What the counter was at each edge: readings and edge intervals in, one estimate with bounds per edge out.

An edge is an instant somewhere in [earliest, latest]. Nothing is extrapolated beyond the readings and nothing is
carried across a stretch change: such an edge is UNKNOWN. Columns are taken as sound; `record.point_energy` is where
unsound ones are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.aggregation.bounds import MISSING, Anchors, Rows, at, bounds, within
from agent.aggregation.odd_steps import Rules
from agent.aggregation.shape import share

if TYPE_CHECKING:
    from agent.aggregation.counter import IntArray

MEASURED, INTERPOLATED, UNKNOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Boundaries:
    """One element per edge in every column but `counter`, int64; values in the counter's canonical unit.

    `estimate` is MISSING exactly where `method` is UNKNOWN; `lower` and `upper` may be MISSING by themselves. `stretch`
    is -1 for an unknown edge. The anchors are reading indices or -1: the estimate stands between `before` and `after`
    (one and the same for a MEASURED edge), the bounds on `floor` and `ceiling`. `counter` is the unwrapped column the
    anchors point into. `age_ns` is -1 if unknown, or if the register may fall: then there are no bounds.
    """

    age_ns: int
    earliest_ns: IntArray
    latest_ns: IntArray
    estimate: IntArray
    lower: IntArray
    upper: IntArray
    method: IntArray
    stretch: IntArray
    before: IntArray
    after: IntArray
    floor: IntArray
    ceiling: IntArray
    counter: IntArray


def boundaries(  # noqa: PLR0913, PLR0917 - columns and edges are the whole problem, in the order of its statement
    requested_ns: IntArray,
    answered_ns: IntArray,
    counter: IntArray,
    stretch: IntArray,
    rules: Rules,
    earliest_ns: IntArray,
    latest_ns: IntArray,
    power_w_milli: IntArray | None = None,
) -> Boundaries:
    """Estimate and bound the counter at any number of edges, in any order.

    Bounds: a reading answered at s shows I(s) >= counter - below; one requested at r shows I(r - age) < counter +
    above; and I never falls within a stretch. So I at the edge is at least counter - below of the last reading answered
    at or before `earliest`, and at most counter + above of the first reading requested at or after `latest` + age. What
    the circuit can carry at most narrows both: from the readings next to those the counter cannot have run further.
    No bounds for an unknown age, nor for a register that may fall.

    Estimate: the counter of the reading whose request..answer covers the edge (MEASURED), else between the two readings
    around the edge's midpoint, a reading standing at the midpoint of its request..answer, rounded down (INTERPOLATED):
    in proportion to the energy that the power read beside them says (shape.py), or to time where no power was read;
    then clamped into the bounds. It never falls from one edge to another that neither begins nor ends earlier.
    """
    from agent.aggregation import kernels  # noqa: PLC0415 - numba is paid for by the first window, not by every import

    age_ns = -1 if rules.net else rules.age_ns
    found = np.empty((4, earliest_ns.size), np.int64)
    kernels.locate(requested_ns, answered_ns, age_ns, earliest_ns, latest_ns, found)
    before, after, floor, ceiling = found
    edge_stretch = at(stretch, before, missing=-1)
    edge_stretch[edge_stretch != at(stretch, after, missing=-1)] = -1
    unknown = edge_stretch == -1
    before[unknown] = after[unknown] = -1
    rows, anchors = Rows(requested_ns, answered_ns, counter, stretch), Anchors(edge_stretch, floor, ceiling)
    lower, upper = bounds(rows, anchors, rules, earliest_ns, latest_ns)

    estimate = np.full(earliest_ns.size, MISSING, np.int64)
    kernels.interpolate(requested_ns, answered_ns, counter, earliest_ns + latest_ns, before, after, estimate)
    if power_w_milli is not None:
        _shape(requested_ns + answered_ns, counter, power_w_milli, earliest_ns + latest_ns, before, after, estimate)
    # For sound columns only requests made at the same instant can put an estimate outside its bounds.
    estimate = np.where(unknown, MISSING, np.maximum(estimate, lower))
    estimate = np.where(unknown | (upper == MISSING), estimate, np.minimum(estimate, upper))
    method = np.where(unknown, UNKNOWN, np.where(before == after, MEASURED, INTERPOLATED))
    return Boundaries(
        age_ns,
        earliest_ns,
        latest_ns,
        estimate,
        lower,
        upper,
        method,
        edge_stretch,
        before,
        after,
        within(rows, anchors, floor),
        within(rows, anchors, ceiling),
        counter,
    )


def _shape(
    twice_read_ns: IntArray, counter: IntArray, power_w_milli: IntArray, twice_ns: IntArray, before: IntArray,
    after: IntArray, estimate: IntArray,
) -> None:  # fmt: skip
    """Put estimates between two readings where the power read beside both says, exactly, rounded down."""
    for edge in np.flatnonzero((before >= 0) & (before != after)).tolist():
        i, j = int(before[edge]), int(after[edge])
        powers = int(power_w_milli[i]), int(power_w_milli[j])
        if counter[j] > counter[i] and MISSING not in powers:
            part, whole = share(int(twice_ns[edge]), int(twice_read_ns[i]), int(twice_read_ns[j]), *powers)
            estimate[edge] = int(counter[i]) + (int(counter[j]) - int(counter[i])) * part // whole
