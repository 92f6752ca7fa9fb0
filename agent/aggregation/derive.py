"""A derived counter: normal volume or heat, added up from a meter's own counter and what was read beside it.

In: a `derived` part, the meter's points, readings. Out: a column that counts like a register's. Pure. Between two
readings the amount is the counter's difference times the mean of the weights at both, rounded once to the canonical
unit, halves to even: a function of these two readings alone, so sums over windows that share their edges close. Where
the weight at one of them is not known, or they lie too far apart, nothing is assumed: the column opens a new stretch.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from agent.aggregation import gas, steam
from agent.aggregation.counter import Anomaly, IntArray, Stretches
from agent.aggregation.odd_steps import Kind
from agent.drivers.profile import Point, positive
from agent.drivers.registers import unit_of, value
from contract.derived_records import DerivedPart
from contract.segment import MeterSegment, is_good

Raws = tuple[int, ...]
PRESSURE_PA = {"Pa": 1, "kPa": 1000, "bar": 100_000, "MPa": 1_000_000}
KELVIN_LESS_DEGC = {"K": Fraction(0), "degC": Fraction("273.15")}
COUNTS = {"gas": "m3_micro", "steam": "g_milli", "saturated_steam": "g_milli", "water": "g_milli"}
GIVES = {"gas": "m3_micro", "steam": "j", "saturated_steam": "j", "water": "j"}
FORMULATIONS = {kind: (gas.NAME, gas.HASH) if kind == "gas" else (steam.NAME, steam.HASH) for kind in GIVES}
MG_PER_KG = 10**6


@dataclass(frozen=True, slots=True)
class Derivation:
    """A `derived` part with the points of the conditions it names: pressure, then temperature where it names one."""

    part: DerivedPart
    conditions: tuple[Point, ...]


def derivation(part: DerivedPart, points: Mapping[str, Point]) -> Derivation:
    """Join a part with the meter's points.

    Raises ValueError if a point is missing or measures something else, or the formulation is not the one computed here.
    """
    if (part.formulation, part.formulation_hash) != FORMULATIONS[part.kind]:
        raise ValueError(f"formulation {part.formulation!r} {part.formulation_hash.hex()[:16]}: not known here")
    _check_points(part, points)
    needed = {"gas": (part.temperature, part.reference_k_milli, part.compressibility),
              "saturated_steam": (part.dryness, part.reference_j_per_kg)}  # fmt: skip
    if None in needed.get(part.kind, (part.temperature, part.reference_j_per_kg)):
        raise ValueError(f"{part.kind} is not described whole")
    if (part.pressure_is == "gauge") != (part.atmosphere_pa is not None):
        raise ValueError("gauge pressure needs the atmosphere's, absolute pressure none")
    for text in (part.compressibility, part.dryness):
        if text is not None:
            positive(text)
    return Derivation(part, tuple(points[name] for name in _conditions(part)))


def _conditions(part: DerivedPart) -> list[str]:
    return [name for name in (part.pressure, part.temperature) if name is not None]


def _check_points(part: DerivedPart, points: Mapping[str, Point]) -> None:
    names = _conditions(part)
    if absent := [name for name in (part.counts, *names) if name not in points]:
        raise ValueError(f"the meter has no point {absent[0]}")
    if unit_of(points[part.counts]) != COUNTS[part.kind]:
        raise ValueError(f"{part.counts} is not in {COUNTS[part.kind]}")
    if points[part.counts].reference_degc is not None:
        raise ValueError(f"{part.counts} is at reference conditions already: count it as it is")
    for name, units in zip(names, (tuple(PRESSURE_PA), tuple(KELVIN_LESS_DEGC)), strict=False):
        if points[name].unit not in units or points[name].scale_point is not None:
            raise ValueError(f"{name}: give it in {', '.join(units)}, without a scale register")


def near(derived: Derivation, made: MeterSegment) -> Callable[[int], Raws | None]:
    """For an answer's time, the raws of the conditions as read nearest to it in the same segment.

    Of two equally near the earlier. None if one was not read within `apart_ns`. A segment is signed whole, so everyone
    finds the same.
    """
    columns = [_answers(made, point.id) for point in derived.conditions]

    def at(answered_ns: int) -> Raws | None:
        found: list[int] = []
        for times, raws in columns:
            after = bisect_left(times, answered_ns)
            places = [n for n in (after - 1, after) if 0 <= n < len(times)]
            if not places:
                return None
            best = min(places, key=lambda n: abs(times[n] - answered_ns))
            if abs(times[best] - answered_ns) > derived.part.apart_ns:
                return None
            found.append(raws[best])
        return tuple(found)

    return at


def column(derived: Derivation, seen: Stretches, answered_ns: IntArray, conditions: Sequence[Raws]) -> Stretches:
    """The derived counter, from 0 at the first reading, with the stretches of the counter it is derived from.

    Where nothing was counted nothing is added, whatever the conditions. Raises OverflowError beyond 64 bits.
    """
    weights = {raws: _weight(derived, raws) for raws in set(conditions)}
    counted, stretch, opened, total = [0], [0], 0, 0
    anomalies = list(seen.anomalies)
    for n in range(1, len(conditions)):
        step = int(seen.counter[n]) - int(seen.counter[n - 1])
        before, after = weights[conditions[n - 1]], weights[conditions[n]]
        fault: Kind | None = None
        if seen.stretch[n] != seen.stretch[n - 1]:
            opened += 1
        elif step:
            if int(answered_ns[n]) - int(answered_ns[n - 1]) > derived.part.apart_ns:
                fault = "conditions_apart"
            elif before is None or after is None:
                fault = "conditions_beyond"
            else:
                total += round(step * (before + after) / 2)
        if fault is not None:
            opened += 1
            anomalies.append(Anomaly(fault, n, int(answered_ns[n]), int(seen.counter[n - 1]), int(seen.counter[n])))
        counted.append(total)
        stretch.append(opened)
    return Stretches(None, np.array(counted, np.int64), np.array(stretch, np.int64), tuple(anomalies))


def _answers(made: MeterSegment, point: str) -> tuple[list[int], list[int]]:
    """When a point was answered well, and what, in order of time."""
    found = [
        (answered, raw)
        for block in made.blocks
        for read in block.columns
        if read.point == point
        for answered, raw, status in zip(block.answered_ns, read.raws, read.statuses, strict=True)
        if raw is not None and is_good(status)
    ]
    found.sort(key=lambda answer: answer[0])
    return [answered for answered, _ in found], [raw for _, raw in found]


def _weight(derived: Derivation, raws: Raws) -> Fraction | None:
    """Canonical units given per canonical unit counted; None outside what the formulation covers."""
    part = derived.part
    try:
        values = [value(point, raw) for point, raw in zip(derived.conditions, raws, strict=True)]
        pressure = values[0] * PRESSURE_PA[derived.conditions[0].unit] + (part.atmosphere_pa or 0)
        kelvin = values[1] + KELVIN_LESS_DEGC[derived.conditions[1].unit] if len(values) > 1 else Fraction(0)
        if part.kind == "gas":
            reference, k = Fraction(part.reference_k_milli or 0, 1000), Fraction(positive(part.compressibility or ""))
            return gas.reference_m3(pressure, kelvin, reference, k)
        if part.kind == "saturated_steam":
            enthalpy = steam.saturated_j_per_kg(pressure, Fraction(positive(part.dryness or "")))
        else:
            enthalpy = {"steam": steam.superheated_j_per_kg, "water": steam.liquid_j_per_kg}[part.kind](
                pressure, kelvin
            )
    except (ValueError, ArithmeticError):
        return None
    carried = enthalpy - (part.reference_j_per_kg or 0)
    return Fraction(carried, MG_PER_KG) if carried >= 0 else None
