"""Estimates and bounds at edges: against the oracle, against a simulated late register, compiled against uncompiled."""

import hashlib
import json
import os
import random
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import tightest_window

from agent.aggregation.bounds import MISSING
from agent.aggregation.energy import window_energy
from agent.aggregation.odd_steps import Rules
from agent.aggregation.window import INTERPOLATED, MEASURED, UNKNOWN, boundaries

TESTS = Path(__file__).parent


def at_edges(readings, edges, age_ns=-1, below=0, above=1, stretch=None):
    """Boundaries from rows (requested, answered, counter) and (earliest, latest)."""
    rows = np.array(readings, np.int64).reshape(-1, 3)
    intervals = np.array(edges, np.int64).reshape(-1, 2)
    numbers = np.zeros(len(rows), np.int64) if stretch is None else np.array(stretch, np.int64)
    rules = Rules(age_ns=age_ns, below=below, above=above)
    return boundaries(*rows.T.copy(), numbers, rules, *intervals.T.copy())


TEN = [(100, 110, 1000), (200, 210, 1100), (300, 310, 1300)]


@pytest.mark.parametrize(
    ("edge", "estimate", "method"),
    [
        ((105, 105), 1000, MEASURED),
        ((100, 110), 1000, MEASURED),
        ((210, 210), 1100, MEASURED),
        ((155, 155), 1050, INTERPOLATED),  # halfway from 105 to 205
        ((140, 170), 1050, INTERPOLATED),  # the midpoint counts
        ((205, 206), 1100, MEASURED),
        ((200, 211), 1101, INTERPOLATED),  # 0.5 / 100 of 200 after 205
        ((240, 253), 1183, INTERPOLATED),  # 41.5 / 100 of 200 after 205
        ((156, 157), 1051, INTERPOLATED),  # 51.5 / 100 of 100: rounded down
        ((99, 99), MISSING, UNKNOWN),
        ((311, 311), MISSING, UNKNOWN),
        ((300, 330), MISSING, UNKNOWN),
    ],
)
def test_estimates_worked_out_by_hand(edge, estimate, method):
    seen = at_edges(TEN, [edge])
    assert (seen.estimate[0], seen.method[0]) == (estimate, method)
    assert (seen.lower[0], seen.upper[0]) == (MISSING, MISSING)


def test_bounds_worked_out_by_hand():
    seen = at_edges(TEN, [(155, 160), (110, 150), (200, 251), (109, 109)], age_ns=50, below=3, above=20)
    assert seen.lower.tolist() == [997, 997, 997, MISSING]  # 210 is after 200
    assert seen.upper.tolist() == [1320, 1120, MISSING, 1120]  # 160 + 50 > 200; 251 + 50 > 300
    assert seen.floor.tolist() == [0, 0, 0, -1]
    assert seen.ceiling.tolist() == [2, 1, -1, 1]


def test_an_estimate_is_clamped_into_its_bounds():
    # two requests at 10: the first shows that I(10) < 0 + 1, so the 50 of the second, answered at 12, came later
    seen = at_edges([(10, 11, 0), (10, 12, 50), (20, 21, 60)], [(10, 10)], age_ns=0)
    assert (seen.estimate[0], seen.upper[0]) == (1, 1)


def test_no_estimate_and_no_bound_crosses_a_stretch_change():
    rows = [*TEN, (400, 410, 5), (500, 510, 25)]
    edges = [(250, 250), (350, 350), (455, 455), (305, 305), (305, 306), (399, 399)]
    seen = at_edges(rows, edges, age_ns=10, stretch=[0, 0, 0, 1, 1])
    assert seen.stretch.tolist() == [0, -1, 1, 0, 0, -1]
    assert seen.method.tolist() == [INTERPOLATED, UNKNOWN, INTERPOLATED, MEASURED, MEASURED, UNKNOWN]
    assert seen.lower.tolist() == [1100, MISSING, 5, 1100, 1100, MISSING]
    assert seen.upper.tolist() == [1301, MISSING, 26, MISSING, MISSING, MISSING]


def test_no_readings_and_no_edges():
    assert at_edges([], [(5, 6)], age_ns=1).method.tolist() == [UNKNOWN]
    assert at_edges(TEN, []).estimate.size == 0


def test_an_extreme_counter_over_an_extreme_gap():
    # 1.3e11 mWh in 4.7e13 ns: the product of the interpolation is 6.1e24
    span, energy, at = 47_000_000_000_000, 130_000_000_000, 12_345_678_901_234
    seen = at_edges([(0, 0, 7), (span, span, 7 + energy)], [(at, at)])
    assert seen.estimate[0] == 7 + energy * at // span


@st.composite
def cases(draw):
    """A few readings on a small clock, so that coincidences happen, and edges in any order."""
    readings, requested, answered, counter = [], 10, 9, draw(st.integers(0, 5))
    for _ in range(draw(st.integers(1, 7))):
        requested = max(requested, answered - draw(st.integers(0, 2))) + draw(st.integers(0, 6))
        answered = max(requested, answered + 1) + draw(st.integers(0, 3))
        readings.append((requested, answered, counter))
        counter += draw(st.integers(0, 9))
    edge = st.tuples(st.integers(5, answered + 5), st.integers(0, 8)).map(lambda e: (e[0], e[0] + e[1]))
    return readings, draw(st.lists(edge, min_size=2, max_size=8))


