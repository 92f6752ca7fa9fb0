"""The one function everybody calls: composition, refusals, Python integers out, and honest coverage of U95."""

import random
from dataclasses import fields, is_dataclass
from itertools import accumulate, pairwise

import numpy as np
import pytest

from agent.aggregation import kernels
from agent.aggregation.counter import Anomaly
from agent.aggregation.record import Columns, Edges, Parameters, PointEnergy, compile_kernels, point_energy
from agent.aggregation.uncertainty import Instrument

SECOND = 1_000_000_000


def column(values):
    return np.array(list(values), np.int64)


def columns(rows):
    return Columns(*(column(values) for values in zip(*rows, strict=True))) if rows else Columns(*[column([])] * 3)


def edges(intervals, windows):
    return Edges(column(e for e, _ in intervals), column(latest for _, latest in intervals), tuple(windows))


ROWS = [
    (0, 0, 999_000),
    (1000, 1000, 999_500),
    (2000, 2000, 500),
    (3000, 3000, 700),
    (4000, 4000, 20),
    (5000, 5000, 60),
]
WINDOWS = edges([(500, 500), (2500, 2500), (4500, 4500), (9000, 9000)], [(0, 1), (1, 2), (2, 3)])


def test_a_wrap_is_bridged_and_a_reset_is_not():
    # 999,000 + 250 at 500; 1,000,500 + 100 at 2500: 1350 in all; bounds 1,000,500 - 999,510 and 1,000,710 - 999,000
    point = point_energy(columns(ROWS), Parameters(0, 0, 10, limit=1_000_000, instrument=Instrument(10_000)), WINDOWS)
    first, second, third = point.windows
    assert (first.energy, first.lower, first.upper, first.complete) == (1350, 990, 1710, True)
    assert (second.energy, third.energy) == (None, None)
    assert point.anomalies == (
        Anomaly("wrap", 2, 2000, 999_500, 500),
        Anomaly("back_step", 4, 4000, 700, 20),
    )
    assert point.uncertainties[1:] == (None, None)


def test_a_register_that_fell_is_corrected_towards_zero():
    # a meter that reads 1 % too much of what it moves by: -10,000 / 1.01 is -9,900.99
    rows = columns([(0, 0, 50_000), (10 * SECOND, 10 * SECOND, 40_000)])
    window = edges([(0, 0), (10 * SECOND, 10 * SECOND)], [(0, 1)])
    chain = Instrument(300, certificate_ppm=800, error_ppm=10_000)
    (found,) = point_energy(rows, Parameters(0, 0, 10, instrument=chain, net=True), window).uncertainties
    assert found.corrected == -9_901


@pytest.mark.parametrize(("rise", "jumps"), [(10_000 + 14 + 4 + 1, 0), (10_000 + 14 + 4 + 2, 1)])
def test_a_rounded_register_is_no_jump_at_the_power_declared(rise, jumps):
    # 3,600 W for 10 s are 10,000 mWh; the number before may be `above` too small and the one after `below` too large
    rows = columns([(0, 0, 0), (10 * SECOND, 10 * SECOND, rise)])
    window = edges([(SECOND, SECOND), (9 * SECOND, 9 * SECOND)], [(0, 1)])
    assert len(point_energy(rows, Parameters(0, 4, 14, power_max_w=3600), window).anomalies) == jumps


def test_the_uncertainty_of_a_window_worked_out_by_hand():
    # start: 999,250 in [999,000, 999,510]: sqrt(510^2 - 10^2) / sqrt(12) = 147.2; end: 1,000,600 in [1,000,500,
    #   1,000,710]: sqrt(210^2 - 10^2) / sqrt(12) = 60.6; both 5 above their estimate; resolution sqrt(200 / 12) = 4.1
    # meter 13.5 / sqrt(3) = 7.8; clock 20 ns of 2000 ns of 1350 is 13.5, up 14: sqrt(2 / 3) x 14 = 11.4
    p = Parameters(0, 0, 10, limit=1_000_000, instrument=Instrument(10_000), clock_ns=20)
    found = point_energy(columns(ROWS), p, WINDOWS).uncertainties[0]
    assert (found.meter, found.resolution, found.start, found.end, found.clock) == (8, 5, 148, 61, 12)
    # a trapezoid, from rectangles of half-widths 255 and 105: 360 - sqrt(0.05 x 2 x 255 x 105 x 2) = 286.8 holds 95 %
    assert (found.offset, 286 < found.u95 < 292) == (0, True)


def test_the_slack_on_both_sides_makes_the_resolution():
    # 14 + 10 = 24 / sqrt(12) per reading: sqrt(96) = 9.8; between equal edges there is no energy to shift
    p = Parameters(0, 14, 10, clock_ns=20)
    found = point_energy(columns(ROWS[:2]), p, edges([(400, 600), (400, 600)], [(0, 1)])).uncertainties[0]
    assert (found.resolution, found.clock) == (10, 0)


def test_an_unknown_age_or_class_gives_no_u95():
    known = Instrument(10_000)
    for p in (Parameters(-1, 0, 10, limit=1_000_000, instrument=known), Parameters(0, 0, 10, limit=1_000_000)):
        point = point_energy(columns(ROWS), p, WINDOWS)
        assert (point.windows[0].energy, point.uncertainties[0].u95) == (1350, None)


def test_no_time_has_no_uncertainty():
    p = Parameters(0, 0, 10, instrument=Instrument(10_000))
    assert point_energy(columns(ROWS[:2]), p, edges([(400, 600)], [(0, 0)])).uncertainties[0].u95 == 0


