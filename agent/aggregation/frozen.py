"""A counter that stands still while its meter's own power says that energy flows.

In: the readings' times, the counter, and the power read beside it. Out: runs of readings that are not to be believed.
The register may have stopped for good or only its display; either way nothing is claimed of that time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agent.aggregation.bounds import MISSING
from agent.aggregation.counter import Anomaly, Stretches
from agent.aggregation.odd_steps import Rules

if TYPE_CHECKING:
    from agent.aggregation.counter import IntArray

# Of a register whose age nobody states this much is taken for its age: the longest that field buses refresh by.
AGE_UNKNOWN_NS = 900 * 1_000_000_000
# Power is read at instants. A press may stand at its stroke at each of a few of them, and at rest in between.
READINGS_LEAST = 10
BEYOND = 10
_MW_NS_PER_WH_MILLI = 3_600_000_000_000


def without_frozen(
    seen: Stretches, requested_ns: IntArray, answered_ns: IntArray, power_w_milli: IntArray, rules: Rules
) -> Stretches:
    """Set aside what a register showed while it stood still under load; what it shows after opens a stretch.

    The columns have a row for each reading that counts, as `seen` has.
    """
    runs = _runs(requested_ns, answered_ns, seen.counter, power_w_milli, rules)
    caught_up = _caught_up(requested_ns, answered_ns, seen, power_w_milli, rules)
    if caught_up is not None and caught_up not in runs:
        runs.insert(0, caught_up)
    if not runs:
        return seen
    rows = np.arange(seen.counter.size) if seen.kept is None else seen.kept
    stretch, counts = seen.stretch.copy(), np.ones(rows.size, np.bool_)
    anomalies = list(seen.anomalies)
    for first, last in runs:
        counts[first + 1 : last + 1] = False
        stretch[last + 1 :] += 1
        shown = int(seen.counter[first])
        anomalies.append(Anomaly("frozen", int(rows[first]), int(answered_ns[first]), shown, shown))
    anomalies.sort(key=lambda anomaly: anomaly.index)
    return Stretches(rows[counts], seen.counter[counts], stretch[counts], tuple(anomalies))


def _runs(
    requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, power_w_milli: IntArray, rules: Rules
) -> list[tuple[int, int]]:
    """Runs (first reading, last reading) of one and the same content that lasted too long for the power there was.

    Too long: at least `READINGS_LEAST` readings, and between the first one's answer and the last one's request an
    energy, at the lower of the two powers read at either end of each interval, of more than `BEYOND` times two steps
    and what the register may be behind. A reading without power counts as none.
    """
    if counter.size < READINGS_LEAST:
        return []
    power = np.maximum(np.where(power_w_milli == MISSING, 0, power_w_milli), 0)
    changes = np.flatnonzero(np.diff(counter)) + 1
    firsts, lasts = np.r_[0, changes], np.r_[changes - 1, counter.size - 1]
    age_ns = AGE_UNKNOWN_NS if rules.age_ns < 0 else rules.age_ns
    most = int(power.max())
    least_ns = BEYOND * 2 * rules.slack * _MW_NS_PER_WH_MILLI // max(most, 1)
    enough, long = lasts - firsts + 1 >= READINGS_LEAST, requested_ns[lasts] - answered_ns[firsts] > least_ns
    runs = np.flatnonzero(enough & long)  # a sieve: most are short
    return [
        (run.start, run.stop - 1)
        for run in map(slice, firsts[runs].tolist(), (lasts[runs] + 1).tolist())
        if _is_too_long(requested_ns[run], answered_ns[run], power[run], rules, age_ns)
    ]


def _caught_up(
    requested_ns: IntArray, answered_ns: IntArray, seen: Stretches, power_w_milli: IntArray, rules: Rules
) -> tuple[int, int] | None:
    """The run that the readings begin with, if the step that ends it shows that it had stood still for long before.

    Of such a run only the end is seen. The step is one that power gives the lie to: more than `BEYOND` times two steps
    and what the greatest power read can deliver meanwhile, and in the register's age.
    """
    ends = np.flatnonzero(np.diff(seen.counter))
    if not ends.size or seen.stretch[ends[0] + 1] != seen.stretch[0]:
        return None
    last = int(ends[0])
    power = power_w_milli[: last + 2]
    if (power == MISSING).any() or int(power_w_milli.max()) <= 0:
        return None
    age_ns = AGE_UNKNOWN_NS if rules.age_ns < 0 else rules.age_ns
    if int(requested_ns[last]) - age_ns < int(answered_ns[0]):
        return None  # what the step tells of began before the first power at hand
    between_ns = int(answered_ns[last + 1]) - int(requested_ns[last]) + age_ns
    most = 2 * rules.slack * _MW_NS_PER_WH_MILLI + int(power_w_milli.max()) * between_ns
    rise = int(seen.counter[last + 1]) - int(seen.counter[last])
    return (0, last) if rise * _MW_NS_PER_WH_MILLI > BEYOND * most else None


def _is_too_long(requested_ns: IntArray, answered_ns: IntArray, power: IntArray, rules: Rules, age_ns: int) -> bool:
    steps_ns = np.maximum(requested_ns[1:] - answered_ns[:-1], 0).tolist()
    least = np.minimum(power[:-1], power[1:]).tolist()
    flowed: int = sum(watts * ns for watts, ns in zip(least, steps_ns, strict=True))
    hidden = 2 * rules.slack * _MW_NS_PER_WH_MILLI + int(power.max()) * age_ns
    return flowed > BEYOND * hidden
