"""Stretches of registers as profiles a driver reads, and back into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commission.spans import Reply, Span, profile, reply
from agent.drivers import BAD_OUT_OF_RANGE, BAD_TIMEOUT, Reading, Scan
from agent.drivers.blocks import plan, readings

WORDS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125)


@pytest.mark.parametrize("single", [False, True])
@given(words=WORDS, address=st.integers(0, 0xFFFF - 125))
def test_what_a_driver_reads_comes_back_as_the_same_words(words, address, single):
    span = Span("holding", address, len(words))
    points = profile(span, single=single).measured
    (block,) = plan(points, 125, 0)
    assert (block.table, block.requests) == ("holding", ((address, len(words)),))
    found = reply(span, [Scan(0, 1, 2, readings(block, words))], single=single)
    assert found == Reply(tuple(words))
    assert found.whole == tuple(words)


@pytest.mark.parametrize(("count", "points"), [(1, 1), (2, 1), (3, 2), (4, 1), (20, 5), (125, 32)])
def test_few_points_hold_many_registers(count, points):
    assert len(profile(Span("input", 0, count)).points) == points
    assert len(profile(Span("input", 0, count), single=True).points) == count


def test_bits_are_read_one_by_one():
    assert [point.type for point in profile(Span("coil", 8, 3)).points] == ["bool"] * 3


def test_a_refused_register_is_a_hole_and_a_value_is_preferred_to_its_refusal():
    span = Span("holding", 10, 3)
    whole = [Reading(f"at_{i}", None, BAD_OUT_OF_RANGE) for i in range(3)]
    pieces = [
        Scan(0, 1, 2, tuple(whole)),
        Scan(1, 3, 4, (Reading("at_0", 7, 0),)),
        Scan(2, 3, 4, (Reading("at_2", 9, 0),)),
    ]
    found = reply(span, pieces, single=True)
    assert found == Reply((7, None, 9), BAD_OUT_OF_RANGE, pieces=3)
    assert found.whole is None


def test_the_first_status_tells_why():
    span = Span("holding", 10, 2)
    found = reply(span, [Scan(0, 1, 2, (Reading("at_0", None, BAD_TIMEOUT), Reading("at_1", None, 1)))], single=True)
    assert found.status == BAD_TIMEOUT


@pytest.mark.parametrize(
    ("span", "text"), [(Span("input", 52, 1), "input 0x0034"), (Span("holding", 0, 4), "holding 0x0000..0x0003")]
)
def test_a_span_in_words(span, text):
    assert str(span) == text
