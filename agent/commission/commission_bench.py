"""A meter on the bench: read whole through its driver, and its readings as numbers.

In: a meter's plan and an open driver. Out: `Taken`: what was read, as evidence and as values in W, V, A or canonical
units. Never a value for a reading that has none.
"""

import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from agent import check, config
from agent.commission.sheet import Look, Seen
from agent.drivers import DRIVERS, Driver, Scan, Target, Unreachable, is_bad
from agent.drivers import profile as profile_form
from agent.drivers.profile import UNITS, Point
from agent.drivers.registers import scaled, slack, value
from agent.manifest import MeterPlan
from contract.problems import Problems

TRIES = 3
TRY_AGAIN_S = 1.0
NONE = Fraction(1)  # no ratio: values as the register has them
# What a commissioning looks at; the rest of a profile is not put on the sheet.
LOOKED_AT = ("active_energy", "active_power", "power_factor", "voltage", "current", "volume", "mass", "scale")


@dataclass(frozen=True, slots=True)
class Taken:
    """One read of the meter."""

    points: Mapping[str, Point]
    scans: Sequence[Scan]

    def number(self, point: str) -> Fraction | None:
        """A gauge's value in W, V, A or 1, as the register has it; None if the profile or the answer has none."""
        found = self._found(point)
        if found is None:
            return None
        spec, raw, scale_raw = found
        return value(spec, raw, scale_raw) * Fraction(10) ** (UNITS[spec.unit][1] - 3)

    def counter(self, spec: Point, side: str) -> int | None:
        """A counter's bound in canonical units: "low", what had been counted when it was answered; or "high"."""
        found = self._found(spec.id)
        if found is None:
            return None
        _, raw, scale_raw = found
        shown = scaled(spec, raw, NONE, scale_raw)
        below, above = slack(spec, raw, NONE, scale_raw)
        return shown - below if side == "low" else shown + above

    def look(self, name: str) -> Look:
        """The readings as evidence."""
        kept = [
            Seen(
                point=reading.point,
                raw=reading.raw,
                text=reading.text,
                status=reading.status,
                requested_ns=scan.requested_ns,
                answered_ns=scan.answered_ns,
            )
            for scan in self.scans
            for reading in scan.readings
            if reading.point in self.points and self._is_kept(self.points[reading.point])
        ]
        return Look(look=name, seen=kept)

    def _is_kept(self, point: Point) -> bool:
        return point.identity is not None or point.quantity.startswith(LOOKED_AT)

    def _found(self, point: str) -> tuple[Point, int, int | None] | None:
        readings = {reading.point: reading for scan in self.scans for reading in scan.readings}
        spec, reading = self.points.get(point), readings.get(point)
        if spec is None or reading is None or reading.raw is None or is_bad(reading.status):
            return None
        if spec.scale_point is None:
            return spec, reading.raw, None
        scale = readings.get(spec.scale_point)
        return None if scale is None or scale.raw is None else (spec, reading.raw, scale.raw)


@dataclass(frozen=True, slots=True)
class Bench:
    """One meter with all points of its profile, and the connection to it."""

    plan: MeterPlan
    driver: Driver
    sleep: Callable[[float], Awaitable[None]]

    @property
    def ratio(self) -> Fraction:
        """CT x PT, where the registers do not hold primary values already."""
        return NONE if self.primary else self.plan.ratio

    @property
    def primary(self) -> bool:
        """Whether the profile says that its registers hold primary values."""
        return any(point.ratio_side == "primary" for point in self.plan.profile.points)

    def counter(self) -> Point | None:
        """The counter to hold against the display, with the step and age that are declared for it."""
        counters = [point for point in self.plan.profile.points if point.kind == "counter"]
        asked = [point for point in counters if point.id in self.plan.meter.points]
        import_first = sorted(
            asked or counters, key=lambda point: not point.quantity.startswith("active_energy_import")
        )
        if not import_first:
            return None
        point = import_first[0]
        declared = self.plan.meter.declared.get(point.id)
        step = point.step if declared is None or declared.step is None else Decimal(declared.step)
        age_ms = point.age_ms if declared is None or declared.age_ms is None else declared.age_ms
        return point.model_copy(update={"step": step, "age_ms": age_ms})

    async def take(self, *, identity: bool = False) -> Taken:
        """Read every point, or those of the identity. Raises Problems if the meter keeps silent."""
        read = self.driver.identify if identity else self.driver.read
        points = {point.id: point for point in self.plan.profile.points}
        for left in range(TRIES, 0, -1):
            try:
                return Taken(points, await read(self.plan.meter.name))
            except Unreachable as error:
                if left == 1:
                    hint = "check the wiring; a running agent may hold the only connection, then stop it"
                    raise Problems([f"meter.{self.plan.meter.name}: {error}: {hint}"]) from None
            await self.sleep(TRY_AGAIN_S)
        raise AssertionError  # the last try returns or raises


def place(meter: config.Meter, profile: profile_form.Profile) -> str:
    """Where a meter is met: its bus, and what tells it from others there; tags of a server have neither."""
    if meter.address:
        return f"{meter.bus} {meter.address}"
    return f"{meter.bus} unit {meter.unit}" if any(point.table for point in profile.points) else meter.bus


def opened(plan: check.Plan, meter: str, now_ns: Callable[[], int], sleep: Callable[[float], Awaitable[None]]) -> Bench:
    """The meter with every point its profile has, whatever the configuration reads of it. Raises Problems."""
    planned = next((one for one in plan.meters if one.meter.name == meter), None)
    if planned is None:
        names = ", ".join(one.meter.name for one in plan.meters)
        raise Problems([f"there is no meter {meter!r}: use one of {names}"])
    whole = replace(planned, profile=profile_form.parse(planned.profile_toml))
    name, settings = plan.buses[planned.meter.bus]
    target = Target(planned.meter.unit, whole.profile, planned.meter.base, planned.meter.address)
    try:
        driver = importlib.import_module(DRIVERS[name]).open_driver(
            settings, {meter: target}, now_ns, lambda _event: None
        )
    except ValueError as error:
        raise Problems([f"meter.{line}" for line in str(error).splitlines()]) from None
    return Bench(whole, driver, sleep)
