"""Entries in a stream: as an archive has them, however the stream is cut, and nothing else."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import cbor, message
from contract.errors import Malformed, TooLarge
from gateway import entry_sequence
from verifier.archive import Kept, read_entries

ITEMS = st.lists(st.tuples(st.integers(0, 2**63), st.binary(max_size=400), st.none() | st.binary(max_size=400)))


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def read(self, size: int = -1, /) -> bytes:
        return super().read(min(size, 7))


@given(ITEMS)
def test_what_was_written_is_read_however_it_comes(items):
    data = b"".join(cbor.encode(list(item)) for item in items)
    assert list(entry_sequence.read(Trickle(data))) == items
    assert read_entries(data) == tuple(Kept(*item) for item in items)
    whole = [entry_sequence.write(*item) for item in items if item[2] is not None]
    assert whole == [cbor.encode(list(item)) for item in items if item[2] is not None]


def test_a_stream_larger_than_a_chunk_is_read_item_by_item(monkeypatch):
    monkeypatch.setattr(entry_sequence, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(entry_sequence, "ITEM_BYTES_MAX", 900)
    items = [(number, bytes([number % 256]) * 300, b"b" * 400) for number in range(50)]
    data = b"".join(entry_sequence.write(*item) for item in items)
    assert list(entry_sequence.read(io.BytesIO(data))) == items


@pytest.mark.parametrize("data", [b"\x00", b"\x82\x00\x40", b"\x83\x00\x41", b"\x83\x00\x40\xf5", b"\x83\x20\x40\x40"])
def test_anything_else_is_malformed(data):
    with pytest.raises(Malformed):
        list(entry_sequence.read(io.BytesIO(entry_sequence.write(0, b"s", b"b") + data)))


def test_a_length_is_refused_before_it_is_believed():
    data = b"\x83\x00" + b"\x5a" + (message.PLAIN_BYTES_MAX + 1).to_bytes(4, "big")
    with pytest.raises(TooLarge):
        list(entry_sequence.read(io.BytesIO(data)))
