"""The tightest bounds anyone could claim for a window, by brute force: readings and two edges in, exact bounds out.

Every reading says two things of the meter's energy I: I(answered) >= counter - below and I(requested - age) < counter +
above. I never falls. These are difference constraints between instants, so shortest paths give the exact extremes of
I(t2) - I(t1) with no reasoning about which reading matters. Slow on purpose; imports nothing of ours.
"""

from fractions import Fraction
from itertools import pairwise

Bound = Fraction | None


def tightest_window(readings, age_ns, below, above, start, end, power_max=None) -> tuple[Bound, Bound]:
    """(lower, upper) of I(t2) - I(t1), t1 in start, t2 in end, t1 <= t2; None is unbounded, as is all for age_ns = -1.

    readings: (requested_ns, answered_ns, counter) of one stretch; start, end: (earliest_ns, latest_ns). `power_max` is
    the most that I rises by in a ns.
    """
    if age_ns < 0:
        return None, None
    instants = sorted({*start, *end, *(s for _, s, _ in readings), *(r - age_ns for r, _, _ in readings)})
    most = {(at, at): Fraction(0) for at in [*instants, "zero"]}  # most[x, y]: I(y) - I(x) is at most this

    def say(x, y, bound):
        most[x, y] = min(bound, most.get((x, y), bound))

    for earlier, later in pairwise(instants):
        say(later, earlier, Fraction(0))
        if power_max is not None:
            say(earlier, later, power_max * (later - earlier))
    for requested, answered, counter in readings:
        say(answered, "zero", Fraction(below - counter))
        say("zero", requested - age_ns, Fraction(counter + above))
    for via in [*instants, "zero"]:
        to = [(x, bound) for (x, y), bound in most.items() if y == via]
        onward = [(y, bound) for (x, y), bound in most.items() if x == via]
        for x, first in to:
            for y, second in onward:
                say(x, y, first + second)
    pairs = [
        (t1, t2)
        for t1 in instants
        for t2 in instants
        if start[0] <= t1 <= start[1] and end[0] <= t2 <= end[1] and t1 <= t2
    ]
    falls = [most.get((t2, t1)) for t1, t2 in pairs]
    rises = [most.get((t1, t2)) for t1, t2 in pairs]
    return (None if None in falls else -max(falls)), (None if None in rises else max(rises))
