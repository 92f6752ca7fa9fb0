"""Messages: what is packed comes out again, and no bytes take more memory than the stated limits."""

import tracemalloc

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import cbor, message
from contract.errors import Inadmissible, Malformed, TooLarge

SKIPPABLE = bytes.fromhex("502a4d18") + (4).to_bytes(4, "little") + b"skip"  # RFC 8878, section 3.1.2


def frame(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(plain)


@given(st.binary(max_size=500), st.binary(max_size=2000))
@settings(deadline=None)
def test_round_trip(signed, body):
    packed = message.pack(signed, body)
    assert message.unpack(packed) == (signed, body)
    assert zstandard.ZstdDecompressor().decompress(packed) == cbor.encode([signed, body])


def test_compression_is_outside_the_evidence():
    plain = cbor.encode([b"signed", b"body" * 500])
    made = {
        zstandard.ZstdCompressor(level=level, write_checksum=check).compress(plain)
        for level in (1, 19)
        for check in (False, True)
    }
    assert len(made) > 1
    assert {message.unpack(data) for data in made} == {(b"signed", b"body" * 500)}


def test_the_limits_are_those_of_the_specification():
    assert (message.MESSAGE_BYTES_MAX, message.PLAIN_BYTES_MAX) == (1024 * 1024, 2 * 1024 * 1024)


def test_a_message_at_the_limit_passes_and_one_byte_more_does_not():
    around = len(cbor.encode([b"", bytes(1 << 20)])) - (1 << 20)
    most = bytes(message.PLAIN_BYTES_MAX - around)
    assert message.unpack(message.pack(b"", most)) == (b"", most)
    with pytest.raises(TooLarge):
        message.pack(b"", most + b"\0")
    with pytest.raises(TooLarge):
        message.unpack(frame(cbor.encode([b"", most + b"\0"])))


def test_too_many_received_bytes_are_refused_unread():
    with pytest.raises(TooLarge, match="1048577 bytes"):
        message.unpack(bytes((1 << 20) + 1))


@pytest.mark.parametrize("declared", [3, 1 << 31, (1 << 64) - 1, None])
def test_a_bomb_takes_no_memory(declared):
    plain = bytes(64 << 20)
    bomb = frame(plain) if declared else zstandard.ZstdCompressor(write_content_size=False).compress(plain)
    if declared:  # RFC 8878, section 3.1.1.1: the descriptor's top bits give the length of the content size field
        flags, at = bomb[4], 5 + (not bomb[4] & 0x20)
        assert flags >> 6 == 2  # four bytes
        bomb = bomb[:4] + bytes([flags & 0x3F | 0xC0]) + bomb[5:at] + declared.to_bytes(8, "little") + bomb[at + 4 :]
    del plain
    tracemalloc.start()
    with pytest.raises(Inadmissible):
        message.unpack(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * message.PLAIN_BYTES_MAX


def test_many_small_values_take_memory_in_proportion():
    count = 1 << 15
    plain = b"\x99" + count.to_bytes(2, "big") + b"\x80" * count
    tracemalloc.start()
    with pytest.raises(Malformed):
        message.unpack(frame(plain))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * count


PLAIN = cbor.encode([b"signed", b"body"])


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no frame", frame(b""), frame(b"") + b"junk", SKIPPABLE, SKIPPABLE + frame(PLAIN),
        frame(PLAIN) + SKIPPABLE, frame(PLAIN) + b"\0", frame(PLAIN) * 2, frame(PLAIN)[:-1],
        zstandard.ZstdCompressor(write_content_size=False).compress(PLAIN),
    ],
)  # fmt: skip
def test_anything_but_one_frame_of_declared_size_is_refused(data):
    with pytest.raises(Malformed, match="zstd"):
        message.unpack(data)


@pytest.mark.parametrize("value", [None, [], [b""], [b"", b"", b""], [b"", None], ["", b""], {0: b"", 1: b""}])
def test_other_content_is_refused(value):
    with pytest.raises(Malformed):
        message.unpack(frame(cbor.encode(value)))


@given(st.binary(max_size=300), st.booleans())
@settings(deadline=None, max_examples=500)
def test_any_bytes_are_read_or_refused(data, framed):
    try:
        message.unpack(frame(data) if framed else data)
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_a_changed_byte_is_read_or_refused(data):
    packed = bytearray(message.pack(b"signed" * 9, bytes(range(256)) * 4))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        message.unpack(bytes(packed))
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not
