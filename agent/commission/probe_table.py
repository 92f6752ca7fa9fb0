"""One meter's points as they are now, in lines for a person and in keys for a program.

In: a profile, scans, the transformer ratio. Out: rows, and text made of them. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from agent import identity as instrument
from agent.aggregation.handover import is_same
from agent.drivers import Reading, Scan, is_bad
from agent.drivers.point import RATIOED, UNITS, Point
from agent.drivers.profile import Profile
from agent.drivers.registers import scaled, value
from agent.told import quality


@dataclass(frozen=True, slots=True)
class Row:
    """One point. `value` is primary: the ratio is in it where `ratioed`; None without a value."""

    point: str
    value: Fraction | None
    text: str | None
    unit: str
    raw: str  # its words on the wire, in hexadecimal
    status: int
    latency_ns: int
    age_ns: int | None  # of the source's own time, where it gives one
    ratioed: bool


def rows(profile: Profile, scans: Iterable[Scan], ratio: Fraction) -> list[Row]:
    """Rows in the order of the profile; points that were not read are left out."""
    points = {point.id: point for point in profile.points}
    found: dict[str, tuple[Scan, Reading]] = {}
    for scan in scans:
        for reading in scan.readings:
            if reading.point not in found or not is_bad(reading.status):
                found[reading.point] = (scan, reading)
    return [_row(points, found, point, ratio) for point in points if point in found]


def lines(shown: Sequence[Row]) -> list[str]:
    """The table, one line a point."""
    widths = [max((len(row.point) for row in shown), default=0), max((len(row.raw) for row in shown), default=0)]
    told = []
    for row in shown:
        age = "" if row.age_ns is None else f"  source {row.age_ns / 1e6:.0f} ms ago"
        ratio = "  x ratio" if row.ratioed else ""
        told.append(
            f"  {row.point:<{widths[0]}}  {_value(row):>16} {row.unit:<6} {row.raw:<{widths[1]}}  {quality(row.status)}"
            f"  {row.latency_ns / 1e6:.0f} ms{age}{ratio}"
        )
    return told


def document(row: Row) -> dict[str, object]:
    """The same for programs. The value is a decimal string: no digit of a register is lost."""
    return {
        "point": row.point,
        "value": row.text if row.value is None else decimal(row.value),
        "unit": row.unit,
        "raw": row.raw,
        "quality": quality(row.status),
        "status": row.status,
        "latency_ns": row.latency_ns,
        "age_ns": row.age_ns,
        "ratio_applied": row.ratioed,
    }


def identity(profile: Profile, scans: Iterable[Scan], configured_serial: str) -> str:
    """What the meter says of itself on one line, and where that is not what is configured; as the agent judges it."""
    said = instrument.found(profile, scans)
    if said is None:
        return "did not answer in full"
    told = []
    for name in instrument.Identity.__dataclass_fields__:
        text = getattr(said, name)
        if name != "unreadable" and text is not None:
            told.append(f"{name.replace('_', ' ')} {text}{_judged(profile, said, name, configured_serial)}")
    told += [f"{name.replace('_', ' ')} not readable" for name in said.unreadable]
    return ", ".join(told) or "says nothing of itself"


def decimal(number: Fraction) -> str:
    """A number whose denominator divides a power of ten or two, exactly; else to 12 digits."""
    places = 0
    while number.denominator != 1 and places <= 24 and (number * 10**places).denominator != 1:
        places += 1
    exact = number * 10**places
    if exact.denominator != 1:
        return f"{float(number):.12g}"
    digits = str(abs(exact.numerator)).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if exact < 0 else text


def _row(points: dict[str, Point], found: dict[str, tuple[Scan, Reading]], name: str, ratio: Fraction) -> Row:
    point = points[name]
    scan, reading = found[name]
    scale = found[point.scale_point][1].raw if point.scale_point in found else None
    ratioed = ratio != 1 and point.quantity.startswith(RATIOED) and point.ratio_side != "primary"
    number = None
    if reading.raw is not None and point.type != "text" and (point.scale_point is None or scale is not None):
        number = (
            Fraction(scaled(point, reading.raw, ratio, scale), 10 ** UNITS[point.unit][1])
            if ratioed
            else value(point, reading.raw, scale)
        )
    age_ns = None if reading.source_ns is None else scan.answered_ns - reading.source_ns
    raw = "" if reading.raw is None else _hex(reading.raw, point.bits)
    unit = "" if point.unit == "1" else point.unit
    return Row(
        name, number, reading.text, unit, raw, reading.status, scan.answered_ns - scan.requested_ns, age_ns, ratioed
    )


def _hex(raw: int, bits: int) -> str:
    digits = f"{raw:0{max(1, bits // 4)}X}"
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _judged(profile: Profile, said: instrument.Identity, name: str, serial: str) -> str:
    if name == "serial" and serial:
        return " (as configured)" if is_same(serial, said.serial) else f" (CONFIGURED IS {serial})"
    others = instrument.contradicts(profile, said) if name == "model" else None
    return f" (THE PROFILE IS FOR {' OR '.join(others)})" if others else ""


def _value(row: Row) -> str:
    if row.value is None:
        return row.text if row.text is not None else "-"
    exact = decimal(row.value)
    return exact if len(exact) <= 16 else f"{float(row.value):.10g}"
