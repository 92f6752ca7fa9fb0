"""Asking units for stretches of registers over one bus, one request at a time.

In: a bus as the Modbus driver configures it, and which spans of which units. Out: their replies. Never: a write - the
driver interface has no call for it - or two requests at once.
"""

import importlib
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from pydantic import BaseModel, ValidationError

from agent.commission.endpoint import Settings
from agent.commission.spans import Reply, Span, profile, reply
from agent.drivers import BAD_NOT_CONNECTED, DRIVERS, Driver, Target, Unreachable
from contract.problems import explain


def bus(settings: Settings, timeout_ms: int, pause_ms: int) -> BaseModel:
    """The driver's own model of a bus. Raises ValueError with what is wrong, one line each."""
    model: type[BaseModel] = importlib.import_module(DRIVERS["modbus"]).Bus
    document = {**settings, "timeout_ms": timeout_ms, "pause_ms": pause_ms}
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ValueError("\n".join(explain(error, model, document))) from None


class Line:
    """An open bus. Raises ValueError if a unit id does not exist on it."""

    def __init__(
        self,
        bus: BaseModel,
        wanted: Iterable[tuple[int, Span]],
        now_ns: Callable[[], int],
        *,
        single: bool = False,
    ) -> None:
        self._single = single
        targets = {_name(unit, span): Target(unit, profile(span, single=single)) for unit, span in wanted}
        opened = importlib.import_module(DRIVERS["modbus"]).open_driver(bus, targets, now_ns, lambda _event: None)
        self._driver: Driver = opened

    async def ask(self, unit: int, span: Span, tries: int = 1) -> Reply:
        """One of the spans wanted, asked for again while there is silence. That is a reply too: one without words."""
        why = ""
        for _ in range(tries):
            try:
                scans = await self._driver.read(_name(unit, span))
            except Unreachable as error:
                why = str(error)
                continue
            return reply(span, scans, single=self._single)
        return Reply((), BAD_NOT_CONNECTED, why)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._driver.close()


def _name(unit: int, span: Span) -> str:
    return f"unit {unit} {span.table} {span.address}+{span.count}"
