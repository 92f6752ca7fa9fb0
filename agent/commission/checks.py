"""What a person's answers and a meter's registers say together: one verdict for each step of a commissioning.

In: measured values and typed answers, as exact numbers. Out: `Verdict`s, each with one line that says what was found
and, if it failed, what is likely wrong. Phases have a file of their own (checks_phases.py). Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context
from fractions import Fraction
from typing import Literal

from agent.aggregation.handover import is_same
from agent.identity import Identity

AGREE_PERCENT = 10  # a clamp meter, a fluctuating load: nearer than this is the same
_SHOWN = Context(prec=6, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a step."""

    step: str
    verdict: Literal["passed", "failed", "skipped"]
    line: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One look at the display, in canonical units: what was typed, its last digit, and where the register puts it.

    The indicated energy lay in [low, high) while the person looked: `low` from a reading answered before, `high` from
    one requested so much later that its age does not matter.
    """

    typed: Fraction
    digit: Fraction
    low: int
    high: int


def identity(typed: str, configured: str, read: Identity | None, expected: Sequence[str] | None) -> Verdict:
    """The serial on the nameplate against the configured one and the one the meter says.

    `read` is None if the profile has no identity; `expected` are the models it is for, if the meter says another.
    """
    faults = []
    if expected:
        told = None if read is None else read.model
        faults.append(f"the meter says it is a {told!r}, its profile is for {' or '.join(map(repr, expected))}")
    serial = None if read is None else read.serial
    if not configured:
        agreed = f': set serial = "{typed}"' if serial is None or is_same(typed, serial) else ""
        faults.append(f"no serial is configured{agreed}")
    elif not is_same(typed, configured):
        faults.append(f"the nameplate says {typed!r}, the configuration {configured!r}")
    if serial is not None and not is_same(typed, serial):
        faults.append(
            f"the nameplate says {typed!r}, the meter itself {serial!r}: is it another meter that answers here?"
        )
    if faults:
        return Verdict("identity", "failed", "; ".join(faults))
    source = "read from the meter" if serial is not None else "not readable from this meter"
    return Verdict("identity", "passed", f"serial {typed!r}: as configured; {source}")


def display(first: Moment, second: Moment, ratio: Fraction, *, age_known: bool) -> Verdict:
    """The display against the register, twice; some displays show the register times `ratio`.

    A display shows D, its energy rounded down to its last digit d, so D <= I < D + d for the indicated energy I; the
    register says low <= I < high. Both hold only if D < high and D + d > low.
    """
    moments = (first, second)
    by = next((by for by in (Fraction(1), ratio) if all(_agree(moment, by) for moment in moments)), None)
    if by is None:
        which, moment = next(pair for pair in zip(("first", "second"), moments, strict=True) if not _agree(pair[1]))
        between = Fraction(moment.low + moment.high, 2)
        why = _factor(between / moment.typed, Fraction(1)) if moment.typed > 0 else "the display shows nothing yet"
        told = f"display {shown(moment.typed / 10**6)}, register {shown(between / 10**6)} (kWh, m3 or kg)"
        return Verdict("display", "failed", f"{which} look: {told}: {why}")
    counted = second.typed - first.typed
    if counted <= 0:
        line = "the display has not moved between the two looks: run a load, and look again later"
        return Verdict("display", "failed", line)
    line = f"display and register agree twice, {shown(counted / second.digit)} of its last digits apart"
    if ratio != 1 and by == 1:
        line += f"; the configured ratio {shown(ratio)} comes on top: the ratio test tells whether it should"
    elif ratio != 1:
        line += f"; the display shows the register times the ratio {shown(ratio)}, as configured"
    if not age_known:
        line += "; how old the register may be is not known, and was not allowed for"
    return Verdict("display", "passed", line)


def _agree(moment: Moment, by: Fraction = Fraction(1)) -> bool:
    return moment.typed < moment.high * by and moment.typed + moment.digit > moment.low * by


def load(
    before_w: Fraction, after_w: Fraction, stated_w: Fraction, tolerance_percent: Fraction, ratio: Fraction
) -> Verdict:
    """The change of active power against a load of stated power; watts on the primary side, `ratio` as configured."""
    change = after_w - before_w
    told = f"power changed by {shown(change)} W where {shown(stated_w)} W were switched on"
    if abs(change - stated_w) * 100 <= stated_w * tolerance_percent:
        return Verdict("load", "passed", f"{told}: within {shown(tolerance_percent)} %")
    if change < 0 and abs(change + stated_w) * 100 <= stated_w * tolerance_percent:
        return Verdict("load", "failed", f"{told}: the sign is wrong: CT reversed, or the meter counts export")
    if _near(change / stated_w, Fraction(1, 3)):
        return Verdict(
            "load", "failed", f"{told}: a third: one of three CTs is reversed, or two phases are not measured"
        )
    if abs(change) * 100 <= stated_w:
        return Verdict(
            "load", "failed", f"{told}: nothing: another feeder, or two CTs exchanged, whose errors cancel out"
        )
    return Verdict("load", "failed", f"{told}: {_factor(change / stated_w, ratio)}")


def ratio(clamps: Mapping[str, Fraction], registers: Mapping[str, Fraction], ct: Fraction, *, primary: bool) -> Verdict:
    """Clamp-meter currents (A, of the primary conductor) against the register's current times the configured ratio.

    `primary`: the profile says that the register holds primary current, so the ratio is not applied to it. With q =
    register x ratio / clamp: about 1 is right; the ratio itself, once too often; its inverse, once too seldom; its
    square, primary and secondary exchanged.
    """
    applied = Fraction(1) if primary else ct
    faults = []
    for phase, clamp in clamps.items():
        if registers.get(phase, 0) <= 0:
            faults.append(
                f"{phase}: the clamp shows {shown(clamp)} A, the register none: CT open, shorted or elsewhere"
            )
            continue
        made = registers[phase] * applied
        if not _near(made / clamp):
            told = f"{phase}: the clamp shows {shown(clamp)} A, register x ratio gives {shown(made)} A"
            faults.append(f"{told}: {_factor(made / clamp, ct)}")
    if faults:
        return Verdict("ratio", "failed", "; ".join(faults))
    told = ", ".join(f"{phase} {shown(clamp)} A" for phase, clamp in clamps.items())
    return Verdict("ratio", "passed", f"{told}: register x ratio {shown(applied)} agrees within {AGREE_PERCENT} %")


def shown(number: Fraction | int) -> str:
    """A number for people: six significant digits."""
    exact = Fraction(number)
    text = format(_SHOWN.divide(exact.numerator, exact.denominator), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _near(factor: Fraction, to: Fraction = Fraction(1)) -> bool:
    return abs(factor - to) * 100 <= abs(to) * AGREE_PERCENT


def _factor(factor: Fraction, ratio: Fraction) -> str:
    """What a wrong factor is likely to come from."""
    if ratio != 1:
        if _near(factor, ratio):
            return (
                f"{shown(ratio)} times too much: the ratio is applied twice, for the meter does it, too: remove ct"
                " and pt from the configuration (or was the secondary wire measured?)"
            )
        if _near(factor, 1 / ratio):
            told = f"{shown(ratio)} times too little: the ratio is missing once"
            return f"{told}: check ct and pt, and those set in the meter"
        if _near(factor, ratio**2):
            return "primary and secondary of ct or pt are exchanged in the configuration"
    elif factor > 0 and _transformer(factor):
        return f"as if a ratio of {_transformer(factor)} were not applied: check ct and pt, and those set in the meter"
    for exponent in (-3, -2, -1, 1, 2, 3):
        if abs(factor / Fraction(10) ** exponent - 1) * 100 <= 1:
            return f"off by a factor of 10^{exponent}: the profile's scale or unit does not fit this meter"
    return "no simple factor: another register, conductor or moment, or words in another order"


def _transformer(factor: Fraction) -> str | None:
    """A usual ratio by which something is too small."""
    for primary in (50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 750, 800, 1000, 1200, 1500, 2000, 2500, 3000, 4000):
        if abs(factor * Fraction(primary, 5) - 1) * 100 <= 5:
            return f"{primary}/5"
    return None
