"""The Modbus driver against a small server of our own on loopback sockets, in both framings."""

import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field

import pytest

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

HEAD = 'make = "M"\nmodel = "X"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["s"]\n'
KINDS = ["tcp", "rtu_over_tcp"]


def crc16(data):
    """CRC-16 of Modbus RTU, bit by bit (Modbus over serial line V1.02, 6.2.2), low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def test_crc_matches_a_published_frame():
    assert crc16(bytes.fromhex("010300000001")) == bytes.fromhex("840A")  # a common example: 01 03 00 00 00 01 84 0A


@dataclass
class Request:
    """One read request as it came over the wire."""

    tid: int
    unit: int
    function: int
    address: int
    count: int


@dataclass
class Server:
    """Answers what `reply(request)` returns, (unit, pdu) or None for silence; else registers hold their own address."""

    kind: str
    reply: object = None
    requests: list = field(default_factory=list)
    connections: int = 0
    late: bytes = b""  # bytes still in a buffer of the serial device server: they leave before the next answer
    writer: object = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    def frame(self, request, unit, pdu):
        """Wrap a PDU in the server's framing."""
        if self.kind == "tcp":
            return request.tid.to_bytes(2, "big") + bytes(2) + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit]) + pdu
        return bytes([unit]) + pdu + crc16(bytes([unit]) + pdu)

    def send_late(self):
        """Pass the late bytes on to whoever is connected now."""
        self.writer.write(self.late)
        self.late = b""

    async def serve(self, reader, writer):
        """Handle one connection until it is closed."""
        self.connections += 1
        self.writer = writer
        self.arrived.set()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(6) if self.kind == "tcp" else b""
                body = await reader.readexactly(6 if self.kind == "tcp" else 8)
                request = Request(
                    int.from_bytes(head[:2], "big"),
                    body[0],
                    body[1],
                    int.from_bytes(body[2:4], "big"),
                    int.from_bytes(body[4:6], "big"),
                )
                self.requests.append(request)
                answer = (self.reply or honest)(request)
                if answer is None:
                    self.waiting.set()
                    continue
                self.send_late()
                writer.write(self.frame(request, *answer))
                await writer.drain()
        self.dropped.set()
        writer.close()


def registers(function, start, count):
    words = b"".join(((start + i) & 0xFFFF).to_bytes(2, "big") for i in range(count))
    return bytes([function, len(words)]) + words


def honest(request):
    return request.unit, registers(request.function, request.address, request.count)


def meter_profile(*addresses, table="holding", extra=""):
    points = "".join(
        f'[[point]]\nid = "p{a}"\nquantity = "current"\ntable = "{table}"\naddress = {a}\ntype = '
        f'"{"bool" if table == "coil" else "uint16"}"\nunit = "1"\nkind = "gauge"\n{extra}'
        for a in addresses
    )
    return profile.parse((HEAD + points).encode())


@contextlib.asynccontextmanager
async def plant(kind, meters, timeout_ms=None, **server_keys):
    server = Server(kind, **server_keys)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    bus = Bus(kind=kind, host="127.0.0.1", port=port, timeout_ms=timeout_ms or (5000 if kind == "tcp" else 200))
    driver = open_driver(bus, meters, itertools.count(1000).__next__, lambda _: None)
    try:
        yield server, driver
    finally:
        await driver.close()
        listener.close()


def raws(scans):
    return {r.point: r.raw for scan in scans for r in scan.readings}


def statuses(scans):
    return [r.status for scan in scans for r in scan.readings]


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
        assert server.connections == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_of_another_unit_is_no_answer(kind):
    meters = {"m": Target(1, meter_profile(10))}
    async with plant(kind, meters, 200, reply=lambda _: (9, registers(3, 10, 1))) as (server, driver):
        with pytest.raises(Unreachable, match="unit 1: no answer within 200 ms"):
            await driver.read("m")
        assert len(server.requests) == 1


async def test_unit_zero_accepts_no_other_unit():
    async with plant("tcp", {"m": Target(0, meter_profile(10))}, reply=lambda _: (9, registers(3, 10, 1))) as (
        _,
        driver,
    ):
        assert statuses(await driver.read("m")) == [BAD_DECODING_ERROR]


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


class Listened(asyncio.Event):
    """Tells the test when the driver begins to listen for stray bytes."""

    def __init__(self):
        super().__init__()
        self.begun = asyncio.Event()

    async def wait(self):
        """Wait as an Event does."""
        self.begun.set()
        return await super().wait()


async def read_after_late_answer(server, driver):
    """Read once more with a late answer (4711) under way: it comes as the driver listens, else before its answer."""
    await asyncio.wait_for(server.dropped.wait(), 10)
    driver._heard = heard = Listened()
    server.arrived.clear()
    server.late = server.frame(server.requests[0], 1, registers(3, 4711, 1))
    server.reply = honest
    reading = asyncio.create_task(driver.read("m"))
    await server.arrived.wait()
    listening = asyncio.create_task(heard.begun.wait())
    await asyncio.wait([reading, listening], return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()
    server.send_late()
    return raws(await reading)


async def test_a_late_rtu_answer_is_never_taken_for_the_next():
    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100))}, reply=lambda _: None) as (server, driver):
        with pytest.raises(Unreachable):
            await driver.read("m")
        assert await read_after_late_answer(server, driver) == {"p100": 100}
        assert server.connections == 2


async def test_a_late_tcp_answer_goes_nowhere():
    async with plant("tcp", {"m": Target(1, meter_profile(100))}, 200, reply=lambda _: None) as (server, driver):
        with pytest.raises(Unreachable):
            await driver.read("m")
        await asyncio.wait_for(server.dropped.wait(), 10)
        server.writer.write(server.frame(server.requests[0], 1, registers(3, 4711, 1)))
        server.reply = honest
        assert raws(await driver.read("m")) == {"p100": 100}


async def test_an_interrupted_read_leaves_no_answer_behind():
    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100))}, reply=lambda _: None) as (server, driver):
        reading = asyncio.create_task(driver.read("m"))
        await server.waiting.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await read_after_late_answer(server, driver) == {"p100": 100}


async def test_bytes_nobody_asked_for_make_the_line_suspect():
    async with plant("rtu_over_tcp", {"m": Target(1, meter_profile(100))}) as (server, driver):
        await driver.read("m")
        server.writer.write(server.frame(server.requests[0], 1, registers(3, 4711, 1)))
        await driver._heard.wait()
        assert raws(await driver.read("m")) == {"p100": 100}
        assert server.connections == 2


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
        driver._client.ctx.trace_connect = lambda connected: connected or gone.set()
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
