"""Heads are held against the RFC's own forms; what is too much is refused before it is built."""

import tracemalloc

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import cbor, heads
from contract.errors import Malformed

VALUES = st.recursive(
    st.none() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.integers(0, 99), inner, max_size=5),
    max_leaves=40,
)


def items(value: object) -> int:
    """How many items a value has, itself included."""
    match value:
        case list():
            return 1 + sum(map(items, value))
        case dict():
            return 1 + sum(1 + items(inner) for inner in value.values())
        case _:
            return 1


@given(VALUES)
@settings(deadline=None)
def test_a_value_is_refused_from_its_own_count_down(value):
    written = cbor2.dumps(value)
    heads.check_count(written, items(value))
    with pytest.raises(Malformed, match="items"):
        heads.check_count(written, items(value) - 1)


@given(st.binary(max_size=70_000))
@settings(deadline=None, max_examples=30)
def test_a_byte_string_is_what_any_encoder_writes(data):
    written = cbor2.dumps(data)
    assert heads.string(written + b"next", 0) == (data, len(written))
    heads.end(written, len(written))
    with pytest.raises(Malformed, match="too many"):
        heads.end(written + b"x", len(written))


@pytest.mark.parametrize(
    "written",
    ["", "60", "00", "5817" + "00" * 23, "590018" + "00" * 24, "5a0000ffff", "5b00000000ffffffff", "5f", "5c", "58",
     "41", "5bffffffffffffffff00"],
)  # fmt: skip
def test_a_string_of_another_form_or_cut_short_is_refused(written):
    with pytest.raises(Malformed):
        heads.string(bytes.fromhex(written), 0)


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_counted_or_refused_and_what_is_decoded_is_counted(data):
    try:
        value = cbor.decode(data)
    except Malformed:
        value = None
    else:
        heads.check_count(data, items(value))
    try:
        heads.check_count(data, 1000)
    except Malformed as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not


def test_what_has_too_many_items_is_not_written_either():
    most = [None] * (cbor.ITEMS_MAX - 1)
    assert cbor.decode(cbor.encode(most)) == most
    with pytest.raises(Malformed, match="more than"):
        cbor.encode([*most, None])


N = 1 << 21
FLAT = b"\x9a" + (N - 5).to_bytes(4, "big")
HOSTILE = {  # two mebibytes each, in the dialect's one form
    "empty arrays": FLAT + b"\x80" * (N - 5),
    "empty maps": FLAT + b"\xa0" * (N - 5),
    "deep arrays": b"\x9a" + (N // 15).to_bytes(4, "big") + (b"\x81" * 14 + b"\x80") * (N // 15),
    "numbers": FLAT + bytes(N - 5),
    "a tag on a tag": b"\xc0" * N,
    "declared, not there": b"\x9b" + b"\xff" * 8 + bytes(N),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_two_mebibytes_of_small_items_are_refused_before_any_is_built(what):
    tracemalloc.start()
    with pytest.raises(Malformed, match="more than"):
        cbor.decode(HOSTILE[what])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


LENGTHS = [0, 1, 23, 24, 255, 256, 257, 65_535, 65_536]


@given(st.lists(st.sampled_from(LENGTHS), max_size=12))
def test_many_strings_are_read_as_one_after_another(lengths):
    parts = [bytes([number]) * length for number, length in enumerate(lengths)]
    written = b"".join(cbor2.dumps(part) for part in parts)
    assert heads.strings(written + b"next", 0, len(parts)) == (parts, len(written))


@pytest.mark.parametrize(
    "written", ["5817" + "00" * 23, "590018" + "00" * 24, "5818" + "00" * 23, "590100" + "00" * 255]
)
def test_of_many_strings_one_of_another_form_or_cut_short_is_refused(written):
    with pytest.raises(Malformed):
        heads.strings(cbor2.dumps(bytes(30)) + bytes.fromhex(written), 0, 2)
