"""Figures as words: units always, digits as far as the uncertainty allows, times in the site's own.

In: integers in canonical units. Out: text. None becomes "not known", never 0.
"""

from datetime import datetime
from fractions import Fraction

from contract.calendar import offset_ns, wall_of
from gateway.digits import fixed, shown
from gateway.figures import Intensity
from gateway.site_model import SiteModel
from gateway.statement import DECLARED
from gateway.words import Language, say

NS = 10**9
WH_MILLI_PER_KWH = 10**6
G_MICRO_PER_KG = 10**9
G_MILLI_PER_KG = 10**6
M3_MICRO = 10**6
ONE_MILLI = 10**3
SPACE = "\N{NO-BREAK SPACE}"


def kwh(wh_milli: int | None, language: Language, u95_wh_milli: int | None = None) -> str:
    """An energy in kWh."""
    return say(language, "no_value") if wh_milli is None else f"{kwh_bare(wh_milli, u95_wh_milli)}{SPACE}kWh"


def kwh_bare(wh_milli: int, u95_wh_milli: int | None = None) -> str:
    """An energy's digits in kWh."""
    value = Fraction(wh_milli, WH_MILLI_PER_KWH)
    return shown(value, Fraction(u95_wh_milli, WH_MILLI_PER_KWH), 12) if u95_wh_milli else shown(value, None, 4)


def kwh_with_u95(wh_milli: int | None, u95_wh_milli: int | None, language: Language) -> str:
    """An energy with its expanded uncertainty, both to the same place."""
    if wh_milli is None or not u95_wh_milli:
        return kwh(wh_milli, language)
    size = Fraction(u95_wh_milli, WH_MILLI_PER_KWH)
    return f"{kwh_bare(wh_milli, u95_wh_milli)}{SPACE}±{SPACE}{shown(size, size)}{SPACE}kWh"


def mass(g_milli: int | None, language: Language) -> str:
    """A mass in t, or in kg below one tonne."""
    if g_milli is None:
        return say(language, "no_value")
    unit, size = ("t", 10**9) if abs(g_milli) >= 10**9 else ("kg", G_MILLI_PER_KG)
    return f"{shown(Fraction(g_milli, size), None, 4)}{SPACE}{unit}"


def output(g_milli: int | None, one_milli: int | None, unit: str | None, language: Language) -> str:
    """A batch's output: in pieces where its product is declared by the piece, or where it has no mass."""
    by_piece = unit is not None and DECLARED[unit][0] == "one_milli"
    if one_milli is None or (g_milli is not None and not by_piece):
        return mass(g_milli, language)
    return say(language, "pieces", count=fixed(Fraction(one_milli, ONE_MILLI), 0))


def per(unit: str, language: Language) -> str:
    """A declared unit, as it stands behind the stroke."""
    return say(language, f"per_{unit.replace(' ', '_')}") if DECLARED[unit][0] == "one_milli" else unit


def kg_co2e(g_micro: int | None, language: Language) -> str:
    """Emissions in kg."""
    if g_micro is None:
        return say(language, "no_value")
    return f"{shown(Fraction(g_micro, G_MICRO_PER_KG), None, 4)}{SPACE}kgCO₂e"


def emissions_bare(one: Intensity, u95_ppm: int | None = None) -> str:
    """Emissions per unit, digits alone, in kg."""
    return _per_unit(Fraction(one.co2e_g_micro_per_unit, G_MICRO_PER_KG), u95_ppm or one.u95_ppm)


def energy_bare(one: Intensity, u95_ppm: int | None = None) -> str:
    """Energy per unit, digits alone, in kWh."""
    return _per_unit(Fraction(one.wh_milli_per_unit, WH_MILLI_PER_KWH), u95_ppm or one.u95_ppm)


def _per_unit(value: Fraction, u95_ppm: int | None) -> str:
    return shown(value, None if u95_ppm is None else value * u95_ppm / 10**6)


def kw(w_milli: int | None, language: Language) -> str:
    """A power in kW."""
    return say(language, "no_value") if w_milli is None else f"{fixed(Fraction(w_milli, 10**6), 1)}{SPACE}kW"


def percent(ppm: int | None, language: Language) -> str:
    """A share in percent, to a tenth."""
    return say(language, "no_value") if ppm is None else f"{fixed(Fraction(ppm, 10**4), 1)}{SPACE}%"


def clock(at_ns: int, site: SiteModel) -> str:
    """Local time of day, with the date unless it is obvious that it is left out by the caller."""
    return local(at_ns, site).strftime("%H:%M:%S")


def moment(at_ns: int, site: SiteModel) -> str:
    """Local date and time with its offset."""
    minutes = offset_ns(at_ns, site.local) // (60 * NS)
    hours, rest = divmod(abs(minutes), 60)
    return f"{local(at_ns, site):%Y-%m-%d %H:%M:%S} {'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def local(at_ns: int, site: SiteModel) -> datetime:
    """Local time, as a datetime that shows the right digits."""
    return wall_of(at_ns, site.local)


def duration(ns: int, language: Language) -> str:
    """A length of time, to the second below an hour and to the minute above."""
    seconds = max(0, ns) // NS
    if seconds >= 48 * 3600:
        return say(language, "days", days=seconds // 86400)
    if seconds >= 3600:
        return say(language, "hours_minutes", hours=seconds // 3600, minutes=seconds % 3600 // 60)
    if seconds >= 60:
        return say(language, "minutes_seconds", minutes=seconds // 60, seconds=seconds % 60)
    return say(language, "seconds", seconds=seconds)
