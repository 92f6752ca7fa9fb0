"""Counters as manifests describe them: a manifest's parts in, every counter of every meter out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from agent.aggregation import derive
from agent.aggregation.chain import Chain, chain_of
from agent.aggregation.derive import Derivation
from agent.aggregation.power_beside import power_beside
from agent.aggregation.power_factor import reactive_beside
from agent.drivers import profile as profiles
from agent.drivers.registers import unit_of
from contract import derived_records, records
from contract.errors import Malformed
from contract.handovers import Handover

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter as a manifest describes it; `age_ns` is -1 where nobody states the register's age.

    `spec` is the point that is counted; with a `derivation` it is that of the counter it is derived from.

    Registers of two instruments, or of one at two places, are never read as one: `installation` and `serial` are part
    of what a counter is. What was noted of the instrument before is not: a `handover` may be told later, and the
    readings of this one stay what they are.
    """

    meter: str
    point: str
    quantity: str
    unit: str
    spec: profiles.Point
    ratio: Fraction
    age_ns: int
    instrument: Chain | None
    installation: str = ""
    serial: str = ""
    power_max_w: int | None = None
    derivation: Derivation | None = None
    power: profiles.Point | None = None  # the meter's own power of what this counts, where its profile has it
    reactive: profiles.Point | None = None  # and its reactive power
    handover: Handover | None = field(default=None, compare=False)

    @property
    def net(self) -> bool:
        """Whether it may fall, as import less export does."""
        return self.spec.quantity.endswith("_net")

    @property
    def points(self) -> tuple[str, ...]:
        """What has to be read for it."""
        return (self.spec.id, *(p.id for p in self.derivation.conditions)) if self.derivation else (self.spec.id,)


def known_profiles(parts: Sequence[bytes]) -> dict[bytes, profiles.Profile]:
    """The profiles that a manifest's parts carry, by hash. Raises Malformed."""
    known: dict[bytes, profiles.Profile] = {}
    for part in parts:
        if records.kind_of(part) == "profile":
            toml = records.read(part, records.ProfilePart).toml
            try:
                known[profiles.profile_hash(toml)] = profiles.parse(toml)
            except ValueError as error:
                raise Malformed(f"manifest: {error}") from None
    return known


def counters(parts: Sequence[bytes]) -> dict[tuple[str, str], Counter]:
    """Every counter of every meter in a manifest's parts, by (meter, point). Raises Malformed."""
    known = known_profiles(parts)
    meters = [records.read(part, records.MeterPart) for part in parts if records.kind_of(part) == "meter"]
    found: dict[tuple[str, str], Counter] = {}
    for meter in meters:
        if meter.profile not in known:
            raise Malformed(f"manifest: meter {meter.meter}: its profile {meter.profile.hex()[:16]} is not in it")
        for point in known[meter.profile].points:
            if point.kind == "counter" and point.type != "text":
                try:
                    found[meter.meter, point.id] = _counter(meter, known[meter.profile], point)
                except (ValueError, ArithmeticError) as error:  # an unknown class, a step that is no number
                    raise Malformed(f"manifest: meter {meter.meter}, {point.id}: {error}") from None
    for part in (records.read(p, derived_records.DerivedPart) for p in parts if records.kind_of(p) == "derived"):
        base = found.get((part.meter, part.counts))
        meter_of = next((meter for meter in meters if meter.meter == part.meter), None)
        if base is None or meter_of is None or (part.meter, part.point) in found:
            raise Malformed(
                f"manifest: derived {part.meter}, {part.point}: there is no such counter, or it is one itself"
            )
        try:
            found[part.meter, part.point] = _derived(base, part, known[meter_of.profile])
        except (ValueError, ArithmeticError) as error:
            raise Malformed(f"manifest: derived {part.meter}, {part.point}: {error}") from None
    return found


def counts_on(counter: Counter, described: Counter | None) -> bool:
    """Whether a register described so counts what `counter` does: one instrument, one place, the same transformers.

    Where a manifest says otherwise, or nothing of it, the register may count elsewhere until a later manifest. Then
    readings of before and after are not joined, even if both describe it alike.
    """
    if described is None:
        return False
    now, then = ((one.installation, one.serial, one.ratio) for one in (counter, described))
    return now == then


def _derived(base: Counter, part: derived_records.DerivedPart, profile: profiles.Profile) -> Counter:
    """A derived counter claims no bounds: what pressure and temperature were between readings is not known."""
    made = derive.derivation(part, {point.id: point for point in profile.points})
    return replace(
        base, point=part.point, quantity=part.kind, unit=derive.GIVES[part.kind], age_ns=-1, instrument=None,
        power_max_w=None, derivation=made, power=None, reactive=None, handover=None,
    )  # fmt: skip


def _counter(meter: records.MeterPart, profile: profiles.Profile, point: profiles.Point) -> Counter:
    ratio = Fraction(1)
    for transformer in (meter.ct, meter.pt):
        if transformer is not None:
            ratio *= Fraction(transformer.primary, transformer.secondary)
    age_ns = -1 if point.age_ms is None else point.age_ms * NS_PER_MS
    for declared in meter.declared:
        if declared.point != point.id:
            continue
        if declared.age_ns is not None:
            age_ns = declared.age_ns
        if declared.step is not None:
            point = point.model_copy(update={"step": profiles.positive(declared.step)})
    is_energy = point.quantity.startswith("active_energy")  # what classes, ratings and power limits speak of
    return Counter(
        meter.meter, point.id, point.quantity, unit_of(point), point, ratio, age_ns,
        chain_of(meter) if is_energy else None, meter.installation, meter.serial,
        meter.power_max_w if is_energy else None, power=power_beside(profile, point),
        reactive=reactive_beside(profile, point),
        handover=next((one for one in meter.handover or () if one.point == point.id), None),
    )  # fmt: skip
