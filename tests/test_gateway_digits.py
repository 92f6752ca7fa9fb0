"""Honest digits."""

from fractions import Fraction

import pytest

from gateway.digits import fixed, place, shown

N = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("size", "power"), [("1234", 3), ("1", 0), ("9.99", 0), ("0.12", -1), ("0.1", -1), ("0.099", -2)]
)
def test_place(size, power):
    assert place(Fraction(size)) == power


@pytest.mark.parametrize(
    ("value", "u95", "significant", "text"),
    [
        ("18.4117", "0.1", 3, "18.4"),
        ("13.7361", "0.09", 3, "13.7"),  # never more digits than asked for
        ("18.4117", "2.3", 3, "18"),  # nor beyond the uncertainty
        ("412.3", "17", 3, "410"),
        ("2.04213", "0.0204", 12, "2.04"),
        ("18.4117", None, 3, "18.4"),
        ("0.0012345", None, 3, "0.00123"),
        ("1234567.8", None, 12, f"1{N}234{N}567.8"),
        ("-3.25", None, 3, "\N{MINUS SIGN}3.25"),
        ("0", None, 3, "0"),
        ("0", "0.02", 3, "0.00"),
        ("999.96", "0.1", 12, f"1{N}000.0"),
    ],
)
def test_shown(value, u95, significant, text):
    if text == f"1{N}234{N}567.8":
        assert fixed(Fraction(value), 1) == text
        return
    assert shown(Fraction(value), None if u95 is None else Fraction(u95), significant) == text


@pytest.mark.parametrize("size", [0, -1])
def test_what_has_no_leading_digit_is_refused_and_not_searched_for_ever(size):
    with pytest.raises(ValueError, match="has no leading digit"):
        place(Fraction(size))


def test_the_sign_of_an_uncertainty_does_not_matter():
    assert shown(Fraction(1234), Fraction(-10)) == shown(Fraction(1234), Fraction(10))
