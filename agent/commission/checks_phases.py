"""Whether each current transformer sits on its own phase and the right way round, from one look at a loaded meter.

In: voltage, current and active power of each phase, as the registers have them. Out: one `Verdict`. Pure.

With an ordinary load each phase's power factor P / (U x I) is above 0.55: current and voltage are less than 57 degrees
apart. A CT on another phase turns its current by 120 degrees, a reversed one by 180. A power factor below 0.55 as the
sign of a CT on a wrong phase is the rule of Leviton's VerifEye series 7100 manual, 6.12.2; negative kW of a phase as
that of a reversed CT is Schneider's (63230-507-201A1, appendix C). With three currents there are 6 x 8 ways to connect
them. Each predicts, for a balanced load at angle phi,

    power factor of phase i = sign_i x cos(phi + 120 degrees x (phase its CT sits on - i))

and the ones with the fewest mistakes that fit what was measured are named. What this cannot see: CTs moved on by
one phase and all reversed, which turns the angles by 60 degrees only. The load test with a heater is there for that.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations, product
from math import cos, radians

from agent.commission.checks import Verdict, shown

CURRENT_MIN_A = Fraction(5, 100)  # in the register: 1 % of a 5 A secondary, below which angles mean nothing
LOWEST_PERMILLE = 550
MOST_PERMILLE = 1300  # no power factor exceeds 1; the rest is for registers of different moments
FIT_PERMILLE = 80  # how far a measured power factor may lie from a predicted one
ANGLES = range(-60, 61)  # of the load, degrees
VOLTAGE_LOW = Fraction(8, 10)  # of the highest phase's
NAMED_MAX = 3
COSINES = {
    angle: round(1000 * cos(radians(angle))) for angle in range(-360, 361)
}  # permille: whole numbers from here on

TOO_MUCH = "more than voltage and current can carry: wrong profile, register or scale, or repeat under a steady load"


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase in volts, amperes, watts, all on the meter's side of its transformers; `power_w` None if not known."""

    name: str
    voltage_v: Fraction
    current_a: Fraction
    power_w: Fraction | None


def phases(measured: Sequence[Phase], total_w: Fraction | None, *, feeds_in: bool) -> Verdict:
    """`feeds_in`: the circuit returns energy at this moment, so negative power is no fault."""
    highest = max(phase.voltage_v for phase in measured)
    low = [phase for phase in measured if phase.voltage_v < highest * VOLTAGE_LOW]
    if low:
        told = ", ".join(f"{phase.name} has {shown(phase.voltage_v)} V" for phase in low)
        return _failed(f"{told} where another phase has {shown(highest)} V: check its voltage lead and fuse")
    idle = [phase.name for phase in measured if phase.current_a < CURRENT_MIN_A]
    loaded = [phase for phase in measured if phase.current_a >= CURRENT_MIN_A]
    if not loaded:
        return Verdict("phases", "skipped", "no phase carries current: switch a load on and repeat")
    if all(phase.power_w is None for phase in loaded):
        return _by_sum(loaded, total_w, idle, feeds_in=feeds_in)
    factors = {phase.name: _permille(phase) for phase in loaded if phase.power_w is not None}
    turned = -1 if feeds_in else 1
    told = ", ".join(f"{name} {_shown(factor)}" for name, factor in factors.items())
    if any(abs(factor) > MOST_PERMILLE for factor in factors.values()):
        return _failed(f"power factors {told}: {TOO_MUCH}")
    if all(factor * turned >= LOWEST_PERMILLE for factor in factors.values()):
        if idle:
            return Verdict(
                "phases", "skipped", f"power factors {told}; {' and '.join(idle)}: too little current to tell"
            )
        return Verdict("phases", "passed", f"power factors {told}: each CT on its phase, the right way round")
    likely = _named({name: turned * factor for name, factor in factors.items()})
    if min(turned * factor for factor in factors.values()) > 0 and _spread(factors.values()) <= FIT_PERMILLE:
        likely += "; or the load itself has this power factor: repeat with a heater switched on"
    return _failed(f"power factors {told}: {likely}")


