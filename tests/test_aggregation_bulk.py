"""Many points at once give the digits of one at a time: wraps, resets, bad readings, unsound points, threads."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.aggregation.bulk import Points, Windows, energies
from agent.aggregation.record import Columns, Edges, Parameters, point_energy
from agent.aggregation.window import MISSING

SECOND = 10**9
BAD = 0x80000000
RATED = Parameters(SECOND // 2, 0, 10, limit=100_000, power_max_w=20_000)  # 5.6 Wh a second
DECLARED = [RATED, Parameters(-1, 1, 5, limit=1000), Parameters(0, 0, 1)]


def whole(values):
    return np.array(values, np.int64)


def points(rows):
    """`rows` holds, for each point, (requested, answered, counter, status) of its readings."""
    columns = [[reading[n] for point in rows for reading in point] for n in range(4)]
    first = whole(np.cumsum([0, *(len(point) for point in rows)]))
    return Points(first, *(whole(column) for column in columns[:3]), np.array(columns[3], np.uint32))


def windows(intervals, between):
    """For each point its edges' intervals, and its windows."""
    edges = [edge for point in intervals for edge in point]
    pairs = np.array([pair for point in between for pair in point], np.int64).reshape(-1, 2)
    return Windows(
        whole(np.cumsum([0, *map(len, intervals)])), whole([e for e, _ in edges]), whole([e for _, e in edges]),
        whole(np.cumsum([0, *map(len, between)])), pairs,
    )  # fmt: skip


def one(rows, declared, intervals, between):
    good = [row for row in rows if row[3] < 0x40000000]
    columns = Columns(*(whole([row[n] for row in good]) for n in range(3)))
    edges = Edges(whole([e for e, _ in intervals]), whole([e for _, e in intervals]), tuple(between))
    return good, point_energy(columns, declared, edges)


def figures(found, at):
    row = (int(column[at]) for column in (found.energy, found.lower, found.upper))
    energy, lower, upper = (None if value == MISSING else value for value in row)
    share = int(found.measured_ppm[at])
    return energy, lower, upper, None if share < 0 else (share, 10**6 - share), bool(found.complete[at])


RISES = st.one_of(st.integers(0, 5000), st.sampled_from([-99_999, -900, -1, 0, 90_000, 400_000, 2**62]))
READINGS = st.lists(
    st.tuples(st.integers(0, SECOND), st.integers(1, SECOND), RISES, st.sampled_from([0, 0, 0, 0, 0, 0x40000000, BAD])),
    max_size=40,
)


@st.composite
def plants(draw):
    rows, intervals, between = [], [], []
    for _ in DECLARED:
        at, counter, point = 10 * SECOND, draw(st.just(0) | st.integers(-1, 99_999)), []
        clean = draw(st.booleans())
        for pause, took, rise, status in draw(READINGS):
            counter += abs(rise) % 2000 if clean else rise
            counter = counter % 100_000 if abs(rise) < 10_000 else max(-(2**62), min(counter, 2**62))
            point.append((at + pause, at + pause + took, counter, 0 if clean else status))
            at += pause + took
        cuts = sorted(draw(st.lists(st.integers(9 * SECOND, at + SECOND), max_size=12)))
        wide = draw(st.integers(0, SECOND))
        rows.append(point)
        intervals.append([(cut, cut + wide) for cut in cuts])
        between.append([*pairwise(range(len(cuts))), *((0, n) for n in range(len(cuts)))])
    return rows, intervals, between


@given(plants())
@settings(deadline=None, max_examples=200)
def test_the_digits_are_those_of_one_point_at_a_time(plant):
    rows, intervals, between = plant
    found = energies(points(rows), DECLARED, windows(intervals, between))
    at = 0
    for number, declared in enumerate(DECLARED):
        if number in found.refused:
            with pytest.raises(ValueError) as refusal:
                one(rows[number], declared, intervals[number], between[number])
            assert found.refused[number] == str(refusal.value)
            assert all(figures(found, at + n)[0] is None for n in range(len(between[number])))
        else:
            good, expected = one(rows[number], declared, intervals[number], between[number])
            for n, window in enumerate(expected.windows):
                mine = (window.energy, window.lower, window.upper, window.method_share_ppm, window.complete)
                assert figures(found, at + n) == mine
            kept = [index for index, row in enumerate(rows[number]) if row in good]
            told = [(a.kind, a.index, a.before, a.after) for a in found.anomalies.get(number, ())]
            assert told == [(a.kind, kept[a.index], a.before, a.after) for a in expected.anomalies]
        at += len(between[number])


