"""The counter state machine: what a register showed in, unwrapped stretches and named anomalies out.

A stretch is a run of readings between which energy is the difference of two counter values. A wrap continues its
stretch; a register that went on from elsewhere opens a new one. This module never invents a delta across a stretch and
never alters a reading; one that is wrong by itself is set aside, by name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.aggregation.odd_steps import ASIDE, FROM_ZERO, W_NS_PER_WH_MILLI, Kind, Reading, Rules, name, was_outlier

IntArray = npt.NDArray[np.int64]

# Counters stay within +-2^62, so that the difference of any two fits 64 bits.
COUNTER_MOST = 2**62


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A step that is no plain count: the counter showed `before`, then `after` in reading `index`, answered at `at_ns`.

    The first four kinds no running counter makes; the others cannot be converted (derive.py).
    """

    kind: Kind
    index: int
    at_ns: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Stretches:
    """The readings that count: their rows (None: all), the counter with its wraps undone, the stretch number.

    A new stretch starts from what the register shows, so values of two stretches must not be subtracted. `anomalies`
    speak of rows as they were given.
    """

    kept: IntArray | None
    counter: IntArray
    stretch: IntArray
    anomalies: tuple[Anomaly, ...]


def stretches(requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, rules: Rules) -> Stretches:
    """Find what no running counter does, undo wraps, set single wrong readings aside and number the stretches.

    Raises ValueError if the unwrapped counter would leave +-2^62.
    """
    steps = suspects(requested_ns, answered_ns, counter, rules)
    if steps.size == 0:
        return Stretches(None, counter, np.zeros(counter.size, np.int64), ())
    return _Walk(requested_ns, answered_ns, counter, rules).through(steps.tolist())


def suspects(requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, rules: Rules) -> IntArray:
    """Indices of readings that may need a name: any below the one before, all ones, about as much as can be carried.

    Only a first sieve, so floats may do: whoever asks decides on exact integers.
    """
    rises = np.diff(counter)
    strange = np.zeros(counter.size, np.bool_)
    if not rules.net:
        strange[1:] = rises < 0
    if rules.ones >= 0:
        strange |= counter == rules.ones
    if rules.power_max_w is not None:
        between_ns = (answered_ns[1:] - requested_ns[:-1] + max(rules.age_ns, 0)).astype(np.float64)
        carried = between_ns * (rules.power_max_w / W_NS_PER_WH_MILLI)
        strange[1:] |= (np.abs(rises) if rules.net else rises) > carried * 0.999
        if rules.limit and not rules.net:
            strange[1:] |= rises + rules.limit <= carried * 1.001 + 2 + rules.slack
    elif not rules.net:
        strange[1:] |= (counter[:-1] == 0) & (rises > FROM_ZERO)
    found: IntArray = np.flatnonzero(strange)
    return found


class _Walk:
    """One pass over the suspects of a column. `last` is the newest reading that counts."""

    def __init__(self, requested_ns: IntArray, answered_ns: IntArray, counter: IntArray, rules: Rules) -> None:
        self._requested_ns, self._answered_ns, self._counter, self._rules = requested_ns, answered_ns, counter, rules
        self._change = np.zeros(counter.size, np.int64)
        self._opened = np.zeros(counter.size, np.int64)
        self._aside = np.zeros(counter.size, np.bool_)
        self._anomalies: list[Anomaly] = []
        self._lift = 0

    def through(self, steps: list[int]) -> Stretches:
        done = 0  # every reading before this one is decided
        for step in steps:
            if step >= done:
                done = self._decide(step)
        kept = np.flatnonzero(~self._aside) if self._aside.any() else None
        unwrapped, opened = self._counter + np.cumsum(self._change), np.cumsum(self._opened)
        if kept is not None:
            unwrapped, opened = unwrapped[kept], opened[kept]
        return Stretches(kept, unwrapped, opened, tuple(self._anomalies))

    def _decide(self, index: int) -> int:
        """Decide a suspect and whatever is set aside after it; returns the first reading not yet looked at."""
        last = self._kept_before(index)
        while index < self._counter.size:
            kind = self._name(last, index)
            if kind is None:
                break
            if kind not in ASIDE:
                last = self._unless_last_was_wrong(last, index)
                kind = self._name(last, index)
                if kind is not None and kind not in ASIDE:
                    self._go_on(kind, index, last)
                    break
                if kind is None:
                    break
            self._set_aside(kind, index, last)
            index += 1
        return index + 1

    def _name(self, last: int | None, index: int) -> Kind | None:
        if last is None:  # of a first reading only this can be told
            return "all_ones" if int(self._counter[index]) == self._rules.ones else None
        following = self._reading(index + 1) if index + 1 < self._counter.size else None
        return name(self._rules, self._reading(last), self._reading(index), following)

    def _unless_last_was_wrong(self, last: int | None, index: int) -> int | None:
        """The reading to compare with: where the step back gives the last one the lie, the one before that."""
        earlier = None if last is None else self._kept_before(last)
        if last is None or earlier is None or last != index - 1 or self._opened[last] or self._change[last]:
            return last
        if not was_outlier(self._rules, self._reading(earlier), self._reading(last), self._reading(index)):
            return last
        self._set_aside("outlier", last, earlier)
        return earlier

    def _go_on(self, kind: Kind, index: int, last: int | None) -> None:
        lifted = self._lift + self._rules.limit if kind == "wrap" else 0
        if lifted > COUNTER_MOST - self._rules.limit:
            raise ValueError(f"reading {index}: the counter wrapped past 2^62: split the columns before it")
        self._change[index] = lifted - self._lift
        self._opened[index] = kind != "wrap"
        self._lift = lifted
        self._tell(kind, index, last)

    def _set_aside(self, kind: Kind, index: int, last: int | None) -> None:
        """Once a run: a register that shows one step less for an hour is one anomaly."""
        run_goes_on = bool(index and self._aside[index - 1] and self._anomalies[-1].kind == kind)
        self._aside[index] = True
        if not run_goes_on:
            self._tell(kind, index, last)

    def _tell(self, kind: Kind, index: int, last: int | None) -> None:
        after = int(self._counter[index])
        before = after if last is None else int(self._counter[last])
        self._anomalies.append(Anomaly(kind, index, int(self._answered_ns[index]), before, after))

    def _kept_before(self, index: int) -> int | None:
        return next((at for at in range(index - 1, -1, -1) if not self._aside[at]), None)

    def _reading(self, index: int) -> Reading:
        return Reading(int(self._requested_ns[index]), int(self._answered_ns[index]), int(self._counter[index]))