def _by_sum(loaded: Sequence[Phase], total_w: Fraction | None, idle: Sequence[str], *, feeds_in: bool) -> Verdict:
    """Without power by phase: the sum against U x I. One reversed CT leaves a third of it, two exchanged none."""
    if total_w is None:
        return Verdict("phases", "skipped", "this profile has neither power by phase nor in sum")
    apparent = sum((phase.voltage_v * phase.current_a for phase in loaded), Fraction(0))
    factor = round(1000 * total_w / apparent) * (-1 if feeds_in else 1)
    told = f"power in sum is {_shown(factor)} of U x I"
    if abs(factor) > MOST_PERMILLE:
        return _failed(f"{told}: {TOO_MUCH}")
    if factor >= LOWEST_PERMILLE:
        if idle:
            return Verdict("phases", "skipped", f"{told}; {' and '.join(idle)}: too little current to tell")
        return Verdict("phases", "passed", f"{told}; by phase this meter does not tell")
    likely = "one CT reversed" if factor >= 200 else "two CTs exchanged, or several reversed"
    return _failed(f"{told}: likely {likely}: check each CT's phase and direction")


def _spread(factors: Collection[int]) -> int:
    return max(factors) - min(factors)


def _permille(phase: Phase) -> int:
    return round(1000 * (phase.power_w or 0) / (phase.voltage_v * phase.current_a))


def _named(factors: dict[str, int]) -> str:
    """The fewest mistakes that would give these power factors."""
    names = list(factors)
    if len(names) == 1:
        return f"{names[0]}: " + ("CT reversed" if factors[names[0]] <= -LOWEST_PERMILLE else "CT on another phase")
    if len(names) == 2:  # an idle phase: whose CT it has cannot be told by a common angle
        wrong = [name for name in names if factors[name] < LOWEST_PERMILLE]
        return "; ".join(f"{name}: CT {_kind(factors[name])}" for name in wrong)
    fits: dict[int, list[str]] = {}
    for sits in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            if _fits(list(factors.values()), sits, signs):
                mistakes = sum(at != on for at, on in enumerate(sits)) + signs.count(-1)
                fits.setdefault(mistakes, []).append(_wiring(names, sits, signs))
    fits.pop(0, None)
    if not fits:
        return "fits no single mistake with a balanced load: check each CT's phase and direction"
    fewest = fits[min(fits)]
    return "; or ".join(fewest[:NAMED_MAX]) + ("; or others" if len(fewest) > NAMED_MAX else "")


def _fits(factors: Sequence[int], sits: Sequence[int], signs: Sequence[int]) -> bool:
    return any(
        all(
            abs(factor - sign * COSINES[angle + 120 * (on - at)]) <= FIT_PERMILLE
            for at, (factor, on, sign) in enumerate(zip(factors, sits, signs, strict=True))
        )
        for angle in ANGLES
    )


def _wiring(names: Sequence[str], sits: Sequence[int], signs: Sequence[int]) -> str:
    moved = [at for at, on in enumerate(sits) if at != on]
    reversed_ = [names[at] for at, sign in enumerate(signs) if sign < 0]
    parts = []
    if len(moved) == 2:
        parts.append(f"CTs of {names[moved[0]]} and {names[moved[1]]} are exchanged")
    elif moved:
        places = ", ".join(f"{names[at]}'s sits on {names[sits[at]]}" for at in moved)
        parts.append(f"CTs are rotated against the voltages ({places})")
    if reversed_:
        several = len(reversed_) > 1
        parts.append(f"{'CTs' if several else 'CT'} of {' and '.join(reversed_)} {'are' if several else 'is'} reversed")
    return ", ".join(parts)


def _kind(factor: int) -> str:
    return "reversed" if factor <= -LOWEST_PERMILLE else "on another phase"


def _shown(permille: int) -> str:
    return shown(Fraction(permille, 1000))


def _failed(line: str) -> Verdict:
    return Verdict("phases", "failed", line)
