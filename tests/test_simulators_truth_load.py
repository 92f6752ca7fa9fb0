"""Loads: energies that add up exactly, powers within the rating, steps of less than a second."""

import numpy as np
import pytest

from simulators import truth_load
from simulators.truth_load import SECOND_US, load, work


def test_work_by_hand():
    done = work(np.array([0, 10, 25]), np.array([3, 0, 7]))
    assert done.at(np.array([0, 4, 10, 20, 25, 30])).tolist() == [0, 12, 30, 30, 30, 65]
    assert done.level(np.array([9, 10, 25])).tolist() == [3, 0, 7]


@pytest.mark.parametrize("number", range(8))
def test_energy_is_exact_and_power_within_the_rating(number):
    rated_mw, length_us = 600_000_000, 3_600 * SECOND_US
    drawn = load(np.random.default_rng(number), rated_mw, 0.9, 0.5, length_us)
    assert 0 <= int(drawn.power_mw.min()) <= int(drawn.power_mw.max()) <= rated_mw
    assert drawn.starts_us[-1] < length_us < 3 * int(drawn.starts_us[-1])
    done = work(drawn.starts_us, drawn.power_mw)
    at_us = [0, 1, 999_999, length_us // 3, length_us]
    ends = [*drawn.starts_us.tolist()[1:], 10**18]
    steps = list(zip(drawn.starts_us.tolist(), ends, drawn.power_mw.tolist(), strict=True))
    slowly = [sum(mw * (min(at, end) - start) for start, end, mw in steps if start < at) for at in at_us]
    assert done.at(np.array(at_us)).tolist() == slowly


def test_every_machine_but_the_furnace_and_the_motor_steps_within_a_second():
    rng = np.random.default_rng(1)
    medians = [float(np.median(machine(rng, 300)[0])) for machine in truth_load.MACHINES]
    assert sum(median < 1 for median in medians) >= 2
    assert min(float(machine(rng, 300)[1].min()) for machine in truth_load.MACHINES) == 0  # a standstill
