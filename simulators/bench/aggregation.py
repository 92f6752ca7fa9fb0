"""What the energies of a whole plant's day cost: `python -m simulators.bench.aggregation`.

In: meters, seconds of readings at 1 Hz, windows a meter. Out: readings per second, and beside each the ratio to a bare
sum of the same bytes (times, counter and status) on one thread in the same run. All rules for anomalies, statuses and
bounds are on. Medians of repetitions that take turns, for other work on the machine slows whoever is at it just then.

What limits it: with few windows, reading three columns and statuses once from memory, some seven tenths of the bare
sum; with many, looking for edges, some 50 ns each; of a point with a wrap or a reset, numpy's several passes over it.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
from numba import set_num_threads

from agent.aggregation.bulk import Points, Windows, energies
from agent.aggregation.record import Parameters
from simulators.bench import aggregation_peers as peers

SECOND = 10**9
MORNING_NS = 1_767_225_600 * SECOND
# A meter of 1 Wh a step in mWh, its register half a second old at most, on a circuit of 100 kW; it wraps at 1e12 mWh.
METER = Parameters(SECOND // 2, 0, 1000, limit=10**12, power_max_w=100_000)
RISE_MOST = 20  # mWh a second: 72 kW
SUM, SUM_2, SCAN, ONE, TWO, ONE_FAULTY = (
    "bare sum, 1 thread", "bare sum, 2 threads", "kernels, 1 thread, no windows", "kernels, 1 thread",
    "kernels, 2 threads", "kernels, 1 thread, 1 % wrapped or reset",
)  # fmt: skip


def plant(meters: int, seconds: int, faulty: int, seed: int = 1) -> Points:
    """Readings with jitter in request and answer; the counters of the first `faulty` meters wrap or are reset once."""
    draw = np.random.default_rng(seed)
    size = meters * seconds
    every_ns = MORNING_NS + np.arange(seconds, dtype=np.int64) * SECOND
    requested_ns = np.tile(every_ns, meters) + draw.integers(0, 20_000_000, size)
    answered_ns = requested_ns + draw.integers(3_000_000, 9_000_000, size)
    counter = np.cumsum(draw.integers(0, RISE_MOST, (meters, seconds)), axis=1)
    for meter in range(faulty):
        at = int(draw.integers(seconds // 4, seconds * 3 // 4))
        counter[meter, at:] -= counter[meter, at]
        if meter % 2:
            counter[meter, :at] += METER.limit - 1 - counter[meter, at - 1]
    first = np.arange(meters + 1, dtype=np.int64) * seconds
    return Points(first, requested_ns, answered_ns, counter.ravel(), np.zeros(size, np.uint32))


def windows(meters: int, seconds: int, each: int, seed: int = 2) -> Windows:
    """Windows that share their edges, at any instants of the day."""
    span = (MORNING_NS + 2 * SECOND, MORNING_NS + (seconds - 2) * SECOND)
    cuts = np.sort(np.random.default_rng(seed).integers(*span, (meters, each + 1)), axis=1).ravel()
    between = np.stack([np.arange(each), np.arange(1, each + 1)], axis=1)
    number = np.arange(meters + 1, dtype=np.int64)
    return Windows(number * (each + 1), cuts, cuts, number * each, np.tile(between, (meters, 1)))


def timed(contenders: Mapping[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Median seconds of each, all of them in turn; the first round warms up and does not count."""
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repetitions + 1):
        for name, run in contenders.items():
            began = time.perf_counter()
            run()
            took[name].append(time.perf_counter() - began)
    return {name: statistics.median(times[1:]) for name, times in took.items()}


def contenders(points: Points, faulty: Points, asked: Windows, *, frames: bool) -> dict[str, Callable[[], object]]:
    """Everything that is timed for one number of windows, by name."""
    declared = [METER] * (points.first.size - 1)
    nothing = np.zeros_like(asked.first)
    unasked = Windows(nothing, asked.earliest_ns[:0], asked.latest_ns[:0], nothing, asked.between[:0])
    set_num_threads(min(2, peers.threads_most()))
    one, two = peers.sums(points)
    found: dict[str, Callable[[], object]] = {
        SUM: one,
        SCAN: lambda: energies(points, declared, unasked),
        ONE: lambda: energies(points, declared, asked),
        ONE_FAULTY: lambda: energies(faulty, declared, asked),
        SUM_2: two,
        TWO: lambda: energies(points, declared, asked, threads=2),
    }
    return found | (dict(peers.frames(points, asked)) if frames else {})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="simulators.bench.aggregation")
    parser.add_argument("--meters", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=86_400)
    parser.add_argument("--windows", type=int, nargs="+", default=[100, 1440, 20_000])
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--no-frames", action="store_true", help="leave polars, pandas and DuckDB out")
    given = parser.parse_args()
    say = sys.stdout.write
    points = plant(given.meters, given.seconds, 0)
    faulty = plant(given.meters, given.seconds, max(1, given.meters // 100))
    read = sum(column.nbytes for column in points[1:]) / points.counter.size
    say(f"{given.meters} meters x {given.seconds} s at 1 Hz, {read:.0f} bytes a reading, {given.repetitions} times\n")
    for each in given.windows:
        asked = windows(given.meters, given.seconds, each)
        took = timed(contenders(points, faulty, asked, frames=not given.no_frames), given.repetitions)
        say(f"  {each} windows a meter{'':14} million readings/s  of the bare sum\n")
        for name, seconds in took.items():
            say(f"    {name:<40}{points.counter.size / seconds / 1e6:10.1f} {took[SUM] / seconds:17.4f}\n")
    for name in peers.FRAMES:
        if not given.no_frames and name not in took:
            say(f"  {name} is not installed: not compared\n")


if __name__ == "__main__":
    main()
