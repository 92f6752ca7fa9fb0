"""Outages: one loss and one return, what the server remembers put in between, in order and once."""

import asyncio
import contextlib
import itertools
import struct
import time
from dataclasses import replace

import pytest
from opcua_profiles import driving, kepserver

from agent.drivers import Unreachable, opcua_backfill
from agent.load import Load
from agent.poll import Inbox, Rota, poll
from agent.schedule import Polled
from contract.segment import TICK_NS
from simulators.opcua_gate import standing
from simulators.opcua_meters import KEPSERVER_METER, MeterServer

S = 1_000_000_000
SUBSCRIBED = {"mode": "subscribe", "sampling_ms": 20, "queue_size": 500, "publishing_ms": 50}
MODES = pytest.mark.parametrize("bus", [{}, SUBSCRIBED], ids=["poll", "subscribe"])


@contextlib.asynccontextmanager
async def plant(**keys):
    """A meter that has shown 1 kWh, and the gate before it."""
    server = MeterServer(KEPSERVER_METER, time.time_ns, **keys)
    await server.show("Power", 100.0)
    await server.show("Energy", 1.0)
    await server.start()
    try:
        async with standing(server.port) as gate:
            yield server, gate
    finally:
        await server.stop()


def energies(scans):
    """Energy readings as (kWh, source, requested, answered)."""
    return [
        (
            None if r.raw is None else struct.unpack(">d", r.raw.to_bytes(8, "big"))[0],
            r.source_ns, scan.requested_ns, scan.answered_ns,
        )
        for scan in scans for r in scan.readings if r.point == "energy"
    ]  # fmt: skip


