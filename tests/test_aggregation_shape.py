"""The share of energy by an instant, against an integral summed slice by slice."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from agent.aggregation.bounds import MISSING
from agent.aggregation.shape import share

POWERS = st.integers(0, 10**11)


def test_worked_out_by_hand():
    # power from 0 to 8 over 4 s: 16; by 1 s it is 2 and 1 has flowed, by 2 s it is 4 and 4 have flowed
    assert [Fraction(*share(at, 0, 4, 0, 8)) for at in (0, 1, 2, 4)] == [0, Fraction(1, 16), Fraction(1, 4), 1]


@given(st.integers(0, 1000), st.integers(1, 1000), POWERS, POWERS)
def test_it_is_the_part_of_the_trapezoid(at, span, first, last):
    at = min(at, span)
    power_at = first + Fraction(last - first) * at / span
    part, whole = (first + power_at) * at / 2, Fraction(first + last) * span / 2
    assert Fraction(*share(at, 0, span, first, last)) == (part / whole if whole else Fraction(at, span))


@given(st.lists(st.integers(0, 10**14), min_size=2, max_size=20), POWERS, POWERS)
def test_it_never_falls(times, first, last):
    found = [Fraction(*share(at, 0, 10**14, first, last)) for at in sorted(times)]
    assert found == sorted(found)
    assert all(0 <= one <= 1 for one in found)


@given(st.integers(0, 100), st.sampled_from([(MISSING, 5), (5, MISSING), (-1, 5), (5, -1), (0, 0), (7, 7)]))
def test_without_a_power_to_go_by_it_is_even(at, powers):
    assert Fraction(*share(at, 0, 100, *powers)) == Fraction(at, 100)
