"""The Modbus driver against a small server of our own on loopback sockets, in both framings."""

import asyncio
import contextlib

import pytest
from modbus_plant import (
    HEAD,
    KINDS,
    Server,
    crc16,
    honest,
    meter_profile,
    plant,
    raws,
    registers,
    statuses,
)

from agent.drivers import (
    BAD_DECODING_ERROR,
    BAD_DEVICE_FAILURE,
    BAD_NO_DATA,
    BAD_NOT_CONNECTED,
    BAD_OUT_OF_RANGE,
    BAD_TIMEOUT,
    GOOD,
    Target,
    Unreachable,
    profile,
)
from agent.drivers.modbus import Bus, open_driver


def test_crc_matches_a_published_frame():
    assert crc16(bytes.fromhex("010300000001")) == bytes.fromhex("840A")  # a common example: 01 03 00 00 00 01 84 0A


@pytest.mark.parametrize("kind", KINDS)
async def test_words_arrive_with_the_times_around_each_request(kind):
    async with plant(kind, {"m": Target(7, meter_profile(10, 11, 500))}) as (server, driver):
        first, second = await driver.read("m")
        assert raws([first, second]) == {"p10": 10, "p11": 11, "p500": 500}
        assert statuses([first, second]) == [GOOD] * 3
        assert (first.block, second.block) == (0, 1)
        assert first.requested_ns < first.answered_ns < second.requested_ns < second.answered_ns
        assert [(r.unit, r.function, r.address, r.count) for r in server.requests] == [(7, 3, 10, 2), (7, 3, 500, 1)]


@pytest.mark.parametrize("kind", KINDS)
async def test_units_share_one_connection(kind):
    meters = {name: Target(unit, meter_profile(unit)) for name, unit in [("a", 1), ("b", 2)]}
    async with plant(kind, meters) as (server, driver):
        assert [raws(await driver.read(name)) for name in "aba"] == [{"p1": 1}, {"p2": 2}, {"p1": 1}]
        assert server.connections == 1


async def test_a_base_moves_every_address():
    async with plant("tcp", {"m": Target(1, meter_profile(2, 3), base=40069)}) as (server, driver):
        assert raws(await driver.read("m")) == {"p2": 40071, "p3": 40072}
        assert server.requests[0].address == 40071


async def test_bits_are_read_as_bits():
    def reply(request):
        assert (request.function, request.address, request.count) == (1, 3, 3)
        return request.unit, bytes([1, 1, 0b101])

    async with plant("tcp", {"m": Target(1, meter_profile(3, 4, 5, table="coil"))}, reply=reply) as (_, driver):
        assert raws(await driver.read("m")) == {"p3": 1, "p4": 0, "p5": 1}


async def test_a_value_the_profile_calls_invalid_is_none():
    meters = {"m": Target(1, meter_profile(4, 5, extra="invalid = [5]\n"))}
    async with plant("tcp", meters) as (_, driver):
        (scan,) = await driver.read("m")
        assert [(r.raw, r.status) for r in scan.readings] == [(4, GOOD), (None, BAD_NO_DATA)]


