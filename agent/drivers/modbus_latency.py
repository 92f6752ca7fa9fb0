"""How long to wait for an answer, learned from the answers before.

In: how long each answer took. Out: the timeout of the next request. Pure. Never: longer than the configured timeout.
"""

from collections import deque
from collections.abc import Iterable
from statistics import median

ANSWERS = 32  # how many are remembered
ANSWERS_MIN = 8  # fewer teach nothing: the first may have come at a quiet moment
MARGIN = 4  # a timeout is so many times the slowest of them


class Latency:
    """One unit's. Seconds throughout."""

    def __init__(self, ceiling_s: float) -> None:
        self._ceiling_s = ceiling_s
        self._took_s: deque[float] = deque(maxlen=ANSWERS)
        self._count_max = 0
        self._slowest_s = 0.0
        self._silences = 0

    @property
    def learned_s(self) -> float | None:
        """MARGIN times the slowest of the last answers; None while there are too few."""
        return MARGIN * self._slowest_s if len(self._took_s) >= ANSWERS_MIN else None

    def answered(self, count: int, took_s: float) -> None:
        """Note an answer to a request for `count` registers or bits."""
        full, oldest = len(self._took_s) == ANSWERS, self._took_s[0] if self._took_s else 0.0
        self._took_s.append(took_s)
        if took_s >= self._slowest_s:
            self._slowest_s = took_s
        elif full and oldest == self._slowest_s:
            self._slowest_s = max(self._took_s)
        self._count_max = max(self._count_max, count)
        self._silences = 0

    def silent(self, waited_s: float) -> None:
        """Note that an answer did not come. Once the ceiling was waited in vain, it starts again from what is known."""
        self._silences = 0 if waited_s >= self._ceiling_s else self._silences + 1

    def timeout_s(self, count: int, floor_s: float, neighbours_s: Iterable[float]) -> float:
        """How long to wait for the next answer.

        What was learned, doubled for each silence since, never below `floor_s` or above the ceiling. Too few answers,
        and a request longer than any answered before, get the ceiling. A unit that never answered gets MARGIN times
        the median of what its neighbours on the bus have taught, if any has.
        """
        learned = self.learned_s
        if not self._took_s:
            known = [max(one, floor_s) for one in neighbours_s]
            learned = MARGIN * median(known) if known else self._ceiling_s
        elif learned is None or count > self._count_max:
            return self._ceiling_s
        return min(max(learned, floor_s) * (1 << self._silences), self._ceiling_s)
