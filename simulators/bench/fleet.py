"""Many alike meters: a Modbus TCP server so cheap that what reads it can be measured.

In: how many devices. Out: one port for each, printed on a line; unit 1 behind it answers function 4 with six counters
(uint32, Wh) and 24 gauges (float32) that change every second, noise in their last digits.
Never: the delays or faults of an honest device.
"""

import asyncio
import struct
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

COUNTERS, GAUGES = 6, 24
REQUEST = struct.Struct(">HHHBBHH")
_POINT = """[[point]]
id = "{id}"
quantity = "{quantity}"
table = "input"
address = {address}
type = "{type}"
unit = "{unit}"
kind = "{kind}"
"""


def profile(points: int) -> str:
    """The profile of a device with so many points, two registers each."""
    text = 'make = "MeterTrail"\nmodel = "fleet"\nmedium = "electricity"\n'
    text += 'grade = "bronze"\nsources = ["simulators/bench"]\n'
    for index in range(points):
        if index < COUNTERS:
            what = {"quantity": "active_energy_import", "type": "uint32", "unit": "Wh", "kind": "counter"}
        else:
            what = {"quantity": "active_power", "type": "float32", "unit": "W", "kind": "gauge"}
        text += _POINT.format(id=f"{what['quantity']}_{index}", address=2 * index, **what)
    return text


class Fleet:
    """The registers of all devices, drawn anew each second."""

    def __init__(self, devices: int, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        self._counted = self._chance.integers(0, 2**31, (devices, COUNTERS), dtype=np.uint32)
        self._level = self._chance.uniform(100, 50_000, (devices, GAUGES)).astype(np.float32)
        self._second, self._rows = -1, np.empty((devices, 0), dtype=np.uint8)

    def row(self, device: int, at_s: int) -> NDArray[np.uint8]:
        """The bytes of one device's registers."""
        if at_s != self._second:
            self._second = at_s
            self._counted += self._chance.integers(0, 14, self._counted.shape, dtype=np.uint32)
            level = self._level * self._chance.normal(1, 0.01, self._level.shape)
            parts = self._counted.astype(">u4").view(np.uint8), level.astype(">f4").view(np.uint8)
            self._rows = np.concatenate(parts, axis=1)
        row: NDArray[np.uint8] = self._rows[device]
        return row


class Device(asyncio.Protocol):
    """One connection; its requests come whole, as they do on a loopback."""

    def __init__(self, fleet: Fleet, device: int) -> None:
        self._fleet, self._device = fleet, device
        self._write: Callable[[bytes], object] = bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._write = transport.write  # type: ignore[attr-defined]  # a TCP transport has it

    def data_received(self, data: bytes) -> None:
        """Answer function 4."""
        transaction, _, _, unit, _, address, count = REQUEST.unpack(data[: REQUEST.size])
        body = self._fleet.row(self._device, int(time.time()))[2 * address : 2 * (address + count)].tobytes()
        self._write(struct.pack(">HHHBBB", transaction, 0, len(body) + 3, unit, 4, len(body)) + body)


async def serve(devices: int) -> None:
    """Print the ports, then answer until standard input ends."""
    fleet, loop = Fleet(devices, seed=1), asyncio.get_running_loop()
    servers = [await loop.create_server(partial(Device, fleet, device), "127.0.0.1", 0) for device in range(devices)]
    sys.stdout.write(" ".join(str(server.sockets[0].getsockname()[1]) for server in servers) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
