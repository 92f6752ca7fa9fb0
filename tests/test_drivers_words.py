"""Raw integers to numbers, against `struct`, `str(int)` and arithmetic written here."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import words
from agent.drivers.profile import Point

ORDERS = {  # indexes of the words, most significant first being 0, as they stand on the wire
    "high_first": (0, 1, 2, 3),
    "low_first": (3, 2, 1, 0),
    "low_pair_first": (2, 3, 0, 1),
    "high_pair_first": (1, 0, 3, 2),
}


def point(**keys):
    given = {"id": "p", "quantity": "volume", "type": "uint32", "unit": "m3", "kind": "counter"}
    return Point.model_validate(given | {"table": "holding", "address": 0} | keys)


def composite(*parts, **keys):
    places = [{"address": 10 * i, "type": kind, "scale": scale} for i, (kind, scale) in enumerate(parts)]
    given = {"id": "p", "quantity": "volume", "type": "composite", "unit": "m3", "kind": "counter", "table": "holding"}
    return Point.model_validate(given | {"parts": places} | keys)


def exact(p, raw):
    mantissa, exponent = words.number(p, raw)
    return mantissa * Fraction(2) ** exponent


def wire(data, order="high_first", inner="high_first"):
    """Big-endian bytes as the wire has them, as one integer."""
    pairs = [data[i : i + 2] for i in range(0, len(data), 2)]
    if len(pairs) == 4:
        pairs = [pairs[i] for i in ORDERS[order]]
    elif order == "low_first":
        pairs.reverse()
    if inner == "low_first":
        pairs = [pair[::-1] for pair in pairs]
    return int.from_bytes(b"".join(pairs), "big")


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(sorted(ORDERS)), st.sampled_from(["high_first", "low_first"]))
def test_every_order_of_four_words_and_of_the_bytes_in_them(number, order, inner):
    raw = wire(struct.pack(">q", number), order, inner)
    assert exact(point(type="int64", words=order, bytes=inner), raw) == number
    assert exact(point(type="uint64", words=order, bytes=inner), raw) == number % 2**64


def test_the_mixed_orders_are_those_of_the_documentation():
    a, b, c, d = 0x1111, 0x2222, 0x3333, 0x4444
    value = a << 48 | b << 32 | c << 16 | d
    for order, on_wire in (("low_pair_first", (c, d, a, b)), ("high_pair_first", (b, a, d, c))):
        raw = sum(word << shift for word, shift in zip(on_wire, (48, 32, 16, 0), strict=True))
        assert exact(point(type="uint64", words=order), raw) == value


@given(st.integers(-(2**47), 2**47 - 1), st.sampled_from(["high_first", "low_first"]))
def test_three_words(number, order):
    raw = wire(number.to_bytes(6, "big", signed=True), order)
    assert exact(point(type="int48", words=order), raw) == number
    assert exact(point(type="uint48", words=order), raw) == number % 2**48


@given(st.data(), st.sampled_from([16, 32, 48, 64]), st.sampled_from(["high_first", "low_first"]))
def test_binary_coded_decimal_is_read_as_it_is_written(data, bits, order):
    number = data.draw(st.integers(0, 10 ** (bits // 4) - 1))
    raw = wire(bytes.fromhex(str(number).rjust(bits // 4, "0")), order)
    assert exact(point(type=f"bcd{bits}", words=order), raw) == number


@pytest.mark.parametrize("raw", [0xA, 0x1F00, 0xFFFF])
def test_what_is_no_decimal_digit_is_no_number(raw):
    with pytest.raises(words.Undecodable, match="is not binary-coded decimal"):
        words.number(point(type="bcd16"), raw)


@given(st.lists(st.integers(0, 9999), min_size=2, max_size=4), st.sampled_from(["high_first", "low_first"]))
def test_mod10k_holds_four_digits_a_word(digits, order):
    number = int("".join(f"{four:04}" for four in digits))
    raw = wire(struct.pack(f">{len(digits)}H", *digits), order)
    assert exact(point(type=f"mod10k{16 * len(digits)}", words=order), raw) == number


@given(st.lists(st.integers(-9999, 9999), min_size=2, max_size=4))
def test_signed_mod10k_adds_signed_words(digits):
    """Schneider Electric's formula: R4 x 10000^3 + R3 x 10000^2 + R2 x 10000 + R1, each -9999 to 9999."""
    raw = wire(struct.pack(f">{len(digits)}h", *digits))
    number = sum(four * 10000**place for place, four in enumerate(reversed(digits)))
    assert exact(point(type=f"mod10k{16 * len(digits)}_signed"), raw) == number