MISFITS = {
    "short": lambda r: (r.unit, registers(r.function, r.address, r.count - 1)),
    "long": lambda r: (r.unit, registers(r.function, r.address, r.count + 1)),
    "wrong function": lambda r: (r.unit, registers(4, r.address, r.count)),
    "exception of another function": lambda r: (r.unit, bytes([0x84, 2])),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("misfit", MISFITS)
async def test_an_answer_that_does_not_fit_gives_no_value(kind, misfit):
    async with plant(kind, {"m": Target(1, meter_profile(10, 11))}, reply=MISFITS[misfit]) as (server, driver):
        (scan,) = await driver.read("m")
        assert [(r.raw, r.status) for r in scan.readings] == [(None, BAD_DECODING_ERROR)] * 2
        server.reply = honest
        assert raws(await driver.read("m")) == {"p10": 10, "p11": 11}
        assert server.connections == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", [1, 0])
async def test_an_answer_of_another_unit_is_no_answer(kind, unit):
    if kind != "tcp" and unit == 0:
        return
    meters = {"m": Target(unit, meter_profile(10))}
    async with plant(kind, meters, 200, reply=lambda _: (9, registers(3, 10, 1))) as (server, driver):
        with pytest.raises(Unreachable, match=f"unit {unit}: no answer within 200 ms"):
            await driver.read("m")
        assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_block_costs_only_its_own_points(kind):
    def reply(request):
        return (request.unit, bytes([0x83, 2])) if request.address == 10 else honest(request)

    async with plant(kind, {"m": Target(1, meter_profile(10, 500))}, reply=reply) as (server, driver):
        scans = await driver.read("m")
        assert [(r.raw, r.status) for s in scans for r in s.readings] == [(None, BAD_OUT_OF_RANGE), (500, GOOD)]
        assert server.connections == 1


async def test_a_device_in_trouble_is_a_device_failure():
    meters = {"m": Target(1, meter_profile(10))}
    async with plant("tcp", meters, reply=lambda r: (r.unit, bytes([0x83, 4]))) as (_, driver):
        assert statuses(await driver.read("m")) == [BAD_DEVICE_FAILURE]


async def test_a_gateway_without_answer_from_the_unit_is_unreachable():
    meters = {"m": Target(1, meter_profile(10, 500))}
    async with plant("tcp", meters, reply=lambda r: (r.unit, bytes([0x83, 11]))) as (server, driver):
        with pytest.raises(Unreachable, match="the gateway gets no answer"):
            await driver.read("m")
        assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_dead_unit_costs_one_request_and_spares_its_neighbours(kind):
    meters = {"dead": Target(1, meter_profile(10, 500, 900)), "well": Target(2, meter_profile(20))}
    reply = {1: lambda _: None, 2: honest}
    async with plant(kind, meters, 200, reply=lambda r: reply[r.unit](r)) as (server, driver):
        with pytest.raises(Unreachable):
            await driver.read("dead")
        assert [r.unit for r in server.requests] == [1]
        assert raws(await driver.read("well")) == {"p20": 20}


@pytest.mark.parametrize("kind", KINDS)
async def test_silence_later_in_a_read_keeps_what_came_before(kind):
    def reply(request):
        return None if request.address == 500 else honest(request)

    async with plant(kind, {"m": Target(1, meter_profile(10, 500, 900))}, 200, reply=reply) as (server, driver):
        scans = await driver.read("m")
        assert statuses(scans) == [GOOD, BAD_TIMEOUT, BAD_NOT_CONNECTED]
        assert raws(scans) == {"p10": 10, "p500": None, "p900": None}
        assert [r.address for r in server.requests] == [10, 500]


async def test_a_restless_line_is_given_up():
    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100))}, 50) as (server, driver):
        reading = asyncio.create_task(driver.read("m"))
        with contextlib.suppress(ConnectionError):
            while not reading.done():
                if server.writer is not None:
                    server.writer.write(b"\x00")
                await asyncio.sleep(0)
        with pytest.raises(Unreachable, match="never quiet"):
            await reading
        assert server.requests == []


async def test_nobody_listening_is_unreachable_until_somebody_does():
    spare = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0)
    port = spare.sockets[0].getsockname()[1]
    spare.close()
    await spare.wait_closed()
    bus = Bus(kind="tcp", host="127.0.0.1", port=port)
    driver = open_driver(bus, {"m": Target(1, meter_profile(10))}, lambda: 0, lambda _: None)
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port} unit 1: no connection"):
        await driver.read("m")
    listener = await asyncio.start_server(Server("tcp").serve, "127.0.0.1", port)
    assert raws(await driver.read("m")) == {"p10": 10}
    await driver.close()
    listener.close()


async def test_a_connection_closed_while_idle_is_opened_again():
    async with plant("tcp", {"m": Target(1, meter_profile(10))}) as (server, driver):
        await driver.read("m")
        gone = asyncio.Event()
        driver._line._client.ctx.trace_connect = lambda connected: connected or gone.set()
        server.writer.close()
        await gone.wait()
        assert raws(await driver.read("m")) == {"p10": 10}
        assert server.connections == 2


def test_meters_that_cannot_be_read_are_named_before_anything_opens():
    node = 'id = "n"\nquantity = "mass"\nnode = "i=1"\ntype = "float64"\nunit = "kg"\nkind = "counter"\n'
    tags = profile.parse((HEAD + "[[point]]\n" + node).encode())
    meters = {
        "a": Target(0, meter_profile(1)),
        "b": Target(1, meter_profile(9), base=65530),
        "c": Target(1, tags),
    }
    with pytest.raises(ValueError) as caught:
        open_driver(Bus(kind="rtu_over_tcp", host="h"), meters, lambda: 0, lambda _: None)
    assert str(caught.value).splitlines() == [
        "a: unit 0 does not exist on rtu_over_tcp: use 1..247",
        "b: base 65530 moves registers outside 0..65535: check base",
        "c: profile M X is not for Modbus: choose one with registers",
    ]


SERIAL = 'identity = "serial"\n'


def identified_profile():
    point = '[[point]]\nid = "{0}"\nquantity = "{0}"\ntable = "holding"\naddress = {1}\ntype = "uint16"\nunit = "1"\n'
    points = point.format("p10", 10) + 'kind = "gauge"\n' + point.format("sn", 900) + 'kind = "gauge"\n' + SERIAL
    return profile.parse((HEAD + points).encode())


