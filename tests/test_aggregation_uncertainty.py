"""Uncertainty against published budgets, figures worked out by hand, and exact roots."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aggregation.uncertainty import EdgeBounds, Instrument, corrected_by, u95

MWH = 10**9  # 1 MWh in mWh
PARTS = ("meter", "certificate", "ct", "pt", "phase", "resolution", "start", "end", "clock")
NO_EDGES = (EdgeBounds(0, 0, 0), EdgeBounds(0, 0, 0))


def twice_combined(found):
    """2 x the root of the sum of the squared parts."""
    return 2 * sum(getattr(found, part) ** 2 for part in PARTS) ** 0.5


# A meter of class 0.5S (IEC 62053-22: 0.5 % at power factor 1, 0.6 % below it) behind a current transformer of class
# 0.5S above 20 % of its rated current (IEC 61869-2: 0.5 %, 30 minutes = 8727 urad): 2 x the combined standard
# uncertainty (GUM 5.1.2), each limit rectangular, in percent. Worked out by hand: 2 sqrt(0.6^2 + 0.5^2 + (0.8727 x
# 0.75)^2) / sqrt(3) = 1.18, and so on.
@pytest.mark.parametrize(
    ("power_factor", "meter_ppm", "tan_phi_milli", "percent"),
    [(1.0, 5_000, 0, "0.82"), (0.95, 6_000, 329, "0.96"), (0.9, 6_000, 484, "1.03"), (0.8, 6_000, 750, "1.18"),
     (0.5, 6_000, 1_732, "1.96")],
)  # fmt: skip
def test_budget_of_a_meter_and_its_current_transformer(power_factor, meter_ppm, tan_phi_milli, percent):
    assert tan_phi_milli == round(1000 * (1 - power_factor**2) ** 0.5 / power_factor)
    found = u95(1000 * MWH, Instrument(meter_ppm, 5_000, 0, 8_727, tan_phi_milli), 0, NO_EDGES)
    assert f"{twice_combined(found) / (10 * MWH):.2f}" == percent
    assert found.u95 < twice_combined(found)  # no tails: 95 % of two or three rectangles need less than k = 2


def test_one_limit_alone_needs_95_percent_of_it():
    assert 9_500 <= u95(MWH, Instrument(10_000), 0, NO_EDGES).u95 / (MWH // 10**6) < 9_510


def test_two_equal_limits_make_a_triangle():
    # 2 a (1 - sqrt(0.05)) with a = 0.5 % of 1 MWh
    exact = 10_000 * (1 - 0.05**0.5) * MWH / 10**6
    assert exact <= u95(MWH, Instrument(5_000, 5_000), 0, NO_EDGES).u95 < 1.001 * exact


def test_instrument_parts_grow_linearly_with_the_energy():
    one, ten = (u95(energy * MWH, Instrument(10_000), 0, NO_EDGES).u95 for energy in (1, 10))
    assert abs(ten - 10 * one) <= 10  # each is rounded up


def test_parts_worked_out_by_hand():
    # meter 30,000 ppm of 1,000,000: 30,000 / sqrt(3) = 17320.5; resolution 12 / sqrt(12) twice: sqrt(24) = 4.9
    # edges [0, 1200] and [0, 240] less the step: sqrt(1200^2 - 12^2) / sqrt(12) = 346.4, sqrt(240^2 - 12^2) / sqrt(12)
    #   = 69.2; middles 600 and 120, estimates 600 and 240: -120; clock 300 / sqrt(3) at each edge: sqrt(60,000) = 244.9
    found = u95(1_000_000, Instrument(30_000), 12, (EdgeBounds(600, 0, 1200), EdgeBounds(240, 0, 240)), 300)
    assert [getattr(found, part) for part in PARTS] == [17_321, 0, 0, 0, 0, 5, 347, 70, 245]
    assert found.offset == -120
    # 95 % of the one wide rectangle, 28,500, moved by 120; the others round its ends off (their u together 431)
    assert 28_500 < found.u95 < 28_800


def test_a_known_offset_adds_to_what_is_unknown():
    # the counter at the end lies in [0, 1000] and is published as 0: 95 % of the rectangle lie below 950
    edges = (EdgeBounds(0, 0, 0), EdgeBounds(0, 0, 1000))
    found = u95(10**6, Instrument(0), 0, edges)
    assert (found.offset, found.end) == (500, 289)
    assert 950 <= found.u95 <= 952


def test_the_phase_error_is_rounded_up_to_a_whole_ppm():
    # 1 urad x 0.001 is 0.001 ppm, up 1 ppm of 1e9: 1000 / sqrt(3)
    assert u95(10**9, Instrument(0, phase_urad=1, tan_phi_milli=1), 0, NO_EDGES).phase == 578


def test_a_certificate_gives_a_known_error_and_a_normal_part():
    # reads 0.2 % too high with U = 0.1 % (k = 2), drift 0.05 %: 1,002,000 mWh were 1,000,000
    found = u95(1_002_000, Instrument(500, certificate_ppm=1_000, error_ppm=2_000), 0, NO_EDGES)
    assert (found.certificate, found.meter, found.offset) == (501, 290, -2_000)
    # one-sided: 2000 + 1.645 sqrt(501^2 + 289^2) = 2951
    assert 2_940 < found.u95 < 2_975


def test_a_correction_takes_the_error_out():
    assert corrected_by(1_002_000, 2_000) == -2_000
    assert corrected_by(999_000, -1_000) == 1_000
    assert corrected_by(10**12, 1) == -999_999
    assert corrected_by(5, 0) == 0


def test_what_is_not_known_is_not_zero():
    edges = (EdgeBounds(5, 0, 10), EdgeBounds(5, 0, 10))
    no_class, no_age = u95(1000, None, 10, edges), u95(1000, Instrument(5_000), 10, None)
    assert (no_class.u95, no_class.meter, no_class.ct, no_class.start, no_class.offset) == (None, None, None, 0, None)
    assert (no_age.u95, no_age.end, no_age.meter, no_age.offset) == (None, None, 3, None)
    nothing = u95(0, Instrument(5_000), 0, ())
    assert {nothing.u95, nothing.offset, *(getattr(nothing, part) for part in PARTS)} == {0}


def test_the_step_is_not_counted_twice():
    # bounds as wide as the step: all of it is resolution; a triangle of half-width 120: 120 (1 - sqrt(0.05)) = 93.2
    found = u95(1000, Instrument(0), 120, (EdgeBounds(60, 0, 120), EdgeBounds(60, 0, 120)))
    assert (found.start, found.end, found.resolution) == (0, 0, 49)
    assert found.u95 == 94


def test_the_record_has_every_part():
    found = u95(1_000_000, Instrument(30_000), 12, (EdgeBounds(600, 0, 1200), EdgeBounds(240, 0, 240)), 300)
    assert found.budget().model_dump() == {part: getattr(found, part) for part in (*PARTS, "offset")}


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="none may be negative"):
        u95(-1, None, 0, None)
    with pytest.raises(ValueError, match="none may be negative"):
        u95(1, Instrument(-1), 0, None)
    with pytest.raises(ValueError, match="outside its bounds"):
        u95(1, None, 0, (EdgeBounds(11, 0, 10), EdgeBounds(0, 0, 0)))


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
    squares = {
        **{
            name: Fraction(energy**2 * limit**2, 3 * 10**12)
            for name, limit in zip(("meter", "ct", "pt"), chain, strict=True)
        },
        "resolution": Fraction(step**2, 6),
        **{
            name: Fraction((e.upper - e.lower) ** 2 - step**2, 12)
            for name, e in zip(("start", "end"), edges, strict=True)
        },
        "clock": Fraction(2 * clock**2, 3),
    }
    for name, square in squares.items():
        root = getattr(found, name)
        assert root**2 >= square
        assert root == 0 or (root - 1) ** 2 < square


@given(st.integers(1, 10**12), st.tuples(limits, limits, limits), st.integers(0, 1000), bounds)
def test_another_limit_never_narrows(energy, chain, step, at):
    edge = EdgeBounds(at[0], at[0] - at[1], at[0] + at[2] + step)
    less = u95(energy, Instrument(*chain), step, (edge, edge)).u95
    more = u95(energy, replace(Instrument(*chain), phase_urad=5_000, tan_phi_milli=750), step, (edge, edge)).u95
    assert more >= less * 0.995 - 1  # the grid is as wide as the sum's range allows
