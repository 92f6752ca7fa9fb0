"""A live session: which nodes the tags are on this server, a subscription if one is wanted, and questions to it.

In: a connected client and the tags of every meter. Out: answers to reads, samples, events about tags that are missing
or counted in another unit. Never outlives its connection: the next one looks everything up again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from asyncua import Client, ua

from agent.drivers import BAD_NODE_ID_UNKNOWN, Reading, Tell
from agent.drivers.opcua_config import Bus
from agent.drivers.opcua_feed import Feed, Item
from agent.drivers.opcua_nodes import Found, Tag, find
from agent.drivers.opcua_session import ask
from agent.drivers.opcua_values import reading
from contract.records import EventPart

BAD_CONFIGURATION_ERROR = 0x80890000  # profile and server disagree about the unit
LOOK_AGAIN_NS = 60_000_000_000  # for tags that were missing: a controller may be loaded after its server has started
LIFETIME_MS = 60_000  # a server forgets a subscription that nobody has asked about for so long
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A meter's tags: those every read asks for, and those that tell which instrument it is."""

    measured: tuple[Tag, ...]
    identifying: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One read: our clock around it, the server's clock in it, and what came."""

    requested_ns: int
    answered_ns: int
    server_ns: int | None
    readings: tuple[Reading, ...]


@dataclass(slots=True)
class Known:
    """What was told of faulty tags, so that it is told once."""

    missing: set[tuple[str, str]] = field(default_factory=set)
    units: set[tuple[str, str]] = field(default_factory=set)


class Link:
    """One session, from the moment it is open."""

    def __init__(
        self, client: Client, bus: Bus, plans: Mapping[str, Plan], now_ns: Callable[[], int], tell: Tell
    ) -> None:
        self.client, self._bus, self._plans, self._now_ns, self._tell = client, bus, plans, now_ns, tell
        self.feed: Feed | None = None
        self._subscription: int | None = None
        self.found: dict[Tag, Found] = {}
        self._looked_ns: int | None = None  # when tags were last found missing
        self.meters: set[str] = set()  # that were read over this session

    async def look_up(self, known: Known) -> None:
        """Find all tags, and subscribe if the bus says so. Raises one of FAULTS."""
        tags = list(dict.fromkeys(tag for plan in self._plans.values() for tag in (*plan.measured, *plan.identifying)))
        before = self.found
        self.found = dict(zip(tags, await find(self.client, tags, self._bus.namespaces), strict=True))
        for meter, plan in self._plans.items():
            for tag in (*plan.measured, *plan.identifying):
                self._report(meter, tag, known)
        if self._bus.mode == "subscribe" and self.found != before:
            await self.subscribe()

    async def look_again(self, known: Known) -> None:
        """Now and then, look for tags that were missing: they give no value before their unit is known."""
        if any(not found.exists for found in self.found.values()):
            if self._looked_ns is None:
                self._looked_ns = self._now_ns()
            elif self._now_ns() - self._looked_ns >= LOOK_AGAIN_NS:
                self._looked_ns = self._now_ns()
                await self.look_up(known)

    async def ask(self, tags: Sequence[Tag]) -> Answer:
        """Read tags in one request. Raises one of FAULTS."""
        nodes = [self.found[tag].node if self.found[tag].exists else None for tag in tags]
        wanted = [ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value) for node in nodes if node is not None]
        requested_ns = self._now_ns()
        values, server_ns = await ask(self.client, wanted) if wanted else ([], None)
        answered_ns = self._now_ns()
        left = iter(values)
        readings = [
            Reading(tag.point.id, None, BAD_NODE_ID_UNKNOWN) if node is None else self._reading(tag, next(left))
            for tag, node in zip(tags, nodes, strict=True)
        ]
        return Answer(requested_ns, answered_ns, server_ns, tuple(readings))

    async def subscribe(self) -> None:
        """Have the server report every change of every measured tag; anew if it was subscribed before."""
        bus, client = self._bus, self.client.uaclient
        publishing_ms, sampling_ms = bus.publishing_ms or 0, bus.sampling_ms or 0
        if self._subscription is not None:
            old, self._subscription = self._subscription, None
            await client.delete_subscriptions([old])
        places = [
            (Item(meter, tag.point, block), node)
            for meter, plan in self._plans.items()
            for block, tag in enumerate(plan.measured, 1)
            if (node := self.found[tag].node) is not None and self.found[tag].exists and self.found[tag].unit is None
        ]
        items = {handle: item for handle, (item, _) in enumerate(places)}
        feed = Feed(items, self._now_ns, 2 * (publishing_ms + sampling_ms) * NS_PER_MS)
        lifetime = max(10, -(-LIFETIME_MS // publishing_ms))
        wanted = ua.CreateSubscriptionParameters(publishing_ms, lifetime, 1, 0, True, 0)
        made = await client.create_subscription(wanted, feed.publish)
        self._subscription, self.feed = made.SubscriptionId, feed
        feed.keep_alive_ns = int(made.RevisedPublishingInterval * made.RevisedMaxKeepAliveCount * NS_PER_MS)
        results = await client.create_monitored_items(
            ua.CreateMonitoredItemsParameters(
                self._subscription,
                ua.TimestampsToReturn.Both,
                [_monitored(node, handle, bus) for handle, (_, node) in enumerate(places)],
            )
        )
        for (item, _), result in zip(places, results, strict=True):
            if not result.StatusCode.is_good():
                detail: dict[str, object] = {"point": item.point.id, "reason": result.StatusCode.name}
                self._tell(EventPart(event="not_subscribed", about=item.meter, at_ns=self._now_ns(), detail=detail))

    def _reading(self, tag: Tag, answer: ua.DataValue) -> Reading:
        made = reading(tag.point, answer)
        if self.found[tag].unit is None:
            return made
        return Reading(tag.point.id, None, BAD_CONFIGURATION_ERROR, made.source_ns)

    def _report(self, meter: str, tag: Tag, known: Known) -> None:
        key, found = (meter, tag.point.id), self.found[tag]
        if found.exists:
            known.missing.discard(key)
        elif key not in known.missing:
            known.missing.add(key)
            node = str(tag.point.node)[:1000]
            self._tell(_event("node_missing", meter, self._now_ns(), {"point": tag.point.id, "node": node}))
        if found.unit is None:
            known.units.discard(key)
        elif key not in known.units:
            known.units.add(key)
            said = f"{tag.point.unit} x 10^{tag.point.scale}" if tag.point.scale else tag.point.unit
            detail: dict[str, object] = {"point": tag.point.id, "profile": said, "server": found.unit}
            self._tell(_event("unit_mismatch", meter, self._now_ns(), detail))


def _monitored(node: ua.NodeId, handle: int, bus: Bus) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle,
            SamplingInterval=float(bus.sampling_ms or 0),
            QueueSize=bus.queue_size or 0,
            DiscardOldest=True,
        ),
    )


def _event(event: str, meter: str, at_ns: int, detail: dict[str, object]) -> EventPart:
    return EventPart(event=event, about=meter, at_ns=at_ns, detail=detail)
