"""Meters drawn by chance, with all that they did and all that is said of them: truth beside what an agent would know.

In: a seed, a scenario. Out: a `Meter` whose true and indicated energies are exact, its readings, its edges.
Never: the product's code. Errors are drawn from the limits of the standards, here in a table of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import TypeVar

import numpy as np
from numpy.random import Generator

from simulators.truth_load import SECOND_US, FloatArray, IntArray, load, work
from simulators.truth_register import REGISTERS, Register

START_NS = 1_795_132_800 * 10**9
_Choice = TypeVar("_Choice")
DRIFT_PPM_MAX = 100  # of the agent's clock against true time
# Limits in percent from this load on (percent of rated current), at a power factor below 1: IEC 62053-21 and -22; for
# MID classes the wider of the directive's two ranges at 5..30 C. Below its lowest load a meter keeps the widest limit.
METER_LIMITS = {
    "0.2S": ((0, 0.5), (10, 0.3)),
    "0.5S": ((0, 1.0), (10, 0.6)),
    "1": ((0, 1.5), (10, 1.0)),
    "2": ((0, 2.5), (10, 2.0)),
    "MID B": ((0, 2.0),),
    "MID C": ((0, 1.0),),
}
DIRECT_LIMITS = METER_LIMITS | {"1": ((0, 1.5), (20, 1.0)), "2": ((0, 2.5), (20, 2.0))}
# IEC 61869-2: from this load on, ratio error in percent and phase displacement in minutes.
CT_LIMITS = {
    "0.2S": ((0, 0.75, 30), (5, 0.35, 15), (20, 0.2, 10)),
    "0.5S": ((0, 1.5, 90), (5, 0.75, 45), (20, 0.5, 30)),
    "0.5": ((0, 1.5, 90), (20, 0.75, 45), (100, 0.5, 30)),
    "1": ((0, 3.0, 180), (20, 1.5, 90), (100, 1.0, 60)),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is drawn from: bounds of uniform or lists of equal chances; times in ms and s, loads as shares of rated."""

    registers: tuple[Register, ...]
    rated_w: tuple[float, float]  # log-uniform
    rated_stated: float  # how likely the site states it
    load: tuple[float, float]  # log-uniform
    tan_phi: tuple[float, float]
    classes: tuple[str, ...]
    ratios: tuple[int, ...]  # 1 is a meter without transformers
    ratio_in_register: bool
    poll_ms: tuple[int, ...]
    age_ms: tuple[int, ...]
    edge_ms: tuple[int, ...]  # widths of the edges' intervals
    readings: int
    length_s: tuple[int, int]


