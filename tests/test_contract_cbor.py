"""The dialect: its one form by the RFC's own examples, and everything else refused."""

import struct
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract import cbor
from contract.errors import Malformed

SCALARS = st.none() | st.booleans() | st.integers(cbor.INT_MIN, cbor.INT_MAX) | st.binary(max_size=40) | st.text()
KEYS = st.integers(cbor.INT_MIN, cbor.INT_MAX) | st.text(max_size=30)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)

# RFC 8949, appendix A: those of its examples that the dialect allows.
RFC_EXAMPLES = {
    "00": 0,
    "17": 23,
    "1818": 24,
    "1903e8": 1000,
    "1a000f4240": 1000000,
    "1b000000e8d4a51000": 1000000000000,
    "1bffffffffffffffff": 18446744073709551615,
    "3bffffffffffffffff": -18446744073709551616,
    "20": -1,
    "3903e7": -1000,
    "f4": False,
    "f5": True,
    "f6": None,
    "40": b"",
    "4401020304": b"\x01\x02\x03\x04",
    "60": "",
    "6449455446": "IETF",
    "62225c": '"\\',
    "62c3bc": "ü",
    "63e6b0b4": "水",
    "64f0908591": "𐅑",
    "80": [],
    "8301820203820405": [1, [2, 3], [4, 5]],
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819": list(range(1, 26)),
    "a0": {},
    "a201020304": {1: 2, 3: 4},
    "a26161016162820203": {"a": 1, "b": [2, 3]},
    "826161a161626163": ["a", {"b": "c"}],
}

# What some decoder somewhere takes: each must be refused here.
REFUSED = {
    "nothing": "",
    "half float": "f93c00",
    "single float": "fa47c35000",
    "double float": "fb3ff199999999999a",
    "not a number": "f97e00",
    "undefined": "f7",
    "simple value": "f0",
    "simple value in two bytes": "f8ff",
    "big integer": "c249010000000000000000",
    "negative big integer": "c349010000000000000000",
    "date": "c074323031332d30332d32315432303a30343a30305a",
    "regular expression": "d82363282861",
    "MIME message": "d824781e436f6e74656e742d547970653a20746578742f706c61696e0d0a0d0a61",
    "self-described": "d9d9f700",
    "set": "d90102820102",
    "shared value": "d81c80",
    "value that contains itself": "d81c81d81d00",
    "reference to nothing": "d81d00",
    "string reference": "d9010081d81900",
    "embedded CBOR": "d8184100",
    "integer in two bytes for one": "1817",
    "integer in three bytes for two": "190018",
    "integer in five bytes for three": "1a0000ffff",
    "integer in nine bytes for five": "1b00000000ffffffff",
    "negative in two bytes for one": "3800",
    "byte string length in two bytes for one": "580100",
    "text length in two bytes for one": "780161",
    "array length in two bytes for one": "980100",
    "map length in two bytes for one": "b8010000",
    "indefinite byte string": "5f4100ff",
    "indefinite text": "7f6161ff",
    "indefinite array": "9f00ff",
    "indefinite map": "bf0000ff",
    "break alone": "ff",
    "reserved length": "1c",
    "trailing byte": "0000",
    "key twice": "a201000101",
    "keys in the wrong order": "a202000100",
    "text keys in the wrong order": "a2616200616100",
    "keys in the order of RFC 7049": "a2200018640 0".replace(" ", ""),
    "key of bytes": "a1410000",
    "key of truth": "a1f500",
    "key of nothing": "a1f600",
    "key of an array": "a18000",
    "text that is not UTF-8": "61ff",
    "text with a surrogate": "63eda080",
    "text with an overlong form": "62c080",
    "cut off": "8201",
    "cut off in a string": "4401",
}

HUGE = [
    "5b7fffffffffffffff",
    "7bffffffffffffffff",
    "9bffffffffffffffff",
    "bb7fffffffffffffff",
    "9affffffff",
    "5affffffff",
]