def test_no_readings_give_no_energy():
    point = point_energy(columns([]), Parameters(0, 0, 10), edges([(1, 2), (3, 4)], [(0, 1)]))
    assert (point.windows[0].energy, point.uncertainties, point.anomalies) == (None, (None,), ())


def leaves(value):
    if is_dataclass(value):
        return [leaf for field in fields(value) for leaf in leaves(getattr(value, field.name))]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, tuple) else [value]


def test_only_plain_python_values_come_out():
    point = point_energy(columns(ROWS), Parameters(0, 0, 10, limit=1_000_000, instrument=Instrument(1)), WINDOWS)
    assert isinstance(point, PointEnergy)
    assert {type(leaf) for leaf in leaves(point)} == {int, str, bool, type(None)}


GOOD = [(0, 1, 5), (2, 3, 6), (4, 5, 7)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(0, 1, 5), (4, 5, 7), (2, 3, 6)], "reading 2: answered no later"),
        ([(0, 1, 5), (1, 1, 5), (2, 3, 6)], "reading 1: answered no later"),
        ([(0, 1, 5), (3, 4, 5), (2, 5, 6)], "reading 2: requested earlier"),
        ([(0, 1, 5), (4, 3, 6)], "reading 1: answered before it was requested"),
        ([(-1, 1, 5)], "times from -1 to 1: give ns UTC"),
        ([(0, 2**62, 5)], "times from 0 to 4611686018427387904: give ns UTC"),
        ([(0, 1, 2**62)], "counter: a value reaches"),
    ],
)
def test_unsound_readings_are_refused(rows, message):
    with pytest.raises(ValueError, match=message) as refusal:
        point_energy(columns(rows), Parameters(0, 0, 1), edges([], []))
    assert "\n" not in str(refusal.value)


def test_unsound_columns_are_refused():
    one, two = column([1]), column([1, 2])
    with pytest.raises(ValueError, match=r"different lengths .*'answered_ns': 2"):
        point_energy(Columns(one, two, one), Parameters(0, 0, 1), edges([], []))
    with pytest.raises(ValueError, match="counter: 1-dimensional float64: give"):
        point_energy(Columns(one, one, one.astype(float)), Parameters(0, 0, 1), edges([], []))
    with pytest.raises(ValueError, match=r"different lengths .*'latest_ns': 2"):
        point_energy(columns(GOOD), Parameters(0, 0, 1), Edges(one, two, ()))


@pytest.mark.parametrize(
    ("intervals", "windows", "message"),
    [
        ([(3, 2)], [], "edge 0: its latest instant is before its earliest"),
        ([(1, 2), (3, 2**62)], [], "times from 1 to"),
        ([(3, 3), (1, 1)], [(0, 1)], "window 0..1: it ends at .* before it starts"),
        ([(3, 3)], [(0, 1)], "window 0..1: there are 1 edges"),
    ],
)
def test_unsound_edges_are_refused(intervals, windows, message):
    with pytest.raises(ValueError, match=message):
        point_energy(columns(GOOD), Parameters(0, 0, 1), edges(intervals, windows))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (Parameters(-2, 0, 1), "age_ns is -2: give -1 for unknown"),
        (Parameters(0, -1, 1), "only age_ns may be negative"),
        (Parameters(0, 0, 1, power_max_w=-1), "only age_ns may be negative"),
        (Parameters(0, 0, 2**62), "give a slack of at most 2.61"),
    ],
)
def test_unsound_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        point_energy(columns(GOOD), parameters, edges([], []))


def test_u95_covers_at_least_95_of_100_simulated_truths():
    """A load that switches between 0 and 60 W, a register up to 1 s old, polled every 0.2 s, 1 s or 5 s."""
    rng = random.Random(4711)
    covered = total = 0
    for every_ms in (200, 1000, 5000):
        for _ in range(8):
            milliwatt = [power for _ in range(60) for power in [rng.choice([0, 30_000, 60_000])] * rng.randint(1, 20)]
            true = [0, *accumulate(milliwatt)]  # mW x s at whole seconds; 3600 of them are 1 mWh
            phase, seconds = rng.randrange(1000), len(milliwatt)

            def energy(at_ms, true=true, milliwatt=milliwatt):
                second, part = divmod(at_ms, 1000)
                return (true[second] * 1000 + milliwatt[min(second, len(milliwatt) - 1)] * part) / 3_600_000

            polls = range(rng.randrange(1000) + 1000, seconds * 1000 - 1000, every_ms)
            shown = [int(energy((at - phase) // 1000 * 1000 + phase)) for at in polls]
            cuts = sorted(rng.sample(range(12_000, seconds * 1000 - 12_000), 40))
            point = point_energy(
                columns([(at * 10**6, at * 10**6 + 10**6, value) for at, value in zip(polls, shown, strict=True)]),
                Parameters(SECOND, 0, 1, instrument=Instrument(0)),
                edges([(cut * 10**6, cut * 10**6) for cut in cuts], [(i, i + 1) for i in range(39)]),
            )
            for (begin, end), window, u in zip(pairwise(cuts), point.windows, point.uncertainties, strict=True):
                total += 1
                covered += abs(window.energy - (energy(end) - energy(begin))) <= u.u95
    assert total == 3 * 8 * 39
    assert covered >= 0.95 * total, f"{covered} of {total}"


def test_compiling_leaves_every_kernel_compiled():
    compile_kernels()
    if hasattr(kernels.locate, "signatures"):  # plain functions under NUMBA_DISABLE_JIT
        assert kernels.locate.signatures
        assert kernels.interpolate.signatures
