"""The compiled loops over many points: one pass that finds suspects, then edges, then windows.

In: readings of points one after another, as `bulk` lays them out. Out: a verdict per point, figures per window. A point
with a suspect is left to the exact rules of `counter`: nothing here decides what became of it. As in `kernels`, whose
arithmetic this uses: no floats, nothing overflows unseen, and importing this imports numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numba import config, njit, prange, set_num_threads

from agent.aggregation.bounds import MISSING
from agent.aggregation.kernels import compiled, interpolate, locate, muldiv
from agent.aggregation.window import INTERPOLATED, MEASURED, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.aggregation.bulk import Points, Windows
    from agent.aggregation.counter import IntArray

# Verdicts on a point: figures are made; a reading is suspected; readings are unsound; edges or windows are.
CLEAN, SUSPECT, UNSOUND, REFUSED = 0, 1, 2, 3
# Columns of what is declared of points, and of the figures of windows.
AGE, BELOW, ABOVE, POWER, LIMIT, ONES, NET = range(7)
DECLARED = 7
ENERGY, LOWER, UPPER, MEASURED_PPM, COMPLETE = range(5)
NOTHING = (MISSING, MISSING, MISSING, -1, 0)

_W_NS_PER_WH_MILLI = 3_600_000_000
_PPM = 1_000_000
GOOD_MOST = 0x3FFFFFFF  # the largest status whose value may be computed with
_TIME_MOST_NS = 2**62 - 2**56 - 1
_INT64_MAX = 2**63 - 1
_BLOCK = 2048  # readings: their columns stay in a core's own cache
_Function = TypeVar("_Function", bound=Callable[..., object])


class Readings(NamedTuple):
    """One point's columns; `stretch` is empty where all readings are of one."""

    requested_ns: IntArray
    answered_ns: IntArray
    counter: IntArray
    stretch: IntArray


class Asked(NamedTuple):
    """One point's edges, in any order, and its windows."""

    earliest_ns: IntArray
    latest_ns: IntArray
    between: IntArray


def _in_parallel(function: _Function) -> _Function:
    try:
        kept: _Function = njit(cache=True, parallel=True)(function)
    except RuntimeError:  # as in `kernels.compiled`
        kept = njit(parallel=True)(function)
    return kept


@compiled
def extremes(
    requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, status: NDArray[np.uint32]
) -> tuple[int, int, int, int, int]:
    """What one pass over readings can tell with neither a branch nor a product, so that it runs at memory's speed.

    (negative if any time is out of order or range, or any counter beyond +-2^62; negative if the counter ever falls;
    its greatest rise; the least time from a request to the next answer; bits of all statuses). The first reading's own
    times and content are not looked at. Differences may overflow, but not unless the first figure is negative. Slices
    of one column stand for a reading and the next: an index with an offset would keep the loop from being vectorised.
    """
    unsound, fell, rose, between, statuses = 0, 0, 0, _INT64_MAX, 0
    requested_after, answered_after, counter_after = requested_ns[1:], answered_ns[1:], counter[1:]
    status_after = status[1:]
    statuses |= status[0]
    for i in range(counter_after.size):
        requested, answered, counted = requested_after[i], answered_after[i], counter_after[i]
        rise = counted - counter[i]
        fell |= rise
        rose = max(rose, rise)
        between = min(between, answered - requested_ns[i])
        unsound |= requested | (answered - requested) | (requested - requested_ns[i])
        unsound |= (answered - answered_ns[i] - 1) | (counted ^ (counted << 1))
        statuses |= status_after[i]
    return unsound, fell, rose, between, statuses


@compiled
def most_rise(declared: IntArray, between_ns: int) -> int:
    """The most a counter can rise in a time, by `odd_steps.most`; of no use where that exceeds 64 bits."""
    slack: int = declared[BELOW] + declared[ABOVE]
    return muldiv(between_ns + max(declared[AGE], 0), declared[POWER], _W_NS_PER_WH_MILLI) + 1 + slack


@compiled
def fits(requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, declared: IntArray) -> bool:
    """Whether no reading rises by more than is declared, nor could have turned over unseen."""
    for i in range(1, counter.size):
        rise, most = counter[i] - counter[i - 1], most_rise(declared, answered_ns[i] - requested_ns[i - 1])
        if rise > most or 0 < declared[LIMIT] <= most - rise:
            return False
    return True


