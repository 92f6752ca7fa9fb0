"""A Modbus server of our own for the driver's tests: it answers, withholds, delays and spoils as a test says."""

import asyncio
import contextlib
import functools
import itertools
from dataclasses import dataclass, field

from agent.drivers import profile
from agent.drivers.modbus import Bus, open_driver
from simulators import virtual

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
    writer: object = None
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def frame(self, request, unit, pdu):
        """Wrap a PDU in the server's framing."""
        if self.kind == "tcp":
            return request.tid.to_bytes(2, "big") + bytes(2) + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit]) + pdu
        return bytes([unit]) + pdu + crc16(bytes([unit]) + pdu)

    def send(self, request, unit, pdu, after_s=0.0):
        """Send an answer of the server's own accord; it comes to whoever is connected when its time has come."""
        frame = self.frame(request, unit, pdu)
        asyncio.get_running_loop().call_later(after_s, lambda: self.writer.write(frame))

    async def serve(self, reader, writer):
        """Handle one connection until it is closed."""
        self.connections += 1
        self.writer = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
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
                writer.write(self.frame(request, *answer))
                await writer.drain()
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
async def plant(kind, meters, timeout_ms=None, tell=lambda _: None, **server_keys):
    server = Server(kind, **server_keys)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    bus = Bus(kind=kind, host="127.0.0.1", port=port, timeout_ms=timeout_ms or (5000 if kind == "tcp" else 200))
    driver = open_driver(bus, meters, itertools.count(1000).__next__, tell)
    try:
        yield server, driver
    finally:
        await driver.close()
        listener.close()


def raws(scans):
    return {r.point: r.raw for scan in scans for r in scan.readings}


def statuses(scans):
    return [r.status for scan in scans for r in scan.readings]


def in_virtual_time(test):
    """Run an async test on a loop where waiting takes no time and everything happens in the same order every run."""

    @functools.wraps(test)
    def run(*args, **keys):
        with asyncio.Runner(loop_factory=virtual.Loop) as runner:
            runner.run(test(*args, **keys))

    return run
