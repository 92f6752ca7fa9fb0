"""Registers: words worked out from the sources' examples and from IEEE 754, never from a decoder."""

from fractions import Fraction

import pytest

from agent.drivers.profile import Point
from simulators.encode import encode


def point(kind: str, unit: str, **about: object) -> Point:
    return Point.model_validate(
        {"id": "p", "quantity": "q", "unit": unit, "kind": kind, "table": "holding", "address": 0} | about
    )


CASES = {
    # the S401 manual's own example: 0A11 42C5 means 42C50A11
    "float32, low word first": (
        point("gauge", "m3/h", type="float32", words="low_first"),
        Fraction(0xC50A11, 2**17),  # mantissa 1.C50A11 with exponent 0x85 - 127 = 6: 0xC50A11 / 2^23 x 2^6
        0,
        (0x0A11, 0x42C5),
    ),
    "float32, high word first": (point("counter", "kWh", type="float32"), Fraction(1), 0, (0x3F80, 0x0000)),
    "float32 holds the nearest": (point("counter", "kWh", type="float32"), Fraction(1, 10), 0, (0x3DCC, 0xCCCD)),
    "float64": (point("counter", "Wh", type="float64"), Fraction(3, 2), 0, (0x3FF8, 0, 0, 0)),
    "float with a decimal of its own": (point("gauge", "W", type="float32", scale=-1), Fraction(1, 10), 0, (0x3F80, 0)),
    "int64": (point("counter", "Wh", type="int64"), Fraction(0x1_0002_0003), 0, (0, 1, 2, 3)),
    "counters show what is complete": (point("counter", "m3", type="uint32"), Fraction(7999, 1000), 0, (0, 7)),
    "low word first": (
        point("counter", "m3", type="uint32", words="low_first"),
        Fraction(0x12345),
        0,
        (0x2345, 0x0001),
    ),
    "gauges show the nearest": (point("gauge", "W", type="int16"), Fraction(-16, 10), 0, (0xFFFE,)),
    "a scale point's exponent": (point("gauge", "W", type="int16", scale_point="s"), Fraction(123_456), 2, (1235,)),
    "a negative exponent": (point("gauge", "V", type="int16", scale_point="s"), Fraction(230), -1, (2300,)),
    "acc32 rolls over": (point("counter", "Wh", type="uint32"), Fraction(2**32 + 5), 0, (0, 5)),
    "a signed counter rolls over to zero": (point("counter", "Wh", type="int32"), Fraction(2**31), 0, (0, 0)),
}


@pytest.mark.parametrize("case", CASES)
def test_words(case):
    shown_by, value, exponent, words = CASES[case]
    assert encode(shown_by, value, exponent) == words


def test_a_gauge_that_does_not_fit_is_not_clipped():
    with pytest.raises(OverflowError):
        encode(point("gauge", "W", type="int16"), Fraction(40_000))
