"""The manifest's parts: the configuration as evidence states it.

In: a checked plan. Out: bytes. The first part, the author's, is made anew for every manifest; the others change only
with the configuration, so comparing them tells whether it changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from agent import config, identity, line_lots, line_states
from agent.aggregation.derive import FORMULATIONS
from agent.aggregation.gas import REFERENCES_K_MILLI
from agent.aggregation.replay import Counter, counters
from agent.drivers import profile as profiles
from contract import keys, records
from contract.calendar_form import ZonedCalendarForm
from contract.calendar_records import CalendarPart, stated
from contract.chain import Head
from contract.derived_records import DerivedPart
from contract.error_points import ErrorPoint
from contract.handovers import Handover

NO_SOURCE = "calendar"  # what a line is said to be told by that no meter tells
SOFTWARE = "metertrail 0.1.0"


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """A meter as configured, with its profile's bytes and what they say."""

    meter: config.Meter
    profile_toml: bytes
    profile: profiles.Profile  # only the points that are read
    sheet: bytes | None = None  # SHA-256 of its commissioning sheet
    derived: tuple[config.Derived, ...] = ()

    @property
    def ratio(self) -> Fraction:
        """CT x PT, applied to energy and power."""
        ratio = Fraction(1)
        for transformer in (self.meter.ct, self.meter.pt):
            if transformer is not None:
                ratio *= Fraction(transformer.primary, transformer.secondary)
        return ratio

    @property
    def configured(self) -> identity.Configured:
        """What the configuration says of the instrument itself."""
        ct, pt = (
            None if given is None else Fraction(given.primary, given.secondary)
            for given in (self.meter.ct, self.meter.pt)
        )
        return identity.Configured(self.meter.serial, self.meter.installation, ct, pt)


@dataclass(frozen=True, slots=True)
class Stated:
    """A manifest's parts but the author's, and what they say: counters by (meter, point), lines by name, text tags.

    `calendar` is the site's, if a line is told by it.
    """

    parts: tuple[bytes, ...]
    counters: Mapping[tuple[str, str], Counter]
    lines: Mapping[str, records.LinePart]
    texts: frozenset[tuple[str, str]]
    calendar: CalendarPart | None = None


def read(parts: Sequence[bytes]) -> Stated:
    """Read back what `parts` wrote. Raises Malformed."""
    lines = [records.read(part, records.LinePart) for part in parts if records.kind_of(part) == "line"]
    files = [records.read(part, records.ProfilePart).toml for part in parts if records.kind_of(part) == "profile"]
    known = {profiles.profile_hash(toml): profiles.parse(toml).points for toml in files}
    meters = [records.read(part, records.MeterPart) for part in parts if records.kind_of(part) == "meter"]
    texts = {(m.meter, point.id) for m in meters for point in known.get(m.profile, ()) if point.type == "text"}
    calendars = [records.read(part, CalendarPart) for part in parts if records.kind_of(part) == "calendar"]
    named = {line.line: line for line in lines}
    return Stated(tuple(parts), counters(parts), named, frozenset(texts), calendars[0] if calendars else None)


def parts(
    meters: Sequence[MeterPlan],
    lines: Sequence[config.Line],
    standings: Mapping[str, identity.Standing] = MappingProxyType({}),
    calendar: ZonedCalendarForm | None = None,
) -> list[bytes]:
    """Every part of a manifest but the author's: profiles, meters as configured and as they said, lines, calendar."""
    files = {profiles.profile_hash(m.profile_toml): m for m in meters}
    return [
        *(
            records.write(records.ProfilePart(name=plan.meter.profile, toml=plan.profile_toml))
            for plan in files.values()
        ),
        *(records.write(_meter(plan, standings.get(plan.meter.name))) for plan in meters),
        *(records.write(derived_part(one)) for plan in meters for one in plan.derived),
        *(records.write(line_part(line)) for line in lines),
        *([records.write(stated(calendar))] if calendar and any(one.told_by == "schedule" for one in lines) else []),
    ]


def author(head: Head | None, reason: str, config_hash: bytes, started_ns: int, key: keys.PrivateKey) -> bytes:
    """A manifest's first part: `head` is the entry this epoch follows; where `key` is kept is stated, not proven."""
    parent = None if head is None else records.Parent(epoch=head.epoch, seq=head.seq, hash=head.hash)
    return records.write(
        records.Author(
            parent=parent,
            reason=reason,
            software=SOFTWARE,
            config_hash=config_hash,
            started_ns=started_ns,
            custody="file" if isinstance(key, keys.FileKey) else "pkcs11",
        )
    )


