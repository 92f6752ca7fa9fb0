"""Edges as intervals: always bracketed by their looks, narrowed only where the source's time can be believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aggregation.edges import APART_MOST_NS, edge, reported
from contract.records import Offset, Seen

MS, S = 1_000_000, 1_000_000_000
OFFSET = Offset(lower_ns=-2 * MS, upper_ns=3 * MS)


def seen(requested_ms, answered_ms, source_ms=None):
    return Seen(
        requested_ns=requested_ms * MS,
        answered_ns=answered_ms * MS,
        source_ns=None if source_ms is None else source_ms * MS,
    )


def interval(found):
    return found.earliest_ns / MS, found.latest_ns / MS, found.policy


def test_without_the_source_s_time_the_looks_bracket_the_edge():
    # the old state was shown by an answer to a request at 1000 and may have been 10 ms old; the new one came by 1220
    assert interval(edge(seen(1000, 1020), seen(1200, 1220, 1100), 10 * MS, None)) == (990, 1220, "observed")
    assert interval(edge(seen(1000, 1020, 900), seen(1200, 1220), 10 * MS, OFFSET)) == (990, 1220, "observed")


def test_the_source_s_time_narrows_the_bracket():
    # 1100 on a clock that is 2 ms behind to 3 ms ahead of ours is 1097 to 1102 of ours; 10 ms of lag before it
    assert interval(edge(seen(1000, 1020, 900), seen(1200, 1220, 1100), 10 * MS, OFFSET)) == (1087, 1102, "source")


def test_a_source_s_time_outside_the_bracket_is_not_believed():
    for source_ms in (900, 1300):
        found = edge(seen(1000, 1020, 500), seen(1200, 1220, source_ms), 10 * MS, OFFSET)
        assert interval(found) == (990, 1220, "observed")
        assert found.offset is None


def test_after_a_long_silence_the_last_change_says_nothing_of_the_first():
    hour = 3_600_000
    found = edge(seen(1000, 1020, 500), seen(hour, hour + 20, hour - 5000), 10 * MS, OFFSET)
    assert interval(found) == (990, hour + 20, "observed")


def test_a_source_that_stamps_every_sample_is_not_believed():
    # it sampled at 995 and 1195; the true change may have been at 1000, before anything its stamps would allow
    found = edge(seen(1000, 1020, 995), seen(1200, 1220, 1195), 10 * MS, OFFSET)
    assert interval(found) == (990, 1220, "observed")
    # a stamp of 986 is 983 to 988 of ours and 987 is 984 to 989, older than any sample of this look; 988 may be 990
    told = [edge(seen(1000, 1020, at), seen(1200, 1220, 1100), 10 * MS, OFFSET).policy for at in (986, 987, 988, 1010)]
    assert told == ["source", "source", "observed", "observed"]


def test_without_a_stamp_of_the_old_value_nothing_shows_what_stamps_mean():
    found = edge(seen(1000, 1020), seen(1200, 1220, 1100), 10 * MS, OFFSET)
    assert interval(found) == (990, 1220, "observed")


looks = st.lists(st.integers(1, 400), min_size=6, max_size=6).map(lambda steps: [sum(steps[: i + 1]) for i in range(6)])
offsets = st.none() | st.tuples(st.integers(-50, 50), st.integers(0, 20)).map(
    lambda pair: Offset(lower_ns=pair[0] * MS, upper_ns=(pair[0] + pair[1]) * MS)
)


@given(looks, st.lists(st.integers(-50, 2600), min_size=3, max_size=3), st.lists(offsets, min_size=2, max_size=2),
       st.integers(0, 60))  # fmt: skip
def test_of_two_edges_that_share_a_look_the_later_never_begins_or_ends_earlier(times, sources, offsets, lag_ms):
    """Else a batch of a single look could end before it starts, and nobody could compute its energy."""
    first = seen(times[0], times[1], sources[2])
    shared, last = seen(times[2], times[3], sources[0]), seen(times[4], times[5], sources[1])
    start = edge(first, shared, lag_ms * MS, offsets[0])
    end = edge(shared, last, lag_ms * MS, offsets[1])
    assert start.earliest_ns <= start.latest_ns
    assert start.earliest_ns <= end.earliest_ns
    assert start.latest_ns <= end.latest_ns


@given(looks, st.integers(-50, 2600), offsets, st.integers(0, 60), st.integers(0, 1000))
def test_an_edge_holds_the_true_change_of_an_honest_source(times, change_ms, offset, lag_ms, within):
    """A change between the two samplings, told by the source with a clock within its offset and within its lag."""
    first_sampled, last_sampled = times[0] - lag_ms, times[3]
    change_ms = first_sampled + change_ms % (last_sampled - first_sampled + 1)
    shift_ns = 0 if offset is None else offset.lower_ns + (offset.upper_ns - offset.lower_ns) * within // 1000
    told_ns = change_ms * MS + lag_ms * MS * within // 1000 + shift_ns
    after = Seen(requested_ns=times[2] * MS, answered_ns=times[3] * MS, source_ns=told_ns)
    found = edge(seen(times[0], times[1], -3000), after, lag_ms * MS, offset)
    assert found.earliest_ns <= change_ms * MS <= found.latest_ns


@given(looks, st.integers(0, 5000), offsets, st.integers(0, 60), st.lists(st.integers(0, 1000), min_size=3, max_size=3))
def test_an_edge_holds_the_true_change_whatever_a_source_that_stamps_samples_says(times, change, offset, lag_ms, parts):
    """Each look shows a sample at most a lag old, stamped when it was taken, by a clock within its offset."""
    first, last = (
        asked - lag_ms + (answered - asked + lag_ms) * part // 1000
        for asked, answered, part in ((times[0], times[1], parts[0]), (times[2], times[3], parts[1]))
    )
    last = max(first + 1, last)
    change_ms = first + change % (last - first) + 1
    shift_ns = 0 if offset is None else offset.lower_ns + (offset.upper_ns - offset.lower_ns) * parts[2] // 1000
    before, after = (
        Seen(requested_ns=asked * MS, answered_ns=answered * MS, source_ns=sampled * MS + shift_ns)
        for asked, answered, sampled in ((times[0], times[1], first), (times[2], times[3], last))
    )
    found = edge(before, after, lag_ms * MS, offset)
    assert found.policy == "observed"
    assert found.earliest_ns <= change_ms * MS <= found.latest_ns


def test_the_looks_may_be_so_far_apart_and_no_further():
    apart_ms = APART_MOST_NS // MS
    near = edge(seen(0, 20, -9), seen(apart_ms - 20, apart_ms, 500), 0, OFFSET)
    far = edge(seen(0, 20, -9), seen(apart_ms - 20, apart_ms + 1, 500), 0, OFFSET)
    assert (near.policy, far.policy) == ("source", "observed")


def message(at_s, came_s):
    came_ns = came_s * S
    return Seen(requested_ns=came_ns, answered_ns=came_ns, source_ns=None if at_s is None else at_s * S)


def test_a_reported_edge_is_the_time_stated_as_wrong_as_declared_and_never_after_the_message():
    before, after = message(90, 91), message(100, 500)
    at = reported(before, after, 3 * S)
    assert (at.earliest_ns, at.latest_ns) == (97 * S, 103 * S)
    assert (at.policy, at.lag_ns, at.offset, at.tolerance_ns) == ("reported", 0, None, 3 * S)
    assert (at.before, at.after) == (before, after)
    assert reported(before, message(100, 101), 3 * S).latest_ns == 101 * S
    ahead = reported(before, message(100, 97), 3 * S)  # its clock is ahead by all that is declared
    assert (ahead.earliest_ns, ahead.latest_ns) == (97 * S, 97 * S)


@pytest.mark.parametrize(
    ("after", "why"), [(message(100, 96), "4000 ms after it came"), (message(None, 96), "no time")]
)
def test_what_cannot_be_the_time_of_an_edge_is_refused(after, why):
    with pytest.raises(ValueError, match=why):
        reported(message(90, 91), after, 3 * S)
