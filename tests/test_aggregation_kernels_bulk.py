"""What the one pass must notice: every kind of step that the exact rules have a name for, wherever it stands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.aggregation import kernels_bulk as kernels
from agent.aggregation.counter import stretches
from agent.aggregation.odd_steps import Rules

SECOND = 10**9
SIZE = 5000
DECLARED = np.array([0, 0, 1, 3600, 0, -1, 0], np.int64)  # 3.6 kW are 1000 mWh a second


def sound():
    requested = np.arange(1, SIZE + 1, dtype=np.int64) * SECOND
    return requested, requested + 1, np.arange(SIZE, dtype=np.int64) * 900, np.zeros(SIZE, np.uint32)


def test_a_running_counter_is_clean():
    assert kernels.screen(*sound(), DECLARED) == kernels.CLEAN


@pytest.mark.parametrize("at", [1, 2047, 2048, 2049, SIZE - 1])
@pytest.mark.parametrize(
    ("column", "change", "verdict"),
    [
        (2, -901, kernels.SUSPECT),  # falls by 1
        (2, 103, kernels.SUSPECT),  # 1003 in 1 s and 1 ns: 1000 and 1 and the step of 1 are the most
        (2, 2**62, kernels.UNSOUND),
        (1, -SECOND, kernels.UNSOUND),  # answered with the one before it
        (0, 2, kernels.UNSOUND),  # asked for after its answer
        (0, -SECOND - 1, kernels.UNSOUND),  # asked for before the one before it
    ],
    ids=["fall", "jump", "beyond", "one answer", "answer first", "request back"],
)
def test_each_reading_is_looked_at(at, column, change, verdict):
    columns = sound()
    columns[column][at] += change
    assert kernels.screen(*columns, DECLARED) == verdict


@pytest.mark.parametrize("at", [0, 2048, SIZE - 1])
def test_a_bad_status_is_noticed(at):
    columns = sound()
    columns[3][at] = 0x3FFFFFFF
    assert kernels.screen(*columns, DECLARED) == kernels.CLEAN
    columns[3][at] = 0x40000000
    assert kernels.screen(*columns, DECLARED) == kernels.SUSPECT


def test_a_rise_that_fits_its_own_time_is_cleared_though_another_gap_is_shorter():
    requested, answered, counter, status = sound()
    gap = np.arange(SIZE) >= 100
    assert kernels.screen(requested + gap * SECOND, answered + gap * SECOND, counter + gap * 900, status, DECLARED) == 0


@given(st.lists(st.tuples(st.integers(1, 3 * SECOND), st.integers(-3, 3000)), max_size=30), st.booleans())
@settings(deadline=None, max_examples=300)
def test_whatever_is_clean_has_no_anomaly(steps, rated):
    times = np.cumsum(np.array([SECOND, *(step for step, _ in steps)], np.int64))
    counter = np.cumsum(np.array([10, *(rise for _, rise in steps)], np.int64))
    limit, ones, power_max_w = 4000, 5000, 3600 if rated else None
    declared = np.array([0, 0, 1, power_max_w or -1, limit, ones, 0], np.int64)
    seen = stretches(times, times, counter, Rules(limit, power_max_w, age_ns=0, above=1, ones=ones))
    clean = kernels.screen(times, times, counter, np.zeros(times.size, np.uint32), declared) == kernels.CLEAN
    assert not (clean and seen.anomalies)
    if counter[-1] < ones:  # beyond, all ones may have been passed; no counter modulo the limit comes so far
        assert clean == (not seen.anomalies)


def test_a_register_that_may_fall_is_left_to_the_exact_rules():
    assert kernels.screen(*sound(), np.array([0, 0, 1, 3600, 0, -1, 1], np.int64)) == kernels.SUSPECT


def test_a_gap_that_may_hide_a_turn_is_noticed():
    requested, answered, counter, status = sound()
    declared = np.array([0, 0, 1, 3600, 5_000_000, -1, 0], np.int64)  # more than the whole of it can carry
    assert kernels.screen(requested, answered, counter, status, declared) == kernels.CLEAN
    gap = (np.arange(SIZE) >= 100) * 5000 * SECOND  # 5,000,000 mWh at 3.6 kW
    assert kernels.screen(requested + gap, answered + gap, counter, status, declared) == kernels.SUSPECT
