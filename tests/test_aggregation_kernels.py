"""The compiled loops against Python's own integers and a linear search."""

import subprocess
import sys

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.aggregation.kernels import last_at_most, locate, muldiv

MOST = 2**63 - 1


@given(st.integers(0, MOST), st.integers(0, MOST), st.integers(1, MOST))
@example(130_000_000_000, 46_999_999_999_999, 47_000_000_000_000)
@example(MOST, MOST, MOST)
@example(MOST, MOST - 1, MOST)
@example(2**62, 2**62, 2**61 + 1)
@settings(deadline=None, max_examples=500)
def test_muldiv_is_exact_wherever_the_result_fits(a, b, c):
    b = min(b, c)  # an interpolation never goes beyond its span, so the result never exceeds a
    assert muldiv(a, b, c) == a * b // c


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(1, MOST))
@settings(deadline=None)
def test_muldiv_beyond_the_span(a, b, c):
    if a * b // c <= MOST:
        assert muldiv(a, b, c) == a * b // c


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(-10, 130), st.integers(-3, 45))
@settings(deadline=None, max_examples=300)
def test_search_finds_the_last_one_from_any_hint(values, most, hint):
    column = np.array(sorted(values), np.int64)
    expected = sum(2 * value <= most for value in values) - 1
    assert last_at_most(column, column, most, hint) == expected


def test_locate_names_the_readings_an_edge_rests_on():
    requested, answered = np.array([[100, 200, 300], [110, 210, 310]], np.int64)
    earliest = np.array([150, 202, 205, 90, 310], np.int64)
    latest = np.array([160, 208, 215, 99, 320], np.int64)
    found = np.empty((4, 5), np.int64)
    locate(requested, answered, 50, earliest, latest, found)
    # worked out by hand from the definitions: request at or after latest + 50, midpoints 105, 205, 305
    assert found[:, 0].tolist() == [0, 1, 0, 2]  # 210 <= 300
    assert found[:, 1].tolist() == [1, 1, 0, 2]  # inside 200..210; 110 <= 202
    assert found[:, 2].tolist() == [1, 2, 0, 2]  # midpoint 210; 265 <= 300
    assert found[:, 3].tolist() == [-1, -1, -1, 1]  # before all: 149 <= 200
    assert found[:, 4].tolist() == [-1, -1, 2, -1]  # midpoint 315, after 305


def test_numba_waits_for_the_first_window():
    code = "import sys, agent.aggregation.record; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
