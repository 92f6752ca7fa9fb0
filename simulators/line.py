"""A production line: batches one after another, what they draw, what they make, and what a controller shows.

In: a line's description, a seed, the base load. Out: spans of batches and pauses without end, exact power, exact
mass, true batches.
Never: the clock, floats; nothing here knows of meters.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from simulators.load import machine_cycle, scaled_load
from simulators.scenario import Line as LineConfig
from simulators.signals import SECOND_NS, Repeating, Sum, Track, constant

LEAD_NS = 12 * SECOND_NS


@dataclass(frozen=True, slots=True)
class TrueBatch:
    """One production run as it really was; masses are what was made between its edges, rounded down to 1 mg."""

    batch_id: str
    product: str
    start_ns: int
    end_ns: int
    good_g_milli: int
    scrap_g_milli: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A batch, or the pause between two (`batch_id` and `product` empty, rates zero).

    `*_before`: the totalisers at its start.
    """

    start_ns: int
    end_ns: int
    batch_id: str
    product: str
    power: Repeating
    air_m3_micro_per_s: int
    good_g_milli_per_s: int
    scrap_g_milli_per_s: int
    good_before_g_milli: int
    scrap_before_g_milli: int

    def good_g_milli(self, at_ns: int) -> int:
        """Return good mass made since the start of the stretch."""
        return self.good_g_milli_per_s * (at_ns - self.start_ns) // SECOND_NS

    def scrap_g_milli(self, at_ns: int) -> int:
        """Return scrap made since the start of the stretch."""
        return self.scrap_g_milli_per_s * (at_ns - self.start_ns) // SECOND_NS


class Line:
    """A line from `start_ns` on: a pure function of (description, seed, start, mean batch length)."""

    def __init__(self, config: LineConfig, base: Repeating, seed: int, start_ns: int, batch_s: int) -> None:
        self.config = config
        self.start_ns = start_ns
        rng = random.Random(f"{seed}/line/{config.id}")
        self.stretches = Track(start_ns, _stretches(config, rng, start_ns, batch_s), lambda stretch: stretch.power)
        self.power = Sum((scaled_load(base, config.base_permille), self.stretches))

    def batches(self, until_ns: int) -> list[TrueBatch]:
        """Return the batches that ended at or before an instant, in order."""
        return [
            TrueBatch(s.batch_id, s.product, s.start_ns, s.end_ns, s.good_g_milli(s.end_ns), s.scrap_g_milli(s.end_ns))
            for s in self.stretches.spans(until_ns)
            if s.batch_id and s.end_ns <= until_ns
        ]

    def shown(self, at_ns: int) -> dict[str, tuple[str | int, int]]:
        """Return what the controller knows at an instant: BatchId, Product, Running, Produced, Scrap (in mg)."""
        past = self.stretches.spans(at_ns)
        now = past[-1]
        good = now.good_before_g_milli + now.good_g_milli(at_ns)
        scrap = now.scrap_before_g_milli + now.scrap_g_milli(at_ns)
        return {
            "BatchId": (now.batch_id, _held_since(past, lambda s: s.batch_id)),
            "Product": (now.product, _held_since(past, lambda s: s.product)),
            "Running": (bool(now.batch_id), _held_since(past, lambda s: bool(s.batch_id))),
            "Produced": (good, _made_since(past, at_ns, lambda s: s.good_g_milli_per_s)),
            "Scrap": (scrap, _made_since(past, at_ns, lambda s: s.scrap_g_milli_per_s)),
        }


def _stretches(config: LineConfig, rng: random.Random, start_ns: int, batch_s: int) -> Iterator[Stretch]:
    """Draw pauses of 3 to 8 s and batches of `batch_s` +-20 %; one batch in four follows the last without a pause.

    The first pause is longer, so that whoever meters the plant can be there in time.
    """
    good, scrap = rng.randrange(10**12), rng.randrange(10**10)
    pause = constant(config.standby_w * 1000)
    at_ns, number = start_ns, 0
    while True:
        if number == 0 or rng.randrange(4):
            end_ns = at_ns + rng.randrange(3 * SECOND_NS, 8 * SECOND_NS) + (0 if number else LEAD_NS)
            yield Stretch(at_ns, end_ns, "", "", pause, config.standby_air_l_per_s * 1000, 0, 0, good, scrap)
            at_ns = end_ns
        number += 1
        product = config.products[rng.randrange(len(config.products))]
        made_g_milli_per_s = product.made_g_per_s * 1000
        scrap_rate = made_g_milli_per_s * rng.randrange(10, 41) // 1000
        batch = Stretch(
            start_ns=at_ns,
            end_ns=at_ns + batch_s * SECOND_NS * 4 // 5 + rng.randrange(batch_s * SECOND_NS * 2 // 5),
            batch_id=f"{config.batch_prefix}-{number:04d}",
            product=product.name,
            power=machine_cycle(rng, at_ns, product.run_w * 1000),
            air_m3_micro_per_s=product.air_l_per_s * 1000,
            good_g_milli_per_s=made_g_milli_per_s - scrap_rate,
            scrap_g_milli_per_s=scrap_rate,
            good_before_g_milli=good,
            scrap_before_g_milli=scrap,
        )
        yield batch
        at_ns = batch.end_ns
        good += batch.good_g_milli(at_ns)
        scrap += batch.scrap_g_milli(at_ns)


def _held_since(past: Sequence[Stretch], value: Callable[[Stretch], object]) -> int:
    """Return when the value of the last stretch was first taken, without another in between."""
    first = past[-1]
    for stretch in reversed(past):
        if value(stretch) != value(first):
            break
        first = stretch
    return first.start_ns


def _made_since(past: Sequence[Stretch], at_ns: int, rate: Callable[[Stretch], int]) -> int:
    """Return the first instant at which a totaliser had reached what it shows."""
    for stretch in reversed(past):
        made = rate(stretch) * (min(at_ns, stretch.end_ns) - stretch.start_ns) // SECOND_NS
        if made:
            return stretch.start_ns - (
                -made * SECOND_NS // rate(stretch)
            )  # rounded up: not yet reached a nanosecond before
    return past[0].start_ns
