"""Which instrument answers: what a meter says of itself, against what is configured and what it said before.

In: the scans of `Driver.identify`, a profile, the configuration's serial, installation and ratios. Out: an `Identity`;
a `Standing` to be remembered; events. Pure. Another instrument, or a changed ratio in the meter, is a new installation:
counters of two installations are never read as one, so no energy is ever computed across an exchange.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction

from agent.aggregation.handover import is_same
from agent.drivers import (
    BAD_COMMUNICATION_ERROR,
    BAD_DEVICE_FAILURE,
    BAD_NOT_CONNECTED,
    BAD_TIMEOUT,
    Reading,
    Scan,
)
from agent.drivers.profile import Point, Profile
from agent.drivers.registers import value
from contract.records import EventPart

BAD_CONFIGURATION_ERROR = 0x80890000  # OPC 10000-6 annex A: the answer is of a device that is not the one configured
PASSING = {BAD_COMMUNICATION_ERROR, BAD_DEVICE_FAILURE, BAD_NOT_CONNECTED, BAD_TIMEOUT}
RATIOS = ("ct_primary", "ct_secondary", "pt_primary", "pt_secondary")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a meter says of itself; None where its profile has no such register or it holds nothing readable.

    Numbers are decimal, a fraction as "1/2". `unreadable` names what the profile has but the meter did not give.
    """

    serial: str | None = None
    model: str | None = None
    firmware: str | None = None
    ct_primary: str | None = None
    ct_secondary: str | None = None
    pt_primary: str | None = None
    pt_secondary: str | None = None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Configured:
    """What the configuration says of the instrument; the transformers' ratios as the meter does not apply them."""

    serial: str = ""
    installation: str = ""
    ct: Fraction | None = None
    pt: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the instrument behind a meter's name, since the configuration last spoke of it.

    `serial` and `installation` as configured then; `exchanges` counts instruments and ratios that were not expected.
    """

    identity: Identity
    serial: str
    installation: str
    exchanges: int = 0


@dataclass(frozen=True, slots=True)
class Met:
    """A meter told who it is, at `at_ns`; `before` is how many scans had been gathered by then."""

    meter: str
    identity: Identity
    at_ns: int
    before: int = 0


def found(profile: Profile, scans: Iterable[Scan]) -> Identity | None:
    """What the scans say; None if part of the answer is still to be had, by asking again."""
    readings = {reading.point: reading for scan in scans for reading in scan.readings}
    told: dict[str, str | None] = {}
    for point in profile.identifying:
        reading = readings.get(point.id)
        if reading is None or reading.status in PASSING:
            return None
        if point.identity is not None:
            told[point.identity] = _text(point, reading)
    unreadable = tuple(sorted(name for name, text in told.items() if text is None))
    return Identity(**{name: text for name, text in told.items() if text is not None}, unreadable=unreadable)


def contradicts(profile: Profile, identity: Identity) -> tuple[str, ...] | None:
    """The models the profile is for, if the meter says it is none of them."""
    for point in profile.identifying:
        if point.identity == "model" and point.expect and identity.model is not None:
            return None if identity.model in point.expect else point.expect
    return None


def barred(scan: Scan) -> Scan:
    """A scan of a meter that is not the one configured: when it was asked and answered, and no value."""
    readings = tuple(Reading(reading.point, None, BAD_CONFIGURATION_ERROR) for reading in scan.readings)
    return Scan(scan.block, scan.requested_ns, scan.answered_ns, readings)


def met(configured: Configured, before: Standing | None, news: Met) -> tuple[Standing, list[EventPart]]:
    """Take what a meter said: (what is known of it now, what is to be told)."""
    now = news.identity
    known = before if before is not None and _spoken_of(configured, before) else None
    expected = (None if known is None else known.identity.serial) or configured.serial or None
    events: list[EventPart] = []
    if known is None or known.identity != now:
        events.append(_event("identity_read", news, {name: text for name, text in _told(now).items() if text}))
    another = expected is not None and _asks(now, "serial") and not is_same(expected, now.serial)
    if another:
        events.append(_event("meter_is_another", news, {"expected": expected, "found": now.serial}))
    turned = {} if known is None or another else _turned(known.identity, now)
    if turned:
        events.append(_event("ratio_changed", news, turned))
    if known is None or turned:
        events += [_event("ratio_unexpected", news, detail) for detail in _unexpected(configured, now)]
    exchanges = (0 if known is None else known.exchanges) + bool(another or turned)
    return Standing(now, configured.serial, configured.installation, exchanges), events


def all_met(
    configured: Mapping[str, Configured], standings: Mapping[str, Standing], found: Iterable[Met]
) -> tuple[dict[str, Standing], list[EventPart]]:
    """Take what several meters said, as `met`; meters that are not configured are passed over."""
    known, events = dict(standings), list[EventPart]()
    for news in found:
        if news.meter in configured:
            known[news.meter], told = met(configured[news.meter], known.get(news.meter), news)
            events += told
    return known, events


def stated(configured: Configured, standing: Standing | None) -> tuple[str, bool, str]:
    """What a manifest says: (serial, whether it was read, installation)."""
    if standing is None or not _spoken_of(configured, standing):
        return configured.serial, False, configured.installation
    read = standing.identity.serial
    installation = configured.installation
    if standing.exchanges:
        again = f"/{standing.exchanges}" if standing.exchanges > 1 else ""
        installation = f"{installation}+{read or 'unread'}{again}"
    if read is None:
        serial = "" if standing.exchanges and "serial" in standing.identity.unreadable else configured.serial
        return serial, False, installation
    return configured.serial if is_same(configured.serial, read) else read, True, installation


def _spoken_of(configured: Configured, standing: Standing) -> bool:
    """Whether the configuration still says what it said then: a new serial or installation is a new beginning."""
    return (standing.serial, standing.installation) == (configured.serial, configured.installation)


def _asks(identity: Identity, name: str) -> bool:
    """Whether the profile asked for it at all."""
    return getattr(identity, name) is not None or name in identity.unreadable


def _told(identity: Identity) -> Mapping[str, object]:
    told = {field.name: getattr(identity, field.name) for field in fields(identity)}
    return {**told, "unreadable": list(identity.unreadable)}


def _turned(before: Identity, now: Identity) -> dict[str, object]:
    """Ratio registers that hold another number than before; one that only another profile asks for has not changed."""
    asked = [name for name in RATIOS if _asks(before, name) and _asks(now, name)]
    changed = [name for name in asked if getattr(before, name) != getattr(now, name)]
    if not changed:
        return {}
    return {
        "from": {name: getattr(before, name) for name in changed},
        "to": {name: getattr(now, name) for name in changed},
    }


def _unexpected(configured: Configured, now: Identity) -> Iterable[dict[str, object]]:
    """A ratio set in the meter, other than one to one, that is not the one configured."""
    for kind, ratio in (("ct", configured.ct), ("pt", configured.pt)):
        primary, secondary = (getattr(now, f"{kind}_{side}") for side in ("primary", "secondary"))
        if ratio is None or primary is None or secondary is None or not Fraction(secondary):
            continue
        set_to = Fraction(primary) / Fraction(secondary)
        if set_to not in (1, ratio):
            yield {"transformer": kind, "configured": str(ratio), "found": str(set_to)}


def _text(point: Point, reading: Reading) -> str | None:
    if reading.text is not None:
        return reading.text.strip() or None
    if reading.raw is None:
        return None
    try:
        return str(value(point, reading.raw))
    except ValueError:  # not a number of its type
        return None


def _event(event: str, news: Met, detail: Mapping[str, object]) -> EventPart:
    return EventPart(event=event, about=news.meter, at_ns=news.at_ns, detail=dict(detail))
