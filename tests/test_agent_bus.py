"""A shared bus: one question at a time, and an offset only from a bus that has a clock and answers."""

import asyncio
from types import SimpleNamespace

from agent.bus import Bus
from agent.drivers import Unreachable
from contract.records import Offset


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

    async def identify(self, meter):
        return [*await self.read(meter), "identity"]

    async def clock_offset_ns(self):
        await self.read("clock")
        if self.told is None:
            raise Unreachable("gone")
        return self.told

    def silence_ns(self, meter):
        return len(meter)

    async def close(self):
        self.told = "closed"


async def test_a_bus_is_asked_one_thing_at_a_time():
    bus = Bus(Driver())
    found = await asyncio.gather(bus.read("a"), bus.offset(), bus.identify("b"), bus.read("b"))
    assert found == [["a"], Offset(lower_ns=-5, upper_ns=5), ["b", "identity"], ["b"]]
    assert bus.silence_ns("abc") == 3


async def test_no_offset_without_a_clock_or_an_answer():
    assert await Bus(Driver(None)).offset() is None
    assert await Bus(SimpleNamespace()).offset() is None


async def test_a_bus_that_is_closed_is_closed_after_what_is_under_way_and_asked_no_more():
    driver = Driver()
    bus = Bus(driver)
    reading, closing, late = (asyncio.create_task(call) for call in (bus.read("a"), bus.close(), bus.offset()))
    assert await reading == ["a"]
    await closing
    assert await late is None
    assert driver.told == "closed"
