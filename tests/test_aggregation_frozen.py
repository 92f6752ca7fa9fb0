"""A register that stands still under load is told; one that merely counts slowly, or has nothing to count, is not."""

import numpy as np
import pytest

from agent.aggregation.bounds import MISSING
from agent.aggregation.counter import stretches
from agent.aggregation.frozen import AGE_UNKNOWN_NS, READINGS_LEAST, without_frozen
from agent.aggregation.odd_steps import Rules

NS = 1_000_000_000


def seen(shown, power, every_s=60, **declared):
    rules = Rules(**{"age_ns": 0, "above": 1000, **declared})
    at_ns = np.arange(len(shown), dtype=np.int64) * every_s * NS
    counter = np.array(shown, np.int64)
    powers = np.broadcast_to(np.array(power, np.int64), counter.shape)
    return without_frozen(stretches(at_ns, at_ns, counter, rules), at_ns, at_ns, powers, rules)


STILL = [5000] * READINGS_LEAST  # nine minutes


def test_what_it_showed_meanwhile_is_set_aside_and_what_follows_opens_a_stretch():
    found = seen([1000, *STILL, 9000], 60_000_000)  # 60 kW are 1 kWh a minute, a thousand steps
    assert found.kept.tolist() == [0, 1, 11]
    assert found.stretch.tolist() == [0, 0, 1]
    assert [(a.kind, a.index, a.before) for a in found.anomalies] == [("frozen", 1, 5000)]


def test_to_the_end_of_what_is_known():
    assert seen([1000, *STILL], 60_000_000).kept.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("power_w_milli", "is_frozen"),
    [
        (0, False),
        (-60_000_000, False),
        (MISSING, False),
        # nine minutes at P: P x 540 s beyond ten times two steps of 1 Wh, 20 Wh: P > 133,333.3 mW
        (133_333, False),
        (133_334, True),
    ],
)
def test_it_takes_ten_times_two_steps(power_w_milli, is_frozen):
    assert (seen(STILL, power_w_milli).kept is not None) == is_frozen


def test_a_register_may_be_behind_by_its_age():
    # at 60 kW nine minutes are 9000 Wh; an age of 53 s hides 883 Wh, with two steps 885: ten times that is less
    assert seen(STILL, 60_000_000, age_ns=53 * NS).kept is not None
    assert seen(STILL, 60_000_000, age_ns=54 * NS).kept is None
    assert seen(STILL, 60_000_000, age_ns=-1).kept is None
    assert seen(STILL, 60_000_000, age_ns=-1, every_s=2 * AGE_UNKNOWN_NS // NS).kept is not None


def test_a_few_readings_show_nothing():
    assert seen(STILL[1:], 60_000_000, every_s=3600).kept is None


def test_anomalies_stay_in_order_and_speak_of_rows_as_given():
    found = seen([5000, 4999, *STILL], 60_000_000, above=1)
    assert [(a.kind, a.index) for a in found.anomalies] == [("frozen", 0), ("jitter", 1)]
    assert found.kept.tolist() == [0]


@pytest.mark.parametrize(
    ("rise", "is_frozen"),
    # 60 kW are 1000 Wh a minute, with two steps of 1 Wh 1002: ten times that is 10,020 Wh
    [(10_020_000, False), (10_020_001, True)],
)
def test_a_run_that_began_before_the_first_reading_is_told_by_how_far_it_catches_up(rise, is_frozen):
    found = seen([5000, 5000, 5000 + rise, 6000 + rise], 60_000_000)
    assert found.stretch.tolist() == ([0, 1, 1] if is_frozen else [0, 0, 0, 0])
    assert [(a.kind, a.index) for a in found.anomalies] == [("frozen", 0)] * is_frozen


@pytest.mark.parametrize("power", [0, MISSING, [60_000_000, 60_000_000, MISSING, 60_000_000]])
def test_without_power_nothing_tells_that_it_caught_up(power):
    assert seen([5000, 5000, 10**9, 10**9 + 1000], power).anomalies == ()


def test_only_of_the_first_run_the_beginning_is_not_seen():
    assert seen([4000, 5000, 5000, 10**9, 10**9 + 1000], 60_000_000).anomalies == ()


@pytest.mark.parametrize(("age_s", "told"), [(60, True), (61, False)])
def test_a_late_register_may_tell_of_a_time_before_the_first_power_at_hand(age_s, told):
    # asked at 60 s, it showed what stood there at the earliest `age_s` before: power was read from 0 s on
    found = seen([5000, 5000, 10**9, 10**9 + 1000], 60_000_000, age_ns=age_s * NS)
    assert bool(found.anomalies) == told
