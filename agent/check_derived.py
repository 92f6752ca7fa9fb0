"""What can be wrong with a derived counter once its meter's profile is known: points, units, what its kind needs.

In: a parsed configuration and its meters with their profiles. Out: `key.path: problem: hint` lines. Pure.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from agent import config
from agent.aggregation.derive import COUNTS, KELVIN_LESS_DEGC, PRESSURE_PA
from agent.aggregation.gas import COMPRESSION_MAX, COMPRESSION_MIN
from agent.drivers.profile import Point
from agent.drivers.registers import unit_of
from agent.manifest import MeterPlan
from contract.problems import suggest

# kind -> (what it must have, what else it may have) of the keys that not every kind has
KEYS = {
    "gas": (("volume", "temperature", "reference_degc"), ("compressibility",)),
    "steam": (("mass", "temperature"), ("reference_kj_per_kg",)),
    "saturated_steam": (("mass", "dryness"), ("reference_kj_per_kg",)),
    "water": (("mass", "temperature"), ("reference_kj_per_kg",)),
}
APART = {key for must, may in KEYS.values() for key in (*must, *may)}
COUNTED = {"m3_micro": "L or m3", "g_milli": "g, kg or t"}


def faults(checked: config.Config, meters: Mapping[str, MeterPlan]) -> Iterator[str]:
    """Everything that is wrong with any derived counter."""
    known = [meter.name for meter in checked.meter]
    for given in checked.derived:
        at = f"derived.{given.id}"
        if given.meter not in known:
            yield f"{at}.meter: there is no meter {given.meter!r}: {suggest(given.meter, known)}"
        if [(one.meter, one.id) for one in checked.derived].count((given.meter, given.id)) > 1:
            yield f"{at}.id: used twice of {given.meter}: give every derived counter an id of its own"
        yield from _keys(at, given)
        yield from _figures(at, given)
        every_ms = next((meter.every_ms for meter in checked.meter if meter.name == given.meter), 0)
        if given.apart_s * 1000 < 2 * every_ms:
            yield f"{at}.apart_s: {given.meter} is read every {every_ms} ms: give at least twice that"
        if given.meter in meters:
            yield from _points(at, given, {point.id: point for point in meters[given.meter].profile.points})


def _keys(at: str, given: config.Derived) -> Iterator[str]:
    must, may = KEYS[given.kind]
    for key in sorted(APART):
        if key in must and getattr(given, key) is None:
            yield f"{at}.{key}: missing: {given.kind} needs {', '.join(must)}"
        elif key not in (*must, *may) and getattr(given, key) is not None:
            yield f"{at}.{key}: {given.kind} has no use for it: remove it"


def _figures(at: str, given: config.Derived) -> Iterator[str]:
    if given.pressure_is == "gauge" and given.atmosphere_kpa is None:
        yield f"{at}.atmosphere_kpa: missing: gauge pressure needs the site's mean air pressure, 101.325 at sea level"
    if given.pressure_is == "absolute" and given.atmosphere_kpa is not None:
        yield f"{at}.atmosphere_kpa: absolute pressure has it in it already: remove it"
    if given.atmosphere_kpa is not None and not 40 <= Decimal(given.atmosphere_kpa) <= 120:
        yield f"{at}.atmosphere_kpa: {given.atmosphere_kpa}: no air pressure of a plant: write kPa, such as 101.325"
    if given.dryness is not None and Decimal(given.dryness) > 1:
        yield f'{at}.dryness: {given.dryness}: a share of the mass: write at most "1"'
    if given.compressibility is not None and not COMPRESSION_MIN <= Decimal(given.compressibility) <= COMPRESSION_MAX:
        yield f'{at}.compressibility: {given.compressibility}: write K = z/zn, such as "0.997"'


def _points(at: str, given: config.Derived, points: Mapping[str, Point]) -> Iterator[str]:
    if given.id in points:
        yield f"{at}.id: {given.meter} has a point of this name: give it another"
    counted = COUNTS[given.kind]
    for key, name in (("volume", given.volume), ("mass", given.mass)):
        if name is not None and name not in points:
            yield f"{at}.{key}: {given.meter} reads no point {name!r}: {suggest(name, points)}"
        elif name is not None and (points[name].kind != "counter" or unit_of(points[name]) != counted):
            yield f"{at}.{key}: {name!r}: name a counter in {COUNTED[counted]}"
        elif name is not None and points[name].reference_degc is not None:
            yield f"{at}.{key}: {name!r} is at reference conditions already: count it as it is, in media"
    for key, name, units in (
        ("pressure", given.pressure, tuple(PRESSURE_PA)),
        ("temperature", given.temperature, tuple(KELVIN_LESS_DEGC)),
    ):
        if name is None:
            continue
        if name not in points:
            yield f"{at}.{key}: {given.meter} reads no point {name!r}: {suggest(name, points)}"
        elif points[name].unit not in units or points[name].scale_point is not None:
            yield f"{at}.{key}: {name!r}: name a point in {', '.join(units)}, without a scale register"
