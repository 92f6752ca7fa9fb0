"""The polling tasks, one a bus: started, stopped and tuned as configurations come and go.

In: plans and open drivers. Out: running tasks that fill the inbox, and how each bus keeps up. A meter whose bus is
opened anew keeps its slots if nothing about it has changed.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from agent.bus import Bus
from agent.check import Plan, target
from agent.drivers import Driver
from agent.load import Load
from agent.manifest import MeterPlan
from agent.poll import Inbox, Rota, poll
from agent.schedule import NEVER_NS, NS, Polled, moved, next_tick

NS_PER_MS = 1_000_000
STOP_S = 5.0  # a turn under way may end by itself


class Crew:
    """`failed` is set as soon as a task ends by an error; `cancel` tells which."""

    def __init__(self, inbox: Inbox, now_ns: Callable[[], int]) -> None:
        self._inbox, self._now_ns = inbox, now_ns
        self.buses: dict[str, Bus] = {}
        self.failed = asyncio.Event()
        self._ends: list[BaseException | None] = []
        self._rotas: dict[str, Rota] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._left: dict[str, tuple[object, Polled]] = {}  # meters of stopped buses, with what they were opened with

    def start(self, plan: Plan, drivers: Mapping[str, Driver]) -> None:
        """Poll these buses."""
        for name, driver in drivers.items():
            rota = self._rota(plan, name)
            self.buses[name], self._rotas[name] = Bus(driver), rota
            task = asyncio.create_task(poll(self.buses[name], rota, self._inbox, self._now_ns))
            task.add_done_callback(self._ended)
            self._tasks[name] = task
        self._left = {}

    async def stop(self, plan: Plan, buses: Collection[str]) -> None:
        """Stop polling these buses, each after the turn it is at, and close them."""
        tasks = [self._tasks.pop(name) for name in buses if name in self._tasks]
        for name in buses:
            if name in self._rotas:
                self._rotas[name].stop()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
            self._ends += await asyncio.gather(*tasks, return_exceptions=True)
        for name in buses:
            rota, bus = self._rotas.pop(name, None), self.buses.pop(name, None)
            polled = {} if rota is None else {meter.name: meter for meter in rota.meters}
            self._left |= {
                m.meter.name: (_opened_with(plan, m), polled[m.meter.name])
                for m in plan.meters
                if m.meter.name in polled
            }
            if bus is not None:
                await bus.close()

    async def cancel(self) -> list[BaseException | None]:
        """Stop everything at once, and close it: how each task ended."""
        for task in self._tasks.values():
            task.cancel()
        self._ends += await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for bus in self.buses.values():
            await bus.close()
        return self._ends

    def tune(self, plan: Plan) -> None:
        """Take a plan's rhythms for the buses that are polled; who the meters are is asked anew, for it may differ."""
        every = {m.meter.name: m.meter.every_ms * NS_PER_MS for m in plan.meters}
        for rota in self._rotas.values():
            for meter in rota.meters:
                meter.identity_ns = self._now_ns() if meter.has_identity else NEVER_NS
                if every[meter.name] != meter.every_ns:
                    meter.every_ns = every[meter.name]
                    if meter.answers:
                        meter.due_ns = next_tick(self._now_ns(), meter.every_ns)

    def reanchored(self, by_ns: int) -> None:
        """Our time has jumped: what was due stays due, no slot was missed."""
        for rota in self._rotas.values():
            for meter in rota.meters:
                moved(meter, by_ns, self._now_ns())

    def want(self, meters: Iterable[str]) -> None:
        """Have meters read at once, on whatever buses they are."""
        names = set(meters)
        for rota in self._rotas.values() if names else ():
            rota.want(names)

    def polled(self) -> dict[str, Polled]:
        """Each meter's place on its bus."""
        return {meter.name: meter for rota in self._rotas.values() for meter in rota.meters}

    def told(self) -> list[dict[str, object]]:
        """How each bus keeps up, for pages."""
        return [rota.load.told(self._now_ns()) for rota in self._rotas.values()]

    def _rota(self, plan: Plan, bus: str) -> Rota:
        mine = [m for m in plan.meters if m.meter.bus == bus]
        profiles = {m.meter.name: m.profile for m in mine if m.profile.identifying}
        load = Load(bus, self._now_ns())
        return Rota(load, [self._polled(plan, m) for m in mine], profiles, plan.config.agent.identity_s * NS)

    def _polled(self, plan: Plan, meter: MeterPlan) -> Polled:
        name, every_ns = meter.meter.name, meter.meter.every_ms * NS_PER_MS
        opened_with, left = self._left.get(name, (None, None))
        if left is not None and opened_with == _opened_with(plan, meter) and left.every_ns == every_ns:
            left.identity_ns = self._now_ns() if left.has_identity else NEVER_NS
            return left
        return Polled(name, every_ns, identity_ns=0 if meter.profile.identifying else NEVER_NS)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failed.set()


def _opened_with(plan: Plan, meter: MeterPlan) -> object:
    return plan.buses[meter.meter.bus], target(meter)
