"""What is gone and whom it concerns, against sets of single entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import losses
from agent.losses import Gone, Range
from agent.stored import Extent

ONE, TWO = bytes([1]) * 16, bytes([2]) * 16
SPAN = st.tuples(st.sampled_from([ONE, TWO]), st.integers(0, 20), st.integers(0, 6))


def extent(epoch, first, more, day="a.db"):
    return Extent(day, epoch, first, first + more, bytes([first + more]) * 32, first, first + more)


def singles(ranges):
    return {(one.epoch, seq) for one in ranges for seq in range(one.first, one.last + 1)}


@given(st.lists(SPAN, max_size=6), st.lists(SPAN, max_size=6))
def test_missing_is_what_is_known_less_what_is_there(known, there):
    known, there = [extent(*one) for one in known], [extent(*one) for one in there]
    found = losses.missing(known, there)
    assert singles(found) == singles(known) - singles(there)
    assert all(piece.last_hash in {None, bytes([piece.last]) * 32} for piece in found)


def test_the_hash_of_the_last_entry_is_known_of_the_last_piece_alone():
    pieces = losses.missing([extent(ONE, 0, 9)], [extent(ONE, 4, 1), extent(ONE, 7, 0)])
    assert [(p.first, p.last, p.last_hash) for p in pieces] == [(0, 3, None), (6, 6, None), (8, 9, bytes([9]) * 32)]


@given(st.lists(SPAN, max_size=6), st.integers(-1, 25), st.lists(SPAN, max_size=3))
def test_untold_is_what_is_gone_beyond_the_receipts_and_in_no_void(gone, seq, told):
    gone = [Gone(extent(*one), "damaged") for one in gone]
    told = [Range(epoch, first, first + more) for epoch, first, more in told]
    found = losses.untold(gone, {ONE: seq}, told)
    due = {(e, n) for e, n in singles(one.extent for one in gone) if e == TWO or n > seq}
    assert singles(one.extent for one in found) == due - singles(told)


def test_gaps_inside_epochs_lie_between_the_times_around_them():
    extents = [extent(ONE, 0, 3), extent(TWO, 5, 0), extent(ONE, 6, 2, "b.db"), extent(TWO, 6, 1, "b.db")]
    assert losses.between(extents) == [Extent("a.db", ONE, 4, 5, None, 3, 6)]


@pytest.mark.parametrize(
    ("cause", "words"),
    [("damaged", "can no longer be read"), ("disk_full", "for want of room"), ("retired", "receipt")],
)
def test_a_void_says_which_entries_and_why(cause, words):
    void = losses.void(Gone(extent(ONE, 3, 4, "2026-11-29.db"), cause))
    assert (void.epoch, void.first, void.last, void.last_hash) == (ONE, 3, 7, bytes([7]) * 32)
    assert (void.from_ns, void.to_ns, void.cause) == (3, 7, cause)
    assert void.detail.startswith("2026-11-29.db: ")
    assert words in void.detail


def test_the_time_of_several_is_that_of_all():
    assert losses.span([Gone(extent(ONE, 3, 4), "damaged"), Gone(extent(TWO, 1, 1), "damaged")]) == (1, 7)
