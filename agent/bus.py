"""A driver that several tasks may ask, one at a time.

In: questions from polling and from whoever needs the bus's clock. Out: the driver's answers, in turn.
"""

import asyncio

from agent.drivers import Driver, Scan, Unreachable
from contract.records import Offset


class Bus:
    """As `agent.drivers.Driver`, but safe to share."""

    def __init__(self, driver: Driver) -> None:
        self._driver, self._turn = driver, asyncio.Lock()
        self._closed = False  # who still holds this bus must not have its driver connect again

    async def read(self, meter: str) -> list[Scan]:
        """As `Driver.read`."""
        async with self._turn:
            return await self._driver.read(meter)

    async def identify(self, meter: str) -> list[Scan]:
        """As `Driver.identify`."""
        async with self._turn:
            return await self._driver.identify(meter)

    def silence_ns(self, meter: str) -> int:
        """As `Driver.silence_ns`."""
        return self._driver.silence_ns(meter)

    async def close(self) -> None:
        """As `Driver.close`, after the question under way, and for good."""
        self._closed = True
        async with self._turn:
            await self._driver.close()

    async def offset(self) -> Offset | None:
        """The bus's own clock less ours, or None if it has none or does not tell it now."""
        measure = getattr(self._driver, "clock_offset_ns", None)
        if measure is None:
            return None
        try:
            async with self._turn:
                if self._closed:
                    return None
                lower_ns, upper_ns = await measure()
        except Unreachable:
            return None  # an offset of before an outage would prove nothing after it
        return Offset(lower_ns=lower_ns, upper_ns=upper_ns)
