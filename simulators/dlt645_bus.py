"""The DL/T 645 meters of a plant on one line, with the faults that befall their answers.

In: a plant, a bus of it, clocks. Out: answers for `simulators.dlt645_server`, by addresses: the unit id in 12 digits.
Never: a fault of Modbus frames; the scenario refuses those for such a bus, and those for everybody pass it by.
"""

import asyncio
from collections.abc import Callable

from simulators import dlt645_server
from simulators.dlt645_server import Answer
from simulators.faults import ON_DLT645, Hit, hits
from simulators.plant import Plant
from simulators.scenario import Bus


def answering(
    plant: Plant, bus: Bus, now_ns: Callable[[], int], elapsed_ns: Callable[[], int], gate: asyncio.Event
) -> Answer:
    """Return the answers of a bus's meters, given while the gate is open."""
    meters = {
        f"{unit:012d}": dlt645_server.showing(meter, plant.profiles[meter.config.profile])
        for unit, meter in plant.units(bus.id).items()
    }
    names = {f"{unit:012d}": meter.config.id for unit, meter in plant.units(bus.id).items()}
    faults = [fault for fault in plant.scenario.faults if fault.kind in ON_DLT645]
    strike = hits(faults, plant.seed, bus.id, list(names.values()), elapsed_ns)
    answer = dlt645_server.answering(meters, now_ns)

    async def answer_faultily(frame: bytes) -> bytes | None:
        await gate.wait()
        hit = strike(names.get(frame[6:0:-1].hex()))
        if hit is not None and hit.kind == "slow":
            await asyncio.sleep(hit.ms / 1000)
        sent = await answer(frame)
        return sent if hit is None or sent is None else spoilt(hit, sent)

    return answer_faultily


def spoilt(hit: Hit, sent: bytes) -> bytes | None:
    """Return what is sent in place of an answer."""
    match hit.kind:
        case "dead":
            return None
        case "duplicate":
            return sent + sent
        case "truncated":
            return sent[: 1 + hit.luck % (len(sent) - 1)]
        case "bit_flip":
            place = hit.luck % (8 * len(sent))
            return bytes(byte ^ (1 << place % 8 if at == place // 8 else 0) for at, byte in enumerate(sent))
    return sent
