"""A simulated meter: what it has counted, and what its registers show of that, late and in steps.

In: the signal it measures, its profile and description, a seed. Out: exact indicated quantity, and register words at
any instant.
Never: the clock, sockets; the registers are never ahead of the indication and never older than the declared age.
"""

import random
import re
from fractions import Fraction

from agent.drivers.profile import Point, Profile
from simulators.encode import FLOATS, encode, encode_text
from simulators.scenario import ENERGY_UNITS, VOLUME_UNITS
from simulators.scenario import Meter as MeterConfig
from simulators.signals import SECOND_NS, WH_MILLI_MW_NS, Signal

POWER_FACTOR = Fraction(92, 100)
REACTIVE_SHARE = Fraction(426, 1000)  # tan(acos(0.92))
PHASE_V = 230
EXPONENTS = {"A": -1, "V": -1, "Hz": -2, "W": 1, "VA": 1, "var": 1, "%": -1}  # held by scale points; others 0


class Meter:
    """One meter from `start_ns` on: a pure function of (signal, description, profile, seed, start); in mWh or cm3.

    indicated(t) = start reading + measured(t) x (1 + error), the error constant and within the meter's class. The
    registers take it over at refresh instants between 60 % and 100 % of `age_ms` apart. Raises ValueError if the
    profile cannot show the step or a quantity.
    """

    def __init__(self, config: MeterConfig, profile: Profile, signal: Signal, seed: int, start_ns: int) -> None:
        rng = random.Random(f"{seed}/meter/{config.id}")
        self.config = config
        self._signal = signal
        self._start_ns = start_ns
        self._step = config.step_canonical
        self._units = VOLUME_UNITS if config.measures_air else ENERGY_UNITS | {"varh": 1_000, "kvarh": 1_000_000}
        self._per_unit = SECOND_NS if config.measures_air else WH_MILLI_MW_NS  # level x ns in 1 cm3 or 1 mWh
        self.start_reading = rng.randrange(10**9, 10**11)  # 1,000 to 100,000 kWh or m3
        self.error_ppm = rng.randrange(-config.class_ppm, config.class_ppm + 1)
        age_ns = config.age_ms * 1_000_000
        self._period_ns = age_ns * rng.randrange(60, 91) // 100
        self._phase_ns = rng.randrange(self._period_ns)
        self._late_ns = [rng.randrange(age_ns - self._period_ns + 1) for _ in range(61)]
        self.identity = _identity(profile, config, random.Random(f"{seed}/identity/{config.id}"))
        self._points = _placed(profile, config)
        self._exponents = _exponents(profile)
        self._hole_max = profile.hole_max
        self._image: tuple[int, dict[tuple[str, int], int]] | None = None
        for point in profile.points:
            self._check(point)

    def indicated(self, at_ns: int) -> Fraction:
        """Return the exact indicated quantity in mWh or cm3."""
        measured = Fraction(self._signal.area(self._start_ns, at_ns) * (1_000_000 + self.error_ppm), 1_000_000)
        return self.start_reading + measured / self._per_unit

    def indicated_wh_milli(self, at_ns: int) -> int:
        """Return the indicated energy in mWh, rounded down. Raises ValueError for a meter that measures air."""
        if self.config.measures_air:
            raise ValueError(f"meter {self.config.id} measures air: ask for indicated_m3_micro")
        return int(self.indicated(at_ns))

    def indicated_m3_micro(self, at_ns: int) -> int:
        """Return the indicated volume in cm3, rounded down. Raises ValueError for a meter that measures energy."""
        if not self.config.measures_air:
            raise ValueError(f"meter {self.config.id} measures energy: ask for indicated_wh_milli")
        return int(self.indicated(at_ns))

    def refreshed_ns(self, at_ns: int) -> int:
        """Return the last refresh at or before an instant; the start counts as one."""
        number = (at_ns - self._start_ns - self._phase_ns) // self._period_ns
        if self._refresh_ns(number) > at_ns:
            number -= 1
        return max(self._refresh_ns(number), self._start_ns)

    def _refresh_ns(self, number: int) -> int:
        lateness_ns = self._late_ns[number % len(self._late_ns)]
        return self._start_ns + self._phase_ns + number * self._period_ns + lateness_ns

    def register(self, at_ns: int) -> int:
        """Return what the main counter holds in mWh or cm3: whole steps, secondary if there is a ratio."""
        return self._counted(self.indicated(self.refreshed_ns(at_ns)))

    def _counted(self, indicated: Fraction) -> int:
        return int(indicated / self.config.ratio // self._step) * self._step

    def image(self, at_ns: int) -> dict[tuple[str, int], int]:
        """Return all registers at an instant: (table, address) to word; small holes between points read zero."""
        refreshed_ns = self.refreshed_ns(at_ns)
        if self._image is None or self._image[0] != refreshed_ns:
            self._image = (refreshed_ns, self._registers(refreshed_ns))
        return self._image[1]

    def words(self, table: str, address: int, count: int, at_ns: int) -> list[int] | None:
        """Return the words of a request, all of the same refresh; None if one of them does not exist."""
        image = self.image(at_ns)
        found = [image.get((table, place)) for place in range(address, address + count)]
        return None if None in found else [word for word in found if word is not None]

    def _registers(self, refreshed_ns: int) -> dict[tuple[str, int], int]:
        indicated = self.indicated(refreshed_ns)
        level = self._level(refreshed_ns)
        image: dict[tuple[str, int], int] = {}
        end: tuple[str, int] = ("", 0)
        for table, base, point in self._points:
            first, last = base + point.asked[0], base + point.asked[1]
            if table == end[0] and first - end[1] <= self._hole_max:
                first = min(first, end[1])
            for place in range(first, last):
                image.setdefault((table, place), 0)
            places = [base + place for start, stop in point.spans for place in range(start, stop)]
            for place, word in zip(places, self._words(point, indicated, level), strict=True):
                image[table, place] |= word  # fields of one word share it
            end = (table, last)
        return image

    def _words(self, point: Point, indicated: Fraction, level: Fraction) -> tuple[int, ...]:
        if point.identity is not None:
            told = self.identity[point.identity]
            return encode_text(point, told) if point.type == "text" else encode(point, Fraction(told))
        if point.type == "text":
            return encode_text(point, "")
        if point.id in self._exponents:
            return encode(point, Fraction(self._exponents[point.id]))
        return encode(point, self._value(point, indicated, level), self._exponents.get(point.scale_point or "", 0))

    def shown(self, point: Point, at_ns: int) -> Fraction:
        """Return what a point shows at an instant, in its unit, before it is written in digits."""
        refreshed_ns = self.refreshed_ns(at_ns)
        return self._value(point, self.indicated(refreshed_ns), self._level(refreshed_ns))

    def _level(self, refreshed_ns: int) -> Fraction:
        """Return power or flow at a refresh on the side of the meter, in W or L/s."""
        return Fraction(self._signal.level(refreshed_ns) * (1_000_000 + self.error_ppm), 10**9 * self.config.ratio)

    def _value(self, point: Point, indicated: Fraction, level: Fraction) -> Fraction:
        """Return what a point shows, in its unit; `level` in W or L/s."""
        phases = 3 if re.search(r"_l[123]$", point.id) else 1
        if point.kind == "gauge":
            return gauges(level / phases, point)[point.unit]
        if re.search(r"export|reverse|_t[2-9]$", point.id):  # nothing flows back, and tariff 1 holds all day
            return Fraction(0)
        share = REACTIVE_SHARE if "var" in point.unit else 1
        return Fraction(self._counted(indicated * share / phases), self._units[point.unit])

    def _check(self, point: Point) -> None:
        where = f"meter.{self.config.id}.profile: point {point.id!r}"
        if point.table not in {"holding", "input"} and point.di is None:
            raise ValueError(f"{where}: is in no register: only registers and DL/T 645 data items are simulated")
        if point.id in self._exponents or point.identity is not None or point.type == "text":
            return
        try:
            self._value(point, Fraction(0), Fraction(0))
        except KeyError:
            raise ValueError(f"{where}: nothing simulated to show in {point.unit!r}: choose another profile") from None
        if point.kind == "counter" and point.type not in FLOATS and not any(p.type in FLOATS for p in point.parts):
            finest = point.parts[-1].scale if point.parts else 0
            resolution = Fraction(10) ** (point.scale + finest + self._exponents.get(point.scale_point or "", 0))
            if self._step % (resolution * self._units[point.unit]):
                raise ValueError(f"{where}: cannot show the step: make it a multiple of {resolution} {point.unit}")


def gauges(level: Fraction, point: Point) -> dict[str, Fraction]:
    """Return plausible momentary values by unit; `level`: power in W or flow in L/s of the phases the point covers."""
    apparent_va, reactive_var = level / POWER_FACTOR, level * REACTIVE_SHARE
    return {
        "W": level,
        "kW": level / 1000,
        "VA": apparent_va,
        "kVA": apparent_va / 1000,
        "var": reactive_var,
        "kvar": reactive_var / 1000,
        "V": Fraction(PHASE_V),
        "A": apparent_va / PHASE_V,
        "Hz": Fraction(50),
        "1": POWER_FACTOR if point.quantity == "power_factor" else Fraction(0),
        "%": POWER_FACTOR * 100,
        "m3/h": level * Fraction(36, 10),
        "L/min": level * 60,
        "degC": Fraction(25),
        "bar": Fraction(7),
    }


def _placed(profile: Profile, config: MeterConfig) -> list[tuple[str, int, Point]]:
    """Return points with their table and what is added to their addresses, in the order of the wire."""
    placed = [(str(point.table), config.base, point) for point in profile.points if point.di is None]
    return sorted(placed, key=lambda place: (place[0], place[2].start))


def _identity(profile: Profile, config: MeterConfig, rng: random.Random) -> dict[str, str]:
    """Return what the meter says of itself: a serial of eight digits, a model that its profile expects, its ratios."""
    model, ratio = "", Fraction(config.ratio)
    for point in profile.identifying:
        if point.identity == "model":
            model = (*point.expect, profile.model[: 2 * point.length] if point.type == "text" else "0")[0]
    return {
        "serial": config.serial or str(rng.randrange(10_000_000, 20_000_000)),
        "model": model,
        "firmware": "1",
        "ct_primary": str(ratio.numerator),
        "ct_secondary": str(ratio.denominator),
        "pt_primary": "1",
        "pt_secondary": "1",
    }


def _exponents(profile: Profile) -> dict[str, int]:
    """Return the decimal exponent each scale point holds, chosen by the unit that it scales."""
    return {point.scale_point: EXPONENTS.get(point.unit, 0) for point in profile.points if point.scale_point}
