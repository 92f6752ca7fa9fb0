"""Rows of a day's file: what was written comes back, one altered value is noticed, extents end at every gap."""

import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from agent import stored
from agent.stored import Extent, Stored
from contract.entry import Sealed

ONE, TWO = bytes([1]) * 16, bytes([2]) * 16


def entry(epoch, seq, from_ns=0, to_ns=0):
    return Stored(Sealed(b"signed", b"body" * 30, bytes([seq]) * 32), epoch, seq, "segment", from_ns, to_ns)


def test_an_entry_comes_back_from_its_row():
    row = stored.row(entry(ONE, 5, 3, 9), covers=7, at_ns=11)
    assert stored.is_sound(row)
    assert stored.stored(row) == entry(ONE, 5, 3, 9)


@pytest.mark.parametrize("field", range(11))
def test_any_other_value_in_any_field_is_noticed(field):
    row = list(stored.row(entry(ONE, 5, 3, 9), covers=7, at_ns=11))
    for other in (None, 12, 1.5, "x", b"x", row[field] + (1 if isinstance(row[field], int) else row[field][:1])):
        assert not stored.is_sound([*row[:field], other, *row[field + 1 :]])


def test_rows_of_earlier_versions_count_by_header_and_body():
    signed, packed = b"signed", zstandard.ZstdCompressor(level=3).compress(b"body" * 30)
    old = (ONE, 5, bytes([5]) * 32, "segment", 3, 9, 11, 7, signed, packed, zlib.crc32(packed, zlib.crc32(signed)))
    assert stored.is_sound(old)
    assert stored.stored(old) == entry(ONE, 5, 3, 9)


def test_extents_end_at_a_gap_a_new_epoch_and_a_new_day():
    rows = [
        stored.row(entry(*place), 0, 0) for place in ((ONE, 0, 5, 7), (ONE, 1, 2, 4), (ONE, 3, 6, 6), (TWO, 4, 0, 1))
    ]
    first = stored.extended([], "a.db", rows)
    assert first == [
        Extent("a.db", ONE, 0, 1, bytes([1]) * 32, 2, 7),
        Extent("a.db", ONE, 3, 3, bytes([3]) * 32, 6, 6),
        Extent("a.db", TWO, 4, 4, bytes([4]) * 32, 0, 1),
    ]
    assert stored.extended(first, "b.db", [stored.row(entry(TWO, 5, 8, 9), 0, 0)])[3:] == [
        Extent("b.db", TWO, 5, 5, bytes([5]) * 32, 8, 9)
    ]


@given(st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.integers(0, 9)), unique=True, max_size=15))
def test_extents_hold_every_entry_once(places):
    rows = [stored.row(entry(*place), 0, 0) for place in places]
    found = [(e.epoch, seq) for e in stored.extended([], "a.db", rows) for seq in range(e.first, e.last + 1)]
    assert found == places