@compiled
def screen(
    requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, status: NDArray[np.uint32], declared: IntArray
) -> int:
    """CLEAN if readings are sound, all good, and none has a step that `odd_steps` has a name for; else why not.

    A block whose greatest rise fits its least time, and whose whole time no turn of the counter, is cleared without a
    look at single readings.
    """
    if counter.size == 0:
        return CLEAN
    first_counter, verdict = counter[0], SUSPECT if declared[NET] else CLEAN
    if declared[POWER] < 0 and first_counter <= 0 <= counter[-1]:
        verdict = SUSPECT  # it may come back from 0
    if (first_counter ^ (first_counter << 1)) < 0 or requested_ns[0] < 0 or answered_ns[0] < requested_ns[0]:
        return UNSOUND
    if answered_ns[-1] > _TIME_MOST_NS:
        return UNSOUND
    for first in range(0, counter.size, _BLOCK):
        part = slice(first, min(first + _BLOCK + 1, counter.size))
        requested, answered, counted = requested_ns[part], answered_ns[part], counter[part]
        unsound, fell, rose, between, statuses = extremes(requested, answered, counted, status[part])
        if unsound < 0:
            return UNSOUND
        if fell < 0 or statuses > GOOD_MOST or 0 <= declared[ONES] <= counted[-1]:
            verdict = SUSPECT
        elif declared[POWER] >= 0:
            may_turn = 0 < declared[LIMIT] <= most_rise(declared, answered[-1] - requested[0])
            if (may_turn or 0 < rose > most_rise(declared, between)) and not fits(
                requested, answered, counted, declared
            ):
                verdict = SUSPECT
    return verdict


@compiled
def check_asked(asked: Asked) -> int:
    """CLEAN, or REFUSED for an edge or a window that is none; `record` has the words for it."""
    earliest_ns, latest_ns = asked.earliest_ns, asked.latest_ns
    for edge in range(earliest_ns.size):
        if earliest_ns[edge] < 0 or latest_ns[edge] < earliest_ns[edge] or latest_ns[edge] > _TIME_MOST_NS:
            return REFUSED
    for i in range(asked.between.shape[0]):
        start, end = asked.between[i, 0], asked.between[i, 1]
        if min(start, end) < 0 or max(start, end) >= earliest_ns.size:
            return REFUSED
        if earliest_ns[end] < earliest_ns[start] or latest_ns[end] < latest_ns[start]:
            return REFUSED
    return CLEAN


@compiled
def of_stretch(stretch: IntArray, index: int, mine: int) -> int:
    """The reading if it is of this stretch, else -1."""
    if index < 0 or index >= stretch.size > 0:
        return -1
    return index if stretch.size == 0 or stretch[index] == mine else -1


@compiled
def bound(known: Readings, declared: IntArray, asked: Asked, found: IntArray, edges: IntArray) -> None:
    """Fill edges[5, edges] with estimates, bounds, methods and stretches, as `window.boundaries` makes them.

    `found` is what `kernels.locate` found; a reading of another stretch than the edge's bounds nothing, and is struck.
    """
    counter, stretch, size = known.counter, known.stretch, known.counter.size
    estimate, lower, upper, method, mine = edges
    by_power = declared[POWER] >= 0 and declared[AGE] >= 0
    for edge in range(estimate.size):
        before, after, floor, ceiling = found[0, edge], found[1, edge], found[2, edge], found[3, edge]
        mine[edge] = -1 if before < 0 else 0
        if before >= 0 and stretch.size:
            mine[edge] = stretch[before] if stretch[before] == stretch[after] else -1
        lower[edge] = upper[edge] = MISSING
        if mine[edge] == -1:
            estimate[edge], method[edge] = MISSING, UNKNOWN
            found[2, edge] = found[3, edge] = -1
            continue
        method[edge] = MEASURED if before == after else INTERPOLATED
        earlier = of_stretch(stretch, (size if ceiling < 0 else ceiling) - 1, mine[edge])
        later = of_stretch(stretch, floor + 1 if floor + 1 < size else -1, mine[edge])
        floor, ceiling = of_stretch(stretch, floor, mine[edge]), of_stretch(stretch, ceiling, mine[edge])
        found[2, edge], found[3, edge] = floor, ceiling
        if floor >= 0:
            lower[edge] = counter[floor] - declared[BELOW]
        if ceiling >= 0:
            upper[edge] = counter[ceiling] + declared[ABOVE]
        if by_power and later >= 0:
            to_come = max(known.answered_ns[later] - asked.earliest_ns[edge], 0)
            least = counter[later] - declared[BELOW] - muldiv(to_come, declared[POWER], _W_NS_PER_WH_MILLI) - 1
            lower[edge] = max(lower[edge], least)
        if by_power and earlier >= 0:
            since = max(asked.latest_ns[edge] - known.requested_ns[earlier] + declared[AGE], 0)
            most = counter[earlier] + declared[ABOVE] + muldiv(since, declared[POWER], _W_NS_PER_WH_MILLI) + 1
            upper[edge] = most if upper[edge] == MISSING else min(upper[edge], most)
        if lower[edge] != MISSING:
            estimate[edge] = max(estimate[edge], lower[edge])
        if upper[edge] != MISSING:
            estimate[edge] = min(estimate[edge], upper[edge])