def counter_ref(text: str) -> records.CounterRef:
    """Read "meter.point"."""
    meter, _, point = text.partition(".")
    return records.CounterRef(meter=meter, point=point)


def _meter(plan: MeterPlan, standing: identity.Standing | None) -> records.MeterPart:
    meter = plan.meter
    serial, is_read, installation = identity.stated(plan.configured, standing)
    return records.MeterPart(
        meter=meter.name,
        installation=installation,
        address=f"{meter.bus} {meter.address or f'unit {meter.unit}'}",
        base=str(meter.base),
        profile=profiles.profile_hash(plan.profile_toml),
        serial=serial,
        serial_is="read" if is_read else "declared",
        accuracy_class=meter.accuracy_class,
        ct=_transformer(meter.ct),
        pt=_transformer(meter.pt),
        certificate=_certificate(meter.certificate),
        power_max_w=meter.power_max_w,
        rated_w=meter.rated_w,
        sheet=plan.sheet,
        declared=[_declared(point, declared) for point, declared in sorted(meter.declared.items())],
        handover=_handovers(meter) if installation == meter.installation else None,
    )


def _transformer(given: config.Transformer | None) -> records.Transformer | None:
    if given is None:
        return None
    return records.Transformer(
        primary=given.primary,
        secondary=given.secondary,
        accuracy_class=given.accuracy_class,
        valid_from_ns=None if given.valid_from is None else _ns(given.valid_from),
        certificate=given.certificate,
    )


def _certificate(given: config.Certificate | None) -> records.Certificate | None:
    if given is None:
        return None
    return records.Certificate(
        number=given.number,
        body=given.body,
        valid_from_ns=_ns(given.valid_from),
        valid_to_ns=_ns(given.valid_to + timedelta(days=1)) - 1,
        points=[ErrorPoint(**point.model_dump()) for point in given.points] or None,
        drift_ppm=given.drift_ppm,
        serial=given.serial,
    )


def _declared(point: str, given: config.Declared) -> records.Declared:
    age_ns = None if given.age_ms is None else given.age_ms * 1_000_000
    return records.Declared(point=point, step=given.step, age_ns=age_ns, source=given.source)


def _handovers(meter: config.Meter) -> list[Handover] | None:
    """What was noted when this instrument came; of one that was found in its place nobody noted anything."""
    return [
        Handover(
            point=point,
            before=given.before,
            after=given.after,
            at_ns=given.at_ns,
            within_ns=given.within_s * 1_000_000_000,
            serial_before=given.serial_before,
            source=given.source,
        )
        for point, given in sorted(meter.handover.items())
    ] or None


def derived_part(given: config.Derived) -> DerivedPart:
    """A derived counter as a manifest states it, with the formulation that this version computes."""
    name, digest = FORMULATIONS[given.kind]
    heat = given.kind != "gas"
    return DerivedPart(
        meter=given.meter,
        point=given.id,
        kind=given.kind,
        counts=given.mass or given.volume or "",
        pressure=given.pressure,
        pressure_is=given.pressure_is,
        atmosphere_pa=None if given.atmosphere_kpa is None else round(Decimal(given.atmosphere_kpa) * 1000),
        temperature=given.temperature,
        reference_k_milli=None if given.reference_degc is None else REFERENCES_K_MILLI[given.reference_degc],
        compressibility=None if heat else given.compressibility or "1",
        dryness=given.dryness,
        reference_j_per_kg=round(Decimal(given.reference_kj_per_kg or "0") * 1000) if heat else None,
        apart_ns=given.apart_s * 1_000_000_000,
        formulation=name,
        formulation_hash=digest,
    )


def line_part(line: config.Line) -> records.LinePart:
    """A line as a manifest states it."""
    words = line_states.words(line)
    return records.LinePart(
        line=line.name,
        source=line.source or NO_SOURCE,
        edge_time=line.edge_time,
        energy=[counter_ref(text) for text in line.energy],
        good=None if line.good is None else counter_ref(line.good),
        scrap=None if line.scrap is None else counter_ref(line.scrap),
        told_by=None if line.told_by == "tags" else line.told_by,
        makes=line.makes,
        state=line.state_point,
        states=[records.StateWord(number=number, state=words[number]) for number in sorted(words)] or None,
        media=[counter_ref(text) for text in line.media] or None,
        lots=line_lots.refs(line) or None,
        overlap=None if line.overlap == "refuse" else line.overlap,
    )


def _ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000
