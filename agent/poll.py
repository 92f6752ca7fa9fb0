"""Polling: one task a bus takes one turn after another, as schedule.py decides, and hands on what meters answer.

In: an open driver and a bus's rota. Out: scans, identities, and an event once when a meter is lost and once when it is
back. Where a profile names an identity, nothing of a meter is taken after a silence until it has said who it is.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent import identity, told
from agent.drivers import Scan, Unreachable
from agent.drivers.profile import Profile
from agent.identity import Met
from agent.load import Load
from agent.schedule import NS, PAUSE_MOST_NS, Polled, Turn, answered, decide, lost, next_tick, revived
from contract.records import EventPart

log = logging.getLogger("metertrail.poll")

REST_MOST_NS = 3600 * NS
SILENT_HINT = "check its power, its address and the wiring; asked again"
VALUELESS_READS = 3  # a damaged frame or two is no news
VALUELESS_HINT = "look at it with `metertrail probe`; address, profile or wiring may be wrong"
IDENTITY_TRIES = 3  # a damaged frame looks like a register that cannot be read, and that like another instrument


class Asked(Protocol):
    """What polling needs of a bus."""

    async def read(self, meter: str) -> list[Scan]: ...  # noqa: D102 - as agent.drivers.Driver
    async def identify(self, meter: str) -> list[Scan]: ...  # noqa: D102
    def silence_ns(self, meter: str) -> int: ...  # noqa: D102


@dataclass(slots=True)
class Inbox:
    """What the bus tasks have gathered since the recorder last looked; `on_scans` hears of scans as they arrive."""

    scans: list[tuple[str, Scan]] = field(default_factory=list)
    events: list[EventPart] = field(default_factory=list)
    met: list[Met] = field(default_factory=list)
    on_scans: Callable[[str, list[Scan]], None] | None = None
    _refused: set[str] = field(default_factory=set)

    def tell(self, event: EventPart) -> None:
        """Add an event, and log it: what drivers are given."""
        self.events.append(event)
        if event.event == "registers_refused" and event.about in self._refused:
            return  # one line a meter; every stretch is on record
        if event.event == "registers_refused":
            self._refused.add(event.about)
        if (line := told.event(event)) is not None:
            log.log(logging.INFO if event.event == "backfilled" else logging.WARNING, "%s", line)

    def put(self, meter: str, scans: list[Scan]) -> None:
        """Add a meter's scans."""
        self.scans += [(meter, scan) for scan in scans]
        if self.on_scans is not None:
            self.on_scans(meter, scans)

    def take(self) -> tuple[list[tuple[str, Scan]], list[EventPart], list[Met]]:
        """Everything so far, once."""
        taken = self.scans, self.events, self.met
        self.scans, self.events, self.met = [], [], []
        return taken


class Rota:
    """A bus's meters and what is wanted of them; other tasks may want a meter read, or the polling stopped."""

    def __init__(self, load: Load, meters: Iterable[Polled], profiles: Mapping[str, Profile], identity_ns: int) -> None:
        self.load, self.meters = load, list(meters)
        self.profiles, self.every_identity_ns = profiles, identity_ns
        self.wanted: set[str] = set()
        self.stopping = False
        self._stirred = asyncio.Event()

    def want(self, meters: Iterable[str]) -> None:
        """Have meters read ahead of the queue; those of other buses are passed over."""
        self.wanted |= {meter.name for meter in self.meters} & set(meters)
        self._stirred.set()

    def stop(self) -> None:
        """Let polling end after the turn it is at."""
        self.stopping = True
        self._stirred.set()

    async def rest(self, rest_ns: int) -> None:
        """Wait, unless something is wanted first."""
        try:
            async with asyncio.timeout(min(rest_ns, REST_MOST_NS) / NS):
                await self._stirred.wait()
        except TimeoutError:
            return
        self._stirred.clear()


