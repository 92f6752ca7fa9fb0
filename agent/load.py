"""How a bus keeps up: the share of time it is held, the slots it missed, how late its requests left.

In: one finished turn after another. Out: a JSON-ready dict for pages, and at most once an hour an event. Pure.
"""

from dataclasses import dataclass

from contract.records import EventPart

NS_PER_MS = 1_000_000
TELL_EVERY_NS = 3600 * 1_000_000_000


@dataclass(slots=True)
class Load:
    """One bus. Fields in `_now` count since pages were told last, those in `_untold` since the last event."""

    bus: str
    since_ns: int
    missed: int = 0  # slots, since the start
    forced: int = 0  # probes, of lost meters or of who a meter is, that did not fit between slots, since the start
    busy_ns_now: int = 0
    late_ns_now: int = 0
    request_ns_now: int = 0
    missed_untold: int = 0
    forced_untold: int = 0
    late_ns_untold: int = 0
    event_ns: int | None = None

    def held(self, from_ns: int, to_ns: int, *, forced: bool = False) -> None:
        """The bus was held by one turn."""
        self.busy_ns_now += to_ns - from_ns
        self.request_ns_now = max(self.request_ns_now, to_ns - from_ns)
        self.forced += forced
        self.forced_untold += forced

    def slot(self, late_ns: int, missed: int) -> None:
        """A meter was read so late in its slot, after so many of its slots had passed unread."""
        self.late_ns_now = max(self.late_ns_now, late_ns)
        self.late_ns_untold = max(self.late_ns_untold, late_ns)
        self.missed += missed
        self.missed_untold += missed

    def told(self, now_ns: int) -> dict[str, object]:
        """What pages show, of the time since they were told last."""
        span_ns = max(1, now_ns - self.since_ns)
        now: dict[str, object] = {
            "name": self.bus,
            "busy_permille": min(1000, self.busy_ns_now * 1000 // span_ns),
            "missed": self.missed,
            "late_ms_max": self.late_ns_now // NS_PER_MS,
            "turn_ms_max": self.request_ns_now // NS_PER_MS,
            "probes_forced": self.forced,
        }
        self.since_ns, self.busy_ns_now, self.late_ns_now, self.request_ns_now = now_ns, 0, 0, 0
        return now

    def event(self, now_ns: int) -> EventPart | None:
        """`slots_missed`, if slots were missed that no event tells of, and the last one is an hour old."""
        if not self.missed_untold or (self.event_ns is not None and now_ns - self.event_ns < TELL_EVERY_NS):
            return None
        detail: dict[str, object] = {
            "missed": self.missed_untold,
            "late_ms_max": self.late_ns_untold // NS_PER_MS,
            "probes_forced": self.forced_untold,
        }
        self.missed_untold, self.forced_untold, self.late_ns_untold, self.event_ns = 0, 0, 0, now_ns
        return EventPart(event="slots_missed", about=self.bus, at_ns=now_ns, detail=detail)
