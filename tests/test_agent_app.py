"""The agent as one process would run it, with a driver that needs no socket and a broker that is not there."""

import asyncio
import os
import signal
from types import SimpleNamespace

import pytest
from plant_in_memory import CONFIG, KEY, History, Site, energy

from agent import app, custody, files
from agent.drivers import Reading, Scan
from agent.journal import Journal
from contract import keys
from contract.segment import TICK_NS

CREDENTIALS = custody.Credentials(KEY, keys.generate().public_key(), "word", None)
FAST = CONFIG.replace('bus = "serial"', 'bus = "serial"\nevery_ms = 50').replace("8883", "1")


class Driver:
    """A meter read by the number; `after` so many readings something is done."""

    def __init__(self, now_ns, after, then):
        self.now_ns, self.after, self.then, self.given = now_ns, after, then, []
        self.closed = False

    async def read(self, meter):
        await asyncio.sleep(0)
        if len(self.given) == self.after:
            self.then()
        requested_ns = self.now_ns()
        self.given.append(requested_ns // TICK_NS * TICK_NS)
        readings = (Reading("power", 1, 0), Reading("energy", energy(len(self.given)), 0))
        return [Scan(0, requested_ns, self.now_ns(), readings)] if meter == "press" else []

    async def close(self):
        self.closed = True


async def run(site, monkeypatch, after, then):
    drivers = []

    def opened(_, now_ns, _tell):
        drivers.append(Driver(now_ns, after, then))
        return {"serial": drivers[0]}

    monkeypatch.setattr(app, "open_drivers", opened)
    async with asyncio.timeout(20):
        await app.run(site.plan, CREDENTIALS)
    return drivers[0]


def sealed(site):
    journal = Journal(site.folder)
    history = History.of(journal.after({}, 1 << 30))
    journal.close()
    return history


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_seals_everything_that_was_read(tmp_path, monkeypatch, number):
    site = Site.at(tmp_path, FAST)
    driver = await run(site, monkeypatch, 6, lambda: os.kill(os.getpid(), number))
    requests = sealed(site).requests()
    assert driver.closed
    assert len(driver.given) >= 6
    assert {("press", at) for at in driver.given[:6]} <= requests.keys()
    assert set(requests.values()) == {1}


async def test_what_is_wrong_with_us_stops_the_agent_and_keeps_what_was_read(tmp_path, monkeypatch):
    site = Site.at(tmp_path, FAST)
    with pytest.raises(ZeroDivisionError):
        await run(site, monkeypatch, 4, lambda: 1 / 0)
    assert len(sealed(site).requests()) == 4


async def test_a_second_start_follows_the_first_and_its_clock_does_not_run_back(tmp_path, monkeypatch):
    site = Site.at(tmp_path, FAST)
    await run(site, monkeypatch, 3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    ahead = app.AgentClock().now_ns() + 3600 * 10**9
    journal = Journal(site.folder)
    journal.record([], {}, ahead)
    journal.record([("event", b"\xa0")], {}, ahead)
    journal._open.execute("UPDATE unsealed SET crc = 0")  # damaged: only its time is believed
    journal._open.commit()
    journal.close()
    driver = await run(site, monkeypatch, 3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert min(driver.given) >= ahead - TICK_NS
    history = sealed(site)
    assert history.reasons == ["first start", "restart"]
    assert {"rows_damaged", "clock_step"} <= {event.event for event in history.events()}


async def test_a_folder_in_use_is_not_shared(tmp_path):
    site = Site.at(tmp_path, FAST)
    journal = Journal(site.folder)
    with pytest.raises(files.InUse):
        await app.run(site.plan, CREDENTIALS)
    journal.close()


async def test_nothing_is_left_running(tmp_path, monkeypatch):
    site = Site.at(tmp_path, FAST)
    before = asyncio.all_tasks()
    await run(site, monkeypatch, 2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert asyncio.all_tasks() == before
    assert SimpleNamespace(journal=files.lock(site.folder)).journal > 0  # the folder is free again