@pytest.mark.parametrize(
    ("kind", "raw"),
    [("mod10k32", 0x00002710), ("mod10k32", 0xFFFF0000), ("mod10k32_signed", 0x0000D8F0), ("mod10k48", 0x80000000)],
)
def test_a_word_of_more_than_four_digits_is_no_number(kind, raw):
    with pytest.raises(words.Undecodable, match="no word of four decimal digits"):
        words.number(point(type=kind), raw)


@given(st.integers(0, 0xFFFF), st.integers(0, 15), st.integers(0, 15), st.booleans())
def test_fields_of_a_word(word, one, other, swap):
    low, high = sorted((one, other))
    inner = {"bytes": "low_first"} if swap else {}
    raw = (word & 0xFF) << 8 | word >> 8 if swap else word
    text = f"{word:016b}"[::-1]  # character i is bit i
    assert exact(point(type="uint16", bits=[low, high], **inner), raw) == int(text[low : high + 1][::-1], 2)
    bit = point(type="bool", bit=one, kind="gauge", unit="1", quantity="alarm", **inner)
    assert exact(bit, raw) == int(text[one])


@given(st.integers(0, 2**32 - 1), st.integers(0, 999))
def test_a_composite_adds_its_parts(whole, thousandths):
    p = composite(("uint32", 0), ("uint16", -3))
    raw = int.from_bytes(struct.pack(">IH", whole, thousandths), "big")
    assert p.bits == 48
    assert exact(p, raw) * Fraction(10) ** words.least(p) == whole + Fraction(thousandths, 1000)
    low_first = composite(("uint32", 0), ("uint16", -3), words="low_first")
    swapped = int.from_bytes(struct.pack(">HHH", whole & 0xFFFF, whole >> 16, thousandths), "big")
    assert words.number(low_first, swapped) == words.number(p, raw)


def test_a_whole_number_and_its_fraction_as_a_float():
    """TUF-2000M: an integer of cubic metres and a float of what is left."""
    p = composite(("int32", 0), ("float32", 0))
    raw = int.from_bytes(struct.pack(">if", 1234, 0.625), "big")
    assert exact(p, raw) == Fraction(9877, 8)
    scaled = composite(("float32", 2), ("float32", 0))  # hundreds and what is below
    assert exact(scaled, int.from_bytes(struct.pack(">ff", 12.0, 34.5), "big")) == Fraction(2469, 2)
    with pytest.raises(words.NoValue):
        words.number(p, int.from_bytes(struct.pack(">if", 1, float("inf")), "big"))


def test_the_last_place_of_a_composite_is_that_of_a_full_part():
    p = composite(("int32", 0), ("float32", 0))
    small = int.from_bytes(struct.pack(">if", 1234, 2.0**-10), "big")
    mantissa, exponent = words.last_place(p, small)
    assert mantissa * Fraction(2) ** exponent == Fraction(1, 2**23)  # at 1.0, where the integer takes over
    assert words.last_place(composite(("int32", 0), ("uint16", -3)), small >> 16) == (0, 0)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"LQN/0805\0\0\0\0", "LQN/0805"),
        (b"7KM2112      ", "7KM2112"),
        (b"B23\xff\xff\xff", "B23"),
        ("Zähler 7".encode() + b"\0", "Zähler 7"),
        (b"\0\0\0\0", ""),
        (b"SDM\x00630", None),
        (b"\xc3\x28ab", None),
        (b"a\nb ", None),
    ],
)
def test_text(data, text):
    assert words.text(data) == text


def test_text_with_swapped_characters():
    assert words.text(b"BA\x002", low_first=True) == "AB2"
    assert words.text(b"BADC", low_first=True) == "ABCD"
    assert words.text(b"2B 3", low_first=True) == "B23"


def test_a_raw_integer_must_fit():
    with pytest.raises(ValueError, match="p: 65536 does not fit uint16"):
        words.number(point(type="uint16"), 0x10000)
