"""Polling in virtual time: aligned, told once, a dead meter no burden to its neighbours, no reading of a stranger."""

import asyncio
from itertools import pairwise

import pytest

from agent.drivers import BAD_DECODING_ERROR, BAD_OUT_OF_RANGE, BAD_TIMEOUT, Reading, Scan, Unreachable
from agent.drivers.profile import parse
from agent.load import Load
from agent.poll import Inbox, Rota, poll
from agent.schedule import NEVER_NS, NS, Polled
from contract.records import EventPart
from simulators import virtual

MS = 1_000_000
HOUR_NS = 3600 * NS
IDENTIFIED = parse(b"""make = "Test"
model = "meter"
medium = "electricity"
grade = "bronze"
sources = ["made up"]
[[point]]
id = "energy"
quantity = "active_energy_import"
table = "input"
address = 0
type = "uint32"
unit = "Wh"
kind = "counter"
[[point]]
id = "serial"
quantity = "serial"
table = "holding"
address = 0
type = "uint32"
unit = "1"
kind = "gauge"
identity = "serial"
[[point]]
id = "model"
quantity = "model"
table = "holding"
address = 2
type = "uint16"
unit = "1"
kind = "gauge"
identity = "model"
expect = ["7"]
""")


class World:
    """A bus in virtual time: `dead` meters keep it for a silence, the others for a trip."""

    def __init__(self, loop, trip_ms=20, silence_ms=300):
        self.loop, self.trip_ms, self.silence_ms = loop, trip_ms, silence_ms
        self.dead, self.asked, self.at = set(), [], {}
        self.serial, self.model, self.garbled = (99, 0), (7, 0), 0
        loop.jump(5.000_123)

    def now_ns(self):
        return self.loop.now_ns()

    def silence_ns(self, _):
        return self.silence_ms * MS

    async def read(self, meter):
        self.asked.append((meter, self.now_ns()))
        requested_ns = self.now_ns()
        for until_s in [second for second in self.at if second * NS <= requested_ns]:
            self.at.pop(until_s)()
        if meter in self.dead:
            await asyncio.sleep(self.silence_ms / 1000)
            raise Unreachable("no answer")
        await asyncio.sleep(self.trip_ms / 1000)
        return [Scan(0, requested_ns, self.now_ns(), (Reading("energy", 1, 0),))]

    async def identify(self, meter):
        self.asked.append((f"{meter}?", self.now_ns()))
        if meter in self.dead:
            await asyncio.sleep(self.silence_ms / 1000)
            raise Unreachable("no answer")
        await asyncio.sleep(self.trip_ms / 1000)
        serial = self.serial if not self.garbled else (None, BAD_DECODING_ERROR)
        self.garbled = max(0, self.garbled - 1)
        told = [Reading(n, None if s else raw, s) for n, (raw, s) in (("serial", serial), ("model", self.model))]
        return [Scan(1, 0, self.now_ns(), tuple(told))]

    def times(self, meter):
        return [at_ns for name, at_ns in self.asked if name == meter]


def run(*names, until_s=60, every_ns=NS, identified=False, then=None, **more):
    """Poll meters of these names until so many seconds of virtual time; `then` may prepare the world."""

    async def main():
        world = World(asyncio.get_running_loop(), **more)
        inbox = Inbox()
        meters = [
            Polled(name, every_ns.get(name, NS) if isinstance(every_ns, dict) else every_ns,
                   identity_ns=0 if identified else NEVER_NS)
            for name in names
        ]  # fmt: skip
        rota = Rota(Load("serial", 0), meters, dict.fromkeys(names, IDENTIFIED) if identified else {}, 900 * NS)
        if then is not None:
            then(world, rota)
        task = asyncio.create_task(poll(world, rota, inbox, world.now_ns))
        await asyncio.wait([task], timeout=until_s - world.now_ns() / NS)
        rota.stop()
        await task
        return world, inbox, rota

    return virtual.run(main())


def test_meters_of_one_rhythm_are_read_together_on_whole_ticks():
    world, inbox, _ = run("a", "b", "c", until_s=9.5, every_ns={"c": 2 * NS}, trip_ms=10)
    assert [(meter, round(at_ns / MS)) for meter, at_ns in world.asked] == [
        ("a", 6000), ("b", 6010), ("c", 6020), ("a", 7000), ("b", 7010),
        ("a", 8000), ("b", 8010), ("c", 8020), ("a", 9000), ("b", 9010),
    ]  # fmt: skip
    assert len(inbox.scans) == len(world.asked)
    assert inbox.events == []


NAMES = [f"m{n}" for n in range(10)]


