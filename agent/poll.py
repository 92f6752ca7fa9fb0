"""Polling: one task a bus asks its meters on aligned ticks and hands on what they answer.

In: an open driver and the meters on its bus. Out: scans, and an event once when a meter is lost and once when it is
back. A dead meter is asked again after a growing pause, so it costs its neighbours at most one timeout a pause.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.drivers import Driver, Scan, Unreachable
from contract.records import EventPart

log = logging.getLogger("metertrail.poll")

NS = 1_000_000_000
PAUSE_FIRST_NS, PAUSE_MOST_NS = 1 * NS, 60 * NS


@dataclass(slots=True)
class Polled:
    """One meter's place in its bus's round. `due_ns` is always a whole multiple of `every_ns` while it answers."""

    name: str
    every_ns: int
    due_ns: int = 0
    lost_since_ns: int | None = None
    pause_ns: int = PAUSE_FIRST_NS


@dataclass(slots=True)
class Inbox:
    """What the bus tasks have gathered since the recorder last looked."""

    scans: list[tuple[str, Scan]] = field(default_factory=list)
    events: list[EventPart] = field(default_factory=list)

    def tell(self, event: EventPart) -> None:
        """Add an event: what drivers are given."""
        self.events.append(event)

    def take(self) -> tuple[list[tuple[str, Scan]], list[EventPart]]:
        """Everything so far, once."""
        taken = self.scans, self.events
        self.scans, self.events = [], []
        return taken


async def poll(driver: Driver, meters: Sequence[Polled], inbox: Inbox, now_ns: Callable[[], int]) -> None:
    """Poll until cancelled."""
    for meter in meters:
        meter.due_ns = next_tick(now_ns(), meter.every_ns)
    while True:
        wait_ns = min(meter.due_ns for meter in meters) - now_ns()
        if wait_ns > 0:
            await asyncio.sleep(wait_ns / NS)
        for meter in meters:
            if meter.due_ns <= now_ns():
                await _read(driver, meter, inbox, now_ns)


async def _read(driver: Driver, meter: Polled, inbox: Inbox, now_ns: Callable[[], int]) -> None:
    asked_ns = now_ns()
    try:
        scans = await driver.read(meter.name)
    except Unreachable as error:
        lost(meter, asked_ns, now_ns(), str(error), inbox)
        return
    answered(meter, now_ns(), inbox)
    inbox.scans += [(meter.name, scan) for scan in scans]


def next_tick(at_ns: int, every_ns: int) -> int:
    """The first whole multiple of `every_ns` after `at_ns`: meters of one rhythm are read together."""
    return (at_ns // every_ns + 1) * every_ns


def lost(meter: Polled, asked_ns: int, at_ns: int, reason: str, inbox: Inbox) -> None:
    """Note that a meter did not answer, and when to ask again."""
    if meter.lost_since_ns is None:
        meter.lost_since_ns = asked_ns
        log.warning("meter=%s lost: %s", meter.name, reason)
        inbox.events.append(_event("meter_lost", meter.name, asked_ns, {"reason": reason}))
    meter.due_ns = at_ns + meter.pause_ns
    meter.pause_ns = min(2 * meter.pause_ns, PAUSE_MOST_NS)


def answered(meter: Polled, at_ns: int, inbox: Inbox) -> None:
    """Note that a meter answered. Ticks that passed meanwhile are missed, never made up for."""
    if meter.lost_since_ns is not None:
        gone_ns = at_ns - meter.lost_since_ns
        log.info("meter=%s back after_s=%d", meter.name, gone_ns // NS)
        inbox.events.append(_event("meter_back", meter.name, at_ns, {"lost_since_ns": meter.lost_since_ns}))
        meter.lost_since_ns, meter.pause_ns = None, PAUSE_FIRST_NS
    meter.due_ns = next_tick(at_ns, meter.every_ns)


def _event(event: str, meter: str, at_ns: int, detail: dict[str, object]) -> EventPart:
    return EventPart(event=event, about=meter, at_ns=at_ns, detail=detail)
