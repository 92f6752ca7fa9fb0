"""Candidates for what registers mean, against bytes laid out by struct."""

import struct
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.commission.explain import ORDERS, decodings, is_configured, lines
from agent.drivers import profiles
from agent.drivers.profile import parse
from agent.drivers.registers import value

POINTS = {point.id: point for point in parse(profiles.load("eastron-sdm630")).points}


def words_of(form, number):
    data = struct.pack(form, number)
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def swapped(words):
    return [word >> 8 | (word & 0xFF) << 8 for word in words]


WIRES = {
    ("high_first", "high_first"): lambda w: w,
    ("low_first", "high_first"): lambda w: w[::-1],
    ("high_first", "low_first"): swapped,
    ("low_first", "low_first"): lambda w: swapped(w)[::-1],
}


@pytest.mark.parametrize("orders", WIRES)
@given(number=st.floats(80, 500, width=32))
def test_a_voltage_is_found_in_whatever_order_it_is_sent(orders, number):
    assume(number != 0)
    found = decodings(WIRES[orders](words_of(">f", number)), "V", offsets=False)
    assert [
        (each.words, each.bytes)
        for each in found
        if each.type == "float32" and not each.scale and each.value == Fraction(number)
    ]


def test_mixed_orders_of_four_words():
    a, b, c, d = words_of(">d", 1234567.25)
    for sent, order in (
        ([c, d, a, b], "low_pair_first"),
        ([b, a, d, c], "high_pair_first"),
        ([d, c, b, a], "low_first"),
    ):
        first = decodings(sent, "kWh", offsets=False)
        assert (order, Fraction(1234567.25)) in [
            (each.words, each.value) for each in first if each.type == "float64" and not each.scale
        ]
    assert set(ORDERS[4]) == {"high_first", "low_first", "low_pair_first", "high_pair_first"}


def test_the_right_word_order_stands_first_and_the_wrong_one_is_told():
    point = POINTS["power"]
    words = words_of(">f", 4503.25)[::-1]  # a meter that sends the low word first
    raw = words[0] << 16 | words[1]
    told = lines(decodings(words, "W", offsets=False), point, value(point, raw))
    assert told[0].startswith("  * float32 as configured:")
    assert told[0].endswith("W: not plausible")
    assert told[1].split() == ["float32", "low_first", "words", "4503.25", "W"]


def test_a_right_configuration_is_marked_and_first():
    words = words_of(">f", 230.5)
    told = lines(decodings(words, "V", offsets=False), POINTS["voltage_l1"], Fraction(461, 2))
    assert told[0].split() == ["*", "float32", "high_first", "words", "230.5", "V"]
    assert sum(line.lstrip().startswith("*") for line in told) == 1


def test_a_wrong_scale_is_seen():
    found = decodings([2305], "V", offsets=False)
    assert (Fraction(461, 2), -1) in [(each.value, each.scale) for each in found]
    assert not [each for each in found if each.value == Fraction(2305, 1000)]


@pytest.mark.parametrize("words", [[0, 0], [0x7FC0, 0], [0xFFFF, 0xFFFF]])
def test_what_tells_nothing_is_no_voltage(words):
    assert not [each for each in decodings(words, "V", offsets=False) if each.type == "float32"]


def test_a_negative_number_may_be_a_power_but_no_voltage():
    words = words_of(">i", -2300)
    assert Fraction(-2300) in [each.value for each in decodings(words, "W")]
    assert all(each.value > 0 for each in decodings(words, "V"))


def test_without_a_unit_every_offset_is_tried_and_the_address_told():
    words = [7, *words_of(">f", 50.02), 7]
    told = lines(decodings(words), address=0x46)
    assert any("0x0047" in line and "50.02" in line and "Hz" in line for line in told)
    assert len(told) <= 13
    assert told[-1].startswith("    and ")


def test_nothing_comes_of_nothing():
    assert decodings([]) == []
    assert lines([]) == []


def test_signedness_alone_is_no_difference_to_the_profile():
    (found,) = [
        each
        for each in decodings(words_of(">f", 230.5), "V", offsets=False)
        if each.type == "float32" and each.value == Fraction(461, 2)
    ]
    assert is_configured(found, POINTS["voltage_l1"], Fraction(461, 2))
    assert not is_configured(found, POINTS["voltage_l1"], Fraction(230))
