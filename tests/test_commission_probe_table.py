"""The rows of a probe, from readings laid out by hand."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commission.probe_table import decimal, document, identity, lines, quality, rows
from agent.drivers import BAD_OUT_OF_RANGE, BAD_TIMEOUT, Reading, Scan
from agent.drivers.profile import parse

HEAD = 'make = "M"\nmodel = "X"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["s"]\n'


def point(name, quantity, address, kind, unit, more=""):
    return (
        f'[[point]]\nid = "{name}"\nquantity = "{quantity}"\ntable = "holding"\naddress = {address}\ntype = "{kind}"\n'
        f'unit = "{unit}"\nkind = "gauge"\n{more}\n'
    )


PROFILE = parse(
    (
        HEAD
        + point("voltage_l1", "voltage", 0, "float32", "V")
        + point("power", "active_power", 2, "int16", "kW", "scale = -2")
        + point("current", "current", 3, "int16", "A", 'scale_point = "current_scale"')
        + point("current_scale", "scale", 4, "int16", "1")
        + point("serial", "serial", 8, "text", "1", 'length = 4\nidentity = "serial"')
        + point("ct", "ct", 12, "uint16", "1", 'identity = "ct_primary"')
    ).encode()
)


def scan(*readings):
    return Scan(0, 1_000_000_000, 1_012_000_000, readings)


def test_values_words_and_ratio():
    raw = int.from_bytes(struct.pack(">f", 230.5), "big")
    shown = rows(
        PROFILE,
        [
            scan(
                Reading("voltage_l1", raw, 0),
                Reading("power", 0xFF38, 0),
                Reading("current", 123, 0),
                Reading("current_scale", 0xFFFF, 0),
            )
        ],
        Fraction(80),
    )
    assert [(row.point, row.value, row.raw, row.ratioed) for row in shown] == [
        ("voltage_l1", Fraction(461, 2), "4366 8000", False),
        ("power", Fraction(-160), "FF38", True),  # -200 x 0.01 kW x 80
        ("current", Fraction(123, 10), "007B", False),
        ("current_scale", Fraction(-1), "FFFF", False),
    ]
    assert [row.latency_ns for row in shown] == [12_000_000] * 4
    told = lines(shown)
    assert told[0].split() == ["voltage_l1", "230.5", "V", "4366", "8000", "good", "12", "ms"]
    assert told[1].endswith("good  12 ms  x ratio")
    assert len({line.index("good") for line in told}) == 1


def test_no_value_is_a_dash_with_the_reason_never_a_zero():
    (row,) = rows(PROFILE, [scan(Reading("power", None, BAD_TIMEOUT))], Fraction(1))
    assert row.value is None
    assert lines([row])[0].split() == ["power", "-", "kW", "no", "answer", "in", "time", "12", "ms"]
    assert document(row)["value"] is None


def test_a_piece_that_answered_counts_rather_than_the_refused_whole():
    shown = rows(PROFILE, [scan(Reading("power", None, BAD_OUT_OF_RANGE)), scan(Reading("power", 5, 0))], Fraction(1))
    assert [row.value for row in shown] == [Fraction(1, 20)]


def test_a_source_time_gives_an_age():
    (row,) = rows(PROFILE, [scan(Reading("power", 5, 0, source_ns=1_000_000_000))], Fraction(1))
    assert row.age_ns == 12_000_000
    assert "source 12 ms ago" in lines([row])[0]


def test_a_document_keeps_every_digit():
    (row,) = rows(PROFILE, [scan(Reading("voltage_l1", 0x4366_8001, 0))], Fraction(1))
    exact = Fraction(0xE68001, 1 << 16)  # 24 bits of fraction, exponent 134 - 127 - 23
    assert Fraction(document(row)["value"]) == exact
    assert document(row)["raw"] == "4366 8001"


def test_what_a_meter_says_of_itself():
    said = [scan(Reading("serial", None, 0, text="00417"), Reading("ct", 200, 0))]
    assert identity(PROFILE, said, "") == "serial 00417, ct primary 200"
    assert identity(PROFILE, said, "417").startswith("serial 00417 (as configured), ")
    assert identity(PROFILE, said, "418").startswith("serial 00417 (CONFIGURED IS 418), ")
    refused = [scan(Reading("serial", None, BAD_OUT_OF_RANGE), Reading("ct", 200, 0))]
    assert identity(PROFILE, refused, "418") == "ct primary 200, serial not readable"
    assert identity(PROFILE, [scan(Reading("ct", 200, 0))], "418") == "did not answer in full"
    plain = PROFILE.model_copy(update={"points": PROFILE.measured})
    assert identity(plain, [], "418") == "says nothing of itself"


def test_a_model_the_profile_is_not_for_is_told():
    model = point("code", "model", 20, "uint16", "1", 'identity = "model"\nexpect = ["7", "8"]')
    profile = parse((HEAD + point("voltage_l1", "voltage", 0, "float32", "V") + model).encode())
    assert identity(profile, [scan(Reading("code", 9, 0))], "") == "model 9 (THE PROFILE IS FOR 7 OR 8)"
    assert identity(profile, [scan(Reading("code", 8, 0))], "") == "model 8"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "good"),
        (BAD_TIMEOUT, "no answer in time"),
        (0x40930000, "uncertain 0x40930000"),
        (0x80010000, "bad 0x80010000"),
    ],
)
def test_quality_in_words(status, words):
    assert quality(status) == words


@given(whole=st.integers(-(10**12), 10**12), places=st.integers(0, 12))
def test_decimal_is_exact(whole, places):
    text = decimal(Fraction(whole, 10**places))
    assert Fraction(text) == Fraction(whole, 10**places)
    assert not text.endswith(".")


@pytest.mark.parametrize(
    ("number", "text"),
    [(Fraction(1, 2), "0.5"), (Fraction(-1, 8), "-0.125"), (Fraction(40), "40"), (Fraction(1, 3), "0.333333333333")],
)
def test_decimal(number, text):
    assert decimal(number) == text