def paced(size, step=7, took=1000):
    return [(n * SECOND, n * SECOND + took, 1000 + n * step, 0) for n in range(1, size + 1)]


@pytest.mark.parametrize("edges", [3, 700], ids=["few edges", "many edges"])
@pytest.mark.parametrize("threads", [1, 2])
def test_long_columns_over_several_blocks(edges, threads):
    fell = paced(5000)
    fell[4321:] = [(a, b, c - 20_000, s) for a, b, c, s in fell[4321:]]  # 31,240 -> 11,247
    leapt = paced(5000)
    leapt[2048:] = [(a, b, c + 90_000, s) for a, b, c, s in leapt[2048:]]  # the first reading of the second block
    rows = [paced(5000), fell, leapt]
    declared = [RATED] * 3
    cuts = [2 * SECOND + n * 4990 * SECOND // edges for n in range(edges)]
    intervals, between = [[(cut, cut) for cut in cuts]] * 3, [list(pairwise(range(edges)))] * 3
    found = energies(points(rows), declared, windows(intervals, between), threads)
    told = {at: [(a.kind, a.index) for a in anomalies] for at, anomalies in found.anomalies.items()}
    assert told == {1: [("back_step", 4321)], 2: [("jump", 2048)]}
    for number in range(3):
        _, expected = one(rows[number], RATED, intervals[number], between[number])
        mine = [figures(found, number * (edges - 1) + n)[0] for n in range(edges - 1)]
        assert mine == [window.energy for window in expected.windows]


def test_worked_out_by_hand():
    rows = [paced(20, took=2), []]
    found = energies(points(rows), [RATED, RATED], windows([[(2 * SECOND, 2 * SECOND), (11 * SECOND, 11 * SECOND)]] * 2,
                                                            [[(0, 1)], [(0, 1)]]))  # fmt: skip
    # both edges lie in a request..answer, 2 ns before an answer of 1014 or 1077, in which nothing flows: one less for
    # rounding; above, the first asked for half a second after, 10 more
    assert figures(found, 0) == (63, 1076 - 1031, 1094 - 1013, (10**6, 0), True)
    assert figures(found, 1) == (None, None, None, None, False)


def test_one_unsound_point_costs_the_others_nothing():
    late = paced(20)
    late[5], late[6] = late[6], late[5]
    rows = [paced(20), late, paced(20)]
    asked = windows([[(2 * SECOND, 2 * SECOND), (9 * SECOND, 9 * SECOND)]] * 3, [[(0, 1)]] * 3)
    found = energies(points(rows), [RATED] * 3, asked)
    assert found.energy.tolist() == [49, MISSING, 49]
    assert list(found.refused) == [1]
    assert "reading 6: answered no later than the one before it" in found.refused[1]


def test_bad_readings_are_passed_over():
    rows = paced(20)
    rows[7] = (*rows[7][:2], 0, BAD)
    asked = windows([[(2 * SECOND, 2 * SECOND), (15 * SECOND, 15 * SECOND)]], [[(0, 1)]])
    found = energies(points([rows]), [RATED], asked)
    assert (found.energy.tolist(), dict(found.anomalies)) == ([91], {})


@pytest.mark.parametrize(
    ("intervals", "between", "words"),
    [
        ([(3, 2)], [], "edge 0: its latest instant is before its earliest"),
        ([(5, 5), (1, 1)], [(0, 1)], "window 0..1: it ends at .* before it starts"),
        ([(5, 5)], [(0, 1)], "window 0..1: there are 1 edges"),
        ([(-1, 5)], [], "times from -1 to 5"),
    ],
)
def test_unsound_questions_are_refused_in_the_words_of_record(intervals, between, words):
    with pytest.raises(ValueError, match=words):
        energies(points([paced(20)]), [RATED], windows([intervals], [between]))


def test_columns_that_do_not_fit_are_refused():
    sound, asked = points([paced(3)]), windows([[]], [[]])
    for wrong, words in [
        (sound._replace(counter=sound.counter.astype(np.float64)), "counter: 1-dimensional float64: give int64"),
        (sound._replace(counter=sound.counter[:2]), "1 points, columns of {2, 3} rows"),
        (sound._replace(first=whole([0, 4])), "give every point a part"),
        (sound._replace(status=sound.counter), "status: 1-dimensional int64: give uint32"),
    ]:
        with pytest.raises(ValueError, match=words):
            energies(wrong, [RATED], asked)
    with pytest.raises(ValueError, match="only age_ns may be negative"):
        energies(sound, [Parameters(0, -1, 0)], asked)


def test_numba_waits_until_something_is_asked():
    code = "import sys, agent.aggregation.bulk; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
