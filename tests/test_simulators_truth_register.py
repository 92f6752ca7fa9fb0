"""Registers: what they show of a count, and the energy that a number stands for."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.truth_register import REGISTERS

FLOATS = [register for register in REGISTERS if register.floats]


def test_an_integer_register_shows_whole_counts_and_wraps():
    coarse = next(register for register in REGISTERS if register.name == "1 kWh")
    assert coarse.limit == 1_000_000  # kWh
    raws = coarse.raws(np.array([999_998, 999_999, 1_000_000, 1_000_003]))
    assert raws.tolist() == [999_998, 999_999, 0, 3]
    least, bound = coarse.between(raws)
    assert least.tolist() == [n * 10**9 for n in (999_998, 999_999, 1_000_000, 1_000_003)]  # uWh
    assert (bound - least).tolist() == [10**9] * 4


@pytest.mark.parametrize("register", FLOATS, ids=lambda register: register.unit)
@given(count=st.integers(10**5, 10**7))
def test_a_float_register_shows_the_nearest_float_and_is_read_back(register, count):
    raws = register.raws(np.array([count]))
    exact = count * register.count_wh_milli / register.unit_wh_milli
    assert raws.tolist() == [int.from_bytes(struct.pack(">f", exact), "big")]
    least, bound = (int(column[0]) for column in register.between(raws))
    assert least <= count * register.count_wh_milli * 1_000 < bound


def test_a_known_step_is_told_from_the_float_alone():
    stepped = next(register for register in FLOATS if register.step)
    counts = np.arange(7_929_500, 7_929_600)  # 79,295 kWh: its last place is 7.8 Wh, less than the step
    least, bound = stepped.between(stepped.raws(counts))
    assert (least // 10**7).tolist() == counts.tolist()
    assert set((bound - least).tolist()) == {10**7}  # 10 Wh in uWh: nothing lost to the float


def test_without_a_step_the_last_place_stands_for_it():
    plain = next(register for register in FLOATS if not register.step)
    raw = int.from_bytes(struct.pack(">f", 2.0**24), "big")  # Wh; last place 2 Wh
    least, bound = plain.between(np.array([raw]))
    assert (int(least[0]), int(bound[0])) == ((2**24 - 1) * 10**6, (2**24 + 3) * 10**6)
