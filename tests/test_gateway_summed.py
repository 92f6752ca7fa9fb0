"""U95 of sums: linear in one meter's limit, blind to shared edges, in quadrature otherwise."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aggregation.uncertainty import EdgeBounds, Instrument, u95
from gateway.summed import MeterError, u95_of

NO_TIME = EdgeBounds(0, 0, 0)


def amount(
    energy=10**9, instrument=None, start=NO_TIME, end=NO_TIME, *, meter="m1", at=(0, 10), step=0, clock=0
) -> MeterError:
    """An amount whose record states what `u95` finds."""
    found = u95(energy, instrument or Instrument(10_000), step, (start, end), clock)
    spans = [(moment, moment + 1) for moment in at]
    return MeterError("edge-1", meter, "energy", *spans, found.u95, found.budget())


def test_nothing_and_one():
    assert u95_of([]) is None
    one = amount()
    assert u95_of([one]) == one.u95


def test_one_meters_limit_adds_linearly():
    # ten batches, 1 % of each: as one batch of ten times the energy, 95 % of one rectangle
    ten = [amount(at=(20 * n, 20 * n + 10)) for n in range(10)]
    assert u95_of(ten) == pytest.approx(0.95 * 10 * 10**7, rel=0.001)


def test_other_meters_are_independent():
    # two equal rectangles make a triangle: 2 a (1 - sqrt(0.05))
    two = [amount(), amount(meter="m2")]
    assert u95_of(two) == pytest.approx(2 * 10**7 * (1 - 0.05**0.5), rel=0.001)
    same = [amount(), replace(amount(), agent="edge-2")]
    assert u95_of(same) == u95_of(two)


def test_registers_of_one_meter_share_its_error():
    # a tariff's register each: as one register of twice the energy, 95 % of one rectangle
    two = [amount(), replace(amount(), point="night")]
    assert u95_of(two) == pytest.approx(0.95 * 2 * 10**7, rel=0.001)


def test_neighbours_share_an_edge_and_its_error_is_gone():
    # four batches in a row, edges 10,000 wide: only the outermost two count, as over one batch
    wide = EdgeBounds(5_000, 0, 10_000)
    row = [amount(0, Instrument(0), wide, wide, at=at) for at in pairwise((0, 10, 20, 30, 40))]
    assert u95_of(row) == pytest.approx(10_000 * (1 - 0.05**0.5), rel=0.002)
    # apart, all eight count: close to 1.96 sqrt(8 / 12) of the width
    apart = [amount(0, Instrument(0), wide, wide, at=(20 * n, 20 * n + 10)) for n in range(4)]
    assert u95_of(apart) == pytest.approx(1.95 * (8 / 12) ** 0.5 * 10_000, rel=0.01)


def test_the_estimate_of_a_shared_edge_may_be_off_its_middle():
    # the counter at 10 lies in [0, 10,000] and is told as 0: one batch has too little, the next too much
    end = EdgeBounds(0, 0, 10_000)
    first = amount(0, Instrument(0), NO_TIME, end, at=(0, 10))
    second = amount(0, Instrument(0), end, NO_TIME, at=(10, 20))
    assert (first.budget.offset, second.budget.offset) == (5_000, -5_000)
    assert first.u95 >= 9_500
    assert u95_of([first, second]) == 0


def test_resolution_lies_at_the_edges_and_goes_with_them():
    step = 1_000
    bounds = EdgeBounds(500, 0, step)
    row = [amount(0, Instrument(0), bounds, bounds, at=at, step=step) for at in pairwise((0, 10, 20))]
    assert u95_of(row) == pytest.approx(step * (1 - 0.05**0.5), rel=0.02)


def test_a_record_without_parts_adds_linearly():
    old = MeterError("edge-1", "m1", "energy", (0, 1), (5, 6), 700, None)
    one = amount(at=(20, 30))
    assert u95_of([old, replace(old, meter="m2")]) == 1_400
    assert u95_of([old, one]) == pytest.approx(700 + one.u95, abs=0.001 * one.u95)


def test_what_is_not_known_makes_the_sum_unknown():
    unknown = replace(amount(), u95=None)
    assert u95_of([amount(), unknown]) is None
    assert u95_of([unknown]) is None


bounds = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(lambda b: EdgeBounds(b[0], 0, b[0] + b[1]))
limits = st.builds(Instrument, st.integers(0, 20_000), st.integers(0, 20_000))


@given(st.lists(bounds, min_size=4, max_size=4), st.lists(st.integers(0, 10**9), min_size=3, max_size=3), limits)
def test_a_sum_is_never_less_certain_than_its_parts_added_up(edges, energies, chain):
    times = pairwise((0, 10, 20, 30))
    row = [
        amount(energy, chain, start, end, at=at)
        for energy, (start, end), at in zip(energies, pairwise(edges), times, strict=True)
    ]
    # each figure is rounded up to a whole unit, and sums are widened to the grid
    for found in (row, row[:2], row[::2]):
        assert u95_of(found) <= 1.02 * sum(one.u95 for one in found) + 100
