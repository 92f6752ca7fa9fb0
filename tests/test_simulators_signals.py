"""Signals: areas against a sum over every nanosecond, and answers that do not depend on the order of the questions."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.signals import Repeating, Signal, Sum, Track, constant, repeating

lengths_and_levels = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**6)), min_size=1, max_size=6)


def level_by_counting(steps: list[tuple[int, int]], anchor_ns: int, at_ns: int) -> int:
    unrolled = [level for length, level in steps for _ in range(length)]
    return unrolled[(at_ns - anchor_ns) % len(unrolled)]


def built(steps: list[tuple[int, int]], anchor_ns: int) -> Repeating:
    ends, end = [], 0
    for length, _ in steps:
        end += length
        ends.append(end)
    return repeating(anchor_ns, ends, [level for _, level in steps])


@given(lengths_and_levels, st.integers(-20, 20), st.integers(-60, 60), st.integers(0, 60))
def test_a_repeating_area_is_the_sum_over_every_nanosecond(steps, anchor_ns, from_ns, length_ns):
    signal = built(steps, anchor_ns)
    counted = [level_by_counting(steps, anchor_ns, at) for at in range(from_ns, from_ns + length_ns)]
    assert signal.area(from_ns, from_ns + length_ns) == sum(counted)
    assert [signal.level(at) for at in range(from_ns, from_ns + length_ns)] == counted


@dataclass(frozen=True)
class Piece:
    """Some steps over and over, for a while."""

    start_ns: int
    end_ns: int
    signal: Signal


def track(pieces: list[tuple[int, list[tuple[int, int]]]], start_ns: int) -> Track[Piece]:
    def forever() -> Iterator[Piece]:
        at = start_ns
        while True:
            for length, steps in pieces:
                yield Piece(at, at + length, built(steps, at))
                at += length

    return Track(start_ns, forever(), lambda piece: piece.signal)


@given(
    st.lists(st.tuples(st.integers(1, 12), lengths_and_levels), min_size=1, max_size=4),
    st.integers(-5, 5),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=5),
)
def test_a_track_adds_up_whatever_is_asked_first(pieces, start_ns, questions):
    asked = track(pieces, start_ns)
    levels: list[int] = []
    while len(levels) < 110:
        for length, steps in pieces:
            levels += [level_by_counting(steps, 0, into) for into in range(length)]
    for after, length in questions:
        from_ns = start_ns + after
        assert asked.area(from_ns, from_ns + length) == sum(levels[after : after + length])
        assert asked.level(from_ns) == levels[after]


def test_spans_are_those_that_begin_by_then():
    asked = track([(10, [(1, 5)]), (5, [(1, 7)])], 100)
    assert [(span.start_ns, span.end_ns) for span in asked.spans(115)] == [(100, 110), (110, 115), (115, 125)]
    assert asked.span(114).start_ns == 110
    assert asked.level(110) == 7


def test_nothing_is_known_before_the_start():
    with pytest.raises(ValueError, match="before the start"):
        track([(10, [(1, 5)])], 100).level(99)


def test_a_step_must_have_a_length():
    with pytest.raises(ValueError, match="must end after it begins"):
        repeating(0, [5, 5], [1, 2])


def test_a_sum_is_all_its_parts():
    both = Sum((constant(3), repeating(0, [2, 4], [10, 20])))
    assert both.level(1) == 13
    assert both.area(1, 7) == 3 * 6 + 10 + 20 + 20 + 10 + 10 + 20
