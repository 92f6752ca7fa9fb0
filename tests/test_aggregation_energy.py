"""Window energies: exact telescoping, shares by method, and no energy where there is none to claim."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.aggregation.energy import WindowEnergy, window_energy
from agent.aggregation.odd_steps import Rules
from agent.aggregation.window import boundaries


def at_edges(readings, edges, age_ns=-1, stretch=None):
    rows = np.array(readings, np.int64).reshape(-1, 3)
    intervals = np.array(edges, np.int64).reshape(-1, 2)
    numbers = np.zeros(len(rows), np.int64) if stretch is None else np.array(stretch, np.int64)
    return boundaries(*rows.T.copy(), numbers, Rules(age_ns=age_ns, above=10), *intervals.T.copy())


READINGS = [(0, 0, 100), (100, 100, 200), (200, 200, 400), (300, 300, 400), (400, 400, 480)]


def test_a_window_worked_out_by_hand():
    # 50 -> 150 at 150, 400 + 40 = 440 at 350; whole readings 100..300 hold 200 of 290; 200 / 290 is 689655.17 ppm.
    # lower: 400 (at 300) - 210 (at 100, plus the step) ; upper: 490 (at 400, plus the step) - 100 (at 0)
    seen = at_edges(READINGS, [(50, 50), (350, 350)], age_ns=0)
    assert window_energy(seen, 0, 1) == WindowEnergy(290, 190, 390, (689_655, 310_345), complete=True)


def test_an_unknown_age_claims_no_bounds():
    seen = at_edges(READINGS, [(50, 50), (350, 350)])
    assert window_energy(seen, 0, 1) == WindowEnergy(290, None, None, (689_655, 310_345), complete=True)


def test_edges_on_readings_are_all_measured():
    seen = at_edges(READINGS, [(100, 100), (300, 300)])
    assert window_energy(seen, 0, 1) == WindowEnergy(200, None, None, (1_000_000, 0), complete=True)


def test_a_window_between_two_readings_is_all_interpolated():
    seen = at_edges(READINGS, [(110, 110), (160, 160)])
    assert window_energy(seen, 0, 1) == WindowEnergy(100, None, None, (0, 1_000_000), complete=True)


def test_the_lower_bound_is_never_negative():
    seen = at_edges(READINGS, [(220, 220), (280, 280)], age_ns=0)
    assert window_energy(seen, 0, 1) == WindowEnergy(0, 0, 10, (0, 1_000_000), complete=True)


def test_a_bound_still_to_come_leaves_the_window_incomplete():
    # the register may be 60 old: what it showed at 400 is no proof of what it was at 350
    seen = at_edges(READINGS, [(50, 50), (350, 350)], age_ns=60)
    assert window_energy(seen, 0, 1) == WindowEnergy(290, 0, None, (689_655, 310_345), complete=False)


def test_across_a_stretch_or_outside_the_readings_there_is_no_energy():
    nothing = WindowEnergy(None, None, None, None, complete=False)
    seen = at_edges(READINGS, [(50, 50), (250, 250), (500, 500), (501, 501)], age_ns=0, stretch=[0, 0, 1, 1, 1])
    assert window_energy(seen, 0, 1) == nothing
    assert window_energy(seen, 1, 2) == nothing
    assert window_energy(seen, 2, 3) == nothing


def test_no_time_holds_no_energy():
    seen = at_edges(READINGS, [(40, 60), (250, 250), (250, 250)], age_ns=0)
    assert window_energy(seen, 0, 0) == WindowEnergy(0, 0, 0, (0, 1_000_000), complete=True)
    assert window_energy(seen, 1, 2) == WindowEnergy(0, 0, 0, (0, 1_000_000), complete=True)


def test_windows_that_end_before_they_start_or_do_not_exist_are_refused():
    seen = at_edges(READINGS, [(50, 60), (40, 70), (55, 58)])
    for start, end in ((0, 1), (0, 2), (1, 2), (2, 0)):
        with pytest.raises(ValueError, match=f"window {start}..{end}: it ends at .* before it starts at"):
            window_energy(seen, start, end)
    for start, end in ((0, 3), (-1, 0)):
        with pytest.raises(ValueError, match=f"window {start}..{end}: there are 3 edges"):
            window_energy(seen, start, end)


@given(
    st.lists(st.tuples(st.integers(1, 10**10), st.integers(0, 10**12)), min_size=2, max_size=30),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30),
    st.integers(-1, 10**10),
)
@settings(deadline=None, max_examples=150)
def test_any_partition_adds_up_to_the_counter_difference(steps, cuts_ppm, age_ns):
    times = np.cumsum([gap for gap, _ in steps]).tolist()
    counter = np.cumsum([energy for _, energy in steps]).tolist()
    readings = list(zip(times, times, counter, strict=True))
    first, last = times[0], times[-1]
    cuts = sorted(first + (last - first) * ppm // 10**6 for ppm in cuts_ppm)
    edges = [(cut, cut) for cut in [first, *cuts, last]]
    seen = at_edges(readings, edges, age_ns)
    windows = [window_energy(seen, start, end) for start, end in pairwise(range(len(edges)))]
    assert sum(window.energy for window in windows) == counter[-1] - counter[0]
    assert all(sum(window.method_share_ppm) == 1_000_000 for window in windows)