async def test_identity_is_read_apart_under_block_indexes_of_its_own():
    meters = {"m": Target(1, identified_profile()), "plain": Target(2, meter_profile(1))}
    async with plant("tcp", meters) as (server, driver):
        assert raws(await driver.read("m")) == {"p10": 10}
        (scan,) = await driver.identify("m")
        assert (scan.block, raws([scan])) == (1, {"sn": 900})
        assert await driver.identify("plain") == []
        assert [r.address for r in server.requests] == [10, 900]


def refusing(*addresses):
    """A meter that has none of these registers."""

    def reply(request):
        held = range(request.address, request.address + request.count)
        return (request.unit, bytes([0x83, 2])) if any(a in held for a in addresses) else honest(request)

    return reply


async def test_a_register_that_is_not_there_is_found_and_asked_for_no_more():
    told = []
    meters = {"m": Target(1, meter_profile(*range(10, 18)))}
    async with plant("tcp", meters, tell=told.append, reply=refusing(13)) as (server, driver):
        first = await driver.read("m")
        assert {k: v for k, v in raws(first).items() if v is None} == {"p13": None}
        assert all(v in (None, int(k[1:])) for k, v in raws(first).items())
        assert [r.status for s in first for r in s.readings if r.point == "p13"] == [BAD_OUT_OF_RANGE]
        assert 0 not in [s.block for s in first]  # the whole block is no more; its pieces have indexes of their own
        server.requests.clear()
        again = await driver.read("m")
        assert [(s.block, s.readings) for s in again] == [(s.block, s.readings) for s in first]
        assert all(not r.address <= 13 < r.address + r.count for r in server.requests)
    assert [(e.event, e.about, e.detail) for e in told] == [
        ("registers_refused", "m", {"table": "holding", "address": 13, "count": 1, "exception": 2})
    ]


async def test_a_new_connection_asks_for_the_refused_again():
    async with plant("tcp", {"m": Target(1, meter_profile(10, 11))}, reply=refusing(11)) as (server, driver):
        assert raws(await driver.read("m")) == {"p10": 10, "p11": None}
        await driver.close()
        server.reply = honest
        assert raws(await driver.read("m")) == {"p10": 10, "p11": 11}


async def test_a_block_of_which_everything_is_refused_stays_whole():
    told = []
    meters = {"m": Target(1, meter_profile(10, 11, 500))}
    async with plant("tcp", meters, tell=told.append, reply=refusing(10, 11)) as (_, driver):
        scans = await driver.read("m")
        assert [s.block for s in scans] == [0, 1]
        assert statuses(scans) == [BAD_OUT_OF_RANGE, BAD_OUT_OF_RANGE, GOOD]
    assert [(e.detail["address"], e.detail["count"]) for e in told] == [(10, 2)]


async def test_a_function_that_is_not_there_is_not_looked_for_piece_by_piece():
    def reply(request):
        return request.unit, bytes([0x83, 1])

    async with plant("tcp", {"m": Target(1, meter_profile(10, 11))}, reply=reply) as (server, driver):
        assert statuses(await driver.read("m")) == [BAD_OUT_OF_RANGE] * 2
        assert len(server.requests) == 1


@pytest.mark.parametrize("code", [4, 5, 6, 8])
async def test_a_busy_or_broken_device_is_asked_again_next_time(code):
    meters = {"m": Target(1, meter_profile(10))}
    async with plant("tcp", meters, reply=lambda r: (r.unit, bytes([0x83, code]))) as (server, driver):
        assert statuses(await driver.read("m")) == [BAD_DEVICE_FAILURE]
        server.reply = honest
        assert raws(await driver.read("m")) == {"p10": 10}


async def test_a_composite_too_wide_for_one_request_is_read_high_low_high():
    wide = (
        '[[point]]\nid = "e"\nquantity = "active_energy_import"\ntype = "composite"\nunit = "kWh"\nkind = "counter"\n'
        'table = "holding"\n'
        'parts = [{ address = 10, type = "uint16", scale = 3 }, { address = 400, type = "uint16", scale = 0 }]\n'
    )
    high = iter([7, 7, 7, 8])

    def reply(request):
        return request.unit, registers(3, next(high) if request.address == 10 else request.address, request.count)

    async with plant("tcp", {"m": Target(1, profile.parse((HEAD + wide).encode()))}, reply=reply) as (server, driver):
        (scan,) = await driver.read("m")
        assert [r.address for r in server.requests] == [10, 400, 10]
        assert raws([scan]) == {"e": 7 << 16 | 400}
        (scan,) = await driver.read("m")
        assert scan.readings[0].raw is None  # the high part moved on in between
        assert scan.readings[0].status >= 0x80000000
