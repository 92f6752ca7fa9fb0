"""The report's judgement: whatever does not hold is told, and only that."""

import copy
from dataclasses import dataclass
from fractions import Fraction

import pytest

from simulators import report


@dataclass
class Claim:
    amount: int | None
    lower: int | None
    upper: int | None
    u95: int | None = None


def figures(truth, lower=100, upper=200, tightest=(110, 190)):
    return report._figures(Claim(150, lower, upper), Fraction(truth), tightest, signed=True)


@pytest.mark.parametrize(
    ("truth", "holds"), [(100, True), (200, True), (150, True), ("999/10", False), ("2001/10", False)]
)
def test_a_truth_holds_within_its_bounds(truth, holds):
    assert figures(Fraction(truth)).holds is holds


@pytest.mark.parametrize(("upper", "tight"), [(220, True), (221, False)])  # 1.5 x (190 - 110) is 120 wide
def test_bounds_are_tight_up_to_half_more_than_the_tightest(upper, tight):
    assert figures(150, upper=upper).tight is tight


def test_without_bounds_nothing_holds():
    told = figures(150, lower=None)
    assert (told.holds, told.tight) == (False, False)


def good():
    meter = {"lower": 1, "upper": 3, "holds": True, "tight": True}
    batch = {
        "judged": True,
        "edges_hold": True,
        "product_holds": True,
        "closed": "complete",
        "meters": {"line1": meter},
    }
    batches = [copy.deepcopy({**batch, "batch_id": f"L1-{n}"}) for n in range(4)]
    sums = {"line1": {"windows_sum_wh_milli": 7, "counter_difference_wh_milli": 7}}
    return batches, sums, [{"product": "coil", "exit": 0, "verdict": "pinned"}]


def test_nothing_is_said_of_a_run_in_which_all_holds():
    assert report._problems(*good()) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda b, s, v: b.pop(), "only 3 batches"),
        (lambda b, s, v: b[1].update(edges_hold=False), "batch L1-1: edges"),
        (lambda b, s, v: b[1].update(closed="incomplete"), "batch L1-1: edges, product or completeness"),
        (lambda b, s, v: b[2]["meters"]["line1"].update(holds=False), "batch L1-2 line1: the truth is outside"),
        (lambda b, s, v: b[2]["meters"]["line1"].update(lower=None, holds=False), "batch L1-2 line1: no bounds are"),
        (lambda b, s, v: b[2]["meters"]["line1"].update(tight=False), "batch L1-2 line1: bounds wider than 3/2"),
        (lambda b, s, v: s["line1"].update(windows_sum_wh_milli=8), "meter line1: its windows do not add up"),
        (lambda b, s, v: s["line1"].update(windows_sum_wh_milli=None), "meter line1: its windows do not add up"),
        (lambda b, s, v: v[0].update(exit=3, verdict="self-consistent"), "verifier: coil: self-consistent"),
    ],
)
def test_each_fault_is_told(spoil, told):
    parts = good()
    spoil(*parts)
    (line,) = report._problems(*parts)
    assert line.startswith(told)


def test_a_batch_that_began_before_the_meters_were_read_is_not_judged():
    batches, sums, verified = good()
    batches.append({**batches[0], "judged": False, "closed": "incomplete"})
    assert report._problems(batches, sums, verified) == []


def test_figures_per_unit_are_exact():
    assert report._per_unit({"co2e_g_micro_per_unit": 12_345_678_901, "unit": "t"}) == "12.345678901 kgCO2e/t"
    assert report._per_unit({"co2e_g_micro_per_unit": None, "unit": "t"}) is None
