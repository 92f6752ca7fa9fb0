"""A register that stands still under load is told; one that merely counts slowly, or has nothing to count, is not."""

import numpy as np
import pytest

from agent.aggregation.counter import stretches
from agent.aggregation.frozen import AGE_UNKNOWN_NS, MISSING, without_frozen
from agent.aggregation.odd_steps import Rules

NS = 1_000_000_000


def seen(shown, power, every_s=60, **declared):
    rules = Rules(**{"age_ns": 0, "above": 1000, **declared})
    at_ns = np.arange(len(shown), dtype=np.int64) * every_s * NS
    counter = np.array(shown, np.int64)
    powers = np.broadcast_to(np.array(power, np.int64), counter.shape)
    return without_frozen(stretches(at_ns, at_ns, counter, rules), at_ns, at_ns, powers, rules)


def test_what_it_showed_meanwhile_is_set_aside_and_what_follows_opens_a_stretch():
    found = seen([1000, 5000, 5000, 5000, 5000, 9000], 60_000_000)  # 60 kW are 1 kWh a minute, a thousand steps
    assert found.kept.tolist() == [0, 1, 5]
    assert found.stretch.tolist() == [0, 0, 1]
    assert [(a.kind, a.index, a.before) for a in found.anomalies] == [("frozen", 1, 5000)]


def test_to_the_end_of_what_is_known():
    found = seen([1000, 5000, 5000, 5000], 60_000_000)
    assert found.kept.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("power_w_milli", "is_frozen"),
    [
        (0, False),
        (-60_000_000, False),
        (MISSING, False),
        # two minutes at P: 9/10 of P x 120 s beyond two steps of 1 Wh: P > 66,666.67 mW
        (66_666, False),
        (66_667, True),
    ],
)
def test_it_takes_more_than_two_steps_after_a_tenth_for_the_power_s_error(power_w_milli, is_frozen):
    found = seen([5000, 5000, 5000], power_w_milli)
    assert (found.kept is not None) == is_frozen


def test_a_register_may_be_behind_by_its_age():
    # at 60 kW two minutes are 2000 Wh; an age of 106 s hides 1767 Wh, with two steps 1769: less than 1800
    assert seen([5000, 5000, 5000], 60_000_000, age_ns=106 * NS).kept is not None
    assert seen([5000, 5000, 5000], 60_000_000, age_ns=108 * NS).kept is None
    assert seen([5000, 5000, 5000], 60_000_000, age_ns=-1).kept is None
    assert seen([5000, 5000, 5000], 60_000_000, age_ns=-1, every_s=AGE_UNKNOWN_NS // NS).kept is not None


def test_two_readings_show_nothing():
    assert seen([5000, 5000], 60_000_000, every_s=3600).kept is None


def test_anomalies_stay_in_order_and_speak_of_rows_as_given():
    found = seen([5000, 4999, 5000, 5000, 5000, 5000], 60_000_000, above=1)
    assert [(a.kind, a.index) for a in found.anomalies] == [("frozen", 0), ("jitter", 1)]
    assert found.kept.tolist() == [0]
