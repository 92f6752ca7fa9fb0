"""Verdicts, worked by hand on one meter."""

from dataclasses import dataclass
from fractions import Fraction

from simulators.truth_judge import WINDOWS, judge
from simulators.truth_load import WH_MILLI_MW_US
from simulators.truth_meters import INSTRUMENTS, draw
from simulators.truth_oracle import tightest

METER = draw(1, 0, INSTRUMENTS)
TRUE, INDICATED = (edges[1] - edges[0] for edges in (METER.true, METER.indicated))


@dataclass(frozen=True)
class Claim:
    amount: int | None
    lower: int | None
    upper: int | None
    u95: int | None


def verdict(*claim):
    return judge(METER, [Claim(*claim)] * len(WINDOWS))[0]


def test_a_bound_holds_up_to_the_truth_itself():
    floor, ceiling = INDICATED // WH_MILLI_MW_US, -(-INDICATED // WH_MILLI_MW_US)
    assert verdict(floor, floor, ceiling, 1).inside is True
    assert verdict(floor, ceiling + 1, ceiling + 9, 1).inside is False
    assert verdict(floor, 0, floor - 1, 1).inside is False


def test_what_is_not_claimed_is_not_judged():
    nothing = verdict(None, None, None, None)
    assert (nothing.inside, nothing.width_ratio, nothing.error_share) == (None, None, None)
    assert nothing.oracle_inside


def test_the_error_is_that_of_the_true_energy_not_of_the_indicated():
    amount = TRUE // WH_MILLI_MW_US + 500
    share = verdict(amount, 0, amount, 1_000).error_share
    assert abs(share - Fraction(1, 2)) <= Fraction(1, 1_000)
    assert verdict(amount, 0, amount, 250).error_share > 1


def test_widths_are_compared_with_the_tightest():
    once, twice = (verdict(0, 0, width, 1).width_ratio for width in (10**6, 2 * 10**6))
    assert twice == 2 * once
    assert tightest.__module__ == "simulators.truth_oracle"
    tight = Fraction(10**6) / once
    assert 2_000 <= tight <= 10**6  # two steps of 1 Wh, and less than a second of its power each
