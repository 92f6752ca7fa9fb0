"""A register whose whole life is known: what it counted, when it wrapped, was reset or showed nonsense.

Draws lives for hypothesis, and says from the life alone, in exact fractions, what every window holds. Imports nothing
of ours: which readings to believe is known here, and has to be found out there.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from hypothesis import strategies as st

NS = 1_000_000_000
LIMIT, STEP = 10**10, 1000
POWER_MAX_W = 3_600_000  # 1 kWh, 10^6 mWh, a second
GAP_MOST_S = 100
ONCE_MOST = GAP_MOST_S * 10**6  # in mWh: what one gap can hold
ONES = LIMIT + 5 * 10**9


@dataclass
class Life:
    """Readings as (at_ns, shown, power_w_milli) and, for each, (counted since the start, stretch) or None: nonsense."""

    shown: list
    truth: list

    def estimate(self, at_ns):
        """(stretch, counted by then), None outside the readings or across a change; rounded down."""
        kept = [(t, truth, p) for (t, _, p), truth in zip(self.shown, self.truth, strict=True) if truth is not None]
        for (t1, (c1, s1), p1), (t2, (c2, s2), p2) in pairwise(kept):
            if t1 <= at_ns <= t2 and s1 == s2:
                span, by = Fraction(t2 - t1), Fraction(at_ns - t1)
                power_at = p1 + (p2 - p1) * by / span
                whole = (p1 + p2) * span / 2
                part = (p1 + power_at) * by / 2 / whole if whole else by / span
                return s1, (c1 + (c2 - c1) * part).__floor__()
        return next(((s, c) for t, (c, s), _ in kept if t == at_ns), None)

    def window(self, start_ns, end_ns):
        """What was counted between two instants, or None."""
        start, end = self.estimate(start_ns), self.estimate(end_ns)
        return end[1] - start[1] if start and end and start[0] == end[0] else None


@st.composite
def lives(draw, with_power):
    """A life of 8 to 25 readings with events at least three readings apart."""
    at_ns, true, base, stretch = 10**18, draw(st.integers(0, LIMIT - 1)), 0, 0
    life, quiet = Life([], []), 2
    number = draw(st.integers(8, 25))
    for n in range(number):
        gap_s = draw(st.integers(1, GAP_MOST_S))
        grown = draw(st.integers(0, gap_s * 10**6))
        before = (true - base) % LIMIT
        event = draw(st.sampled_from(["none", "none", "reset", "zero", "ones", "spike", "jitter"]))
        at_ns, quiet = at_ns + gap_s * NS, quiet - 1
        if n > 0 and event == "reset" and quiet < 0 and 4 * ONCE_MOST < before < LIMIT - 4 * ONCE_MOST:
            base, stretch, quiet = true + grown - draw(st.integers(0, grown)), stretch + 1, 3
        true += grown
        content = (true - base) % LIMIT
        told, is_true = content, True
        if quiet < 0 and n < number - 2 and event in {"zero", "ones", "spike", "jitter"} and content > 4 * STEP:
            told = {"zero": 0, "ones": ONES, "spike": LIMIT + 123_456_789, "jitter": content - grown - STEP}[event]
            is_true = told == content or (told <= STEP and event == "jitter")
            told, is_true = (content, True) if is_true else (told, False)
            quiet = quiet if is_true else 3
        life.shown.append((at_ns, told, draw(st.integers(0, 10**9)) if with_power else 0))
        life.truth.append((true, stretch) if is_true else None)
    return life
