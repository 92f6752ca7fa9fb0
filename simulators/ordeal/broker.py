"""A broker in memory that does all that brokers may: it drops, repeats, delays and so reorders, and forgets.

In: what agents and gateway publish, and chance. Out: the same, sooner or later, perhaps. A `Link` is what an agent's
publisher takes for its MQTT client. Retained messages and the gateway's session last as a broker's do: a restart may
lose either, or bring back retained messages of some time ago.
Never: a message that nobody sent.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from simulators.ordeal.plant import S

DELAY_NS = 20 * S
SESSION_MAX = 500


@dataclass(frozen=True, slots=True)
class Weather:
    """How many messages in a thousand are dropped, sent twice, and delayed."""

    dropped: int = 30
    repeated: int = 60
    delayed: int = 60


CALM = Weather(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Told:
    """A message as a client gets it."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Reason:
    is_failure: bool = False


class Link:
    """What the publisher uses of an MQTT client."""

    def __init__(self, broker: "Broker", name: str) -> None:
        self._broker, self.name = broker, name
        self.on_connect: Callable[..., None] = _ignore
        self.on_connect_fail: Callable[..., None] = _ignore
        self.on_disconnect: Callable[..., None] = _ignore
        self.on_message: Callable[..., None] = _ignore
        self.topics: set[str] = set()
        self.is_up = False

    def will_set(self, *_: object, **__: object) -> None:
        """Nobody reads it here."""

    def loop_start(self) -> None:
        """There is no loop."""

    def connect_async(self, *_: object, **__: object) -> None:
        """The broker connects it when it will."""
        self._broker.links[self.name] = self

    def is_connected(self) -> bool:
        """Whether what is published now leaves."""
        return self.is_up

    def subscribe(self, topic: str, qos: int) -> None:
        """Subscribing brings what is retained."""
        self.topics.add(topic)
        self._broker.send_retained(self, topic, qos)

    def publish(self, topic: str, payload: bytes | str, qos: int, *, retain: bool = False) -> None:
        """While it is not connected nothing leaves; what the agent still has it sends again."""
        if self.is_up:
            data = payload.encode() if isinstance(payload, str) else payload
            self._broker.publish(topic, data, qos, retain=retain)


@dataclass(slots=True)
class Broker:
    """One per plant. `now_ns` is set by whoever owns it."""

    luck: Random
    weather: Weather = field(default_factory=Weather)
    now_ns: int = 0
    links: dict[str, Link] = field(default_factory=dict)
    away: dict[str, int] = field(default_factory=dict)  # until when a client cannot connect
    session: list[Told] = field(default_factory=list)  # for the gateway, not yet acknowledged
    retained: dict[str, bytes] = field(default_factory=dict)
    older: list[dict[str, bytes]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("sent", "dropped", "repeated", "delayed"), 0))
    _due: list[tuple[int, int, Told, bool]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=count)

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> None:
        """Take a message in, as well as the weather allows."""
        self.counts["sent"] += 1
        if self._happens("dropped", self.weather.dropped) or qos < 0:
            return
        for _ in range(1 + self._happens("repeated", self.weather.repeated)):
            late = self._happens("delayed", self.weather.delayed)
            due_ns = self.now_ns + (self.luck.randint(0, DELAY_NS) if late else 0)
            heapq.heappush(self._due, (due_ns, next(self._number), Told(topic, payload), retain))

    def send_retained(self, link: Link, topic: str, qos: int) -> None:
        """What a new subscriber gets first."""
        if topic in self.retained and qos >= 0:
            link.on_message(link, None, Told(topic, self.retained[topic]))

    def turn(self, now_ns: int) -> None:
        """Connect who may, then deliver what is due."""
        self.now_ns = now_ns
        for link in self.links.values():
            if not link.is_up and self.away.get(link.name, 0) <= now_ns:
                link.is_up, link.topics = True, set()
                link.on_connect(link, None, None, _Reason(), None)
        while self._due and self._due[0][0] <= now_ns:
            _, _, told, retain = heapq.heappop(self._due)
            if retain:
                self._retain(told)
            if told.topic.endswith("/entries"):
                self.session = [*self.session, told][-SESSION_MAX:]
            for link in self.links.values():
                if link.is_up and told.topic in link.topics:
                    link.on_message(link, None, told)

    def drop(self, name: str, until_ns: int) -> None:
        """A client loses its connection."""
        self.away[name] = until_ns
        if name in self.links:
            self.links[name].is_up = False
            self.links[name].on_disconnect()

    def forget(self, name: str) -> None:
        """A client is gone for good."""
        self.links.pop(name, None)

    def kill(self, until_ns: int) -> None:
        """The broker dies: what was under way is lost, what it kept comes back as some brokers keep it."""
        self._due.clear()
        match self.luck.randrange(4):
            case 0:
                self.retained = {}
            case 1 if self.older:
                self.retained = dict(self.luck.choice(self.older))
        if self.luck.random() < 0.5:
            self.session = []
        for name in list(self.links):
            self.drop(name, until_ns)

    def _retain(self, told: Told) -> None:
        self.retained[told.topic] = told.payload
        if self.luck.randrange(10) == 0:
            self.older = [*self.older, dict(self.retained)][-20:]

    def _happens(self, what: str, permille: int) -> bool:
        happens = self.luck.randrange(1000) < permille
        self.counts[what] += happens
        return happens


def _ignore(*_: object) -> None:
    pass
