"""The oracle: a window worked out by hand, and truth that always lies inside."""

import random

from simulators.oracle import tightest_window

# asked at, answered at, counter; age 10, step 5
READINGS = [(0, 2, 100), (20, 22, 110), (40, 45, 125), (60, 61, 125), (80, 84, 150)]


def test_worked_by_hand():
    # start in [30, 33]: answered by 30: 110. Asked at 43 or later: 60, 80: below 125 + 5 = 130.
    # end in [62, 70]: answered by 62: 125. Asked at 80 or later: below 150 + 5 = 155.
    assert tightest_window(READINGS, 10, 0, 5, (30, 33), (62, 70)) == (0, 155 - 110)
    # end in [84, 84]: nothing was asked at 94 or later
    assert tightest_window(READINGS, 10, 0, 5, (22, 22), (84, 84)) is None
    # a fresher register and a finer step: start below 110 + 1; end at least 125 - 2
    assert tightest_window(READINGS, 0, 2, 1, (5, 20), (61, 62)) == (125 - 2 - 111, 151 - 98)


def test_a_side_without_a_reading_has_no_bounds():
    assert tightest_window([], 10, 0, 5, (30, 33), (62, 70)) is None
    assert tightest_window(READINGS, 10, 0, 5, (1, 1), (62, 70)) is None


def test_truth_lies_inside_for_any_rising_indication():
    rng = random.Random(9)
    claimed = 0
    for _ in range(300):
        indication = [0]
        while len(indication) < 400:
            indication.append(indication[-1] + rng.randrange(4))
        age, step = rng.randrange(1, 20), rng.randrange(1, 9)
        readings, asked = [], rng.randrange(20, 40)
        while asked < 380:
            answered = asked + rng.randrange(8)
            sampled = rng.randrange(asked, answered + 1)
            held = indication[sampled - rng.randrange(age + 1)]
            readings.append((asked, answered, held // step * step))
            asked = answered + rng.randrange(1, 15)
        start, end = sorted(rng.sample(range(60, 340), 2))
        edges = [(at - rng.randrange(5), at + rng.randrange(5)) for at in (start, end)]
        bounds = tightest_window(readings, age, 0, step, edges[0], edges[1])
        if bounds is not None:
            claimed += 1
            assert bounds[0] <= indication[end] - indication[start] < bounds[1]
    assert claimed > 250
