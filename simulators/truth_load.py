"""Loads whose energy is known exactly: machines that step many times a second, drawn by chance.

In: a random generator, the rated power, a mean level, a length. Out: power in mW and tan(phi) between instants in us,
and energies in mW us as exact int64.
Never: the product's code.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
SECOND_US = 1_000_000
WH_MILLI_MW_US = 3_600 * SECOND_US  # 1 mWh = 3.6 J = 3,600 mW s


@dataclass(frozen=True, slots=True)
class Work:
    """Energy since instant 0 under powers that are constant between `starts_us`; 600 kW for 4 h fit 64 bits."""

    starts_us: IntArray
    power_mw: IntArray
    before: IntArray  # mW us done by each start

    def at(self, at_us: IntArray) -> IntArray:
        """Energy done by each instant, in mW us."""
        step = np.searchsorted(self.starts_us, at_us, side="right") - 1
        done: IntArray = self.before[step] + self.power_mw[step] * (at_us - self.starts_us[step])
        return done

    def level(self, at_us: IntArray) -> IntArray:
        """Power at each instant, in mW."""
        power: IntArray = self.power_mw[np.searchsorted(self.starts_us, at_us, side="right") - 1]
        return power


@dataclass(frozen=True, slots=True)
class Load:
    """What a circuit draws: steps, their power and their tan(phi)."""

    starts_us: IntArray
    power_mw: IntArray
    tan_phi: FloatArray


def work(starts_us: IntArray, power_mw: IntArray) -> Work:
    """Sum up powers that hold from one start to the next; the last one for ever."""
    done = np.concatenate([[0], np.cumsum(power_mw[:-1] * np.diff(starts_us))])
    return Work(starts_us, power_mw, done.astype(np.int64))


def load(rng: Generator, rated_mw: int, level: float, tan_phi: float, length_us: int) -> Load:
    """Draw a machine and its steps, with a mean near `level` of the rated power and no step above it."""
    machine = MACHINES[int(rng.integers(len(MACHINES)))]
    seconds, shape = machine(rng, 64)
    while seconds.sum() * SECOND_US < length_us:
        more_seconds, more_shape = machine(rng, len(seconds))
        seconds, shape = np.concatenate([seconds, more_seconds]), np.concatenate([shape, more_shape])
    lengths = np.maximum(1_000, seconds * SECOND_US).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    mean = (shape * lengths).sum() / lengths.sum()
    power = np.minimum(rated_mw, shape / mean * level * rated_mw).astype(np.int64)
    within = starts < length_us
    return Load(starts[within], power[within], tan_phi * rng.uniform(0.8, 1.2, int(within.sum())))


def _furnace(rng: Generator, steps: int) -> tuple[FloatArray, FloatArray]:
    return rng.uniform(0.5, 8, steps), rng.uniform(0.9, 1.1, steps)


def _press(rng: Generator, steps: int) -> tuple[FloatArray, FloatArray]:
    """A stroke of a moment, then the flywheel alone."""
    stroke = np.arange(steps) % 2 == 0
    return (
        np.where(stroke, rng.uniform(0.1, 0.4, steps), rng.uniform(0.4, 1.5, steps)),
        np.where(stroke, rng.uniform(3, 5, steps), 0.4),
    )


def _welder(rng: Generator, steps: int) -> tuple[FloatArray, FloatArray]:
    """Pulses of 20 to 300 ms and almost nothing between them."""
    pulse = np.arange(steps) % 2 == 0
    return (
        np.where(pulse, rng.uniform(0.02, 0.3, steps), rng.uniform(0.2, 2, steps)),
        np.where(pulse, rng.uniform(4, 8, steps), 0.02),
    )


def _motor(rng: Generator, steps: int) -> tuple[FloatArray, FloatArray]:
    """Starting current, run, standstill."""
    phase = np.arange(steps) % 3
    seconds = [rng.uniform(0.2, 1, steps), rng.uniform(5, 60, steps), rng.uniform(2, 20, steps)]
    return np.choose(phase, seconds), np.choose(phase, [np.full(steps, 6.0), rng.uniform(0.8, 1.2, steps), 0.0])


def _machine_tool(rng: Generator, steps: int) -> tuple[FloatArray, FloatArray]:
    return rng.uniform(0.1, 3, steps), rng.uniform(0.1, 2, steps)


MACHINES: tuple[Callable[[Generator, int], tuple[FloatArray, FloatArray]], ...] = (
    _furnace,
    _press,
    _welder,
    _motor,
    _machine_tool,
)
