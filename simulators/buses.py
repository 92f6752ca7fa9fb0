"""One bus of a plant, served with all that befalls it.

In: a plant, a bus of it, clocks. Out: an address to read it at. Never: a fault of its own; the scenario says them all.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from simulators import dlt645_bus, dlt645_server, modbus_server, serial_line
from simulators.faults import Fault, hits
from simulators.listener import Listener, Serve
from simulators.modbus_server import Answer, Unit
from simulators.outages import befall
from simulators.plant import Plant
from simulators.scenario import Bus
from simulators.torn import Torn, highs

Start = Callable[[Coroutine[None, None, None]], None]


@asynccontextmanager
async def serving(
    plant: Plant, bus: Bus, now_ns: Callable[[], int], elapsed_ns: Callable[[], int], start: Start
) -> AsyncIterator[str]:
    """Serve a bus while the context is open and yield where: host and port, or a device.

    `elapsed_ns`: how long the simulation has run; `start` is given each outage to come, as a coroutine. Raises OSError
    if the port is taken or the link to the device cannot be made.
    """
    gate = asyncio.Event()
    gate.set()
    serve = _serve(plant, bus, now_ns, elapsed_ns, gate)
    outages = [fault for fault in plant.scenario.faults if fault.level == "bus" and fault.bus in {None, bus.id}]
    if bus.port is None:
        link = None if bus.device is None else Path(bus.device)
        async with serial_line.serving(serve, link) as device:
            _begin(outages, None, gate, start)
            yield device
        return
    listener = Listener(serve, "127.0.0.1", bus.port)
    await listener.open()
    try:
        _begin(outages, listener, gate, start)
        yield f"127.0.0.1:{listener.port}"
    finally:
        await listener.close()


def _serve(
    plant: Plant, bus: Bus, now_ns: Callable[[], int], elapsed_ns: Callable[[], int], gate: asyncio.Event
) -> Serve:
    if bus.framing == "dlt645":
        return dlt645_server.serve_line(dlt645_bus.answering(plant, bus, now_ns, elapsed_ns, gate), bus.baud)
    answer = modbus_server.held(answering(plant, bus, now_ns, elapsed_ns), gate)
    return modbus_server.serve_tcp(answer) if bus.framing == "tcp" else modbus_server.serve_rtu(answer, bus.baud)


def _begin(outages: list[Fault], listener: Listener | None, gate: asyncio.Event, start: Start) -> None:
    for fault in outages:
        start(befall(fault, listener, gate))


def answering(plant: Plant, bus: Bus, now_ns: Callable[[], int], elapsed_ns: Callable[[], int]) -> Answer:
    """Return the answers of a bus's units, with the faults that strike single requests."""
    meters = plant.units(bus.id)
    units: dict[int, Unit] = {**meters, **plant.dumped(bus.id)}
    names = {device.unit: device.id for device in plant.scenario.devices if device.bus == bus.id}
    hit = hits(plant.scenario.faults, plant.seed, bus.id, list(names.values()), elapsed_ns)
    high = {unit: highs(plant.profiles[meter.config.profile], meter.config.base) for unit, meter in meters.items()}

    def torn(ms: int) -> Answer:
        apart = {unit: Torn(meter, high[unit], ms * 1_000_000) for unit, meter in meters.items()}
        return modbus_server.answering({**units, **apart}, now_ns)

    answer = modbus_server.answering(units, now_ns)
    return modbus_server.faulty(answer, lambda unit: hit(names.get(unit)), torn)
