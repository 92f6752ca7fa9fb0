"""What API, metrics and pages are given: the state of the moment and what follows from it, each computed once.

In: the live state, the ledger, a clock. Out: figures and glances; callers may come from any thread. Never: asks the
ledger more often than every `GLANCE_NS`, or computes the statement again while nothing it depends on has changed.
"""

from collections.abc import Callable
from threading import Lock

from gateway.factors import Factor
from gateway.figures import Figures, LineNow, MeterSeal, figures, lines_now, seals
from gateway.glance import Glance, ReadableLedger, glance
from gateway.live import Live, LiveState, at_time
from gateway.oddities import Oddity
from gateway.site_model import SiteModel

GLANCE_NS = 2 * 10**9
ODD_NS = 30 * 10**9  # what is odd is found by looking through all epochs


class Board:
    """One per gateway."""

    def __init__(
        self,
        live: Live,
        ledger: ReadableLedger,
        now_ns: Callable[[], int],
        odd: Callable[[], tuple[Oddity, ...]] = tuple,
    ) -> None:
        self.live = live
        self.now_ns = now_ns
        self._ledger = ledger
        self._lock = Lock()
        self._figures: tuple[tuple[object, ...], Figures] | None = None
        self._glance: tuple[int, Glance] | None = None
        self._look, self._odd = odd, (-ODD_NS, 0, tuple[Oddity, ...]())  # when, at which size, what

    @property
    def site(self) -> SiteModel:
        """The site model in force."""
        return self.live.site

    @property
    def factor(self) -> Factor:
        """The factor behind every emission."""
        return self.live.factors[self.site.factor]

    def state(self, at_ns: int) -> LiveState:
        """The newest state, in the accounting period of `at_ns`."""
        return at_time(self.live.state, self.site, at_ns)

    def figures(self, state: LiveState) -> Figures:
        """Statement and batches of a state."""
        basis = (state.from_ns, state.batches, state.totals)
        with self._lock:
            known = self._figures
            if known is None or any(old is not new and old != new for old, new in zip(known[0], basis, strict=True)):
                known = (basis, figures(state, self.site, self.live.factors))
                self._figures = known
            return known[1]

    def lines(self, state: LiveState, at_ns: int) -> tuple[LineNow, ...]:
        """Every line at an instant."""
        return lines_now(state, self.figures(state), self.site, self.factor, at_ns)

    def seals(self, state: LiveState, at_ns: int) -> tuple[MeterSeal, ...]:
        """Every meter at an instant."""
        return seals(state, at_ns)

    def glance(self, at_ns: int) -> Glance:
        """The ledger, not older than two seconds."""
        with self._lock:
            known = self._glance
            if known is None or not 0 <= at_ns - known[0] < GLANCE_NS:
                known = (at_ns, glance(self._ledger))
                self._glance = known
            return known[1]

    def odd(self, at_ns: int) -> tuple[Oddity, ...]:
        """What is odd in agents' chains, not older than half a minute where the ledger has grown."""
        size = self.glance(at_ns).size
        with self._lock:
            if size != self._odd[1] and not 0 <= at_ns - self._odd[0] < ODD_NS:
                self._odd = at_ns, size, self._look()
            return self._odd[2]
