"""What a step is that no running counter makes: two readings and what is declared of the register in, a name out.

Exact integers, one step at a time; counter.py finds the steps worth asking about and does what the name says. A single
reading that the next one gives the lie to is set aside; a register that went on from elsewhere opens a new stretch.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal[
    "wrap", "whole_turns", "reset", "back_step", "jump", "ratio_edited",
    "zero", "all_ones", "jitter", "outlier", "frozen", "conditions_apart", "conditions_beyond",
]  # fmt: skip
ASIDE = ("zero", "all_ones", "jitter", "outlier")  # of such readings none counts; the others go on as if they were not

# 1 W for 1 ns is 1/3.6e9 mWh.
W_NS_PER_WH_MILLI = 3_600_000_000
# A register that was reset starts at 0. Without a power limit, under a thousandth of what it showed before counts as
# near 0, and a rise a thousand times that of the readings around it is no rise.
NEAR_ZERO = 1_000
# A gateway that has lost its meter may answer 0 for as long as it likes. Without a power limit, a rise from 0 by so
# many steps, and a thousand times as fast as the next one, is what the meter showed before. The figure is this
# project's choice: far above what a counter that is set to 0 for each batch counts from one reading to the next.
FROM_ZERO = 100_000
_EDIT_SHARE = 200


def _edits() -> frozenset[Fraction]:
    """By what a register's content changes when a transformer's ratio is set: IEC 61869-2, 5.201, rated currents.

    Primaries are 10, 12.5, 15, 20, 25, 30, 40, 50, 60, 75 and their decimal multiples; secondaries 1 A and 5 A.
    """
    primaries = [Fraction(tenths, 10) * 10**power for tenths in (100, 125, 150, 200, 250, 300, 400, 500, 600, 750)
                 for power in range(3)]  # fmt: skip
    return frozenset(primary / secondary for primary in primaries for secondary in (1, 5))


EDITS = _edits()


@dataclass(frozen=True, slots=True)
class Rules:
    """What is declared of a counter, in its canonical unit.

    `limit`: modulus at which it wraps, 0 none. `power_max_w`: the most the circuit carries (electricity, in mWh).
    `age_ns`: the register's largest age, -1 unknown. `below`, `above`: what its step hides. `ones`: what it shows with
    every bit set, -1 none. `net`: it may fall, as import less export does.
    """

    limit: int = 0
    power_max_w: int | None = None
    age_ns: int = -1
    below: int = 0
    above: int = 0
    ones: int = -1
    net: bool = False

    @property
    def slack(self) -> int:
        """Within so much two readings of one content may differ."""
        return self.below + self.above


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading as the rules see it."""

    requested_ns: int
    answered_ns: int
    shown: int


def most(rules: Rules, earlier: Reading, later: Reading) -> int | None:
    """The most energy that can lie between two register contents; None where no power limit is declared."""
    if rules.power_max_w is None:
        return None
    between_ns = later.answered_ns - earlier.requested_ns + max(rules.age_ns, 0)
    return rules.power_max_w * between_ns // W_NS_PER_WH_MILLI + 1 + rules.slack


