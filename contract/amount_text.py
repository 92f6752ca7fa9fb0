"""An amount as people write it, "12345.6 kWh", as an integer in its canonical unit and with the step of its last digit.

In: text. Out: amount, step and unit; one rounding, half to even, of digits beyond the canonical unit. Never: a guess
which unit is meant, or what a comma means.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Unit = Literal["wh_milli", "m3_micro", "g_milli", "j", "one_milli"]

# Unit as written -> canonical unit, and how many of it one is; the names and units of profiles.
UNITS: dict[str, tuple[Unit, int]] = {
    "Wh": ("wh_milli", 10**3),
    "kWh": ("wh_milli", 10**6),
    "MWh": ("wh_milli", 10**9),
    "GWh": ("wh_milli", 10**12),
    "kJ": ("j", 10**3),
    "MJ": ("j", 10**6),
    "GJ": ("j", 10**9),
    "L": ("m3_micro", 10**3),
    "m3": ("m3_micro", 10**6),
    "g": ("g_milli", 10**3),
    "kg": ("g_milli", 10**6),
    "t": ("g_milli", 10**9),
    "piece": ("one_milli", 10**3),
}
AMOUNT_MAX = 2**63 - 1
_FORM = re.compile(r"(\d{1,15})(?:\.(\d{1,9}))? ?([A-Za-z]+[23]?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Written:
    """An amount and the step of its last digit, in the canonical unit."""

    amount: int
    step: int
    unit: Unit


def parse(text: str, multiplier: int = 1) -> Written:
    """Read an amount; `multiplier` is what a display's figure is to be taken times. Raises ValueError, one line."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"{text[:60]!r}: write a number with a point and its unit, such as 12345.6 kWh")
    whole, decimals, name = form[1], form[2] or "", form[3]
    if name not in UNITS:
        raise ValueError(f"{text[:60]!r}: unit {name!r} is not known: use one of {', '.join(UNITS)}")
    unit, factor = UNITS[name]
    last = Fraction(factor * multiplier, 10 ** len(decimals))
    amount = round(int(whole + decimals) * last)
    if amount > AMOUNT_MAX:
        raise ValueError(f"{text[:60]!r}: larger than any register: check number and unit")
    return Written(amount, max(1, round(last)), unit)
