"""The tightest bounds anyone could claim from a set of readings: the yardstick for the bounds that the product claims.

In: readings of one counter, what is known of its register, two edges. Out: bounds on the energy indicated between the
edges.
Never: anything but comparing integers one by one; slow on purpose, and it shares nothing with the code it checks.

A reading (requested, answered, c) says of the never falling indication I:  I(answered) >= c - below,  I(requested -
age) < c + above.
"""

from collections.abc import Sequence


def tightest_window(
    readings: Sequence[tuple[int, int, int]],
    age_ns: int,
    below: int,
    above: int,
    start: tuple[int, int],
    end: tuple[int, int],
) -> tuple[int, int] | None:
    """Return (lower, upper) of I(end) - I(start), both edges known as (earliest_ns, latest_ns), in the counter's unit.

    lower <= energy < upper. None if some edge has no reading on either side that speaks of it.
    """
    start_least, start_most = _least(readings, below, start[0]), _most(readings, age_ns, above, start[1])
    end_least, end_most = _least(readings, below, end[0]), _most(readings, age_ns, above, end[1])
    if start_least is None or start_most is None or end_least is None or end_most is None:
        return None
    return max(0, end_least - start_most), end_most - start_least


def _least(readings: Sequence[tuple[int, int, int]], below: int, at_ns: int) -> int | None:
    """I(at) is at least I(answered) of every answer before."""
    return max((counter - below for _, answered_ns, counter in readings if answered_ns <= at_ns), default=None)


def _most(readings: Sequence[tuple[int, int, int]], age_ns: int, above: int, at_ns: int) -> int | None:
    """I(at) is less than the bound of every request at least the register's age after."""
    return min(
        (counter + above for requested_ns, _, counter in readings if requested_ns - age_ns >= at_ns), default=None
    )
