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

from agent.aggregation.kernels import anchors, compiled, muldiv, on_line
from agent.aggregation.window import INTERPOLATED, MEASURED, MISSING, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.aggregation.bulk import Points, Windows
    from agent.aggregation.counter import IntArray

# Verdicts on a point: figures are made; a reading is suspected; readings are unsound; edges or windows are.
CLEAN, SUSPECT, UNSOUND, REFUSED = 0, 1, 2, 3
# Columns of what is declared of points, and of the figures of windows.
AGE, BELOW, ABOVE, POWER = range(4)
ENERGY, LOWER, UPPER, MEASURED_PPM, COMPLETE = range(5)
NOTHING = (MISSING, MISSING, MISSING, -1, 0)

_W_NS_PER_WH_MILLI = 3_600_000_000
_PPM = 1_000_000
GOOD_MOST = 0x3FFFFFFF  # the largest status whose value may be computed with
_TIME_MOST_NS = 2**62 - 2**56 - 1
_INT64_MAX = 2**63 - 1
_BLOCK = 2048  # readings: their columns stay in a core's own cache
_WALK_BELOW = 16  # with fewer readings to an edge, going on from the last edge beats guessing where the next one is
_GUESS_SHIFT = 20  # a guess needs no more than milliseconds, and their product with an index fits 64 bits
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
) -> tuple[int, int, int, int, int, int, int]:
    """What one pass over readings can tell with neither a branch nor a product, so that it runs at memory's speed.

    (least rise, greatest rise, least step of requests or answers, of the latter less 1, least from a request to the
    next answer, least from a request to its answer, bits of times and of counters beyond +-2^62: negative if any is so,
    bits of all statuses). Differences may overflow, but not unless those bits are negative. Slices of one column stand
    for a reading and the next: an index with an offset would keep the loop from being vectorised.
    """
    least_rise, most_rise, beyond, statuses = _INT64_MAX, -_INT64_MAX, 0, 0
    least_step, least_between, least_took = _INT64_MAX, _INT64_MAX, _INT64_MAX
    requested_after, answered_after, counter_after = requested_ns[1:], answered_ns[1:], counter[1:]
    for i in range(counter_after.size):
        rise = counter_after[i] - counter[i]
        least_rise = min(least_rise, rise)
        most_rise = max(most_rise, rise)
        least_step = min(least_step, answered_after[i] - answered_ns[i] - 1, requested_after[i] - requested_ns[i])
        least_between = min(least_between, answered_after[i] - requested_ns[i])
        least_took = min(least_took, answered_after[i] - requested_after[i])
        beyond |= (counter_after[i] ^ (counter_after[i] << 1)) | requested_after[i] | answered_after[i]
    for i in range(status.size):
        statuses |= status[i]
    return least_rise, most_rise, least_step, least_between, least_took, beyond, statuses


@compiled
def most_rise(power_max_w: int, between_ns: int, above: int) -> int:
    """The most a counter can rise in a time, by the rule of `counter`; of no use where that exceeds 64 bits."""
    return muldiv(power_max_w, between_ns, _W_NS_PER_WH_MILLI) + 1 + above


