"""What waits stays in order; the oldest readings go first, are counted, and are told before what waited."""

import pytest
from plant_in_memory import at_ns, meter_scan

from agent import waiting
from agent.identity import Met
from agent.waiting import Identified, Round, Waiting
from contract.records import EventPart


def told(k):
    return EventPart(event="tested", about=str(k), at_ns=at_ns(k), detail={})


@pytest.fixture
def queue(monkeypatch):
    """Ten rounds of two readings and an event each, of which four may stay, and who a meter is."""
    monkeypatch.setattr(waiting, "READINGS_MAX", 8)
    made = Waiting()
    made.items.append(Identified([Met("press", None, 0)]))
    made.items.extend(Round([meter_scan(k)], [told(k)], {}) for k in range(10))
    return made


def test_the_oldest_readings_go_first_and_events_stay(queue):
    assert queue.readings == 20
    queue.shed()
    rounds = [one for one in queue.items if isinstance(one, Round)]
    assert [len(one.scans) for one in rounds] == [0] * 6 + [1] * 4
    assert [event.about for one in rounds for event in one.events] == [str(k) for k in range(10)]
    assert isinstance(queue.items[0], Identified)
    queue.shed()
    assert (queue.lost.readings, queue.lost.events) == (12, 0)


def test_what_is_lost_is_told_first_with_its_time_and_once(queue):
    queue.shed()
    queue.own_up(at_ns(99))
    (event,) = queue.items[0].events
    assert (event.event, event.at_ns) == ("readings_lost", at_ns(99))
    first, last = meter_scan(0)[1].requested_ns, meter_scan(5)[1].answered_ns
    assert event.detail == {"cause": "disk_full", "readings": 12, "events": 0, "from_ns": first, "to_ns": last}
    count = len(queue.items)
    queue.own_up(at_ns(100))
    assert len(queue.items) == count


def test_rounds_are_bounded_too(queue, monkeypatch):
    monkeypatch.setattr(waiting, "ITEMS_MAX", 3)
    queue.shed()
    assert len(queue.items) == 3
    assert (queue.lost.readings, queue.lost.events) == (14, 7)
    assert [one.events[0].about for one in queue.items] == ["7", "8", "9"]


def test_nothing_lost_is_nothing_told():
    queue = Waiting()
    queue.shed()
    queue.own_up(5)
    assert not queue.items
