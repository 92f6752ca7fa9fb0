"""The compiled loops: sorted int64 columns in, indices and interpolated values out.

Importing this module imports numba (some 0.3 s and 100 MB), so it is imported by the first window and not before. The
same functions run uncompiled with NUMBA_DISABLE_JIT=1 and give the same digits. They check nothing: `record` does. No
floats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from numba import njit

if TYPE_CHECKING:
    from agent.aggregation.counter import IntArray

_INT64_MAX = 2**63 - 1
_GUESS_ABOVE = 16  # with more readings than this to an edge, guessing where it is beats going on from the last one
_GUESS_SHIFT = 20  # a guess needs no more than milliseconds: their product with an index fits 64 bits
_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile a function, and keep the result on disk where there is a place to.

    numba finds none, and says so with RuntimeError, on a read-only install of a user without a home: then every process
    compiles anew. numba ships no types: this annotation keeps those of the functions it compiles.
    """
    try:
        kept: _Function = njit(cache=True)(function)
    except RuntimeError:
        kept = njit(function)
    return kept


@compiled
def muldiv(a: int, b: int, c: int) -> int:
    """floor(a * b / c) for a, b >= 0 and c > 0, exact whenever the result fits 63 bits.

    The product may need 126 bits, so it is never formed: quotient and remainder of a / c are doubled and added along
    the bits of b. `remainder >= c - x` stands for `remainder + x >= c`, whose left side could overflow.
    """
    if b == 0 or a <= _INT64_MAX // b:
        return a * b // c
    whole, part = a // c, a % c
    quotient, remainder = 0, 0
    bit = 62
    while bit >= 0:
        quotient += quotient
        if remainder >= c - remainder:
            remainder -= c - remainder
            quotient += 1
        else:
            remainder += remainder
        if (b >> bit) & 1:
            quotient += whole
            if remainder >= c - part:
                remainder -= c - part
                quotient += 1
            else:
                remainder += part
        bit -= 1
    return quotient


@compiled
def last_at_most(first: IntArray, second: IntArray, most: int, hint: int) -> int:
    """Index of the last i with first[i] + second[i] <= most, or -1, where those sums never fall.

    Gallops from `hint`, then halves: sorted edges cost a few steps each, like a merge; one far edge costs a binary
    search.
    """
    size = first.size
    if size == 0:
        return -1
    low = min(max(hint, 0), size - 1)
    high = low + 1
    stride = 1
    if first[low] + second[low] <= most:
        while high < size and first[high] + second[high] <= most:
            low = high
            stride *= 2
            high = min(low + stride, size)
    else:
        high = low
        low = high - 1
        while low >= 0 and first[low] + second[low] > most:
            high = low
            stride *= 2
            low = max(high - stride, -1)
    while high - low > 1:
        middle = (low + high) // 2
        if first[middle] + second[middle] <= most:
            low = middle
        else:
            high = middle
    return low


@compiled
def locate(
    requested_ns: IntArray,
    answered_ns: IntArray,
    age_ns: int,
    earliest_ns: IntArray,
    latest_ns: IntArray,
    found: IntArray,
) -> None:
    """Fill found[4, edges] with the readings an edge rests on, -1 where there is none.

    Rows 0, 1: the readings the estimate stands between, by doubled midpoints (twice, so that none is rounded); the same
    reading twice if its request..answer covers the whole edge. Row 2: the last one answered at or before earliest. Row
    3: the first requested at or after latest + age. Rows 2 and 3 stay -1 for an unknown age.

    Where edges are few, each is looked for from where an even pace of readings would have it; where they are many, from
    where the one before it was.
    """
    found[:] = -1
    size = requested_ns.size
    guesses = size > max(1, _GUESS_ABOVE * earliest_ns.size)
    first_ns = requested_ns[0] if guesses else 0
    span = max(1, (requested_ns[size - 1] - first_ns) >> _GUESS_SHIFT) if guesses else 1
    at = 0
    for edge in range(earliest_ns.size):
        earliest, latest = earliest_ns[edge], latest_ns[edge]
        if guesses:
            at = ((earliest - first_ns) >> _GUESS_SHIFT) * (size - 1) // span
        at = last_at_most(requested_ns, answered_ns, earliest + latest, at)
        covering = last_at_most(requested_ns, requested_ns, 2 * earliest, at)
        if covering >= 0 and latest <= answered_ns[covering]:
            found[0, edge] = covering
            found[1, edge] = covering
        elif 0 <= at < size - 1:
            found[0, edge] = at
            found[1, edge] = at + 1
        if age_ns >= 0:
            found[2, edge] = last_at_most(answered_ns, answered_ns, 2 * earliest, at)
            after = last_at_most(requested_ns, requested_ns, 2 * (latest + age_ns) - 1, at) + 1
            if after < size:
                found[3, edge] = after


@compiled
def interpolate(
    requested_ns: IntArray,
    answered_ns: IntArray,
    counter: IntArray,
    twice_ns: IntArray,
    before: IntArray,
    after: IntArray,
    out: IntArray,
) -> None:
    """Fill out[edge] with the counter at twice_ns[edge] / 2 on the line between two readings, rounded down.

    A reading stands at the midpoint of its request..answer. An edge whose `before` is -1 is left as it is in `out`.
    """
    for edge in range(twice_ns.size):
        i, j = before[edge], after[edge]
        if i >= 0:
            out[edge] = counter[i]
            if j != i:
                start = requested_ns[i] + answered_ns[i]
                end = requested_ns[j] + answered_ns[j]
                if counter[j] >= counter[i]:
                    out[edge] += muldiv(counter[j] - counter[i], twice_ns[edge] - start, end - start)
                else:  # a register that may fall: rounded down all the same
                    out[edge] = counter[j] + muldiv(counter[i] - counter[j], end - twice_ns[edge], end - start)


@compiled
def carried(between_ns: IntArray, power_max_w: int, per_unit: int, out: IntArray) -> None:
    """Fill out with the energy that `power_max_w` delivers in each time, rounded up and one more."""
    for at in range(between_ns.size):
        out[at] = muldiv(between_ns[at], power_max_w, per_unit) + 1
