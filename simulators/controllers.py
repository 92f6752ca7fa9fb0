"""The line controllers of a plant, served with all that befalls them.

In: a plant, clocks. Out: the port of their OPC UA server. Never: a fault of its own; the scenario says them all.

A server cannot be frozen inside its own process, nor keep its port from clients while it stops, so those faults are
carried out by a gate in front of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from agent.drivers import BAD_DEVICE_FAILURE
from simulators import plc
from simulators.faults import Fault, chance
from simulators.opcua_gate import Gate
from simulators.plant import Plant
from simulators.plc import Condition
from simulators.scenario import Plc

Serve = Callable[[int], AbstractAsyncContextManager[int]]


@asynccontextmanager
async def serving(
    plant: Plant,
    config: Plc,
    now_ns: Callable[[], int],
    elapsed_ns: Callable[[], int],
    start: Callable[[Coroutine[None, None, None]], None],
) -> AsyncIterator[int]:
    """Serve the lines while the context is open and yield the port; `start` is given each outage to come.

    Raises OSError if the port is taken.
    """
    faults = [fault for fault in plant.scenario.faults if fault.level == "plc"]
    told = conditions(faults, plant.seed, elapsed_ns)

    def serve(port: int) -> AbstractAsyncContextManager[int]:
        return plc.serving(plant.lines.values(), port, config.scan_ms, now_ns, condition=told)

    outages = [fault for fault in faults if fault.kind in {"opcua_restart", "opcua_freeze"}]
    if not outages:
        async with serve(config.port) as port:
            yield port
        return
    server = _Server(serve)
    gate = Gate(lambda: server.port)
    gate.port = config.port
    await gate.open()
    try:
        await server.open()
        for fault in outages:
            start(_befall(fault, gate, server))
        yield gate.port
    finally:
        gate.thaw()
        await gate.shut()
        await server.close()


def conditions(faults: Sequence[Fault], seed: int, elapsed_ns: Callable[[], int]) -> Callable[[], Condition]:
    """Return a function that says, value by value, in which condition the controllers are."""
    number = 0

    def condition() -> Condition:
        nonlocal number
        number += 1
        lasting = [fault for fault in faults if fault.lasts(elapsed_ns())]
        is_bad = any(
            fault.kind == "bad_quality" and chance(seed, "plc", index, number) % 1000 < fault.share_permille
            for index, fault in enumerate(lasting)
        )
        clock_ms = sum(fault.ms or 0 for fault in lasting if fault.kind == "wrong_clock")
        return Condition(clock_ms, BAD_DEVICE_FAILURE if is_bad else 0)

    return condition


class _Server:
    """A server that is started and stopped as often as wanted, at a port of its own."""

    def __init__(self, serve: Serve) -> None:
        self.port = 0
        self._serve = serve
        self._running: AbstractAsyncContextManager[int] | None = None

    async def open(self) -> None:
        running = self._serve(0)
        self.port = await running.__aenter__()
        self._running = running

    async def close(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running.__aexit__(None, None, None)


async def _befall(fault: Fault, gate: Gate, server: _Server) -> None:
    """Let one fault pass, from its time to its end."""
    await asyncio.sleep(fault.from_s)
    if fault.kind == "opcua_freeze":
        gate.freeze()
        if fault.to_s is not None:
            await asyncio.sleep(fault.to_s - fault.from_s)
            gate.thaw()
        return
    await gate.shut()
    await server.close()
    await asyncio.sleep((fault.ms or 0) / 1000)
    await server.open()
    await gate.open()
