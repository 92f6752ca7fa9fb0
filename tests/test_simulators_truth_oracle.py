"""The stricter oracle: worked by hand, and right for any indication, however it is read."""

import random

import numpy as np

from simulators.oracle import tightest_window
from simulators.truth_oracle import Shown, tightest


def shown(rows):
    requested, answered, least, bound = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Shown(requested, answered, least, bound)


READINGS = shown([(0, 2, 100, 105), (20, 22, 110, 115), (40, 45, 125, 130), (60, 61, 125, 130), (80, 84, 150, 155)])


def test_worked_by_hand():
    # Age 30, power 1. Numbers are no older than -30, -10, 10, 30 and 50.
    # Start in [8, 12]. Least: 100 of the first answer. Most: 130 + 12 - 10 = 132; 115 + 12 + 10 = 137.
    # End in [46, 50]. Least: 125; 150 - (84 - 46) = 112. Most: 155 at 50; 130 + 50 - 30 = 150.
    assert tightest(READINGS, 30, 1, (8, 12), (46, 50)) == (0, 42)  # 50 - 8: no more can be carried
    assert tightest(READINGS, 30, 10**6, (8, 12), (46, 50)) == (0, 155 - 100)
    # Age 10: what was asked for at 20 is below 115 at 10, at 60 below 130 at 50.
    assert tightest(READINGS, 10, 10**6, (8, 8), (50, 50)) == (125 - 115, 130 - 100)


def indication(rng):
    seen = [0]
    while len(seen) < 400:
        seen.append(seen[-1] + rng.randrange(4))
    return seen


def read(rng, seen, age, step):
    rows, asked, refreshed = [], rng.randrange(20, 40), 0
    while asked < 380:
        answered = asked + rng.randrange(8)
        sampled = rng.randrange(asked, answered + 1)
        refreshed = max(refreshed, sampled - rng.randrange(age + 1))
        rows.append((asked, answered, seen[refreshed] // step * step))
        asked = answered + rng.randrange(1, 15)
    return rows


def test_truth_lies_inside_for_any_indication_and_no_looser_than_the_simple_oracle():
    rng, narrower = random.Random(5), 0
    for _ in range(300):
        seen, age, step = indication(rng), rng.randrange(1, 40), rng.randrange(1, 9)
        rows = read(rng, seen, age, step)
        start, end = sorted(rng.sample(range(60, 320), 2))
        edges = [(at - rng.randrange(5), at + rng.randrange(5)) for at in (start, end)]
        lower, upper = tightest(shown([(*row, row[2] + step) for row in rows]), age, 3, *edges)
        assert lower <= seen[end] - seen[start] <= upper
        simple = tightest_window(rows, age, 0, step, *edges)
        if simple is not None:
            assert simple[0] <= lower
            assert upper <= simple[1]
            narrower += (upper - lower) < (simple[1] - simple[0])
    assert narrower > 200