PLANT = Scenario(
    registers=REGISTERS, rated_w=(3e3, 6e5), rated_stated=0.5, load=(0.03, 1.0), tan_phi=(0.1, 0.75),
    classes=tuple(METER_LIMITS), ratios=(1, 1, 1, 12, 40, 80, 160), ratio_in_register=False,
    poll_ms=(500, 1_000, 1_000, 2_000, 5_000, 15_000, 60_000), age_ms=(200, 500, 1_000, 2_000, 5_000),
    edge_ms=(0, 2, 20, 200, 1_000), readings=900, length_s=(300, 3_600),
)  # fmt: skip
# Fine steps in registers that are seconds late: what is left is the time of refreshes, reads and edges.
LATE = Scenario(
    registers=REGISTERS[:1], rated_w=(1e5, 6e5), rated_stated=0.5, load=(0.1, 1.0), tan_phi=(0.1, 0.75),
    classes=("0.2S", "0.5S"), ratios=(40, 80, 160), ratio_in_register=True, poll_ms=(500, 1_000, 2_000),
    age_ms=(1_000, 2_000, 5_000), edge_ms=(0, 2, 20, 200, 1_000), readings=900, length_s=(300, 1_800),
)  # fmt: skip
# Fine steps, quick reads, long batches: what is left is the meter, its transformers and their phase.
INSTRUMENTS = Scenario(
    registers=REGISTERS[:1], rated_w=(2e5, 6e5), rated_stated=1.0, load=(0.2, 1.0), tan_phi=(0.3, 0.75),
    classes=("0.5S", "1", "2"), ratios=(1, 80, 160), ratio_in_register=True, poll_ms=(1_000,),
    age_ms=(200, 500), edge_ms=(0, 2, 20), readings=3_000, length_s=(2_400, 3_000),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Declared:
    """What the site says of a meter; `ratio` 1 and no `ct_class` for one without transformers."""

    register: Register
    age_ns: int
    power_max_w: int
    rated_w: int | None
    accuracy_class: str
    ct_class: str | None
    ratio: int
    ratio_in_register: bool

    @property
    def count_wh_milli(self) -> int:
        """What one count of the register is worth on the circuit's side."""
        return self.register.count_wh_milli * (1 if self.ratio_in_register else self.ratio)


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter's readings in agent time (ns), its edges' intervals, and the truth at the edges in mW us.

    Its power is read after its counter, answered at `power_ns`; a refresh may come between the two.
    `indicated` is what its ideal accumulator had counted at each true edge; `true` what the circuit had used.
    """

    declared: Declared
    load: float
    requested_ns: IntArray
    answered_ns: IntArray
    raws: IntArray
    power_ns: IntArray
    power_w: IntArray
    edges_ns: tuple[tuple[int, int], ...]
    true: tuple[int, ...]
    indicated: tuple[int, ...]


def draw(seed: int, number: int, scenario: Scenario) -> Meter:
    """One meter and its run: a function of its arguments."""
    rng = np.random.default_rng([seed, number])
    poll_us, age_us, width_us = (1_000 * _pick(rng, s) for s in (scenario.poll_ms, scenario.age_ms, scenario.edge_ms))
    low_s, high_s = scenario.length_s
    length_us = int(np.clip(scenario.readings * poll_us, low_s * SECOND_US, high_s * SECOND_US))
    rated_w = int(_log_uniform(rng, *scenario.rated_w))
    level = _log_uniform(rng, *scenario.load)
    drawn = load(rng, rated_w * 1_000, level, rng.uniform(*scenario.tan_phi), length_us + 4 * SECOND_US)
    used = work(drawn.starts_us, drawn.power_mw)
    edges_us = _edges(rng, length_us, margin_us=2 * poll_us + 2 * age_us + 4 * SECOND_US + width_us)
    true = used.at(edges_us)
    mean_load = float(true[-1] - true[0]) / float(edges_us[-1] - edges_us[0]) / (rated_w * 1_000)

    register = _pick(rng, scenario.registers)
    ratio = _pick(rng, scenario.ratios) if register.count_wh_milli <= 10_000 else 1
    ct_class = _pick(rng, tuple(CT_LIMITS)) if ratio > 1 else None
    declared = Declared(
        register, age_us * 1_000, int(rated_w * rng.uniform(1.1, 1.5)),
        rated_w if rng.random() < scenario.rated_stated else None,
        _pick(rng, scenario.classes), ct_class, ratio, scenario.ratio_in_register,
    )  # fmt: skip
    error = _errors(rng, declared, 100 * mean_load, drawn.tan_phi)
    counted = work(drawn.starts_us, np.rint(drawn.power_mw * (1 + error)).astype(np.int64))

    requested_us, answered_us = _polls(rng, poll_us, length_us)
    sampled_us = rng.integers(requested_us, answered_us + 1)
    power_us = answered_us + rng.integers(1_000, 30_000, len(answered_us))
    held_us, power_held_us = np.split(_held(rng, age_us, np.concatenate([sampled_us, power_us])), 2)
    ppm = int(rng.integers(-DRIFT_PPM_MAX, DRIFT_PPM_MAX + 1))
    return Meter(
        declared,
        mean_load,
        _agent_ns(requested_us, ppm) // 1_000_000 * 1_000_000,  # kept to the tick, rounded down
        _tick_up(_agent_ns(answered_us, ppm)),
        register.raws(_counts(rng, declared, counted.at(held_us))),
        _tick_up(_agent_ns(power_us, ppm)),
        counted.level(power_held_us) // 1_000,
        _intervals(rng, _agent_ns(edges_us, ppm), width_us * 1_000),
        tuple(true.tolist()),
        tuple(counted.at(edges_us).tolist()),
    )


def _counts(rng: Generator, declared: Declared, done: IntArray) -> IntArray:
    """Counts of the register from a random start; one in five starts so close to its end that it wraps on the way."""
    register = declared.register
    per_count = declared.count_wh_milli * 3_600 * SECOND_US  # mW us
    counts = int(done[-1]) // per_count
    start = int(rng.integers(10**9, 10**11)) // register.count_wh_milli
    if register.modulus:
        start = register.modulus - int(rng.integers(1, counts + 2)) if rng.random() < 0.2 else start % register.modulus
    within: IntArray = start + (int(rng.integers(per_count)) + done) // per_count
    return within


def _errors(rng: Generator, declared: Declared, load_percent: float, tan_phi: FloatArray) -> FloatArray:
    """Relative error of the chain in each step: constants drawn evenly within their limits, phase through tan(phi)."""
    classes = DIRECT_LIMITS if declared.ct_class is None else METER_LIMITS
    (meter,) = _limits(classes[declared.accuracy_class], load_percent)
    ratio, minutes = (0.0, 0.0) if declared.ct_class is None else _limits(CT_LIMITS[declared.ct_class], load_percent)
    even = rng.uniform(-1, 1, 3)
    shift = even[2] * minutes * pi / 10_800
    error: FloatArray = (1 + even[0] * meter / 100) * (1 + even[1] * ratio / 100) * (1 + shift * tan_phi) - 1
    return error


def _limits(steps: tuple[tuple[float, ...], ...], load_percent: float) -> tuple[float, ...]:
    return max(step for step in steps if step[0] <= load_percent)[1:]


def _polls(rng: Generator, poll_us: int, length_us: int) -> tuple[IntArray, IntArray]:
    """Requests with jitter and their answers, one in fifty missing, now and then several in a row."""
    count = length_us // poll_us
    requested = np.arange(count) * poll_us + rng.integers(0, poll_us // 5, count)
    slow = rng.random(count) < 0.05
    answered = requested + np.where(slow, rng.integers(50_000, 250_000, count), rng.integers(5_000, 50_000, count))
    kept = rng.random(count) > 0.02
    if rng.random() < 0.2:
        gap = int(rng.integers(2, count - 8))
        kept[gap : gap + int(rng.integers(2, 6))] = False
    kept[:2] = kept[-2:] = True
    return requested[kept], answered[kept]


def _held(rng: Generator, age_us: int, sampled_us: IntArray) -> IntArray:
    """The instant of which each sample tells: refreshes, steady or not, in any phase, of what was measured a while ago.

    Together they are never as old as `age_us`. Before the first refresh the register shows the beginning.
    """
    delay_us = int(age_us * rng.choice([0.0, rng.uniform(0.05, 0.7)]))
    gap_us, least = age_us - delay_us, rng.choice([0.3, 0.9])
    gaps = (gap_us * rng.uniform(least, 0.999, int(sampled_us.max() / gap_us / least) + 2)).astype(np.int64)
    refreshed_us = int(rng.integers(gaps[0])) + np.concatenate([[0], np.cumsum(gaps[1:])])
    last = np.searchsorted(refreshed_us, sampled_us, side="right") - 1
    held: IntArray = np.where(last >= 0, np.maximum(refreshed_us[last] - delay_us, 0), 0)
    return held


def _edges(rng: Generator, length_us: int, margin_us: int) -> IntArray:
    """Four true edges of three batches, each at least a twentieth of the time apart."""
    room = length_us - 2 * margin_us
    shares = rng.dirichlet(np.ones(5)) * 0.85 + 0.03
    edges: IntArray = margin_us + (np.cumsum(shares)[:4] * room).astype(np.int64)
    return edges


def _intervals(rng: Generator, edges_ns: IntArray, width_ns: int) -> tuple[tuple[int, int], ...]:
    """An interval around each edge: the edge lies anywhere in it, and wanders as the source's clock drifts."""
    place, drift = rng.random(), rng.choice([0.0, rng.uniform(-0.2, 0.2), rng.uniform(-5, 5)])
    found = []
    for index, at_ns in enumerate(edges_ns.tolist()):
        turn = (place + index * drift) % 2
        earliest_ns = at_ns - int(width_ns * min(turn, 2 - turn))
        found.append((earliest_ns, earliest_ns + width_ns))
    return tuple(found)


def _agent_ns(at_us: IntArray, ppm: int) -> IntArray:
    ns: IntArray = START_NS + (at_us + at_us * ppm // 10**6) * 1_000
    return ns


def _tick_up(ns: IntArray) -> IntArray:
    """Answers are kept to the tick, rounded up."""
    ticks: IntArray = -(-ns // 1_000_000) * 1_000_000
    return ticks


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _pick(rng: Generator, choices: Sequence[_Choice]) -> _Choice:
    return choices[int(rng.integers(len(choices)))]