def assert_in_order(found):
    assert [one[2] for one in found] == sorted(one[2] for one in found)
    ticks = [-(-one[3] // TICK_NS) for one in found]
    assert all(later > earlier for earlier, later in itertools.pairwise(ticks))


async def back(driver, meter="m0", within_s=10.0):
    """Read until the meter answers: (its scans, the times it was unreachable)."""
    failures = 0
    async with asyncio.timeout(within_s):
        while True:
            try:
                return await driver.read(meter), failures
            except Unreachable:
                failures += 1
                await asyncio.sleep(0.1)


@MODES
async def test_a_killed_server_comes_back_and_what_it_remembers_is_put_before(bus):
    async with plant(history=True) as (server, gate), driving(
        f"opc.tcp://127.0.0.1:{gate.port}/", kepserver(), **bus
    ) as (driver, events):  # fmt: skip
        before = await driver.read("m0")
        await gate.shut()
        with pytest.raises(Unreachable):
            await driver.read("m0")
        await server.stop()
        made = []
        for number in range(250):  # three pages
            made.append((2.0 + number / 1000, time.time_ns() // 1000 * 1000))
            await server.show("Energy", *made[-1])
            await asyncio.sleep(0.002)
        await server.show("Energy", 9.0, status=0x808B0000)
        await server.show("Energy", 5.0)
        await server.start()
        await gate.open()
        scans, _ = await back(driver)
        found = energies(before + scans)
        assert [one[:2] for one in found[1:-1]] == made
        assert found[-1][0] == 5.0
        assert all(r <= source <= a for _, source, r, a in found[1:-1])
        assert max(a - r for _, _, r, a in found[1:-1]) < S
        assert_in_order(found)
        assert scans[-1].block == 0
        assert [(e.event, e.detail["count"], e.detail["left_out"], e.detail["whole"]) for e in events] == [
            ("backfilled", 250, 0, True)
        ]
        again = await driver.read("m0")
        assert {e.event for e in events} == {"backfilled"}
        assert {one[0] for one in energies(again)} == {5.0}
        assert_in_order(energies(scans + again))


@pytest.mark.parametrize("breaks", [1, 2, 3])
async def test_a_connection_that_breaks_in_the_middle_costs_no_history_unless_it_always_does(monkeypatch, breaks):
    left, real = [breaks], opcua_backfill.read_raw

    async def breaking(*given):
        if left[0]:
            left[0] -= 1
            raise ConnectionError("gone")
        return await real(*given)

    monkeypatch.setattr(opcua_backfill, "read_raw", breaking)
    async with plant(history=True) as (server, gate), driving(f"opc.tcp://127.0.0.1:{gate.port}/", kepserver()) as (
        driver, events
    ):  # fmt: skip
        before = await driver.read("m0")
        await gate.shut()
        with pytest.raises(Unreachable):
            await driver.read("m0")
        await server.show("Energy", 2.0)
        await server.show("Energy", 3.0)
        await gate.open()
        scans, failures = await back(driver)
        assert (failures, left) == (min(breaks, 2), [0])
        assert [one[0] for one in energies(scans)] == ([2.0, 3.0] if breaks < 3 else [3.0])
        assert_in_order(energies(before + scans))
        assert [e.event for e in events] == (["backfilled"] if breaks < 3 else ["backfill_failed"])


async def test_what_a_meter_remembers_is_bounded_over_all_its_tags(monkeypatch):
    monkeypatch.setattr(opcua_backfill, "VALUES_MAX", 20)
    async with plant(history=True) as (server, gate), driving(f"opc.tcp://127.0.0.1:{gate.port}/", kepserver()) as (
        driver, events
    ):  # fmt: skip
        await driver.read("m0")
        await gate.shut()
        with pytest.raises(Unreachable):
            await driver.read("m0")
        for number in range(40):
            await server.show("Energy", 2.0 + number)
            await server.show("Power", 2.0 + number)
        await gate.open()
        scans, _ = await back(driver)
        assert len(scans) <= 21
        assert [(e.event, e.detail["whole"]) for e in events] == [("backfilled", False)]


async def test_a_meter_that_is_asked_who_it_is_and_never_read_gathers_nothing():
    async with plant() as (server, _), driving(server.url, kepserver(), **SUBSCRIBED) as (driver, _events):
        driver._plans = {"m0": replace(driver._plans["m0"], identifying=driver._plans["m0"].measured[:1])}
        await driver.identify("m0")
        for number in range(20):
            await server.show("Energy", 2.0 + number)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        assert driver._link.feed._samples["m0"]
        await driver.identify("m0")
        assert driver._link.feed._samples == {}
        assert driver._waiting == {"m0": []}


@MODES
async def test_a_frozen_server_is_lost_and_found(bus):
    async with plant() as (server, gate), driving(
        f"opc.tcp://127.0.0.1:{gate.port}/", kepserver(), timeout_ms=300, **bus
    ) as (driver, events):  # fmt: skip
        before = await driver.read("m0")
        gate.freeze()
        for _ in range(2):  # a session that hangs, then connects that are accepted and not answered
            with pytest.raises(Unreachable, match="no answer within 300 ms"):
                await driver.read("m0")
        await server.show("Energy", 2.0)
        gate.thaw()
        scans, _ = await back(driver)
        assert [one[0] for one in energies(before)] == [1.0]
        assert {one[0] for one in energies(scans)} == {2.0}
        assert_in_order(energies(before + scans))
        assert events == []


async def test_meters_of_one_server_share_the_fate_of_a_connect():
    async with plant() as (_, gate), driving(
        f"opc.tcp://127.0.0.1:{gate.port}/", kepserver(), kepserver(), kepserver(), timeout_ms=300
    ) as (driver, _):  # fmt: skip
        gate.freeze()
        tried, opened = [], driver._door.open

        async def counted():
            tried.append(1)
            return await opened()

        driver._door.open = counted
        for meter in ("m0", "m1", "m2"):
            with pytest.raises(Unreachable, match="no answer within 300 ms"):
                await driver.read(meter)
        assert len(tried) == 1
        with pytest.raises(Unreachable):  # whoever asks again has it tried again
            await driver.read("m1")
        assert len(tried) == 2
        gate.thaw()
        assert (await back(driver, "m0"))[0][-1].readings[0].raw is not None


async def test_what_a_wrong_clock_put_outside_of_the_outage_is_left_out():
    async with plant(history=True) as (server, gate), driving(f"opc.tcp://127.0.0.1:{gate.port}/", kepserver()) as (
        driver, events
    ):  # fmt: skip
        server.clock_offset_ns = -3600 * S
        await server.show("Energy", 1.5)
        await driver.read("m0")  # stamped an hour ago
        await gate.shut()
        with pytest.raises(Unreachable):
            await driver.read("m0")
        await server.show("Energy", 1.6)
        server.clock_offset_ns = 0
        await server.show("Energy", 1.7)
        await gate.open()
        scans, _ = await back(driver)
        assert [one[0] for one in energies(scans)] == [1.7]
        # 1.0 by its stamp came after 1.5, but was shown before the outage; 1.6 by its stamp came an hour before
        assert [(e.event, e.detail["count"], e.detail["left_out"]) for e in events] == [("backfilled", 0, 2)]


async def test_without_history_nothing_is_asked_and_nothing_told():
    async with plant() as (server, gate), driving(f"opc.tcp://127.0.0.1:{gate.port}/", kepserver()) as (driver, events):
        await driver.read("m0")
        await gate.shut()
        with pytest.raises(Unreachable):
            await driver.read("m0")
        await server.show("Energy", 2.0)
        await gate.open()
        scans, _ = await back(driver)
        assert ([one[0] for one in energies(scans)], events) == ([2.0], [])


async def test_changes_between_two_reads_are_samples_in_order():
    async with plant() as (server, _), driving(server.url, kepserver(), **SUBSCRIBED) as (driver, events):
        scans, shown = await driver.read("m0"), []
        for number in range(1, 31):
            shown.append((1.0 + number, time.time_ns() // 1000 * 1000))
            await server.show("Energy", *shown[-1])
            await asyncio.sleep(0.02)
            if number % 10 == 0:
                scans += await driver.read("m0")
        await asyncio.sleep(0.2)
        scans += await driver.read("m0")
        found, times = energies(scans), dict(shown)
        assert_in_order(found)
        samples = energies([scan for scan in scans if scan.block == 2])
        assert len(samples) >= 5
        assert all(r <= times[kwh] <= a for kwh, _, r, a in samples)
        values = [one[0] for one in found]
        assert values == sorted(values)
        assert values[-1] == 31.0
        assert events == []


async def test_a_subscription_that_dies_is_noticed_and_made_anew():
    async with plant() as (server, _), driving(server.url, kepserver(), **SUBSCRIBED) as (driver, events):
        await driver.read("m0")
        service = server._server.iserver.subscription_service
        await service.delete_subscriptions(list(service.subscriptions))  # as a server that forgets it
        async with asyncio.timeout(5):
            while not events:
                await asyncio.sleep(0.05)
                await driver.read("m0")
        assert [(e.event, e.about) for e in events] == [("subscription_stale", "m0")]
        assert "nothing came for" in events[0].detail["reason"]
        async with asyncio.timeout(5):  # and changes are reported again
            for kwh in itertools.count(2):
                await server.show("Energy", float(kwh))
                await asyncio.sleep(0.05)
                if any(scan.block == 2 for scan in await driver.read("m0")):
                    break
        assert len(events) == 1


async def polled(driver, inbox, meters):
    """Have meters polled ten times a second."""
    rota = Rota(Load("plant", time.time_ns()), [Polled(name, S // 10) for name in meters], {}, 900 * S)
    await poll(driver, rota, inbox, time.time_ns)


async def seen(inbox, meters, kwh):
    """Wait until all meters have shown a value."""
    await until(lambda: {m for m, scan in inbox.scans for e in energies([scan]) if e[0] == kwh} == set(meters))


async def until(condition):
    """Look again and again."""
    async with asyncio.timeout(10):  # within which data is promised to be back
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


@MODES
@pytest.mark.parametrize("outage", ["killed", "frozen", "stopped"])
async def test_an_outage_is_one_loss_and_one_return_of_each_meter(bus, outage):
    meters, inbox = ("m0", "m1"), Inbox()
    async with plant() as (server, gate), driving(
        f"opc.tcp://127.0.0.1:{gate.port}/", kepserver(), kepserver(), timeout_ms=400, **bus
    ) as (driver, events):  # fmt: skip
        polling = asyncio.create_task(polled(driver, inbox, meters))
        await seen(inbox, meters, 1.0)
        if outage == "frozen":
            gate.freeze()
        elif outage == "stopped":
            await server.stop()
        else:
            await gate.shut()
        await until(lambda: len(inbox.events) >= 2)
        await server.show("Energy", 2.0)
        if outage == "frozen":
            gate.thaw()
        elif outage == "stopped":
            await server.start()
        else:
            await gate.open()
        await seen(inbox, meters, 2.0)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        for meter in meters:
            told = [e for e in inbox.events if e.about == meter]
            assert [e.event for e in told] == ["meter_lost", "meter_back"]
            assert_in_order(energies([scan for name, scan in inbox.scans if name == meter]))
            gap = told[0].at_ns, told[1].at_ns
            inside = [s for n, s in inbox.scans if n == meter and gap[0] < s.answered_ns and s.requested_ns < gap[1]]
            assert all(e[0] == 2.0 for e in energies(inside))
        assert events == []
