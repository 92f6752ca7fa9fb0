"""Energy by power against areas worked out by hand and an exact integral."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import archive_maker as maker
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_verifier_check_batches import with_parts

from agent.aggregation import replay
from agent.aggregation.bounds import MISSING
from agent.aggregation.by_power import ALLOWED, POWER_DISAGREES, PowerEnergy, by_power
from agent.aggregation.energy import WindowEnergy

S = 1_000_000_000
W = 1_000  # mW


def energy(rows, start, end, age_ns=0):
    """Rows of (time in s, power in W or None), each asked and answered in one instant."""
    times = np.array([at * S for at, _ in rows], dtype=np.int64)
    power = np.array([MISSING if watts is None else watts * W for _, watts in rows], dtype=np.int64)
    return by_power(times, times, power, (start * S, start * S), (end * S, end * S), age_ns)


STEADY = [(at, 3_600) for at in range(0, 110, 10)]


def test_a_steady_load():
    # 3.6 kW for 50 s are 50 Wh; nothing changes, so the slack is the allowed tenth
    assert energy(STEADY, 20, 70) == PowerEnergy(50_000, 5_000)


def test_edges_between_readings_cut_the_trapezoids():
    # from 3.6 kW at 0 s to 7.2 kW at 10 s: 4.32 kW at 2 s, 6.48 kW at 8 s; 6 s of 5.4 kW are 9 Wh; the change may lie
    # anywhere in 10 s: 3.6 kW x 10 s / 2 = 5 Wh
    assert energy([(0, 3_600), (10, 7_200)], 2, 8) == PowerEnergy(9_000, 5_900)


def test_the_width_of_an_edge_and_the_age_of_a_register_are_slack():
    times = np.array([0, 10 * S, 20 * S], dtype=np.int64)
    power = np.array([3_600 * W, 7_200 * W, 3_600 * W], dtype=np.int64)
    # edges 2 s wide at 3 to 5 and 15 to 17, middles 4 and 16: 12 s of mean 6.12 + ... by symmetry 2 x 6 s of
    #   (5.04 + 7.2) / 2 = 6.12 kW: 20.4 Wh; changes 2 x 3.6 kW x 10 s / 2: 10 Wh; edges 7.2 kW x (2 + 2) s / 2: 4 Wh;
    #   age 0.5 s x 3.6 kW: 0.5 Wh; a tenth 2.04 Wh
    found = by_power(times, times, power, (3 * S, 5 * S), (15 * S, 17 * S), S // 2)
    assert found == PowerEnergy(20_400, 16_540)


def test_a_reading_lies_somewhere_between_request_and_answer():
    requested = np.array([0, 10 * S], dtype=np.int64)
    answered = requested + 2 * S
    power = np.array([0, 3_600 * W], dtype=np.int64)
    # at 1 and 11 s; the whole ramp: 3.6 kW x 10 s / 2 = 5 Wh; they can lie 12 s apart: 6 Wh; a tenth
    found = by_power(requested, answered, power, (S, S), (11 * S, 11 * S), -1)
    assert found == PowerEnergy(5_000, 6_500)


def test_export_is_no_import():
    assert energy([(0, -3_600), (10, -3_600)], 0, 10) == PowerEnergy(0, 0)


@pytest.mark.parametrize(
    ("rows", "start", "end"),
    [
        ([], 0, 1),
        (STEADY, 5, 101),  # beyond the last reading
        (STEADY[1:], 5, 50),  # before the first
        ([(0, 1), (10, None), (20, 1)], 5, 15),
        (STEADY, 50, 50),
    ],
    ids=["none", "end", "start", "gap", "no time"],
)
def test_what_power_does_not_reach_over_is_not_known(rows, start, end):
    assert energy(rows, start, end) is None


@pytest.mark.parametrize(
    ("lower", "upper", "agrees"),
    [(49_000, 51_000, True), (55_000, 57_000, True), (55_001, 57_003, False), (42_997, 45_000, True),
     (42_997, 44_999, False), (None, None, True)],
)  # fmt: skip
def test_both_slacks_must_be_exceeded(lower, upper, agrees):
    # 50 Wh, slack 5 Wh
    counted = WindowEnergy(lower, lower, upper, (0, 10**6), complete=True)
    assert energy(STEADY, 20, 70).agrees(counted) == agrees


def counted_beside(power_w: int) -> replay.Amount:
    """The factory's line meter, 0.7 Wh a second by its register, from reading 1 to reading 11, with this power."""
    counter = replay.counters(maker.manifest_parts())["line1", "energy_import"]
    at = np.array([maker.T0 + n * 10 * S for n in range(15)], dtype=np.int64)
    known = replay.Readings(at, at, tuple(5000 + 7 * n for n in range(15)), ())
    power = np.full(15, power_w * W, dtype=np.int64)
    edges = [(int(at[n]), int(at[n])) for n in (1, 11)]
    return replay.amounts(counter, replace(known, power_w_milli=power), edges, [(0, 1)])[0]


def test_an_amount_stands_beside_its_power():
    # 7 Wh in 10 s are 2520 W; 70 Wh in 100 s
    found = counted_beside(2_520)
    assert (found.amount, found.by_power, found.by_power_slack, found.anomalies) == (70_000, 70_000, 7_000, ())


def test_a_power_of_another_size_is_told_and_changes_no_amount():
    found = counted_beside(25_200)
    assert (found.amount, found.by_power, found.anomalies) == (70_000, 700_000, (POWER_DISAGREES,))


def test_what_an_agent_signs_of_power_is_recomputed(monkeypatch: pytest.MonkeyPatch):
    lines = maker.failures(with_parts(monkeypatch, 1, by_power=5))
    assert any("by_power signed 5, recomputed nothing" in line for line in lines)


LOADS = st.lists(st.integers(0, 10**7), min_size=11, max_size=11)


@given(LOADS, st.integers(0, 49), st.integers(50, 100))
def test_the_integral_is_exact_and_windows_add_up(loads, start, end):
    rows = [(10 * n, watts) for n, watts in enumerate(loads)]

    def at(moment):
        n, rest = divmod(moment, 10)
        return Fraction(loads[n]) if not rest else loads[n] + Fraction(rest * (loads[n + 1] - loads[n]), 10)

    joints = sorted({start, end, *range(0, 101, 10)})
    joints = joints[joints.index(start) : joints.index(end) + 1]
    exact = sum((at(a) + at(b)) * (b - a) for a, b in pairwise(joints)) / 2 * W / 3600
    found = energy(rows, start, end)
    assert abs(found.energy_wh_milli - exact) <= Fraction(1, 2)
    assert found.slack_wh_milli >= exact / ALLOWED


@given(st.lists(st.tuples(st.integers(1, 10**14), st.integers(0, 10**12)), min_size=2, max_size=20))
def test_extreme_times_and_powers_do_not_overflow(steps):
    times = np.cumsum([step for step, _ in steps], dtype=np.int64)
    power = np.array([mw for _, mw in steps], dtype=np.int64)
    ends = [(int(times[n]), int(times[n])) for n in (0, -1)]
    found = by_power(times, times, power, *ends, 0)
    pairs = list(pairwise(zip(times.tolist(), power.tolist(), strict=True)))
    area = sum(Fraction((p + q) * (t - s), 2) for (s, p), (t, q) in pairs)
    changes = sum(Fraction(abs(q - p) * (t - s), 2) for (s, p), (t, q) in pairs)
    assert abs(found.energy_wh_milli - area / (3600 * S)) <= Fraction(1, 2)
    exact = (changes + area / ALLOWED) / (3600 * S)
    assert exact <= found.slack_wh_milli < exact + 1
