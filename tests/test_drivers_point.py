"""Points by themselves: widths and places, worked out by hand."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from agent.drivers.point import Point, bits_of, exact, positive


def point(**keys):
    given = {"id": "p", "quantity": "q", "type": "uint32", "unit": "1", "kind": "gauge", "table": "holding"}
    return Point.model_validate(given | {"address": 100} | keys)


@pytest.mark.parametrize(
    ("kind", "bits"),
    [("uint16", 16), ("int48", 48), ("float64", 64), ("bcd16", 16), ("mod10k48", 48), ("mod10k64_signed", 64)],
)
def test_widths(kind, bits):
    assert bits_of(kind) == point(type=kind).bits == bits
    assert point(type=kind).spans == ((100, 100 + bits // 16),)


def test_a_bit_in_a_register_is_read_as_its_word():
    assert (point(type="bool", bit=3).bits, point(type="bool", table="coil").bits) == (16, 1)
    assert point(type="bool", table="coil").length == 1


def test_a_composite_is_where_its_parts_are():
    parts = [{"address": 300, "type": "uint32"}, {"address": 20, "type": "uint16", "scale": -3}]
    made = point(type="composite", parts=parts, address=0)
    assert (made.bits, made.length, made.start, made.end) == (48, 3, 20, 302)
    assert made.spans == ((300, 302), (20, 21))


def test_text_has_a_length_and_no_raw_integer():
    made = point(type="text", length=8, within=[90, 27])
    assert (made.bits, made.length, made.end, made.asked) == (0, 8, 108, (90, 117))
    for length in (0, 33):
        with pytest.raises(ValidationError):
            point(type="text", length=length)


def test_decimals_are_exact_and_of_a_size_that_meters_have():
    assert exact("-273.15") == Decimal("-273.15")
    assert positive("0.001") == Decimal("0.001")
    for text in ("NaN", "Infinity", "1e400", "x", ""):
        with pytest.raises(ValueError):
            exact(text)
    for text in ("0", "-1"):
        with pytest.raises(ValueError, match="greater than zero"):
            positive(text)