@compiled
def measure(known: Readings, age_ns: int, asked: Asked, found: IntArray, edges: IntArray, out: IntArray) -> None:
    """Fill out[windows, 5] with windows' figures, as `energy.window_energy` makes them of the edges of `bound`."""
    counter, between = known.counter, asked.between
    estimate, lower, upper, method, stretch = edges
    for i in range(between.shape[0]):
        start, end = between[i, 0], between[i, 1]
        out[i, ENERGY] = out[i, LOWER] = out[i, UPPER] = MISSING
        out[i, MEASURED_PPM], out[i, COMPLETE] = -1, 0
        if method[start] == UNKNOWN or stretch[start] != stretch[end]:
            continue
        energy = estimate[end] - estimate[start]
        out[i, ENERGY] = energy
        if energy == 0:
            out[i, MEASURED_PPM] = _PPM if method[start] == MEASURED and method[end] == MEASURED else 0
        else:
            whole = counter[found[0, end]] - counter[found[1, start]]
            if energy < 0:  # a register that may fall
                whole, energy = -whole, -energy
            out[i, MEASURED_PPM] = muldiv(_PPM, max(0, min(whole, energy)), energy)
        if start == end or asked.earliest_ns[start] == asked.latest_ns[end]:
            out[i, ENERGY] = out[i, LOWER] = out[i, UPPER] = 0
            out[i, COMPLETE] = 1
            continue
        if lower[end] != MISSING and upper[start] != MISSING:
            out[i, LOWER] = max(0, lower[end] - upper[start])
        if upper[end] != MISSING and lower[start] != MISSING:
            out[i, UPPER] = upper[end] - lower[start]
        bounded = min(found[2, start], found[3, start], found[2, end], found[3, end]) >= 0
        out[i, COMPLETE] = age_ns < 0 or bounded


@compiled
def windows_of(known: Readings, declared: IntArray, asked: Asked, out: IntArray) -> None:
    """Fill out[windows, 5] with the figures of one point's windows."""
    size = asked.earliest_ns.size
    found, edges = np.empty((4, size), np.int64), np.empty((5, size), np.int64)
    locate(known.requested_ns, known.answered_ns, declared[AGE], asked.earliest_ns, asked.latest_ns, found)
    twice_ns = asked.earliest_ns + asked.latest_ns
    interpolate(known.requested_ns, known.answered_ns, known.counter, twice_ns, found[0], found[1], edges[0])
    bound(known, declared, asked, found, edges)
    measure(known, declared[AGE], asked, found, edges, out)


@compiled
def point(at: int, points: Points, declared: IntArray, asked: Windows, out: IntArray) -> int:
    """The verdict on point number `at`, and its figures if it is CLEAN."""
    first, last = points.first[at], points.first[at + 1]
    edge, end = asked.first_edge[at], asked.first_edge[at + 1]
    wanted = slice(asked.first[at], asked.first[at + 1])
    mine = Asked(asked.earliest_ns[edge:end], asked.latest_ns[edge:end], asked.between[wanted])
    known = Readings(
        points.requested_ns[first:last], points.answered_ns[first:last], points.counter[first:last],
        np.empty(0, np.int64),
    )  # fmt: skip
    verdict = check_asked(mine)
    if verdict == CLEAN:
        verdict = screen(known.requested_ns, known.answered_ns, known.counter, points.status[first:last], declared[at])
    if verdict == CLEAN:
        windows_of(known, declared[at], mine, out[wanted])
    return verdict


@compiled
def each(points: Points, declared: IntArray, asked: Windows, out: IntArray, verdicts: IntArray) -> None:
    """`point` for every point, one after another."""
    for at in range(verdicts.size):
        verdicts[at] = point(at, points, declared, asked, out)


@_in_parallel
def each_in_threads(points: Points, declared: IntArray, asked: Windows, out: IntArray, verdicts: IntArray) -> None:
    """`each` over as many threads as numba is set to; points share nothing, so the figures are the same.

    A function of its own, for numba's cache takes both kinds of one function for the same.
    """
    for at in prange(verdicts.size):
        verdicts[at] = point(at, points, declared, asked, out)


def set_threads(threads: int) -> None:
    """How many threads `each_in_threads` takes; no more than numba was started with."""
    set_num_threads(min(threads, config.NUMBA_NUM_THREADS))
