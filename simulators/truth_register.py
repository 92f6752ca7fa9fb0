"""What registers can show, and what one shown number says of the energy behind it: own arithmetic, exact integers.

In: counts, raw words. Out: raw words, intervals of energy.
Never: the product's code. A register shows the floor to its step; a float register shows that floor in the nearest
float.
"""

from dataclasses import dataclass

import numpy as np

from simulators.truth_load import IntArray


@dataclass(frozen=True, slots=True)
class Register:
    """A kind of counter register; `count_wh_milli`: what one count is worth, before any transformer's ratio.

    `step` is what a profile states of it, in `unit`; `modulus`: counts after which it starts anew, 0 never.
    """

    name: str
    type: str
    unit: str
    scale: int
    step: str | None
    count_wh_milli: int
    modulus: int

    @property
    def floats(self) -> bool:
        """Whether it is a 32-bit float."""
        return self.type == "float32"

    @property
    def unit_wh_milli(self) -> int:
        """The unit in mWh."""
        return 1_000_000 if self.unit == "kWh" else 1_000

    @property
    def limit(self) -> int:
        """Where it starts anew, in `unit`."""
        return self.modulus * self.count_wh_milli // self.unit_wh_milli

    def raws(self, counts: IntArray) -> IntArray:
        """What it shows of so many counts: raw words as one unsigned number."""
        if not self.floats:
            return counts % self.modulus
        shown = (counts * self.count_wh_milli / self.unit_wh_milli).astype(np.float32)
        return shown.view(np.uint32).astype(np.int64)

    def between(self, raws: IntArray) -> tuple[IntArray, IntArray]:
        """The energy that each number stands for, in uWh on the register's side: least <= energy < bound.

        Whoever knows the step finds the one or few counts that show as this float. Without a step a float may be any
        floor of at most its last place, in the nearest float.
        """
        if not self.floats:
            counts = _unwrapped(raws, self.modulus)
            return counts * self.count_wh_milli * PER_WH_MILLI, (counts + 1) * self.count_wh_milli * PER_WH_MILLI
        shown = raws.astype(np.uint32).view(np.float32)
        if self.step is not None:
            near = np.rint(shown.astype(np.float64) * self.unit_wh_milli / self.count_wh_milli).astype(np.int64)
            tried = near[:, None] + np.arange(-3, 4)
            alike = self.raws(tried.ravel()).reshape(tried.shape) == raws[:, None]
            least = np.where(alike, tried, near[:, None] + 9).min(axis=1)
            bound = np.where(alike, tried, near[:, None] - 9).max(axis=1) + 1
            return least * self.count_wh_milli * PER_WH_MILLI, bound * self.count_wh_milli * PER_WH_MILLI
        place = np.spacing(shown).astype(np.float64) * self.unit_wh_milli * PER_WH_MILLI  # a power of two: exact
        value = shown.astype(np.float64) * self.unit_wh_milli * PER_WH_MILLI
        return np.floor(value - place / 2).astype(np.int64), np.ceil(value + 1.5 * place).astype(np.int64)


PER_WH_MILLI = 1_000  # the last place of a float is no whole mWh
REGISTERS = (
    # One that starts anew at 2^32 shows all ones before, which is no value on many meters: the product leaves it out.
    Register("1 Wh", "uint32", "Wh", 0, None, 1_000, 10**9),
    Register("10 Wh", "uint32", "kWh", -2, None, 10_000, 10**8),
    Register("100 Wh", "uint32", "kWh", -1, None, 100_000, 10**7),
    Register("1 kWh", "uint32", "kWh", 0, None, 1_000_000, 10**6),
    Register("float32 kWh, step 10 Wh", "float32", "kWh", 0, "0.01", 10_000, 0),
    Register("float32 Wh, no step stated", "float32", "Wh", 0, None, 1, 0),
)


def _unwrapped(raws: IntArray, modulus: int) -> IntArray:
    """Counts that went on where the register started anew; a meter of this harness wraps only by running."""
    wraps = np.concatenate([[0], np.cumsum(np.diff(raws) < 0)])
    counts: IntArray = raws + wraps * modulus
    return counts