@compiled
def screen(
    requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, status: NDArray[np.uint32], declared: IntArray
) -> int:
    """CLEAN if readings are sound, all good, never fall and never rise by more than is declared; else why not.

    A block whose greatest rise fits its least time is cleared without a look at single readings.
    """
    if counter.size == 0:
        return CLEAN
    age_ns, above, power_max_w = max(declared[AGE], 0), declared[ABOVE], declared[POWER]
    first_counter, verdict = counter[0], CLEAN
    if (first_counter ^ (first_counter << 1)) < 0 or requested_ns[0] < 0 or answered_ns[0] < requested_ns[0]:
        return UNSOUND
    if answered_ns[-1] > _TIME_MOST_NS:
        return UNSOUND
    for first in range(0, counter.size, _BLOCK):
        part = slice(first, min(first + _BLOCK + 1, counter.size))
        requested, answered, counted = requested_ns[part], answered_ns[part], counter[part]
        fell, rose, stepped, between, took, beyond, statuses = extremes(requested, answered, counted, status[part])
        if beyond < 0 or stepped < 0 or took < 0:
            return UNSOUND
        if fell < 0 or statuses > GOOD_MOST:
            verdict = SUSPECT
        elif power_max_w >= 0 and rose > 0 and rose > most_rise(power_max_w, between + age_ns, above):
            for i in range(1, counted.size):
                between = answered[i] - requested[i - 1]
                if counted[i] - counted[i - 1] > most_rise(power_max_w, between + age_ns, above):
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
def boundary(known: Readings, declared: IntArray, earliest_ns: int, latest_ns: int, hint: int, out: IntArray) -> int:
    """Fill out[7] with one edge's estimate, bounds, method, stretch and readings around it; the next hint.

    What `window.boundaries` does, for one edge.
    """
    counter, stretch = known.counter, known.stretch
    before, after, floor, ceiling, at = anchors(
        known.requested_ns, known.answered_ns, declared[AGE], earliest_ns, latest_ns, hint
    )
    mine = -1 if before < 0 else 0
    if before >= 0 and stretch.size:
        mine = stretch[before] if stretch[before] == stretch[after] else -1
        if floor >= 0 and stretch[floor] != mine:
            floor = -1
        if ceiling >= 0 and stretch[ceiling] != mine:
            ceiling = -1
    if mine == -1:
        out[0] = out[1] = out[2] = MISSING
        out[3], out[4], out[5], out[6] = UNKNOWN, -1, -1, -1
        return at
    estimate = on_line(known.requested_ns, known.answered_ns, counter, earliest_ns + latest_ns, before, after)
    lower = upper = MISSING
    if floor >= 0:
        lower = counter[floor] - declared[BELOW]
        estimate = max(estimate, lower)
    if ceiling >= 0:
        upper = counter[ceiling] + declared[ABOVE]
        estimate = min(estimate, upper)
    out[0], out[1], out[2] = estimate, lower, upper
    out[3] = MEASURED if before == after else INTERPOLATED
    out[4], out[5], out[6] = mine, before, after
    return at


@compiled
def window(counter: IntArray, age_ns: int, start: IntArray, end: IntArray, no_length: bool, out: IntArray) -> None:
    """Fill out[5] with a window's figures, as `energy.window_energy` makes them of two edges of `boundary`."""
    for column in range(5):
        out[column] = NOTHING[column]
    if start[3] == UNKNOWN or start[4] != end[4]:
        return
    energy = end[0] - start[0]
    whole = counter[end[5]] - counter[start[6]]
    if energy == 0:
        out[MEASURED_PPM] = _PPM if start[3] == MEASURED and end[3] == MEASURED else 0
    else:
        out[MEASURED_PPM] = muldiv(_PPM, max(0, min(whole, energy)), energy)
    if no_length:
        out[ENERGY] = out[LOWER] = out[UPPER] = 0
        out[COMPLETE] = 1
        return
    out[ENERGY] = energy
    if end[1] != MISSING and start[2] != MISSING:
        out[LOWER] = max(0, end[1] - start[2])
    if end[2] != MISSING and start[1] != MISSING:
        out[UPPER] = end[2] - start[1]
    out[COMPLETE] = age_ns < 0 or (out[LOWER] != MISSING and out[UPPER] != MISSING)


@compiled
def windows_of(known: Readings, declared: IntArray, asked: Asked, out: IntArray) -> None:
    """Fill out[windows, 5] with the figures of one point's windows.

    Where edges are few, each is looked for from where an even pace of readings would have it; where they are many, from
    where the one before it was.
    """
    edges, size = asked.earliest_ns.size, known.counter.size
    found = np.empty((edges, 7), np.int64)
    walks = size < _WALK_BELOW * edges or size < 2
    start_ns = 0 if walks else known.requested_ns[0]
    span = 1 if walks else max(1, (known.requested_ns[size - 1] - start_ns) >> _GUESS_SHIFT)
    at = 0
    for edge in range(edges):
        earliest_ns, latest_ns = asked.earliest_ns[edge], asked.latest_ns[edge]
        if not walks:
            at = ((earliest_ns - start_ns) >> _GUESS_SHIFT) * (size - 1) // span
        at = boundary(known, declared, earliest_ns, latest_ns, at, found[edge])
    for i in range(asked.between.shape[0]):
        start, end = asked.between[i, 0], asked.between[i, 1]
        no_length = start == end or asked.earliest_ns[start] == asked.latest_ns[end]
        window(known.counter, declared[AGE], found[start], found[end], no_length, out[i])


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
