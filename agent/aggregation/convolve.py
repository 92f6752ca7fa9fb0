"""Coverage of a sum of independent errors: their distributions in, the half-width that holds 95 % of the sum out.

After GUM Supplement 1 (JCGM 101:2008), with the distributions convolved on a grid of integers in place of drawn at
random: the same parts give the same digits on any machine. Whatever is rounded, is rounded so that the half-width is
never too small.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# The sum's whole range in cells, and the whole probability in units: a cumulative sum of it fits 64 bits.
CELLS = 1 << 14
MASS = 1 << 62
# So many parts, the widest, keep their own shape. None of the others is wider than a sixteenth of all: together they
# are taken for normal.
KEPT = 16
# A normal part stands as twelve equal rectangles. Their sum's 95 % lie within 1.953 of its standard deviation, where
# the normal's lie within 1.960; half a per cent more makes up for it.
TWELVE, WIDER_PERMILLE = 12, 1005


def half_width_95(widths: Sequence[int], normals: Sequence[int] = (), offset: int = 0) -> int:
    """The smallest grid half-width U for which |sum of all parts + offset| <= U holds with at least 95 %.

    `widths` are the full widths of rectangular parts, `normals` the standard deviations of normal ones, each around
    zero; `offset` is known and has no distribution. All in one unit.

    Never too small: a rectangle is widened to whole cells, which makes it less peaked, and sums keep that order for
    symmetric unimodal parts (Birnbaum, Ann. Math. Statist. 19 (1948) 76). A rectangle of k cells is a lattice of k
    equal masses plus a rectangle of one cell; what n of the latter add, at most n / 2 cells, is added whole. Masses are
    rounded down, and what is lost so counts as outside. Raises ValueError for a negative width or deviation.
    """
    if min((*widths, *normals), default=0) < 0:
        raise ValueError("a width or a standard deviation is negative: give 0 for a part without error")
    kept = _rectangles(widths, normals)
    far = abs(offset)
    if not kept:
        return far
    cell = -(-sum(kept) // CELLS)
    spans = [-(-width // cell) for width in kept]
    masses = np.array([MASS], dtype=np.int64)
    for span in spans:
        masses = _smeared(masses, span)
    return _least(masses, cell, len(spans), far)


def _rectangles(widths: Sequence[int], normals: Sequence[int]) -> list[int]:
    """The widths to convolve: the widest as they are, all others and the normal parts as one normal part."""
    ordered = sorted(filter(None, widths), reverse=True)
    kept, rest = ordered[:KEPT], ordered[KEPT:]
    twelfths = sum(width * width for width in rest) + 12 * sum(sigma * sigma for sigma in normals)
    if twelfths:
        sigma = isqrt(-(-twelfths // 12) - 1) + 1
        kept += [-(-sigma * WIDER_PERMILLE // 1000)] * TWELVE
    return kept


def _smeared(masses: NDArray[np.int64], span: int) -> NDArray[np.int64]:
    """The lattice of a sum with one more part of `span` equal masses, each rounded down."""
    below = np.cumsum(masses)
    window = np.empty(masses.size + span - 1, dtype=np.int64)
    window[: masses.size] = below
    window[masses.size :] = below[-1]
    window[span:] -= below[: window.size - span]
    return window // span


def _least(masses: NDArray[np.int64], cell: int, parts: int, far: int) -> int:
    """The smallest U for which at most a twentieth of all mass can lie outside, the sum being `far` off zero."""
    below = [0, *np.cumsum(masses).tolist()]
    last = len(below) - 1
    lost = MASS - below[last]

    def beyond(at: int) -> int:
        # Mass whose lattice point, half a cell further out for each part, lies above `at`; points stand at
        # (2 i - (last - 1)) / 2 cells.
        halves = (2 * at) // cell - parts
        first = min(max((halves + last - 1) // 2 + 1, 0), last)
        return int(below[last] - below[first])

    low, high = far, far + cell * (last + parts)
    while low < high:
        middle = (low + high) // 2
        if (beyond(middle - far) + beyond(middle + far) + lost) * 20 <= MASS:
            high = middle
        else:
            low = middle + 1
    return low
