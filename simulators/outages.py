"""What befalls a bus as a whole, at its time: who may connect, whether anybody listens, whether it is there at all.

In: the faults of a bus, its listener, the gate that its answers pass. Out: nothing; the listener is closed and opened.
Never: a single answer changed.
"""

import asyncio
from collections.abc import Callable

from simulators.faults import Fault
from simulators.listener import Listener


async def befall(fault: Fault, listener: Listener | None, gate: asyncio.Event) -> None:
    """Let one fault pass, from its time to its end; a serial device has no listener.

    Raises OSError if another program took the port while it was closed.
    """
    await asyncio.sleep(fault.from_s)
    if fault.kind == "frozen":
        gate.clear()
        await _over(fault, gate.set)
    elif listener is None:
        return
    elif fault.kind == "one_connection":
        listener.connections_max = 1
        await _over(fault, lambda: setattr(listener, "connections_max", 0))
    elif fault.kind == "half_open":
        listener.deafen()
        await _over(fault, listener.hear)
    elif fault.kind == "restart":
        await listener.close()
        await asyncio.sleep((fault.ms or 0) / 1000)
        await listener.open()


async def _over(fault: Fault, end: Callable[[], None]) -> None:
    if fault.to_s is not None:
        await asyncio.sleep(fault.to_s - fault.from_s)
        end()
