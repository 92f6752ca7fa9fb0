"""Counter anomalies by name, and no delta across a stretch."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aggregation import counter as machine
from agent.aggregation.counter import Anomaly
from agent.aggregation.odd_steps import Rules

SECOND = 1_000_000_000


def columns(counter, every_ns=SECOND):
    counter = np.array(counter, np.int64)
    requested = np.arange(counter.size, dtype=np.int64) * every_ns
    return requested, requested + every_ns // 100, counter


def stretches(requested, answered, counter, **declared):
    return machine.stretches(requested, answered, counter, Rules(**declared))


def test_a_rising_counter_is_one_stretch_as_it_stands():
    seen = stretches(*columns([5, 5, 9, 12]))
    assert seen.counter.tolist() == [5, 5, 9, 12]
    assert seen.stretch.tolist() == [0, 0, 0, 0]
    assert seen.anomalies == ()


def test_a_wrap_continues_the_stretch():
    # modulus 1000: 990 -> 15 is 25 further on
    seen = stretches(*columns([980, 990, 15, 40]), limit=1000)
    assert seen.counter.tolist() == [980, 990, 1015, 1040]
    assert seen.stretch.tolist() == [0, 0, 0, 0]
    assert seen.anomalies == (Anomaly("wrap", 2, 2 * SECOND + SECOND // 100, 990, 15),)


def test_two_wraps_add_the_limit_twice():
    assert stretches(*columns([900, 100, 599, 99]), limit=1000).counter.tolist() == [900, 1100, 1599, 2099]


@pytest.mark.parametrize(
    ("before", "after", "limit", "kind"),
    [
        (990, 15, 0, "back_step"),  # no modulus is known: 15 is not near 0 either (990 // 1000 is 0)
        (990, 0, 0, "reset"),
        (990, 600, 1000, "back_step"),  # 610 further on is more than half of the modulus
        (499, 0, 1000, "reset"),  # 501 further on
        (1000, 3, 1000, "back_step"),  # a counter modulo 1000 never shows 1000
        (990, -5, 1000, "back_step"),
    ],
)
def test_without_a_power_limit(before, after, limit, kind):
    seen = stretches(*columns([before, after, after + 7]), limit=limit)
    assert [anomaly.kind for anomaly in seen.anomalies] == [kind]
    assert seen.stretch.tolist() == [0, 1, 1]
    assert seen.counter.tolist() == [before, after, after + 7]


def test_a_power_limit_tells_a_wrap_from_an_exchange():
    # 3600 kW for 1.01 s (request to answer) is 1010 Wh = 1,010,000 mWh, one more for the part of a mWh
    limit = 10**12
    seen = stretches(*columns([limit - 1, 1_010_000]), limit=limit, power_max_w=3_600_000)
    assert (seen.anomalies[0].kind, int(seen.counter[1])) == ("wrap", limit + 1_010_000)
    seen = stretches(*columns([limit - 1, 1_010_001]), limit=limit, power_max_w=3_600_000)
    assert (seen.anomalies[0].kind, int(seen.counter[1])) == ("reset", 1_010_001)
    seen = stretches(*columns([limit - 1, 1_010_002]), limit=limit, power_max_w=3_600_000)
    assert (seen.anomalies[0].kind, int(seen.counter[1])) == ("back_step", 1_010_002)


def test_a_register_that_may_be_older_may_have_counted_longer():
    # 1 s more at 3600 kW is 1 kWh = 1,000,000 mWh more
    limit = 10**12
    seen = stretches(*columns([limit - 1, 2_000_000]), limit=limit, power_max_w=3_600_000, age_ns=SECOND)
    assert seen.anomalies[0].kind == "wrap"


def test_a_new_stretch_starts_from_what_the_register_shows():
    # 2 kW x 1.01 s is 561 mWh: 10 is a wrap by 20; 50 -> 0 would be a wrap by 950
    seen = stretches(*columns([990, 10, 50, 0, 30]), limit=1000, power_max_w=2000)
    assert seen.counter.tolist() == [990, 1010, 1050, 0, 30]
    assert seen.stretch.tolist() == [0, 0, 0, 1, 1]
    assert [anomaly.kind for anomaly in seen.anomalies] == ["wrap", "reset"]


def test_a_counter_past_62_bits_is_refused():
    top = 2**61
    with pytest.raises(ValueError, match="reading 4: the counter wrapped past 2\\^62"):
        stretches(*columns([top - 1, 0, top // 2, top - 1, 0]), limit=top)


@given(st.lists(st.integers(0, 499), min_size=2, max_size=50), st.integers(0, 999))
def test_any_increments_below_half_the_modulus_come_back(increments, first):
    true = first + np.cumsum([0, *increments])
    seen = stretches(*columns(true % 1000), limit=1000)
    assert np.diff(seen.counter).tolist() == increments
    assert len(seen.anomalies) == (int(true[-1]) // 1000 - first // 1000)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50), st.integers(0, 5), st.sampled_from([-1, 0, 7, 10**6]))
def test_what_counts_is_as_it_was_shown_and_never_falls_within_a_stretch(shown, above, ones):
    seen = stretches(*columns(shown), above=above, ones=ones)
    rows = range(len(shown)) if seen.kept is None else seen.kept.tolist()
    assert seen.counter.tolist() == [shown[row] for row in rows]
    steps = list(zip(pairwise(seen.counter.tolist()), pairwise(seen.stretch.tolist()), strict=True))
    assert all(after >= before or later > earlier for (before, after), (earlier, later) in steps)
    told = {anomaly.kind for anomaly in seen.anomalies}
    assert bool(told & {"zero", "all_ones", "jitter", "outlier"}) == (len(rows) < len(shown))
    assert bool(told - {"zero", "all_ones", "jitter", "outlier"}) == bool(seen.stretch.any())


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
def test_what_nobody_has_to_judge_passes_the_sieve_untouched(increments):
    shown = np.cumsum(increments)
    assert machine.suspects(*columns(shown), Rules(limit=10**12, above=1)).size == 0


def test_a_rise_beyond_what_the_circuit_carries_opens_a_stretch():
    # 3600 W for one second is 1 Wh, 1000 mWh; answers are a second apart and requests come 10 ms before them
    counter = [0, 1000, 2000, 2_000_000, 2_001_000]
    seen = stretches(*columns(counter), limit=0, power_max_w=3600, above=10)
    assert [(a.kind, a.index, a.before, a.after) for a in seen.anomalies] == [("jump", 3, 2000, 2_000_000)]
    assert seen.stretch.tolist() == [0, 0, 0, 1, 1]
    assert seen.counter.tolist() == counter


def test_without_a_declared_power_no_rise_is_too_large():
    assert stretches(*columns([0, 10**15])).anomalies == ()


@given(st.integers(1, 10**9), st.integers(0, 10**6), st.integers(-2, 2))
def test_a_jump_is_told_at_exactly_the_power_declared(power_max_w, above, beyond):
    requested, answered, _ = columns([0, 0])
    most = power_max_w * int(answered[1] - requested[0]) // 3_600_000_000 + 1 + above
    rise = max(0, most + beyond)
    seen = stretches(requested, answered, np.array([0, rise]), power_max_w=power_max_w, above=above)
    assert [a.kind for a in seen.anomalies] == (["jump"] if rise > most else [])
