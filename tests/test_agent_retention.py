"""Which days may go: properties over drawn journals, and one worked out by hand."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent import retention
from agent.retention import DAY_NS, Day
from agent.stored import Extent

ONE, TWO = bytes([1]) * 16, bytes([2]) * 16
FIRST = date(2026, 3, 1)
FIRST_NS = 20_513 * DAY_NS  # 2026-03-01 00:00 UTC: `date -ud 2026-03-01 +%s` is 1772323200, and 86400 s a day


def name(number):
    return f"{FIRST + timedelta(number)}.db"


@st.composite
def journals(draw):
    """Some days of a journal in order; each speaks of times up to somewhere in it."""
    numbers = sorted(draw(st.sets(st.integers(0, 200), max_size=12)))
    return [
        Day(name(n), draw(st.integers(0, 9)), FIRST_NS + n * DAY_NS + draw(st.integers(0, DAY_NS)), draw(st.booleans()))
        for n in numbers
    ]


TIMES = st.integers(FIRST_NS, FIRST_NS + 400 * DAY_NS)


@given(journals(), TIMES, TIMES, st.integers(1, 300))
def test_only_what_is_delivered_old_enough_and_needed_by_nobody_expires(held, needed_ns, now_ns, days):
    found = retention.expired(held, needed_ns, days * DAY_NS, now_ns)
    for day, after in pairwise(held):
        begins = date.fromisoformat(after.name[:10])
        old = now_ns >= FIRST_NS + ((begins - FIRST).days + days) * DAY_NS
        assert (day in found) == (day.is_delivered and day.to_ns < needed_ns and old)
    assert not held or held[-1] not in found
    assert [day.name for day in found] == sorted(day.name for day in found)


@given(journals(), TIMES)
def test_room_is_made_of_all_but_the_newest_in_order(held, needed_ns):
    first, last = retention.delivered(held, needed_ns), retention.undelivered(held, needed_ns)
    assert sorted(day.name for day in first + last) == [day.name for day in held[:-1]]
    assert all(day.is_delivered for day in first)
    assert not any(day.is_delivered for day in last)
    for order in (first, last):
        needed = [day.to_ns >= needed_ns for day in order]
        assert needed == sorted(needed), "a day that a batch needs goes before one that none needs"
        for some in (False, True):
            names = [day.name for day, is_needed in zip(order, needed, strict=True) if is_needed == some]
            assert names == sorted(names), "the oldest goes first"


def test_a_day_is_delivered_when_all_its_epochs_are():
    extents = [
        Extent(name(0), ONE, 0, 5, None, 1, 7), Extent(name(0), TWO, 0, 3, None, 2, 5),
        Extent(name(1), TWO, 4, 6, None, 6, 8),
    ]  # fmt: skip
    sizes = {name(0): 10, name(1): 20}
    assert retention.days(extents, {ONE: 5, TWO: 3}, sizes) == [Day(name(0), 10, 7, True), Day(name(1), 20, 8, False)]
    assert [day.is_delivered for day in retention.days(extents, {ONE: 5, TWO: 2}, sizes)] == [False, False]
    assert [day.is_delivered for day in retention.days(extents, {TWO: 6}, sizes)] == [False, True]


def test_a_day_begins_at_midnight():
    assert Day(name(0), 0, 0, True).begins_ns == FIRST_NS


def test_what_was_read_before_the_clock_was_set_is_kept_as_long_as_all_else():
    held = [Day("1970-01-01.db", 1, 9, True), Day(name(0), 1, FIRST_NS + 9, True)]
    assert retention.expired(held, 2**62, 90 * DAY_NS, FIRST_NS + 90 * DAY_NS - 1) == []
    assert retention.expired(held, 2**62, 90 * DAY_NS, FIRST_NS + 90 * DAY_NS) == held[:1]
