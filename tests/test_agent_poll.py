"""Polling by a clock that only moves when asked to: aligned, told once, a dead meter no burden to its neighbours."""

import asyncio
from itertools import pairwise

import pytest

from agent import poll as polls
from agent.drivers import Reading, Scan, Unreachable
from agent.poll import NS, Inbox, Polled, answered, lost, next_tick, poll

MS = 1_000_000


class World:
    """A clock, and a driver that takes its time from it."""

    def __init__(self, monkeypatch, trip_ms=10, until_s=60):
        self.at_ns, self.until_ns = 5 * NS + 123, until_s * NS
        self.trip_ns, self.dead, self.asked = trip_ms * MS, set(), []
        monkeypatch.setattr(polls.asyncio, "sleep", self.sleep)

    def now_ns(self):
        return self.at_ns

    async def sleep(self, seconds):
        self.at_ns += max(0, round(seconds * NS))
        if self.at_ns > self.until_ns:
            raise asyncio.CancelledError

    async def read(self, meter):
        self.asked.append((meter, self.at_ns))
        requested_ns = self.at_ns
        if meter in self.dead:
            self.at_ns += NS  # a timeout
            raise Unreachable("no answer")
        self.at_ns += self.trip_ns
        return [Scan(0, requested_ns, self.at_ns, (Reading("a", 1, 0),))]

    async def close(self):
        raise AssertionError

    async def run(self, *meters):
        inbox = Inbox()
        with pytest.raises(asyncio.CancelledError):
            await poll(self, meters, inbox, self.now_ns)
        return inbox


async def test_meters_of_one_rhythm_are_read_together_on_whole_ticks(monkeypatch):
    world = World(monkeypatch, until_s=9)
    inbox = await world.run(Polled("a", NS), Polled("b", NS), Polled("c", 2 * NS))
    assert [(meter, at_ns // MS) for meter, at_ns in world.asked] == [
        ("a", 6000), ("b", 6010), ("c", 6020), ("a", 7000), ("b", 7010),
        ("a", 8000), ("b", 8010), ("c", 8020), ("a", 9000), ("b", 9010),
    ]  # fmt: skip
    assert len(inbox.scans) == len(world.asked)
    assert inbox.events == []


async def test_a_dead_meter_is_told_once_and_asked_ever_more_rarely(monkeypatch):
    world = World(monkeypatch, until_s=300)
    world.dead = {"a"}
    inbox = await world.run(Polled("a", NS), Polled("b", NS))
    assert [(event.event, event.about) for event in inbox.events] == [("meter_lost", "a")]
    asked_ns = [at_ns for _, at_ns in asked_of(world, "a")]
    pauses = [round((later - earlier) / NS) for earlier, later in pairwise(asked_ns)]
    assert pauses[:6] == [2, 3, 5, 9, 17, 33]  # a timeout, and a pause twice as long as the one before
    assert len(asked_of(world, "b")) > 250


def asked_of(world, meter):
    return [one for one in world.asked if one[0] == meter]


async def test_a_meter_that_is_back_is_told_with_its_absence(monkeypatch):
    world, inbox, meter = World(monkeypatch), Inbox(), Polled("a", NS)
    lost(meter, 5 * NS, 6 * NS, "no answer", inbox)
    lost(meter, 7 * NS, 8 * NS, "no answer", inbox)
    answered(meter, 10 * NS + 5, inbox)
    assert [(e.event, e.at_ns, e.detail) for e in inbox.events] == [
        ("meter_lost", 5 * NS, {"reason": "no answer"}), ("meter_back", 10 * NS + 5, {"lost_since_ns": 5 * NS}),
    ]  # fmt: skip
    assert (meter.due_ns, meter.pause_ns) == (11 * NS, NS)
    assert world.asked == []


async def test_a_slow_bus_skips_ticks_and_never_piles_them_up(monkeypatch):
    world = World(monkeypatch, trip_ms=2500, until_s=30)
    inbox = await world.run(Polled("a", NS))
    times = [at_ns / NS for _, at_ns in world.asked]
    assert times[:3] == [6, 9, 12]
    assert len(inbox.scans) == len(times)


async def test_what_is_wrong_with_us_is_not_taken_for_a_dead_meter(monkeypatch):
    world = World(monkeypatch)

    async def broken(_):
        raise ZeroDivisionError

    world.read = broken
    with pytest.raises(ZeroDivisionError):
        await poll(world, [Polled("a", NS)], Inbox(), world.now_ns)


def test_the_inbox_is_taken_once():
    inbox = Inbox([("a", None)], [])
    assert inbox.take() == ([("a", None)], [])
    assert inbox.take() == ([], [])


def test_the_next_tick_is_always_after_now():
    assert [next_tick(at, 10) for at in (0, 1, 9, 10, 11)] == [10, 10, 10, 20, 20]
