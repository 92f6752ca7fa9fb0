"""Learned timeouts, against the rule written out over the whole history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.modbus_latency import ANSWERS_MIN, Latency


def taught(ceiling_s, took_s, count=10):
    latency = Latency(ceiling_s)
    for _ in range(8):
        latency.answered(count, took_s)
    return latency


def test_before_the_first_answer_the_ceiling():
    assert Latency(1.0).timeout_s(10, 0.05, ()) == 1.0


def test_a_few_answers_teach_nothing():
    latency = Latency(1.0)
    for _ in range(7):
        latency.answered(10, 0.001)
        assert (latency.timeout_s(10, 0.05, (0.1,)), latency.learned_s) == (1.0, None)
    latency.answered(10, 0.001)
    assert latency.timeout_s(10, 0.05, ()) == 0.05
    assert ANSWERS_MIN == 8


def test_before_the_first_answer_four_times_what_the_neighbours_wait():
    assert Latency(5.0).timeout_s(10, 0.05, (0.02, 0.1, 0.4)) == pytest.approx(0.4)
    assert Latency(5.0).timeout_s(10, 0.05, (0.001,)) == pytest.approx(0.2)  # but no neighbour waits less than 50 ms


@given(st.lists(st.floats(0.001, 0.1), min_size=8, max_size=100))
def test_four_times_the_slowest_of_the_last_thirty_two(took):
    latency = Latency(60.0)
    for one in took:
        latency.answered(10, one)
    assert latency.timeout_s(10, 0.0, ()) == pytest.approx(4 * max(took[-32:]))


def test_never_below_the_floor_nor_above_the_ceiling():
    quick, slow = taught(1.0, 0.002), taught(1.0, 0.9)
    assert quick.timeout_s(10, 0.05, (9.0,)) == 0.05
    assert slow.timeout_s(10, 0.05, ()) == 1.0


def test_a_longer_request_than_ever_answered_gets_the_ceiling():
    latency = taught(1.0, 0.02)
    assert latency.timeout_s(11, 0.05, ()) == 1.0
    assert latency.timeout_s(3, 0.05, ()) == pytest.approx(0.08)


def test_silence_doubles_up_to_the_ceiling_and_then_it_starts_again():
    latency = taught(1.0, 0.05)
    waited = []
    for _ in range(5):
        waited.append(latency.timeout_s(10, 0.05, ()))
        latency.silent(waited[-1])
    assert waited == pytest.approx([0.2, 0.4, 0.8, 1.0, 0.2])
    latency.answered(10, 0.06)
    assert latency.timeout_s(10, 0.05, ()) == pytest.approx(0.24)
