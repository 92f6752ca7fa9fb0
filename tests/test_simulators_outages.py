"""What befalls a bus as a whole, second by second."""

import asyncio

from simulators import virtual
from simulators.faults import Fault
from simulators.listener import Listener
from simulators.outages import befall


class Watched(Listener):
    """A listener that notes what is done to it."""

    def __init__(self):
        super().__init__(lambda *_: asyncio.sleep(0), "127.0.0.1", 0)
        self.noted = []

    def note(self, what):
        self.noted.append((asyncio.get_running_loop().time(), what))

    async def open(self):
        self.note("open")

    async def close(self):
        self.note("close")

    def deafen(self):
        self.note("deafen")

    def hear(self):
        self.note("hear")


def seen(fault):
    async def scene():
        listener, gate = Watched(), asyncio.Event()
        gate.set()
        task = asyncio.create_task(befall(fault, listener, gate))
        states = []
        for _ in range(8):
            await asyncio.sleep(1)
            states.append((listener.connections_max, gate.is_set()))
        task.cancel()
        return [(round(at, 3), what) for at, what in listener.noted], states

    return virtual.run(scene())


def test_a_restart_lasts_as_long_as_it_says():
    assert seen(Fault(kind="restart", from_s=2, ms=1500))[0] == [(2, "close"), (3.5, "open")]


def test_half_open_between_its_times():
    assert seen(Fault(kind="half_open", from_s=1, to_s=5))[0] == [(1, "deafen"), (5, "hear")]


def test_frozen_for_good_if_no_end_is_given():
    gates = [is_open for _, is_open in seen(Fault(kind="frozen", from_s=3))[1]]
    assert gates[:2] == [True, True]
    assert gates[3:] == [False] * 5
    assert seen(Fault(kind="frozen", from_s=3, to_s=6))[1][-1] == (0, True)


def test_one_connection_until_its_end():
    limits = [limit for limit, _ in seen(Fault(kind="one_connection", to_s=4))[1]]
    assert limits[:3] == [1, 1, 1]
    assert limits[4:] == [0, 0, 0, 0]


def test_a_serial_device_only_freezes():
    async def scene():
        gate = asyncio.Event()
        gate.set()
        await befall(Fault(kind="restart", ms=1), None, gate)
        await befall(Fault(kind="frozen"), None, gate)
        return gate.is_set()

    assert virtual.run(scene()) is False