@pytest.mark.parametrize("written", RFC_EXAMPLES)
def test_examples_of_the_rfc(written):
    assert cbor.encode(RFC_EXAMPLES[written]).hex() == written
    read = cbor.decode(bytes.fromhex(written))
    assert read == RFC_EXAMPLES[written]
    assert type(read) is type(RFC_EXAMPLES[written])


def test_keys_are_in_the_order_of_their_bytes():
    # RFC 8949, section 4.2.1, less the keys the dialect has not: 10, 100, -1, "z", "aa".
    assert (
        cbor.encode({"aa": 0, -1: 0, "z": 0, 100: 0, 10: 0}).hex()
        == "a5" + "0a00" + "186400" + "2000" + "617a00" + "62616100"
    )


@pytest.mark.parametrize("why", REFUSED)
def test_refused(why):
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(REFUSED[why]))


@given(VALUES)
@settings(deadline=None, max_examples=300)
def test_round_trip(value):
    written = cbor.encode(value)
    assert cbor.decode(written) == value
    assert cbor.encode(cbor.decode(written)) == written


def write_out(value: object) -> bytes:
    """RFC 8949 written out again, with nothing but `struct`."""
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int():
            return start(0, value) if value >= 0 else start(1, -1 - value)
        case bytes():
            return start(2, len(value)) + value
        case str():
            return start(3, len(value.encode())) + value.encode()
        case list():
            return start(4, len(value)) + b"".join(map(write_out, value))
        case dict():
            pairs = sorted((write_out(key), write_out(item)) for key, item in value.items())
            return start(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise AssertionError(value)


def start(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for extra, form, limit in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32), (27, ">Q", 1 << 64)):
        if number < limit:
            return bytes([major << 5 | extra]) + struct.pack(form, number)
    raise AssertionError(number)


@given(VALUES)
@settings(deadline=None, max_examples=300)
def test_the_form_is_the_one_the_rfc_defines(value):
    assert cbor.encode(value) == write_out(value)


@given(st.binary(max_size=200))
@example(bytes.fromhex("d81c81d81d00"))
@settings(deadline=None, max_examples=1000)
def test_any_bytes_are_read_in_their_one_form_or_refused(data):
    try:
        value = cbor.decode(data)
    except Malformed as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not
    else:
        assert write_out(value) == data


@given(VALUES, st.data())
@settings(deadline=None, max_examples=300)
def test_a_changed_byte_never_gives_the_same_value(value, data):
    written = bytearray(cbor.encode(value))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] ^= data.draw(st.integers(1, 255))
    try:
        changed = cbor.decode(bytes(written))
    except Malformed:
        return
    assert write_out(changed) != write_out(value)


@pytest.mark.parametrize(
    "value",
    [1.0, 2**64, -(2**64) - 1, {1.5: 0}, {b"k": 0}, {True: 0}, {1}, object(), bytearray(b"x"), "\ud800", {"\udfff": 0}],
)
def test_what_the_dialect_has_not_is_not_written(value):
    with pytest.raises(Malformed):
        cbor.encode([value])


def nested(depth: int) -> list:
    """An empty array inside `depth` others."""
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def test_nothing_stands_inside_more_than_sixteen_others():
    assert cbor.encode(nested(16)) == b"\x81" * 16 + b"\x80"
    assert cbor.decode(b"\x81" * 16 + b"\x80") == nested(16)
    assert cbor.decode(b"\xa1\x00" * 16 + b"\x00")
    with pytest.raises(Malformed):
        cbor.encode(nested(17))
    for depth in (17, 18, 1000, 100_000):
        for written in (b"\x81" * depth + b"\x80", b"\x81" * depth + b"\x00", b"\xa1\x00" * depth + b"\x00"):
            with pytest.raises(Malformed):
                cbor.decode(written)


@pytest.mark.parametrize("start_of_much", HUGE)
def test_a_declared_length_takes_no_memory(start_of_much):
    tracemalloc.start()
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(start_of_much) + b"abc")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
