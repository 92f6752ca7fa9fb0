"""The floor: offsets of those that tell them, rounds that lose nothing at a stop or at another plan, edges heard."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from plant_in_memory import CONFIG, S, Site, at_ns, meter_scan, plc_scan

from agent import floor as floors
from agent.bus import Bus
from agent.clock import Step
from agent.floor import Floor
from agent.identity import Identity, Met
from agent.poll import Inbox
from agent.recorder import Settings
from agent.reload import change
from contract.entry import Clock as Stated
from contract.entry import TreeHead
from contract.records import EventPart, Offset


class Driver:
    """Nobody polls it here; its clock is told."""

    async def clock_offset_ns(self):
        await asyncio.sleep(0)
        return -5, 5


class Crew:
    """Buses that are polled by nobody, and what was asked of the crew."""

    def __init__(self):
        self.buses, self.wanted, self.did = {"plc": Bus(Driver()), "serial": Bus(SimpleNamespace())}, set(), []

    def want(self, meters):
        self.wanted |= meters

    def told(self):
        return [{"name": "serial", "busy_permille": 7, "missed": 0, "late_ms_max": 3}]

    def polled(self):
        return {}

    async def stop(self, _, buses):
        self.did.append(("stop", set(buses)))

    def tune(self, plan):
        self.did.append(("tune", len(plan.meters)))

    def start(self, _, drivers):
        self.did.append(("start", set(drivers)))

    def reanchored(self, by_ns):
        self.did.append(("reanchored", by_ns))


class Clock:
    def __init__(self):
        self.at_ns, self.steps, self.followed = at_ns(1), [], True

    def now_ns(self):
        self.at_ns += 1_000_000
        return self.at_ns

    ahead_ns = 0

    def step(self):
        return self.steps.pop() if self.steps else None

    def state(self):
        return Stated(synchronised=self.followed, error_ns=None, boot=None, monotonic_ns=None)


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
        yield Floor(site.plan, Crew(), Clock(), worker, Inbox())


async def test_a_source_s_offset_is_used_while_its_bus_tells_it(floor):
    assert floor.sources()["press"].offset is None
    watching = asyncio.create_task(floor.watch_offsets())
    for _ in range(10):
        await asyncio.sleep(0)
    assert floor.sources()["press"].offset == Offset(lower_ns=-5, upper_ns=5)
    assert floor.sources()["press"].lag_ns == 7_000_000
    floor._clock.ahead_ns = 5 * S
    assert floor.sources()["press"].ahead_ns == 5 * S
    watching.cancel()


async def test_stopping_records_and_seals_what_is_still_in_the_inbox(site, floor):
    floor.inbox.scans.append(meter_scan(1))
    floor.stopping = True
    publisher = Publisher()
    publisher.checkpoint = TreeHead(size=4, root=bytes(32))
    publisher.events = [EventPart(event="tested", about="", at_ns=at_ns(1), detail={})]
    floor._clock.steps = [Step("clock_step", -5 * S, at_ns(1), at_ns(1), 77, bytes(16))]
    await floor.record(site.recorder, publisher)
    history = site.history()
    assert history.requests() == {("press", at_ns(1)): 1}
    assert [(event.event, event.detail) for event in history.events()] == [
        ("tested", {}),
        (
            "clock_step",
            {"step_ns": -5 * S, "from_ns": at_ns(1), "to_ns": at_ns(1), "boot": "00" * 16, "monotonic_ns": 77},
        ),
    ]
    assert site.recorder.checkpoint.size == 4


async def test_where_our_time_jumps_everything_that_waits_by_it_hears_of_it(site, floor, caplog):
    floor._offsets = {"plc": Offset(lower_ns=-5, upper_ns=5)}
    jumps = []
    site.recorder.reanchored = lambda *jump: jumps.append(jump)
    floor._clock.steps = [Step("clock_reanchored", 3600 * S, at_ns(1), at_ns(3601), 77, None)]
    floor.stopping = True
    await floor.record(site.recorder, Publisher())
    assert floor.sources()["press"].offset is None, "an offset that was measured against another time was used"
    assert (floor._crew.did, jumps) == ([("reanchored", 3600 * S)], [(at_ns(1), at_ns(3601))])
    (event,) = site.history().events()
    assert (event.event, event.at_ns, event.detail["boot"]) == ("clock_reanchored", at_ns(3601), None)
    assert (
        "clock_reanchored by_ms=3600000: what was stated unsynchronised before is 1:00:00 (h:mm:ss) early"
        in caplog.messages
    )


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (
            Step("clock_behind", -86_400 * S, 0, 0, 0, None),
            "clock_behind: the system's clock is 1 day, 0:00:00 (h:mm:ss)",
        ),
        (
            Step("clock_step", -500_000_000, 0, 0, 0, None),
            "clock_step by_ms=-500: readings go on by the time as it was",
        ),
    ],
)
def test_the_log_says_what_the_clock_did(step, line):
    assert floors._in_words(step).startswith(line)


async def test_pages_hear_on_though_our_time_jumps_in_between(site, floor, monkeypatch):
    monkeypatch.setattr(floors, "LIVE_S", 0)
    publisher = Publisher()
    enough = asyncio.Event()

    def told(payload):
        publisher.told.append(payload)
        floor._clock.at_ns += 1_700_000_000 * S
        if len(publisher.told) == 3:
            enough.set()

    publisher.live = told
    showing = asyncio.create_task(floor.show(site.recorder, publisher))
    async with asyncio.timeout(20):
        await enough.wait()
    showing.cancel()


def test_a_clock_that_follows_no_other_is_told_once_on_the_page_and_in_the_log(floor, caplog):
    caplog.set_level("INFO")
    for followed in (True, False, False, None, True):
        floor._clock.followed = followed
        assert floor._clock_now() == {"synchronised": followed, "error_ns": None, "ahead_ns": 0}
    assert [message.split(":")[0] for message in caplog.messages] == [
        "clock not synchronised", "clock not synchronised", "clock synchronised",
    ]  # fmt: skip


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


async def test_a_recorder_that_failed_at_another_plan_is_not_used_again(site, floor):
    settings = Settings(site.plan.meters, site.plan.config.line, bytes(32), 5 * S, 10 * S)
    site.recorder.reconfigure = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        await floor.switch(site.plan, change(site.plan, site.plan), settings, {}, site.recorder)
    before = site.history().entries
    floor.inbox.put(*pair(meter_scan(1)))
    floor.stopping = True
    await floor.record(site.recorder, Publisher())
    assert site.history().entries == before
    assert len(floor.inbox.scans) == 1


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
    assert told["buses"][0]["busy_permille"] == 7


def test_an_edge_has_the_line_s_meters_read_wherever_they_are(floor):
    for k, batch in enumerate([None, "A"]):
        meter, scan = plc_scan(k, batch)
        floor.inbox.put(meter, [scan])
    assert floor._crew.wanted == {"press", "press-plc"}


async def test_what_was_read_before_a_meter_said_who_it_is_is_sealed_before_that_is_stated(site, floor):
    floor.inbox.put(*pair(meter_scan(1)))
    floor.inbox.met.append(Met("press", Identity("77"), at_ns(1) + S // 2, len(floor.inbox.scans)))
    floor.inbox.put(*pair(meter_scan(2)))
    floor.stopping = True
    await floor.record(site.recorder, Publisher())
    history = site.history()
    assert history.reasons == ["first start", "meters identified"]
    serials = [
        stated.counters["press", "energy"].serial
        for stored, stated in zip(history.entries, history.in_force, strict=True)
        if stored.type == "segment"
    ]
    assert serials == ["", "77"]
    assert history.requests() == {("press", at_ns(1)): 1, ("press", at_ns(2)): 1}


async def test_two_exchanges_within_one_round_stay_apart(site, floor):
    for k, serial in ((1, "77"), (2, "78")):
        floor.inbox.met.append(Met("press", Identity(serial), at_ns(k), len(floor.inbox.scans)))
        floor.inbox.put(*pair(meter_scan(k)))
    floor.stopping = True
    await floor.record(site.recorder, Publisher())
    history = site.history()
    serials = [
        stated.counters["press", "energy"].serial
        for stored, stated in zip(history.entries, history.in_force, strict=True)
        if stored.type == "segment"
    ]
    assert serials == ["77", "78"]
    assert history.requests() == {("press", at_ns(1)): 1, ("press", at_ns(2)): 1}


def pair(told):
    return told[0], [told[1]]


async def test_another_plan_begins_with_what_was_read_under_the_old_one(tmp_path, site, floor):
    floor.inbox.put(*pair(meter_scan(1)))
    plan = Site.at(tmp_path / "new", CONFIG.replace('installation = "1"', 'installation = "2"\nunit = 5')).plan
    settings = Settings(plan.meters, plan.config.line, bytes(32), 5 * S, 10 * S)
    await floor.switch(plan, change(site.plan, plan), settings, {"serial": None}, site.recorder)
    assert floor._crew.did == [("stop", {"serial"}), ("tune", 2), ("start", {"serial"})]
    floor.inbox.put(*pair(meter_scan(2)))
    floor.stopping = True
    await floor.record(site.recorder, Publisher())
    history = site.history()
    assert history.reasons == ["first start", "configuration changed"]
    assert len({stored.epoch for stored in history.entries}) == 1
    assert history.requests() == {("press", at_ns(1)): 1, ("press", at_ns(2)): 1}
