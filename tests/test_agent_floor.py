"""The floor: one question at a time on a bus, offsets that die with their bus, rounds that lose nothing at a stop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from plant_in_memory import CONFIG, Site, at_ns, meter_scan

from agent import floor as floors
from agent.drivers import Unreachable
from agent.floor import Bus, Floor
from agent.poll import Inbox
from contract.entry import TreeHead
from contract.records import EventPart, Offset


class Driver:
    """A driver that notices being asked twice at once."""

    def __init__(self, offset=(-5, 5)):
        self.busy, self.told = 0, offset

    async def read(self, meter):
        self.busy += 1
        assert self.busy == 1
        await asyncio.sleep(0)
        self.busy -= 1
        return [meter]

    async def clock_offset_ns(self):
        await self.read("clock")
        if self.told is None:
            raise Unreachable("gone")
        return self.told

    async def close(self):
        self.told = "closed"


async def test_a_bus_is_asked_one_thing_at_a_time():
    bus = Bus(Driver())
    found = await asyncio.gather(bus.read("a"), bus.offset(), bus.read("b"))
    assert found == [["a"], Offset(lower_ns=-5, upper_ns=5), ["b"]]


async def test_no_offset_without_a_clock_or_an_answer():
    assert await Bus(Driver(None)).offset() is None
    assert await Bus(SimpleNamespace()).offset() is None
    driver = Driver()
    await Bus(driver).close()
    assert driver.told == "closed"


class Clock:
    def __init__(self):
        self.at_ns, self.steps = at_ns(1), []

    def now_ns(self):
        self.at_ns += 1_000_000
        return self.at_ns

    def step_ns(self):
        return self.steps.pop() if self.steps else 0


class Publisher:
    def __init__(self):
        self.checkpoint, self.events, self.stuck, self.told = None, [], set(), []

    def take_events(self):
        taken, self.events = self.events, []
        return taken

    def is_stuck(self, epoch):
        return epoch in self.stuck

    def live(self, told):
        self.told.append(told)


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path, CONFIG.replace("[[line]]", '[[line]]\nedge_time = "source"\nlag_ms = 7'))
    made.start(0)
    yield made
    made.stop()


@pytest.fixture
def floor(site, monkeypatch):
    monkeypatch.setattr(floors, "ROUND_S", 0)
    with ThreadPoolExecutor(1) as worker:
        yield Floor(site.plan, {"plc": Bus(Driver()), "serial": Bus(Driver(None))}, Clock(), worker, Inbox())


def test_a_bus_has_its_own_meters_at_their_own_rhythm(floor):
    assert [(meter.name, meter.every_ns) for meter in floor.on_bus("serial")] == [("press", 10**9)]


async def test_a_source_s_offset_is_used_while_its_bus_tells_it(floor):
    assert floor.sources()["press"].offset is None
    watching = asyncio.create_task(floor.watch_offsets())
    for _ in range(10):
        await asyncio.sleep(0)
    assert floor.sources()["press"].offset == Offset(lower_ns=-5, upper_ns=5)
    assert floor.sources()["press"].lag_ns == 7_000_000
    watching.cancel()


async def test_stopping_records_and_seals_what_is_still_in_the_inbox(site, floor):
    floor.inbox.scans.append(meter_scan(1))
    floor.stopping = True
    publisher = Publisher()
    publisher.checkpoint = TreeHead(size=4, root=bytes(32))
    publisher.events = [EventPart(event="tested", about="", at_ns=at_ns(1), detail={})]
    floor._clock.steps = [-5_000_000_000]
    await floor.record(site.recorder, publisher)
    history = site.history()
    assert history.requests() == {("press", at_ns(1)): 1}
    assert [(event.event, event.detail) for event in history.events()] == [
        ("tested", {}), ("clock_step", {"step_ns": -5_000_000_000}),
    ]  # fmt: skip
    assert site.recorder.checkpoint.size == 4


async def test_an_epoch_that_is_stuck_is_left_once_a_minute_at_most(site, floor):
    publisher = Publisher()
    first = site.recorder.epoch
    publisher.stuck = {first}
    floor.stopping = True
    await floor.record(site.recorder, publisher)
    second = site.recorder.epoch
    publisher.stuck.add(second)
    await floor.record(site.recorder, publisher)
    assert first != second == site.recorder.epoch
    floor._clock.at_ns += floors.RENEW_PAUSE_NS
    await floor.record(site.recorder, publisher)
    assert site.recorder.epoch != second
    assert len(site.history().reasons) == 3


async def test_a_recorder_that_fails_ends_the_round_with_its_error(site, floor):
    site.recorder.take = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        await floor.record(site.recorder, Publisher())


async def test_pages_are_told_what_was_last_read(site, floor):
    publisher = Publisher()
    floor.inbox.scans.append(meter_scan(1))
    floor.stopping = True
    await floor.record(site.recorder, publisher)
    showing = asyncio.create_task(floor.show(site.recorder, publisher))
    async with asyncio.timeout(10):
        while not publisher.told:  # noqa: ASYNC110 - the task itself sleeps; there is nothing else to wait for
            await asyncio.sleep(0)
    showing.cancel()
    (told,) = publisher.told
    assert told["meters"][0]["values"]["energy_wh_milli"] == 70_007_000
    assert told["running"] == []
