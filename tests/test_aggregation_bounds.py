"""Bounds at an edge: by hand, and against all constraints at once where the most a circuit carries is declared."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import tightest_window

from agent.aggregation.bounds import MISSING, Anchors, Rows, at, bounds, within
from agent.aggregation.energy import window_energy
from agent.aggregation.odd_steps import Rules
from agent.aggregation.window import UNKNOWN, boundaries

MS = 1_000_000


def columns(*rows):
    return [np.array(column, np.int64) for column in zip(*rows, strict=True)]


def test_no_index_is_no_reading():
    assert at(np.array([5, 6]), np.array([1, -1, 0]), missing=9).tolist() == [6, 9, 5]


ROWS = Rows(*columns((0, 10, 1000, 0), (100, 110, 2000, 0), (200, 210, 7, 1)))
ANCHORS = Anchors(*columns((0, 0, 1), (0, 1, 2), (-1, 1, 2)))  # the third edge is of no stretch


def test_nothing_is_taken_from_another_stretch():
    assert within(ROWS, ANCHORS, ANCHORS.floor).tolist() == [0, 1, -1]
    assert within(ROWS, ANCHORS, ANCHORS.ceiling).tolist() == [1, -1, -1]


def test_from_the_readings_on_either_side():
    lower, upper = bounds(ROWS, ANCHORS, Rules(age_ns=0, below=3, above=20), *columns((50, 50), (150, 150), (205, 205)))
    assert lower.tolist() == [997, 1997, MISSING]
    assert upper.tolist() == [2020, MISSING, MISSING]


@pytest.mark.parametrize("rules", [Rules(), Rules(age_ns=0, net=True), Rules(age_ns=-1, power_max_w=5)])
def test_none_for_an_unknown_age_or_a_register_that_may_fall(rules):
    for column in bounds(ROWS, ANCHORS, rules, *columns((50, 50), (150, 150), (205, 205))):
        assert column.tolist() == [MISSING] * 3


def test_from_what_the_circuit_carries():
    # 3.6 MW are 1 mWh in 1000 ns; the edge at 50,000 ns lies 50 mWh after the request at 0 and 60 before the answer at
    # 110,000: from 1000 + 20 by 50 + 1, and from 1100 - 3 back by 60 + 1, each one more for rounding
    rows = Rows(*columns((0, 10_000, 1000, 0), (100_000, 110_000, 1100, 0)))
    anchors = Anchors(*columns((0, 0, 1)))
    rules = Rules(age_ns=0, below=3, above=20, power_max_w=3_600_000)
    lower, upper = bounds(rows, anchors, rules, *columns((50_000, 50_000)))
    assert (lower.tolist(), upper.tolist()) == ([1097 - 61], [1020 + 51])


def test_an_extreme_gap_does_not_overflow():
    day = 86_400 * 10**9
    rows = Rows(*columns((0, 0, 0, 0), (30 * day, 30 * day, 7_200_000_000_000, 0)))
    lower, upper = bounds(
        rows, Anchors(*columns((0, 0, 1))), Rules(age_ns=0, above=1, power_max_w=10_000_000), *columns((day, day))
    )
    # 10 MW for a day are 240 MWh; for 29 days 6960 MWh
    assert (lower.tolist(), upper.tolist()) == ([240_000_000_000 - 1], [240_000_000_000 + 2])


@st.composite
def metered(draw):
    """Readings, in ms, of a counter that gains at most 1000 units a ms; the edges; the register's age and step."""
    readings, true, shown_at, asked = [], [(0, 0)], 0, 0
    age, step = draw(st.integers(0, 40)), draw(st.integers(1, 500))
    for _ in range(60):
        true.append((true[-1][0] + 10, true[-1][1] + draw(st.integers(0, 10_000))))

    def indicated(instant):
        (t1, e1), (t2, e2) = next(pair for pair in pairwise(true) if pair[0][0] <= instant <= pair[1][0])
        return e1 + Fraction(e2 - e1) * (instant - t1) / (t2 - t1)

    while (asked := asked + draw(st.integers(1, 150))) < 560:
        answered = asked + draw(st.integers(1, 9))
        shown_at = max(shown_at, asked - draw(st.integers(0, age)))
        readings.append((asked, answered, indicated(shown_at) // step * step))
        asked = answered
    edge = st.tuples(st.integers(0, 560), st.integers(0, 20)).map(lambda one: (one[0], one[0] + one[1]))
    return readings, draw(st.lists(edge, min_size=2, max_size=5)), age, step, indicated


@given(metered(), st.data())
@settings(deadline=None, max_examples=150)
def test_truth_lies_within_and_no_more_is_claimed_than_all_constraints_allow(case, data):
    readings, edges, age, step, indicated = case
    if not readings:
        return
    # 1000 mWh a ms are 3.6e9 W
    rules = Rules(age_ns=age * MS, above=step, power_max_w=3_600_000_000)
    rows = columns(*((asked * MS, answered * MS, int(shown), 0) for asked, answered, shown in readings))
    seen = boundaries(*rows, rules, *columns(*((first * MS, last * MS) for first, last in edges)))
    for start, (e1, l1) in enumerate(edges):
        for end, (e2, l2) in enumerate(edges):
            if start == end or e2 < e1 or l2 < l1 or UNKNOWN in (seen.method[start], seen.method[end]):
                continue
            window = window_energy(seen, start, end)
            lower, upper = tightest_window(readings, age, 0, step, (e1, l1), (e2, l2), power_max=1000)
            assert window.lower is None or window.lower <= lower
            assert window.upper is None or window.upper >= upper
            t1, t2 = sorted((data.draw(st.integers(e1, l1)), data.draw(st.integers(e2, l2))))
            if None not in (window.lower, window.upper) and e1 <= t1 <= l1 and e2 <= t2 <= l2:
                assert window.lower <= indicated(t2) - indicated(t1) <= window.upper