async def poll(bus: Asked, rota: Rota, inbox: Inbox, now_ns: Callable[[], int]) -> None:
    """Poll until stopped or cancelled."""
    for meter in rota.meters:
        meter.due_ns = meter.due_ns or next_tick(now_ns(), meter.every_ns)
    while not rota.stopping:
        turn = decide(rota.meters, rota.wanted, now_ns(), bus.silence_ns)
        if turn.meter is None:
            await rota.rest(turn.until_ns - now_ns())
            continue
        rota.wanted.discard(turn.meter.name)
        from_ns = now_ns()
        await _take(turn, turn.meter, bus, rota, inbox, now_ns)
        rota.load.held(from_ns, now_ns(), forced=turn.forced)
        missed = rota.load.event(now_ns())
        if missed is not None:
            inbox.tell(missed)


async def _take(turn: Turn, meter: Polled, bus: Asked, rota: Rota, inbox: Inbox, now_ns: Callable[[], int]) -> None:
    asked_ns = now_ns()
    try:
        if turn.kind != "read" and meter.has_identity and not await _identified(meter, bus, rota, inbox, now_ns):
            if not meter.answers:
                _lose(meter, asked_ns, now_ns(), "it did not say which instrument it is", inbox)
            return
        if turn.kind == "identify":
            return
        read_ns = now_ns()
        scans = await bus.read(meter.name)
    except Unreachable as error:
        _lose(meter, asked_ns, now_ns(), str(error), inbox)
        return
    at_ns = now_ns()
    meter.took_ns = at_ns - read_ns
    _find(meter, rota.meters, at_ns, inbox)
    _weigh(meter, scans)
    rota.load.slot(*answered(meter, read_ns, at_ns))
    inbox.put(meter.name, [identity.barred(scan) for scan in scans] if meter.barred else scans)


async def _identified(meter: Polled, bus: Asked, rota: Rota, inbox: Inbox, now_ns: Callable[[], int]) -> bool:
    """Ask a meter who it is, and bar it if it is of a model the profile is not for. Whether it has said."""
    profile = rota.profiles[meter.name]
    for _ in range(IDENTITY_TRIES):
        identified = identity.found(profile, await bus.identify(meter.name))
        if identified is None or not identified.unreadable:
            break
    at_ns = now_ns()
    if identified is None:
        meter.identity_ns = at_ns + PAUSE_MOST_NS
        return False
    expected = identity.contradicts(profile, identified)
    if (expected is not None) != meter.barred:
        event = "model_as_expected" if expected is None else "model_unexpected"
        detail: dict[str, object] = {"expected": list(expected or ()), "found": identified.model}
        log.warning("meter=%s %s: %s", meter.name, event, detail)
        inbox.events.append(_event(event, meter.name, at_ns, detail))
    meter.barred = expected is not None
    meter.identity_ns = at_ns + (PAUSE_MOST_NS if meter.barred else rota.every_identity_ns)
    if not meter.barred:
        inbox.met.append(Met(meter.name, identified, at_ns, len(inbox.scans)))
    return True


def _lose(meter: Polled, asked_ns: int, at_ns: int, reason: str, inbox: Inbox) -> None:
    if lost(meter, asked_ns, at_ns):
        log.warning("meter=%s lost: %s", meter.name, told.advised(reason, SILENT_HINT))
        inbox.events.append(_event("meter_lost", meter.name, asked_ns, {"reason": reason}))


def _find(meter: Polled, meters: Sequence[Polled], at_ns: int, inbox: Inbox) -> None:
    if meter.lost_since_ns is not None:
        revived(meters, at_ns)
        gone_ns = at_ns - meter.lost_since_ns
        log.info("meter=%s back after_s=%d", meter.name, gone_ns // NS)
        inbox.events.append(_event("meter_back", meter.name, at_ns, {"lost_since_ns": meter.lost_since_ns}))


def _weigh(meter: Polled, scans: Sequence[Scan]) -> None:
    """Tell of a meter that answers time after time and never with a value; its readings are on record as they are."""
    why = told.valueless(scans)
    before, meter.valueless = meter.valueless, 0 if why is None else meter.valueless + 1
    if meter.valueless == VALUELESS_READS:
        log.warning("meter=%s answers, but gives no value: %s: %s", meter.name, why, VALUELESS_HINT)
    elif why is None and before >= VALUELESS_READS:
        log.info("meter=%s gives values again", meter.name)


def _event(event: str, meter: str, at_ns: int, detail: dict[str, object]) -> EventPart:
    return EventPart(event=event, about=meter, at_ns=at_ns, detail=detail)
