"""How energy spreads over the time between two readings: evenly, or as the meter's own power says. Pure, exact."""

from __future__ import annotations


def share(at: int, start: int, end: int, power_start: int, power_end: int) -> tuple[int, int]:
    """The part of the energy between `start` and `end` that flowed by `at`, as (numerator, denominator).

    Times in any one unit, start <= at <= end, start < end. Power is taken to run straight from one reading's to the
    other's, so the energy by `at` is the trapezoid below that line; the part is even where either power is missing,
    negative, or both are 0. It never falls as `at` rises, and is 0 at `start` and 1 at `end`.
    """
    span, by = end - start, at - start
    if min(power_start, power_end) < 0 or power_start == power_end:
        return by, span
    return (
        2 * power_start * by * span + (power_end - power_start) * by * by,
        (power_start + power_end) * span * span,
    )
