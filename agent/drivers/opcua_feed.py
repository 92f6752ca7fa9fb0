"""One subscription: what the server reports between two reads, when that can have been, and whether it still lives.

In: publish responses as they arrive. Out: samples in order, each with an honest interval; a reason if the subscription
is to be made anew. Never: a sample that was delivered before, or one whose interval is narrower than can be shown.

When was a sample taken? Publish responses come one at a time: the next is asked for when the last has arrived. So a
response was made after the one before it arrived, and what it does not hold was sampled after it was made, unless it
says that more is to come. Hence every sample in a response was taken after the arrival of the response before the
previous one, whatever clocks say; and before its own arrival. A keep-alive is a response too, so this interval is two
publishing intervals and the way. Where the server stamps samples and messages, the stamps raise the earlier end by the
offset of its clock as its answers to reads show it, less the slack of `Offset`; a message that by its stamp was made
after it arrived shows that the offset is not true any more, and then stamps count for nothing until the next read. A
sample stamped after its message never counts: such stamps are not of the server's clock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from asyncua import ua

from agent.drivers import Reading
from agent.drivers.opcua_order import Offset
from agent.drivers.opcua_values import ns_of, reading
from agent.drivers.profile import Point

QUIET_KEEP_ALIVES = 3
DIFFERENT_READS = 3  # a read that shows news, and two ticks later the same news still unreported


@dataclass(frozen=True, slots=True)
class Item:
    """A monitored tag: whose, which point, in which block its samples go."""

    meter: str
    point: Point
    block: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One reported value, taken at or after `requested_ns` and here at `answered_ns`."""

    item: Item
    requested_ns: int
    answered_ns: int
    reading: Reading


@dataclass(slots=True)
class _Unreported:
    """What reads showed and the subscription did not: since when, and how many reads in a row."""

    since_ns: int
    reads: int = 0


class Feed:
    """The life of one subscription, from just before it was asked for."""

    def __init__(self, items: Mapping[int, Item], now_ns: Callable[[], int], settle_ns: int) -> None:
        """Take the items by client handle; what a read shows must be reported within `settle_ns`."""
        self._items, self._now_ns, self._settle_ns = items, now_ns, settle_ns
        self.floor_ns = self._heard_ns = now_ns()  # no sample still to come is older than the floor
        self.keep_alive_ns = 0  # as the server has it; 0 until known
        self.offset: Offset | None = None
        self._samples: dict[str, list[Sample]] = {}
        self._reported: dict[tuple[str, str], Reading] = {}
        self._unreported: dict[tuple[str, str], _Unreported] = {}
        self._ended: str | None = None

    def publish(self, result: ua.PublishResult) -> None:
        """Take a publish response: the callback of asyncua's publish loop."""
        arrived_ns, before_ns = self._now_ns(), self._heard_ns
        self._heard_ns = arrived_ns
        message = result.NotificationMessage
        published_ns = ns_of(message.PublishTime)
        made_ns = self._ours(published_ns, arrived_ns)
        if made_ns is not None and made_ns > arrived_ns:
            self.offset = made_ns = None
        low_ns = self.floor_ns
        high_ns = low_ns if result.MoreNotifications else max(low_ns, min(before_ns, arrived_ns), made_ns or low_ns)
        for data in message.NotificationData or []:
            if isinstance(data, ua.StatusChangeNotification):
                self._ended = f"the server ended it: {data.Status.name}"
            elif isinstance(data, ua.DataChangeNotification):
                for told in data.MonitoredItems or []:
                    self._take(told, published_ns, (low_ns, high_ns), arrived_ns)
        self.floor_ns = high_ns

    def take(self, meter: str) -> list[Sample]:
        """A meter's samples since the last call, in order."""
        return sorted(self._samples.pop(meter, []), key=lambda sample: sample.requested_ns)

    def compare(self, meter: str, readings: Sequence[Reading]) -> None:
        """Hold a read of a meter's tags against what was reported of them."""
        for shown in readings:
            key = meter, shown.point
            last = self._reported.get(key)
            newer = last is not None and (
                shown.source_ns is None or last.source_ns is None or shown.source_ns > last.source_ns
            )
            if last is None or not newer or _said(shown) == _said(last):
                self._unreported.pop(key, None)
                continue
            waiting = self._unreported.setdefault(key, _Unreported(self._now_ns()))
            waiting.reads += 1

    def stale(self) -> str | None:
        """Why the subscription is no longer to be believed, or None."""
        if self._ended is not None:
            return self._ended
        now_ns = self._now_ns()
        quiet_ns = now_ns - self._heard_ns
        if self.keep_alive_ns and quiet_ns > QUIET_KEEP_ALIVES * self.keep_alive_ns:
            return f"nothing came for {quiet_ns // 1_000_000} ms, not even a keep-alive"
        for (meter, point), waiting in self._unreported.items():
            if waiting.reads >= DIFFERENT_READS and now_ns - waiting.since_ns > self._settle_ns:
                return f"{meter}: {point}: {waiting.reads} reads show a value that was not reported"
        return None

    def _take(
        self, told: ua.MonitoredItemNotification, published_ns: int | None, bounds_ns: tuple[int, int], arrived_ns: int
    ) -> None:
        item, (low_ns, high_ns) = self._items.get(told.ClientHandle), bounds_ns
        if item is None:
            return
        value = reading(item.point, told.Value)
        key = item.meter, item.point.id
        self._unreported.pop(key, None)
        self._reported[key] = value
        stamp_ns = ns_of(told.Value.ServerTimestamp)
        believed = stamp_ns is not None and published_ns is not None and stamp_ns <= published_ns
        stamped_ns = self._ours(stamp_ns if believed else None, arrived_ns)
        requested_ns = low_ns if stamped_ns is None else min(max(low_ns, stamped_ns), high_ns)
        self._samples.setdefault(item.meter, []).append(Sample(item, requested_ns, arrived_ns, value))

    def _ours(self, server_ns: int | None, now_ns: int) -> int | None:
        """The earliest instant of ours at which the server may have set a stamp."""
        if server_ns is None or self.offset is None:
            return None
        return self.offset.ours(server_ns, now_ns)[0]


def _said(reading: Reading) -> tuple[int | None, str | None, int]:
    return reading.raw, reading.text, reading.status
