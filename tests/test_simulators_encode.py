"""Registers: words worked out from the sources' examples and from IEEE 754, never from a decoder."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import blocks, registers
from agent.drivers.profile import Point
from simulators.encode import encode, encode_text


def point(kind: str, unit: str, **about: object) -> Point:
    keys = {"id": "p", "quantity": "q", "unit": unit, "kind": kind, "table": "holding", "address": 0} | about
    return Point.model_validate({key: value for key, value in keys.items() if value is not None})


PARTS = [{"address": 10, "type": "uint32"}, {"address": 2, "type": "uint16", "scale": -3}]


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
    "three words": (point("counter", "Wh", type="uint48"), Fraction(0x1_0002_0003), 0, (1, 2, 3)),
    "low pair first": (
        point("counter", "Wh", type="uint64", words="low_pair_first"),
        Fraction(0x0001_0002_0003_0004),
        0,
        (3, 4, 1, 2),
    ),
    "high pair first": (
        point("counter", "Wh", type="uint64", words="high_pair_first"),
        Fraction(0x0001_0002_0003_0004),
        0,
        (2, 1, 4, 3),
    ),
    "swapped bytes": (
        point("counter", "Wh", type="uint32", bytes="low_first"),
        Fraction(0x01020304),
        0,
        (0x0201, 0x0403),
    ),
    "four digits a word": (
        point("counter", "kWh", type="bcd32", scale=-2),
        Fraction(1234567, 100),
        0,
        (0x0123, 0x4567),
    ),
    "decimal digits roll over": (point("counter", "kWh", type="bcd16"), Fraction(12345), 0, (0x2345,)),
    "ten thousands": (point("counter", "Wh", type="mod10k48"), Fraction(123456789), 0, (1, 2345, 6789)),
    "ten thousands below zero": (
        point("gauge", "W", type="mod10k32_signed"),
        Fraction(-12345),
        0,
        (0xFFFF, 0x10000 - 2345),
    ),
    "whole and thousandths": (
        point("counter", "kWh", type="composite", address=None, parts=PARTS),
        Fraction(70001234, 1000),
        0,
        (1, 4465, 234),
    ),
    "a field of a word": (point("gauge", "1", type="uint16", bits=(4, 6)), Fraction(5), 0, (0x50,)),
    "a bit of a word": (point("gauge", "1", type="bool", bit=9), Fraction(1), 0, (0x200,)),
    "power that flows the other way": (point("gauge", "W", type="int16", negate=True), Fraction(7), 0, (0xFFF9,)),
    "kelvin in a register": (
        point("gauge", "degC", type="uint16", offset="-273.15", scale=-2),
        Fraction(25),
        0,
        (29815,),
    ),
    "a signed counter rolls over to zero": (point("counter", "Wh", type="int32"), Fraction(2**31), 0, (0, 0)),
}


@pytest.mark.parametrize("case", CASES)
def test_words(case):
    shown_by, value, exponent, words = CASES[case]
    assert encode(shown_by, value, exponent) == words


def test_a_gauge_that_does_not_fit_is_not_clipped():
    for kind, value in (("int16", 40_000), ("bcd16", 10_000), ("bcd16", -1), ("mod10k32", -1), ("mod10k32", 10**8)):
        with pytest.raises(OverflowError):
            encode(point("gauge", "W", type=kind), Fraction(value))
    with pytest.raises(OverflowError):
        encode(point("gauge", "1", type="uint16", bits=(0, 3)), Fraction(16))


def test_text_is_filled_up():
    assert encode_text(point("gauge", "1", type="text", length=3), "B23 1") == (0x4232, 0x3320, 0x3100)
    assert encode_text(point("gauge", "1", type="text", length=1, bytes="low_first"), "AB") == (0x4241,)
    with pytest.raises(OverflowError, match="longer than 2 characters"):
        encode_text(point("gauge", "1", type="text", length=1), "ABC")


KINDS = ["uint16", "uint32", "uint48", "uint64", "bcd32", "bcd64", "mod10k32", "mod10k48", "mod10k64"]


@given(
    st.integers(0, 9999), st.sampled_from(KINDS), st.sampled_from(["high_first", "low_first"]), st.booleans(),
)  # fmt: skip
def test_what_is_put_in_comes_out(value, kind, words, swap):
    """Encoder and decoder were written apart; where they agree, both are likely right."""
    shown_by = point("counter", "Wh", type=kind, words=words, bytes="low_first" if swap else "high_first")
    (block,) = blocks.plan([shown_by], 125, 0)
    (reading,) = blocks.readings(block, encode(shown_by, Fraction(value)))
    assert registers.value(shown_by, reading.raw) == value


@given(st.integers(0, 2**32 * 1000 - 1))
def test_a_composite_comes_out_as_it_was_put_in(thousandths):
    shown_by = point("counter", "kWh", type="composite", address=None, parts=PARTS)
    high, low, last = encode(shown_by, Fraction(thousandths, 1000))
    (block,) = blocks.plan([shown_by], 125, 0)
    (reading,) = blocks.readings(block, [last, *([0] * 7), high, low])
    assert registers.value(shown_by, reading.raw) * 1000 == thousandths
