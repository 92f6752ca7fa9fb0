"""What the product claims of a meter, held against the truth and against the oracle.

In: a drawn meter, the product's amounts for its windows. Out: one `Verdict` a window, its comparisons in integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from simulators.truth_load import WH_MILLI_MW_US
from simulators.truth_meters import START_NS, Meter
from simulators.truth_oracle import Shown, tightest
from simulators.truth_register import PER_WH_MILLI

# Three batches one after another, and all of them together: pairs of edges.
WINDOWS = ((0, 1), (1, 2), (2, 3), (0, 3))


class Claim(Protocol):
    """What is claimed of a window, in mWh; None where nothing is."""

    @property
    def amount(self) -> int | None: ...  # noqa: D102
    @property
    def lower(self) -> int | None: ...  # noqa: D102
    @property
    def upper(self) -> int | None: ...  # noqa: D102
    @property
    def u95(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Verdict:
    """One window. `inside`: indicated truth lies in the bounds; `width_ratio`: theirs over the oracle's.

    `error_share`: |amount - true energy| / U95. Each is None where the product claims nothing.
    """

    register: str
    load: float
    inside: bool | None
    oracle_inside: bool
    width_ratio: Fraction | None
    error_share: Fraction | None


def judge(meter: Meter, claims: Sequence[Claim]) -> list[Verdict]:
    """A verdict on each of `WINDOWS`."""
    return [_judge(meter, claim, start, end) for claim, (start, end) in zip(claims, WINDOWS, strict=True)]


def _judge(meter: Meter, claim: Claim, start: int, end: int) -> Verdict:
    indicated = meter.indicated[end] - meter.indicated[start]
    true = meter.true[end] - meter.true[start]
    least, most = _oracle(meter, start, end)
    inside = ratio = share = None
    if claim.lower is not None and claim.upper is not None:
        inside = claim.lower * WH_MILLI_MW_US <= indicated <= claim.upper * WH_MILLI_MW_US
        ratio = Fraction((claim.upper - claim.lower) * WH_MILLI_MW_US, most - least)
    if claim.amount is not None and claim.u95 is not None:
        share = Fraction(abs(claim.amount * WH_MILLI_MW_US - true), max(claim.u95, 1) * WH_MILLI_MW_US)
    return Verdict(meter.declared.register.name, meter.load, inside, least <= indicated <= most, ratio, share)


def _oracle(meter: Meter, start: int, end: int) -> tuple[int, int]:
    """(lower, upper) in mW us, from a zero at the first reading."""
    declared = meter.declared
    least, bound = declared.register.between(meter.raws)
    factor = WH_MILLI_MW_US // PER_WH_MILLI * (1 if declared.ratio_in_register else declared.ratio)
    shown = Shown(
        (meter.requested_ns - START_NS) // 1_000,
        (meter.answered_ns - START_NS) // 1_000,
        (least - least[0]) * factor,
        (bound - least[0]) * factor,
    )
    edges = [((at[0] - START_NS) // 1_000, (at[1] - START_NS) // 1_000) for at in meter.edges_ns]
    return tightest(shown, declared.age_ns // 1_000, declared.power_max_w * 1_000, edges[start], edges[end])
