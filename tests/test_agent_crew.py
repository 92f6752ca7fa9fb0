"""The polling tasks in virtual time: buses come and go, the others keep every slot."""

import asyncio

import pytest
from plant_in_memory import CONFIG, METER_PROFILE, Site

from agent.crew import Crew
from agent.drivers import Reading, Scan, Unreachable
from agent.poll import Inbox
from simulators import virtual

NS = 10**9
OVEN = '[[meter]]\nname = "oven"\nbus = "serial"\nprofile = "./meter.toml"\nunit = 2\n[[line]]'
IDENTITY = """[[point]]
id = "serial"
quantity = "serial"
table = "holding"
address = 20
type = "uint32"
unit = "1"
kind = "gauge"
identity = "serial"
"""


class Driver:
    """Answers everything, a hundredth of a second later; `dead` are silent for five."""

    def __init__(self):
        self.asked, self.closed, self.dead, self.broken = [], False, set(), False

    async def read(self, meter):
        loop = asyncio.get_running_loop()
        self.asked.append((meter, loop.now_ns() // NS))
        if self.broken:
            raise ZeroDivisionError
        if meter in self.dead:
            await asyncio.sleep(5)
            raise Unreachable("no answer")
        await asyncio.sleep(0.01)
        return [Scan(0, 0, loop.now_ns(), (Reading("power", 1, 0),))]

    async def identify(self, _):
        return [Scan(1, 0, 1, (Reading("serial", 77, 0),))]

    def silence_ns(self, _):
        return 5 * NS

    async def close(self):
        self.closed = True


def seconds(driver, meter):
    return [at for name, at in driver.asked if name == meter]


def plan(folder, config=CONFIG):
    return Site.at(folder, config).plan


def crew_and(main):
    """Run a coroutine function with a crew and its inbox in virtual time."""

    async def begin():
        inbox = Inbox()
        crew = Crew(inbox, asyncio.get_running_loop().now_ns)
        await asyncio.sleep(0.25)
        return await main(crew, inbox)

    return virtual.run(begin())


def test_a_bus_that_stays_keeps_every_slot_while_the_other_is_opened_anew(tmp_path):
    one, two = plan(tmp_path / "one"), plan(tmp_path / "two", CONFIG.replace("[[line]]", OVEN))
    plc, before, after = Driver(), Driver(), Driver()

    async def main(crew, _):
        crew.start(one, {"serial": before, "plc": plc})
        await asyncio.sleep(10)
        await crew.stop(one, {"serial"})
        crew.tune(two)
        crew.start(two, {"serial": after})
        await asyncio.sleep(10)
        await crew.cancel()

    crew_and(main)
    assert seconds(plc, "press-plc") == list(range(1, 21))
    assert seconds(before, "press") + seconds(after, "press") == list(range(1, 21))
    assert seconds(after, "oven") == list(range(11, 21))
    assert (before.closed, after.closed, plc.closed) == (True, True, True)


def test_a_jump_of_our_time_misses_no_slot(tmp_path):
    one, there, jump_ns = plan(tmp_path), Driver(), [0]

    async def main():
        loop = asyncio.get_running_loop()
        crew = Crew(Inbox(), lambda: loop.now_ns() + jump_ns[0])
        await asyncio.sleep(0.25)
        crew.start(one, {"serial": there})
        await asyncio.sleep(10)
        jump_ns[0] = 1_700_000_000 * NS
        crew.reanchored(jump_ns[0])
        await asyncio.sleep(10)
        polled = crew.polled()["press"]
        await crew.cancel()
        return polled.missed

    assert virtual.run(main()) == 0
    assert seconds(there, "press") == list(range(1, 21))


def test_a_meter_that_changed_begins_anew(tmp_path):
    one = plan(tmp_path / "one")
    two = plan(tmp_path / "two", CONFIG.replace('installation = "1"', 'installation = "1"\nunit = 3'))
    silent = Driver()
    silent.dead = {"press"}

    async def main(crew, inbox):
        crew.start(one, {"serial": silent})
        await asyncio.sleep(30)
        await crew.stop(one, {"serial"})
        crew.start(two, {"serial": Driver()})
        await asyncio.sleep(2)
        await crew.cancel()
        return [event.event for event in inbox.events]

    assert crew_and(main) == ["meter_lost"]  # the new one is no old one come back


def test_stopping_waits_for_the_turn_under_way_but_not_for_ever(tmp_path):
    one, slow = plan(tmp_path), Driver()
    slow.dead = {"press"}

    async def main(crew, _):
        crew.start(one, {"serial": slow})
        await asyncio.sleep(1)
        at_s = asyncio.get_running_loop().time()
        await crew.stop(one, {"serial"})
        return asyncio.get_running_loop().time() - at_s, crew.buses

    waited_s, buses = crew_and(main)
    assert waited_s <= 5
    assert buses == {}
    assert slow.closed


def test_a_rhythm_that_changed_is_followed(tmp_path):
    one = plan(tmp_path / "one")
    two = plan(tmp_path / "two", CONFIG.replace('installation = "1"', 'installation = "1"\nevery_ms = 5000'))
    driver = Driver()

    async def main(crew, _):
        crew.start(one, {"serial": driver})
        await asyncio.sleep(3)
        crew.tune(two)
        await asyncio.sleep(15)
        await crew.cancel()

    crew_and(main)
    assert seconds(driver, "press") == [1, 2, 3, 5, 10, 15]


def test_what_is_wanted_reaches_every_bus(tmp_path):
    serial, plc = Driver(), Driver()

    async def main(crew, _):
        crew.start(plan(tmp_path), {"serial": serial, "plc": plc})
        await asyncio.sleep(1.05)
        crew.want({"press", "press-plc"})
        await asyncio.sleep(0.5)
        told = crew.told()
        await crew.cancel()
        return told

    told = crew_and(main)
    assert (seconds(serial, "press"), seconds(plc, "press-plc")) == ([1, 1], [1, 1])
    assert [(one["name"], one["missed"]) for one in told] == [("serial", 0), ("plc", 0)]


def test_meters_with_an_identity_are_asked_for_it(tmp_path):
    one = Site.at(tmp_path)
    (tmp_path / "meter.toml").write_text(METER_PROFILE + IDENTITY)
    found = one.plan  # read before the profile was changed: without
    config = tmp_path / "agent.toml"

    async def main(crew, inbox):
        from agent import check  # noqa: PLC0415 - beside the file it reads

        crew.start(check.load(config, 0), {"serial": Driver()})
        await asyncio.sleep(1.5)
        await crew.cancel()
        return [met.identity.serial for met in inbox.met]

    assert found.meters[0].profile.identifying == ()
    assert crew_and(main) == ["77"]


def test_what_is_wrong_with_us_is_told_of_at_the_end(tmp_path):
    driver = Driver()
    driver.broken = True

    async def main(crew, _):
        crew.start(plan(tmp_path), {"serial": driver})
        await crew.failed.wait()
        return await crew.cancel()

    with pytest.raises(ZeroDivisionError):
        raise crew_and(main)[0]