def name(rules: Rules, last: Reading, now: Reading, following: Reading | None) -> Kind | None:
    """What the step from the last reading that counts to this one is; None for a step like any other.

    An unknown age (-1) grants no extra time. In this order: a return from 0; a rise that fits; a single reading that is
    wrong by itself; a wrap, if the energy it would mean is plausible: no more than the circuit carries plus one step,
    or without that half of the limit; a changed ratio; a jump up; a reset; any other step back.
    """
    before, after, limit = last.shown, now.shown, rules.limit
    can_carry = most(rules, last, now)
    if _is_return(rules, last, now, following):
        return "jump"
    if _fits(rules, last, now):
        more_turns = limit > 0 and can_carry is not None and after - before + limit <= can_carry
        return "whole_turns" if more_turns and not rules.net else None
    if aside := _aside(rules, last, now, following):
        return aside
    if rules.net:
        return "jump"
    wrapped = limit - before + after
    if 0 <= after < before < limit and wrapped <= (limit // 2 if can_carry is None else can_carry):
        return "whole_turns" if can_carry is not None and wrapped + limit <= can_carry else "wrap"
    if _is_edit(before, after, rules.slack, min(before, after) // NEAR_ZERO if can_carry is None else can_carry):
        return "ratio_edited"
    if after >= before:
        return "jump"
    near_zero = before // NEAR_ZERO if can_carry is None else can_carry
    return "reset" if 0 <= after <= near_zero else "back_step"


def was_outlier(rules: Rules, earlier: Reading, last: Reading, now: Reading) -> bool:
    """Whether the fall from `last` to `now` shows that `last` was wrong, where no power limit could say so at once."""
    if rules.power_max_w is not None or rules.net or not earlier.shown <= now.shown < last.shown:
        return False
    return last.shown - earlier.shown > NEAR_ZERO * max(now.shown - earlier.shown, rules.slack, 1)


def is_open(rules: Rules, earlier: Reading | None, last: Reading, now: Reading) -> bool:
    """Whether only a later reading can tell what this one is: it came as the last, and after a step that does not fit.

    Or, without a power limit, after a rise a thousand times the one before. A batch's end that rests on it waits for
    one more.
    """
    if rules.power_max_w is None and not rules.net:
        risen = 0 if earlier is None else last.shown - earlier.shown
        if now.shown - last.shown > NEAR_ZERO * max(risen, rules.slack, 1):
            return True
    return not _fits(rules, last, now)


def _is_return(rules: Rules, last: Reading, now: Reading, following: Reading | None) -> bool:
    """Whether a register that showed 0 goes on from what it showed before, where no power limit could say so."""
    if rules.power_max_w is not None or rules.net or following is None or last.shown != 0 or now.shown == rules.ones:
        return False
    onward, step = following.shown - now.shown, max(rules.slack, 1)
    took_ns, next_ns = now.answered_ns - last.answered_ns, following.answered_ns - now.answered_ns
    is_faster = now.shown * next_ns > NEAR_ZERO * max(onward, step) * took_ns
    return onward >= 0 and now.shown > FROM_ZERO * step and is_faster


def _fits(rules: Rules, earlier: Reading, later: Reading) -> bool:
    """Whether the counter may simply have counted on."""
    rise, can_carry = later.shown - earlier.shown, most(rules, earlier, later)
    if later.shown == rules.ones or (rise < 0 and not rules.net):
        return False
    return can_carry is None or abs(rise) <= can_carry


def _aside(rules: Rules, last: Reading, now: Reading, following: Reading | None) -> Kind | None:
    """The name of a single reading that is wrong by itself, or None."""
    before, after = last.shown, now.shown
    if after == rules.ones:
        return "all_ones"
    if 0 < before - after <= rules.slack < after and not rules.net:
        return "jitter"
    if following is None or not _fits(rules, last, following):
        return None
    if after < before and rules.power_max_w is None and following.shown - before > before - after:
        return None  # a reset, and much counted since, as far as anyone can tell
    wrapped = rules.limit - before + after
    if 0 <= after < before < rules.limit and _plausible(rules, last, now, wrapped) and not rules.net:
        onward = following.shown - after
        if onward >= 0 and _plausible(rules, now, following, onward):
            return None  # a wrap, and one after the other both plausible
    return "zero" if after == 0 else "outlier"


def _plausible(rules: Rules, earlier: Reading, later: Reading, energy: int) -> bool:
    can_carry = most(rules, earlier, later)
    return energy <= (rules.limit // 2 if can_carry is None else can_carry)


def _is_edit(before: int, after: int, slack: int, growth: int) -> bool:
    """Whether one content is the other times a transformer's ratio, but for what was counted meanwhile."""
    small, large = sorted((before, after))
    if small <= 0 or (growth + slack) * _EDIT_SHARE > small:
        return False  # so much may have been counted that the content tells nothing
    up = after > before
    for edit in EDITS:
        lowest = edit * small if up else edit * max(small - growth - slack, 0)
        highest = edit * (small + growth + slack) if up else edit * (small + slack)
        if lowest <= large <= highest:
            return True
    return False
