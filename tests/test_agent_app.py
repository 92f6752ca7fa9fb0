"""The agent as one process would run it, with a driver that needs no socket and a broker that is not there."""

import asyncio
import os
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from plant_in_memory import CLOCK, CONFIG, KEY, T0, History, Site, energy

from agent import app, custody, files, key_change
from agent.drivers import Reading, Scan
from agent.journal import Journal
from contract import keys, records
from contract.problems import Problems
from contract.segment import TICK_NS

CREDENTIALS = custody.Credentials(KEY, (keys.generate().public_key(),), "word", None)
FAST = CONFIG.replace('bus = "serial"', 'bus = "serial"\nevery_ms = 50').replace("8883", "1")


class Driver:
    """Meters read by the number; `after` so many readings something is done."""

    def __init__(self, now_ns, after, then):
        self.now_ns, self.after, self.then, self.given, self.of = now_ns, after, then, [], []
        self.closed = False

    async def read(self, meter):
        await asyncio.sleep(0)
        if len(self.given) == self.after:
            self.then()
        requested_ns = self.now_ns()
        self.given.append(requested_ns // TICK_NS * TICK_NS)
        self.of.append(meter)
        readings = (Reading("power", 1, 0), Reading("energy", energy(len(self.given)), 0))
        return [Scan(0, requested_ns, self.now_ns(), readings)]

    def silence_ns(self, _):
        return 1_000_000

    async def close(self):
        self.closed = True


async def run(site, monkeypatch, after, then):
    drivers = []

    def opened(_plan, now_ns, _tell, _among=None):
        """Only the meters' bus: the controller's stays silent."""
        drivers.append(Driver(now_ns, after, then))
        return {"serial": drivers[-1]}

    monkeypatch.setattr(app, "open_drivers", opened)
    async with asyncio.timeout(20):
        await app.run(site.plan, CREDENTIALS, lambda: site.plan)
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
    journal.record([("nothing", b"")], {}, ahead)
    journal.close()
    driver = await run(site, monkeypatch, 3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert min(driver.given) >= ahead - TICK_NS
    history = sealed(site)
    assert history.reasons == ["first start", "restart"]
    assert "clock_behind" in {event.event for event in history.events()}


@pytest.mark.parametrize(
    "journal_years", [0, 60, 120], ids=["no journal", "a journal of this year", "of a false future"]
)
async def test_a_boot_in_1970_reads_at_once_and_goes_on_when_the_time_is_set(tmp_path, monkeypatch, journal_years):
    year_ns, real = 365 * 86_400 * 10**9, time.time_ns
    now_ns = real()
    behind = [now_ns - 60 * 10**9]
    monkeypatch.setattr(time, "time_ns", lambda: real() - behind[0])
    site = Site.at(tmp_path, FAST)
    ends_ns = now_ns + (journal_years - 60) * year_ns - 3600 * 10**9 if journal_years else 0
    if ends_ns:
        journal = Journal(site.folder)
        told = records.EventPart(event="told", about="", at_ns=ends_ns, detail={})
        journal.record([("event", records.write(told))], {}, ends_ns)
        journal.close()

    def set_right():
        behind[0] = 0
        asyncio.get_running_loop().call_later(1, os.kill, os.getpid(), signal.SIGTERM)

    driver = await run(site, monkeypatch, 6, set_right)
    assert len(driver.given) > 8
    assert driver.given == sorted(driver.given), "time ran back"
    assert min(driver.given) >= ends_ns // TICK_NS * TICK_NS
    events = {event.event: event.detail for event in sealed(site).events()}
    assert ("clock_behind" in events) == bool(ends_ns)
    told = "clock_step" if journal_years == 120 else "clock_reanchored"
    assert events[told]["step_ns"] == pytest.approx(now_ns - 60 * 10**9, abs=10**9)
    jump_ns = events[told]["to_ns"] - events[told]["from_ns"]
    assert (jump_ns > 0) == (journal_years != 120)


async def test_a_folder_in_use_is_not_shared(tmp_path):
    site = Site.at(tmp_path, FAST)
    journal = Journal(site.folder)
    with pytest.raises(files.InUse):
        await app.run(site.plan, CREDENTIALS, lambda: site.plan)
    journal.close()


async def test_kernels_are_compiled_only_for_a_line(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(app, "compile_kernels", lambda: compiled.append(True))
    site = Site.at(tmp_path / "without", FAST[: FAST.index("[[line]]")])
    await run(site, monkeypatch, 1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert not compiled
    await run(Site.at(tmp_path / "with", FAST), monkeypatch, 1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert compiled


async def test_nothing_is_left_running(tmp_path, monkeypatch):
    site = Site.at(tmp_path, FAST)
    before = asyncio.all_tasks()
    await run(site, monkeypatch, 2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert asyncio.all_tasks() == before
    assert SimpleNamespace(journal=files.lock(site.folder)).journal > 0  # the folder is free again


OVEN = '[[meter]]\nname = "oven"\nbus = "other"\nevery_ms = 50\nprofile = "./meter.toml"\n'
OTHER = '[[bus]]\nname = "other"\ndriver = "modbus"\nkind = "tcp"\nhost = "127.0.0.2"\n'


class Switching:
    """Drivers that see to it that the configuration is read again after some readings, and the end after more."""

    def __init__(self, site, folder, config, monkeypatch):
        self.site, self.drivers = site, {}
        self.plans = iter([Site.at(folder, config).plan])
        monkeypatch.setattr(app, "open_drivers", self.opened)

    def opened(self, plan, now_ns, _tell, among=None):
        names = {m.meter.bus for m in plan.meters} if among is None else set(among)
        for name in names - {"plc"}:
            self.drivers.setdefault(name, []).append(Driver(now_ns, -1, None))
        made = {name: self.drivers[name][-1] for name in names - {"plc"}}
        if "serial" in made and among is None:
            made["serial"].after = 10
            made["serial"].then = self.hang_up
        return made

    def hang_up(self):
        os.kill(os.getpid(), signal.SIGHUP)
        self.drivers["serial"][0].after, self.drivers["serial"][0].then = 30, self.end

    def end(self):
        os.kill(os.getpid(), signal.SIGTERM)

    def again(self):
        plan = next(self.plans)
        agent = self.site.plan.config.agent
        return replace(plan, config=plan.config.model_copy(update={"agent": agent, "mqtt": self.site.plan.config.mqtt}))


async def test_a_changed_configuration_is_followed_without_losing_a_reading_of_an_unchanged_meter(
    tmp_path, monkeypatch
):
    site = Site.at(tmp_path, FAST)
    two = FAST.replace("[[meter]]", OTHER + "[[meter]]", 1).replace("[[line]]", OVEN + "[[line]]")
    switching = Switching(site, tmp_path / "new", two, monkeypatch)
    async with asyncio.timeout(20):
        await app.run(site.plan, CREDENTIALS, switching.again)
    press, oven = switching.drivers["serial"], switching.drivers["other"]
    assert (len(press), len(oven)) == (1, 1)
    history = sealed(site)
    assert history.reasons == ["first start", "configuration changed"]
    assert len({stored.epoch for stored in history.entries}) == 1
    requests = history.requests()
    assert {("press", at) for at in press[0].given} <= requests.keys()
    assert len(press[0].given) >= 30  # one connection before, during and after; its slots: test_agent_crew.py
    assert {meter for meter, _ in requests} == {"press", "oven"}


async def test_a_meter_that_is_taken_out_is_read_no_more(tmp_path, monkeypatch):
    two = FAST.replace("[[meter]]", OTHER + "[[meter]]", 1).replace("[[line]]", OVEN + "[[line]]")
    site = Site.at(tmp_path, two)
    switching = Switching(site, tmp_path / "new", FAST, monkeypatch)
    async with asyncio.timeout(20):
        await app.run(site.plan, CREDENTIALS, switching.again)
    (oven,) = switching.drivers["other"]
    assert oven.closed
    assert max(oven.given) < switching.drivers["serial"][0].given[-5]
    assert {("oven", at) for at in oven.given} <= sealed(site).requests().keys()


@pytest.mark.parametrize("fault", ["problem", "restart"])
async def test_a_configuration_that_cannot_be_followed_changes_nothing(tmp_path, monkeypatch, caplog, fault):
    site = Site.at(tmp_path, FAST)
    switching = Switching(site, tmp_path / "new", FAST.replace("seal_s = 5", "seal_s = 6"), monkeypatch)

    def again():
        if fault == "problem":
            raise Problems(["agent.toml: meter.a: wrong: mend it", "agent.toml: meter.b: wrong: mend it"])
        return next(switching.plans)

    async with asyncio.timeout(20):
        await app.run(site.plan, CREDENTIALS, again)
    told = [record.getMessage() for record in caplog.records if "not reloaded" in record.getMessage()]
    if fault == "problem":
        assert told == [f"not reloaded: agent.toml: meter.{name}: wrong: mend it" for name in "ab"]
    else:
        assert "not reloaded: agent.seal_s: changed: needs a restart of the agent" in told
    assert len(switching.drivers["serial"][0].given) >= 30
    assert sealed(site).reasons == ["first start"]


def test_a_rotation_at_a_start_is_kept_beside_the_entries(tmp_path):
    site, new = Site.at(tmp_path), keys.generate()
    journal, clock = Journal(site.plan.config.agent.data), SimpleNamespace(state=lambda: CLOCK)
    app._keeper(site.plan, SimpleNamespace(key=KEY, next_key=new), journal, clock).open(T0)
    assert key_change.said(journal).due == keys.thumbprint(new.public_key())
    assert key_change.STATE in journal.left().state
    journal.close()
