"""Uncertainty against published budgets, exact roots, and the share of simulated truths that U95 really covers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aggregation.uncertainty import EdgeBounds, Instrument, Uncertainty, u95

MWH = 10**9  # 1 MWh in mWh


@pytest.mark.parametrize(
    ("instrument", "percent"),
    [
        # class 0.5S meter with a 0.5S CT above 20 % load: 2 x sqrt(0.5^2 + 0.5^2) / sqrt(3) = 0.816 %
        (Instrument(5_000, 5_000), "0.82"),
        # power factor 0.5: meter limit 0.6 %, 30' = 8727 urad times tan(phi) 1.732 = 1.512 %; 2 x 1.7018 / sqrt(3)
        (Instrument(6_000, 5_000, 0, 8_727, 1_732), "1.96"),
        # a voltage transformer of 0.5 % more: 2 x sqrt(3 x 0.25) / sqrt(3) = 1 %
        (Instrument(5_000, 5_000, 5_000), "1.00"),
    ],
)
def test_instrument_budgets(instrument, percent):
    found = u95(1000 * MWH, instrument, 0, ()).u95
    assert f"{found / (10 * MWH):.2f}" == percent


def test_instrument_parts_grow_linearly_with_the_energy():
    one, ten = (u95(energy * MWH, Instrument(10_000), 0, ()).u95 for energy in (1, 10))
    assert abs(ten - 10 * one) <= 10  # each is rounded up


def test_parts_worked_out_by_hand():
    # instrument 30,000 ppm of 1,000,000: 30,000 / sqrt(3) = 17320.5; resolution 12 / sqrt(12) twice: sqrt(24) = 4.9
    # edges [0, 1200] with 600 and [0, 240] with 240: (1200^2 - 12^2) / 12 + (240^2 + 3 x 240^2 - 12^2) / 12
    #   = 119,988 + 19,188 = 139,176: 373.06; clock 300 / sqrt(3) at each edge: sqrt(60,000) = 244.9
    # sum 300,000,000 + 24 + 139,176 + 60,000 = 300,199,200; 2 x its root 34652.5
    found = u95(1_000_000, Instrument(30_000), 12, (EdgeBounds(600, 0, 1200), EdgeBounds(240, 0, 240)), 300)
    assert found == Uncertainty(u95=34_653, instrument=17_321, resolution=5, edges=374, clock=245)


def test_the_phase_error_is_rounded_up_to_a_whole_ppm():
    # 1 urad x 0.001 is 0.001 ppm, up 1 ppm of 1e9: 2 x 1000 / sqrt(3) = 1154.7
    assert u95(10**9, Instrument(0, phase_urad=1, tan_phi_milli=1), 0, ()).u95 == 1155


def test_what_is_not_known_is_not_zero():
    edges = (EdgeBounds(5, 0, 10), EdgeBounds(5, 0, 10))
    no_class, no_age = u95(1000, None, 10, edges), u95(1000, Instrument(5_000), 10, None)
    assert (no_class.u95, no_class.instrument, no_class.edges) == (None, None, 0)
    assert (no_age.u95, no_age.instrument, no_age.edges) == (None, 3, None)
    assert u95(0, Instrument(5_000), 0, ()) == Uncertainty(0, 0, 0, 0, 0)


def test_the_step_is_not_counted_twice():
    # bounds as wide as the step: all of it is resolution; 2 x sqrt(2 x 120^2 / 12) = 97.98
    found = u95(1000, Instrument(0), 120, (EdgeBounds(60, 0, 120), EdgeBounds(60, 0, 120)))
    assert (found.edges, found.resolution, found.u95) == (0, 49, 98)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="none may be negative"):
        u95(-1, None, 0, None)
    with pytest.raises(ValueError, match="none may be negative"):
        u95(1, Instrument(-1), 0, None)
    with pytest.raises(ValueError, match="outside its bounds"):
        u95(1, None, 0, (EdgeBounds(11, 0, 10),))


limits = st.integers(0, 10**5)
bounds = st.tuples(st.integers(0, 10**14), st.integers(0, 10**13), st.integers(0, 10**13))


@given(
    st.integers(0, 10**15),
    st.tuples(limits, limits, limits),
    st.integers(0, 10**6),
    bounds,
    bounds,
    st.integers(0, 10**9),
)
def test_every_root_is_the_smallest_integer_above_the_exact_one(energy, chain, step, one, other, clock):
    edges = [EdgeBounds(at, at - under, at + over + step) for at, under, over in (one, other)]
    found = u95(energy, Instrument(*chain), step, edges, clock)
    parts = {
        "instrument": Fraction(energy**2 * sum(limit**2 for limit in chain), 3 * 10**12),
        "resolution": Fraction(step**2, 6),
        "edges": sum(
            Fraction((e.upper - e.lower) ** 2 - step**2, 12) + (e.estimate - Fraction(e.lower + e.upper, 2)) ** 2
            for e in edges
        ),
        "clock": Fraction(2 * clock**2, 3),
    }
    expanded = 4 * sum(parts.values())
    for root, square in [*((getattr(found, name), part) for name, part in parts.items()), (found.u95, expanded)]:
        assert root**2 >= square
        assert root == 0 or (root - 1) ** 2 < square
