"""Intervals of our time: honest, and never out of order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import Reading
from agent.drivers.opcua_order import Offset, Order, measured
from contract.segment import TICK_NS

MS = 1_000_000


def reading(point="e"):
    return Reading(point, 1, 0)


@given(
    offset=st.integers(-(10**18), 10**18), there=st.integers(0, 10**8), back=st.integers(0, 10**8),
    age=st.integers(0, 3600 * 10**9), grain=st.integers(0, 15_600_000), drift=st.integers(-400, 400),
)  # fmt: skip
def test_the_true_instant_lies_in_the_interval(offset, there, back, age, grain, drift):
    """A server whose clock is off, drifts and stands still for up to 15.6 ms."""
    asked = 1_700_000_000 * 10**9
    shown = asked + there + offset  # its clock when it answered
    found = measured(shown - grain, asked, asked + there + back)
    instant = asked - age
    stamp = instant + offset - age * drift // 1_000_000
    low, high = found.ours(stamp, instant)
    assert low <= instant <= high


def test_no_stamp_no_offset():
    assert measured(None, 1, 2) is None
    assert measured(110, 1, 2) == Offset(108, 109, 2)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5 * MS), st.integers(0, 5 * MS)), max_size=30))
def test_whatever_comes_is_in_order_and_only_ever_widened(given_scans):
    order, placed, at = Order(), [], 0
    for point, gap, length in given_scans:
        at += gap
        placed.append(order.place(0, at, at + length, [reading(point)]))
        assert placed[-1].requested_ns == at
        assert placed[-1].answered_ns >= at + length
    assert [s.requested_ns for s in placed] == sorted(s.requested_ns for s in placed)
    assert [s.answered_ns for s in placed] == sorted(s.answered_ns for s in placed)
    for point in "ab":
        ticks = [-(-s.answered_ns // TICK_NS) for s in placed if s.readings[0].point == point]
        assert len(set(ticks)) == len(ticks)


def test_a_request_before_the_last_is_refused():
    order = Order()
    order.place(0, 10, 20, [reading()])
    with pytest.raises(ValueError, match="3 ns before"):
        order.place(0, 7, 30, [reading()])