@given(cases(), st.integers(0, 9), st.integers(0, 2), st.integers(1, 5))
@settings(deadline=None, max_examples=250)
def test_bounds_are_the_tightest_anyone_could_claim(case, age_ns, below, above):
    readings, edges = case
    seen = at_edges(readings, edges, age_ns, below, above)
    for start, (e1, l1) in enumerate(edges):
        for end, (e2, l2) in enumerate(edges):
            if start == end or e2 < e1 or l2 < l1:
                continue
            window = window_energy(seen, start, end)
            lower, upper = tightest_window(readings, age_ns, below, above, (e1, l1), (e2, l2))
            if window.energy is None:
                assert UNKNOWN in (seen.method[start], seen.method[end])
                continue
            assert window.upper == upper
            assert window.lower == lower or (window.lower is None and lower == 0)
            assert window.energy >= 0
            assert window.lower is None or window.lower <= window.energy
            assert window.upper is None or window.energy <= window.upper


@given(cases(), st.integers(-1, 9))
@settings(deadline=None, max_examples=200)
def test_estimates_lie_on_the_line_and_in_their_bounds(case, age_ns):
    readings, edges = case
    seen = at_edges(readings, edges, age_ns)
    for index, (earliest, latest) in enumerate(edges):
        estimate = int(seen.estimate[index])
        middle = Fraction(earliest + latest, 2)
        points = [(Fraction(r + s, 2), c) for r, s, c in readings]
        inside = [c for r, s, c in readings if r <= earliest and latest <= s]
        around = [(a, b) for a, b in pairwise(points) if a[0] <= middle < b[0]]
        if inside:
            expected = inside[-1]
        elif around:
            (t1, c1), (t2, c2) = around[0]
            expected = (c1 + (c2 - c1) * (middle - t1) / (t2 - t1)).__floor__()
        else:
            expected = MISSING
        if seen.upper[index] != MISSING and expected != MISSING:
            expected = min(expected, int(seen.upper[index]))
        assert estimate == expected


def late_register(rng):
    """A register that floors to its step and refreshes late: (readings, age, step, true energy at an instant, end)."""
    knots = [(0, 10**6)]
    for _ in range(40):
        at, energy = knots[-1]
        knots.append((at + rng.randint(1, 400), energy + rng.choice([0, rng.randint(0, 900)])))

    def true(at):
        for (t1, e1), (t2, e2) in pairwise(knots):
            if t1 <= at <= t2:
                return e1 + Fraction(e2 - e1) * (at - t1) / (t2 - t1)
        raise AssertionError(at)

    last, age, step = knots[-1][0], rng.choice([0, 30, 100, 300]), rng.choice([1, 10, 250])
    refreshes, shown_at = [], 0
    while shown_at <= last:
        refreshes.append(shown_at)
        shown_at += rng.randint(1, max(age, 1))
    readings, at = [], 0
    while True:
        requested = at + rng.randint(1, 120)
        sampled = requested + rng.randint(0, 20)
        answered = sampled + rng.randint(0, 20)
        if answered > last:
            return readings, age, step, true, last
        content = max(instant for instant in refreshes if instant <= sampled) if age else sampled
        readings.append((requested, answered, true(content) // step * step))
        at = answered


def test_the_truth_of_a_late_quantising_register_is_always_inside():
    rng = random.Random(20260727)
    checked = 0
    for _ in range(60):
        readings, age, step, true, last = late_register(rng)
        instants = sorted(rng.randint(0, last) for _ in range(12))
        edges = [(max(0, at - rng.randint(0, 30)), at + rng.randint(0, 30)) for at in instants]
        seen = at_edges(readings, edges, age, 0, step)
        for start in range(12):
            for end in range(start + 1, 12):
                if edges[end][0] < edges[start][0] or edges[end][1] < edges[start][1]:
                    continue
                window = window_energy(seen, start, end)
                if window.lower is not None and window.upper is not None:
                    assert window.lower <= true(instants[end]) - true(instants[start]) <= window.upper
                    checked += 1
    assert checked > 1000


def digest():
    """SHA-256 over seeded cases, every column of the result."""
    rng = np.random.default_rng(7)
    hasher = hashlib.sha256()
    for size in (0, 1, 2, 50, 400):
        gaps = rng.integers(2 * 10**6, 2 * 10**9, size)
        requested = np.cumsum(gaps) + 1_700_000_000 * 10**9
        answered = requested + rng.integers(0, 2 * 10**6, size)
        counter = np.cumsum(rng.integers(0, 10**15, size))
        stretch = np.cumsum(rng.integers(0, 20, size) == 0)
        earliest = rng.integers(1_700_000_000 * 10**9, 1_700_000_000 * 10**9 + (size + 1) * 10**9, 60)
        latest = earliest + rng.integers(0, 10**9, 60)
        for age_ns in (-1, 0, 10**9):
            seen = boundaries(
                requested, answered, counter, stretch, Rules(age_ns=age_ns, below=2, above=10), earliest, latest
            )
            for column in (seen.estimate, seen.lower, seen.upper, seen.method, seen.before, seen.after, seen.stretch):
                hasher.update(column.astype("<i8").tobytes())
    return hasher.hexdigest()


def test_compiled_and_uncompiled_give_the_same_digits():
    code = "import json, numba, test_aggregation_window as t; print(json.dumps([numba.config.DISABLE_JIT, t.digest()]))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [1, digest()]
