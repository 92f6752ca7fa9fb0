"""What the counter was at each edge: readings and edge intervals in, one estimate with bounds per edge out.

An edge is an instant somewhere in [earliest, latest]. Nothing is extrapolated beyond the readings and nothing is
carried across a stretch change: such an edge is UNKNOWN. Columns are taken as sound; `record.point_energy` is where
unsound ones are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from agent.aggregation.counter import IntArray

MEASURED, INTERPOLATED, UNKNOWN = 0, 1, 2
# Stands for a missing estimate or bound in an int64 column. No counter reaches it: they stay within +-2^62.
MISSING = -(2**63)


@dataclass(frozen=True, slots=True)
class Boundaries:
    """One element per edge in every column but `counter`, int64; values in the counter's canonical unit.

    `estimate` is MISSING exactly where `method` is UNKNOWN; `lower` and `upper` may be MISSING by themselves. `stretch`
    is -1 for an unknown edge. The anchors are reading indices or -1: the estimate stands between `before` and `after`
    (one and the same for a MEASURED edge), the bounds on `floor` and `ceiling`. `counter` is the unwrapped column the
    anchors point into. `age_ns` is -1 if unknown: then there are no bounds.
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


def boundaries(  # noqa: PLR0913, PLR0917 - nine plain columns and numbers are the whole problem, in the order of its statement
    requested_ns: IntArray,
    answered_ns: IntArray,
    counter: IntArray,
    stretch: IntArray,
    age_ns: int,
    below: int,
    above: int,
    earliest_ns: IntArray,
    latest_ns: IntArray,
) -> Boundaries:
    """Estimate and bound the counter at any number of edges, in any order.

    Bounds: a reading answered at s shows I(s) >= counter - below; one requested at r shows I(r - age) < counter +
    above; and I never falls within a stretch. So I at the edge is at least counter - below of the last reading answered
    at or before `earliest`, and at most counter + above of the first reading requested at or after `latest` + age. None
    for age_ns = -1.

    Estimate: the counter of the reading whose request..answer covers the edge (MEASURED), else linear between the two
    readings around the edge's midpoint, a reading standing at the midpoint of its request..answer, rounded down
    (INTERPOLATED); then clamped into the bounds. It never falls from one edge to another that neither begins nor ends
    earlier.
    """
    from agent.aggregation import kernels  # noqa: PLC0415 - numba is paid for by the first window, not by every import

    found = np.empty((4, earliest_ns.size), np.int64)
    kernels.locate(requested_ns, answered_ns, age_ns, earliest_ns, latest_ns, found)
    before, after, floor, ceiling = found
    edge_stretch = _at(stretch, before, missing=-1)
    edge_stretch[edge_stretch != _at(stretch, after, missing=-1)] = -1
    unknown = edge_stretch == -1
    before[unknown] = after[unknown] = -1
    floor[_at(stretch, floor, missing=-2) != edge_stretch] = -1
    ceiling[_at(stretch, ceiling, missing=-2) != edge_stretch] = -1

    estimate = np.full(earliest_ns.size, MISSING, np.int64)
    kernels.interpolate(requested_ns, answered_ns, counter, earliest_ns + latest_ns, before, after, estimate)
    lower = np.where(floor >= 0, _at(counter, floor, missing=0) - below, MISSING)
    upper = np.where(ceiling >= 0, _at(counter, ceiling, missing=0) + above, MISSING)
    # For sound columns only requests made at the same instant can put an estimate outside its bounds.
    estimate = np.maximum(estimate, lower)
    estimate = np.where(ceiling >= 0, np.minimum(estimate, upper), estimate)
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
        floor,
        ceiling,
        counter,
    )


def _at(column: IntArray, index: IntArray, *, missing: int) -> IntArray:
    """column[index], and `missing` where index is -1 (which numpy would take for the last element)."""
    out = np.full(index.shape, missing, np.int64)
    known = index >= 0
    out[known] = column[index[known]]
    return out
