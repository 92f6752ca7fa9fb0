"""A subscription's samples: when they can have been taken, and when it is no longer believed."""

from types import SimpleNamespace

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import Reading, profile
from agent.drivers.opcua_feed import Feed, Item
from agent.drivers.opcua_order import Offset
from agent.drivers.opcua_values import moment_of

HEAD = 'make="m"\nmodel="m"\nmedium="electricity"\ngrade="bronze"\nsources=["s"]\n'
TEXT = HEAD + '[[point]]\nid="e"\nquantity="tag"\nnode="ns=1;s=e"\ntype="float64"\nunit="Wh"\nkind="counter"\n'
POINT = profile.parse(TEXT.encode()).points[0]
MS, S = 1_000_000, 1_000_000_000
START = 1_700_000_000 * S


class Clock:
    """Shows what it is told."""

    def __init__(self):
        self.at_ns = START

    def __call__(self):
        """The time."""
        return self.at_ns


def feed_at(clock):
    feed = Feed({0: Item("m", POINT, 1)}, clock, S)
    feed.keep_alive_ns = S
    return feed


def message(*values, made_ns=None, more=False, data=None):
    """A publish response; values are (number, source stamp, server stamp)."""
    items = [
        ua.MonitoredItemNotification(
            0,
            ua.DataValue(
                ua.Variant(float(number), ua.VariantType.Double),
                SourceTimestamp=moment_of(source_ns),
                ServerTimestamp=None if server_ns is None else moment_of(server_ns),
            ),
        )
        for number, source_ns, server_ns in values
    ]
    return SimpleNamespace(
        MoreNotifications=more,
        NotificationMessage=SimpleNamespace(
            PublishTime=None if made_ns is None else moment_of(made_ns),
            NotificationData=data or ([ua.DataChangeNotification(MonitoredItems=items)] if items else []),
        ),
    )


def bounds(feed):
    return [(s.requested_ns - START, s.answered_ns - START) for s in feed.take("m")]


def test_without_clocks_a_sample_is_younger_than_the_arrival_before_the_previous_one():
    clock = Clock()
    feed = feed_at(clock)
    for arrived in (1, 2, 3):
        clock.at_ns = START + arrived * S
        feed.publish(message((arrived, START, None)))
    assert bounds(feed) == [(0, S), (0, 2 * S), (S, 3 * S)]
    clock.at_ns = START + 4 * S
    feed.publish(message())  # a keep-alive moves the floor as well
    clock.at_ns = START + 5 * S
    feed.publish(message((5, START, None)))
    assert bounds(feed) == [(3 * S, 5 * S)]


def test_while_more_is_to_come_the_floor_stays():
    clock = Clock()
    feed = feed_at(clock)
    for arrived, more in ((1, False), (2, True), (3, True), (4, False), (5, False)):
        clock.at_ns = START + arrived * S
        feed.publish(message((arrived, START, None), more=more))
    assert [low for low, _ in bounds(feed)] == [0, 0, 0, 0, 3 * S]


def test_stamps_raise_the_floor_by_the_offset_of_the_servers_clock():
    clock, ahead = Clock(), 3600 * S
    feed = feed_at(clock)
    feed.offset = Offset(ahead - MS, ahead + MS, START)
    for made in (990, 1990):
        clock.at_ns = START + (made + 10) * MS
        stamps = [(i, START, START + ahead + (made - 700 + 100 * i) * MS) for i in (1, 2)]
        feed.publish(message(*stamps, made_ns=START + ahead + made * MS))
    found = bounds(feed)
    # 20 ms for the grain of clocks, 1 for the offset's width, up to 1 for a second or two of drift
    slacks = [taken - low / MS for (low, _), taken in zip(found, (390, 490, 1390, 1490), strict=True)]
    assert all(21 <= slack <= 22 for slack in slacks)
    assert [high for _, high in found] == [1000 * MS] * 2 + [2000 * MS] * 2


def test_a_stepped_clock_and_foreign_stamps_are_not_believed():
    clock = Clock()
    feed = feed_at(clock)
    feed.offset = Offset(-MS, MS, START)
    clock.at_ns = START + S
    feed.publish(message((1, START, START + 3600 * S), made_ns=START + S))  # stamped after its message
    assert bounds(feed) == [(0, S)]
    assert feed.offset is not None
    clock.at_ns = START + 2 * S
    feed.publish(message((2, START, START + 3600 * S), made_ns=START + 3601 * S))  # made an hour from now
    assert feed.offset is None
    assert [high for _, high in bounds(feed)] == [2 * S]


@given(
    waits=st.lists(st.tuples(st.integers(1, S), st.integers(0, 200 * MS), st.booleans()), min_size=1, max_size=20),
    ahead=st.integers(-(10**17), 10**17),
    stamped=st.booleans(),
)
def test_every_sample_lies_in_its_interval(waits, ahead, stamped):
    """A server that samples once a cycle, publishes when asked, over a line with delays both ways."""
    clock = Clock()
    feed = feed_at(clock)
    if stamped:
        feed.offset = Offset(ahead - MS, ahead + MS, START)
    at, truth, queued = START, [], []
    for number, (wait, delay, publishes) in enumerate(waits):
        at += wait
        queued.append((number, at))
        if publishes:
            made = at + 1
            at = clock.at_ns = made + delay
            values = [(n, START, taken + ahead if stamped else None) for n, taken in queued]
            feed.publish(message(*values, made_ns=made + ahead if stamped else None))
            truth += [taken for _, taken in queued]
            queued = []
    samples = feed.take("m")
    assert len(samples) == len(truth)
    assert all(s.requested_ns <= taken <= s.answered_ns for s, taken in zip(samples, truth, strict=True))
    assert [s.requested_ns for s in samples] == sorted(s.requested_ns for s in samples)


def test_silence_beyond_three_keep_alives_is_stale():
    clock = Clock()
    feed = feed_at(clock)
    clock.at_ns = START + 3 * S
    assert feed.stale() is None
    clock.at_ns += 1 * MS
    assert feed.stale() == "nothing came for 3001 ms, not even a keep-alive"
    feed.publish(message())
    assert feed.stale() is None


@pytest.mark.parametrize(
    ("raws", "stale"), [((2, 2, 2), True), ((2, 2), False), ((2, 1, 2), False), ((1, 1, 1), False)]
)
def test_news_that_reads_show_and_nobody_reports_is_stale(raws, stale):
    clock = Clock()
    feed = feed_at(clock)
    feed.publish(message((0, START, None)))
    (sample,) = feed.take("m")
    first = sample.reading.raw
    for number, raw in enumerate(raws, 1):
        clock.at_ns += 2 * S
        feed.publish(message())
        value = first if raw == 1 else 7
        feed.compare("m", [Reading("e", value, 0, START + number * S)])
    assert (feed.stale() is not None) is stale
    feed.publish(message((9, START + 9 * S, None)))
    assert feed.stale() is None


def test_an_end_told_by_the_server_is_stale():
    feed = feed_at(Clock())
    feed.publish(message(data=[ua.StatusChangeNotification(Status=ua.StatusCode(ua.StatusCodes.BadTimeout))]))
    assert feed.stale() == "the server ended it: BadTimeout"


def test_unknown_handles_are_passed_over():
    feed = Feed({}, Clock(), S)
    feed.publish(message((1, START, None)))
    assert feed.take("m") == []