def test_one_of_ten_dead_for_an_hour_costs_the_nine_no_slot():
    """Acceptance: no slot missed, at most one probe of the dead meter per pause."""

    def dies(world, _):
        world.at[10] = lambda: world.dead.add("m4")

    world, inbox, rota = run(*NAMES, until_s=HOUR_NS // NS + 9.5, then=dies)
    ticks = range(6, HOUR_NS // NS + 10)
    for name in set(NAMES) - {"m4"}:
        slots = [at_ns // NS for at_ns in world.times(name)]
        assert slots == list(ticks)
    assert (rota.load.missed, rota.load.forced) == (0, 0)
    # asked for the last time in its slot at 10 s; then 1 + 2 + 4 + 8 + 16 + 32 s of pauses, and one a minute
    probes = [at_ns for at_ns in world.times("m4") if at_ns > 11 * NS]
    pauses = [(later - earlier) / NS for earlier, later in pairwise(probes)]
    assert all(found >= due for found, due in zip(pauses, [2, 4, 8, 16, 32], strict=False))
    assert min(pauses[5:]) >= 60
    assert len(probes) in range(60, 66)
    assert [(event.event, event.about) for event in inbox.events] == [("meter_lost", "m4")]


def test_one_of_ten_dead_from_the_start_is_met_once_and_costs_nothing_after():
    def dead(world, _):
        world.dead = {"m0"}

    world, _, rota = run(*NAMES, until_s=605.5, then=dead)
    for name in NAMES[1:]:
        assert [at_ns // NS for at_ns in world.times(name)] == list(range(6, 606))
    assert rota.load.missed == 0
    assert len(world.times("m0")) <= 1 + 6 + 10


def test_a_silence_longer_than_any_gap_slips_ever_more_seldom_bounded_and_counted():
    def dies(world, _):
        world.at[10] = lambda: world.dead.add("m4")

    world, inbox, rota = run(*NAMES, until_s=610, silence_ms=2500, then=dies)
    probes = [at_ns for at_ns in world.times("m4") if at_ns > 11 * NS]
    # due after 1, 2, 4 ... s and made as much again later: three, six, twelve ... s apart, and at most a minute
    gaps = [(later - earlier) // NS for earlier, later in pairwise(probes)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= 6
    assert set(gaps[4:]) <= {60, 61, 62, 63}  # asked last, a silence of 2.5 s, the longest pause
    assert len(probes) in range(11, 14)
    assert rota.load.forced == len(probes)
    # 2.5 s from 0.2 s after a tick: each of the nine loses at most two slots
    assert 0 < rota.load.missed <= 2 * 9 * (len(probes) + 1)
    told = [event for event in inbox.events if event.event == "slots_missed"]
    assert [event.about for event in told] == ["serial"]


def test_a_slow_bus_skips_slots_and_never_piles_them_up():
    world, inbox, rota = run("a", until_s=30, trip_ms=2500)
    times = [round(at_ns / MS) for at_ns in world.times("a")]
    assert times[:4] == [6000, 9000, 11500, 14000]
    assert len(inbox.scans) == len(times)
    assert rota.load.missed == (times[-1] // 1000 - 9) - (len(times) - 2)


def test_a_meter_that_is_back_is_told_with_its_absence():
    def out(world, _):
        world.at[8] = lambda: world.dead.add("a")
        world.at[20] = world.dead.clear

    _, inbox, _ = run("a", "b", until_s=40, then=out)
    lost, back = inbox.events
    assert (lost.event, lost.about, lost.detail) == ("meter_lost", "a", {"reason": "no answer"})
    assert (back.event, back.detail) == ("meter_back", {"lost_since_ns": lost.at_ns})
    assert lost.at_ns // NS == 8


def test_a_bus_that_was_silent_as_a_whole_has_all_its_meters_back_soon():
    def dark(world, _):
        world.at[8] = lambda: world.dead.update(NAMES)
        world.at[1000] = world.dead.clear

    world, inbox, _ = run(*NAMES, until_s=1020, silence_ms=1000, then=dark)
    back = {event.about: event.at_ns / NS for event in inbox.events if event.event == "meter_back"}
    assert back.keys() == set(NAMES)
    assert max(back.values()) < 1000 + 5 + 5
    assert len(inbox.events) == 2 * len(NAMES)
    assert len(world.asked) < 40 + 1000 + 10 * 20  # one silence after the other, never two at once


def test_what_is_wanted_is_read_at_once_and_moves_no_tick():
    async def main():
        world, inbox = World(asyncio.get_running_loop()), Inbox()
        rota = Rota(Load("serial", 0), [Polled("a", NS), Polled("b", NS)], {}, NS)
        task = asyncio.create_task(poll(world, rota, inbox, world.now_ns))
        await asyncio.sleep(1.5)
        rota.want({"b", "elsewhere"})
        await asyncio.sleep(1)
        rota.stop()
        await task
        return world

    world = virtual.run(main())
    assert [(name, round(at_ns / MS)) for name, at_ns in world.asked] == [
        ("a", 6000), ("b", 6020), ("b", 6500), ("a", 7000), ("b", 7020),
    ]  # fmt: skip


def test_what_is_wrong_with_us_is_not_taken_for_a_dead_meter():
    def broken(world, _):
        world.at[7] = lambda: 1 / 0

    with pytest.raises(ZeroDivisionError):
        run("a", then=broken)


def test_who_it_is_comes_first_and_again_between_slots():
    world, inbox, _ = run("a", until_s=907.5, identified=True)
    assert [name for name, _ in world.asked[:3]] == ["a?", "a", "a"]
    assert [(met.meter, met.identity.serial, met.identity.model, met.before) for met in inbox.met] == [
        ("a", "99", "7", 0), ("a", "99", "7", 901),
    ]  # fmt: skip
    assert [at_ns // NS for at_ns in world.times("a")] == list(range(6, 908))


def test_after_a_silence_nothing_is_taken_before_it_has_said_who_it_is():
    def swapped(world, _):
        world.at[8] = lambda: world.dead.add("a")
        world.at[20] = lambda: (world.dead.clear(), setattr(world, "serial", (None, BAD_TIMEOUT)))
        world.at[40] = lambda: setattr(world, "serial", (100, 0))

    world, inbox, _ = run("a", "b", until_s=80, identified=True, then=swapped)
    assert [met.identity.serial for met in inbox.met if met.meter == "a"] == ["99", "100"]
    back = next(event for event in inbox.events if event.event == "meter_back")
    assert back.at_ns > 40 * NS
    between = [scan for meter, scan in inbox.scans if meter == "a" and 9 * NS < scan.requested_ns < 40 * NS]
    assert between == []
    (again,) = [met for met in inbox.met if met.meter == "a"][1:]
    assert inbox.scans[again.before :][0][0] == "a"
    assert world.times("b")[-1] // NS == 79


def test_a_meter_of_another_model_gives_no_value_until_the_right_one_answers():
    def other(world, _):
        world.model = (8, 0)
        world.at[30] = lambda: setattr(world, "model", (7, 0))

    _, inbox, _ = run("a", until_s=90, identified=True, then=other)
    assert [(event.event, event.detail) for event in inbox.events] == [
        ("model_unexpected", {"expected": ["7"], "found": "8"}),
        ("model_as_expected", {"expected": [], "found": "7"}),
    ]
    accepted_ns = inbox.events[1].at_ns
    for _, scan in inbox.scans:
        (reading,) = scan.readings
        barred = scan.requested_ns < accepted_ns
        assert (reading.raw, reading.status) == ((None, 0x80890000) if barred else (1, 0))
    assert [met.at_ns for met in inbox.met] == [accepted_ns]
    assert 30 * NS < accepted_ns < 70 * NS


def test_a_damaged_frame_is_no_other_instrument():
    def damaged(world, _):
        world.garbled = 2

    world, inbox, _ = run("a", until_s=9.5, identified=True, then=damaged)
    assert [(met.identity.serial, met.identity.unreadable) for met in inbox.met] == [("99", ())]
    assert len(world.times("a?")) == 3


def test_an_identity_register_that_is_refused_does_not_hold_up_readings():
    def refused(world, _):
        world.serial = (None, BAD_OUT_OF_RANGE)

    _, inbox, _ = run("a", until_s=9.5, identified=True, then=refused)
    assert [(met.identity.serial, met.identity.unreadable) for met in inbox.met] == [(None, ("serial",))]
    assert len(inbox.scans) == 4


def test_the_inbox_is_taken_once_and_tells_of_scans_as_they_come():
    heard, scan = [], Scan(0, 1, 2, ())
    inbox = Inbox(on_scans=lambda *told: heard.append(told))
    inbox.put("a", [scan])
    assert inbox.take() == ([("a", scan)], [], [])
    assert inbox.take() == ([], [], [])
    assert heard == [("a", [scan])]


def test_a_meter_whose_answers_hold_nothing_is_told_once_and_again_when_they_do(caplog):
    """Three reads on end, as one or two may be noise; then values, which is told as well."""
    answers = iter([BAD_DECODING_ERROR] * 2 + [0] + [BAD_DECODING_ERROR] * 5 + [0] * 100)

    def nonsense(world, _):
        async def read(_):
            status = next(answers)
            return [Scan(0, world.now_ns(), world.now_ns(), (Reading("energy", None if status else 1, status),))]

        world.read = read

    with caplog.at_level("INFO", logger="metertrail.poll"):
        _, inbox, _ = run("a", until_s=20, then=nonsense)
    assert [(record.levelname, record.getMessage().split(":")[0]) for record in caplog.records] == [
        ("WARNING", "meter=a answers, but gives no value"),
        ("INFO", "meter=a gives values again"),
    ]
    assert inbox.events == []  # the readings are on record with their statuses


def test_what_drivers_tell_is_logged_and_refusals_once_a_meter(caplog):
    inbox = Inbox()
    for meter, address in (("a", 0), ("a", 8), ("b", 0)):
        inbox.tell(EventPart(event="registers_refused", about=meter, at_ns=1, detail={"address": address}))
    inbox.tell(EventPart(event="node_missing", about="plc", at_ns=1, detail={"node": "i=7"}))
    assert len(inbox.events) == 4
    assert [message.split(":")[0] for message in caplog.messages] == [
        "meter=a registers_refused address=0", "meter=b registers_refused address=0",
        "meter=plc node_missing node=i=7",
    ]  # fmt: skip
