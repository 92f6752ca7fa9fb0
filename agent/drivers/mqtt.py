"""Batch messages of an MES over MQTT 3.1.1: one topic a meter, read only.

In: a broker, and for each meter on it a topic (`address`), the line it tells of, and a profile whose points are members
of a message: `batch`, `product`, `state`, and `message` for the whole of it. Out: a scan for each message, with the
time it came and, as source time, the time it states. The broker keeps messages for a fixed client id while we are away,
and sends again what is not acknowledged, which is done when the caller comes back for more. What is no batch message of
the line is told with the reason. Never: a publication.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from agent.drivers import Reading, Scan, Target, Tell, Unreachable
from agent.drivers.mqtt_config import Bus, make_client
from agent.drivers.profile import Point
from contract import batch_message
from contract.batch_message import BatchMessage
from contract.errors import Malformed
from contract.records import EventPart

__all__ = ["Bus", "MqttDriver", "open_driver"]

KEEPALIVE_S = 20
WAITING_MAX = 1000  # messages in memory between two reads that nobody waits for; and as many that somebody does
READ_MAX = 50  # messages of one read: reading a large one takes milliseconds in which nothing else is read
TOLD_MAX = 20  # refused messages of one read, by name; whoever sends more is told by number
SHOWN_CHARACTERS = 200  # of a message that is no batch message
MEMBERS = {"batch": "text", "product": "text", "state": "bool", "message": "text"}  # a point's node, and its type
SUBSCRIPTION_REFUSED = 0x80  # MQTT 3.1.1, 3.9.3


@dataclass(frozen=True, slots=True)
class _Mail:
    """A message as it came; `session` tells whether it can still be acknowledged, `mid` is None where nobody waits."""

    came_ns: int
    payload: bytes
    size: int
    mid: int | None
    session: int


def open_driver(
    bus: Bus,
    meters: Mapping[str, Target],
    now_ns: Callable[[], int],
    tell: Tell,
    make: Callable[[Bus], mqtt.Client] = make_client,
) -> "MqttDriver":
    """Prepare the topics; connecting is left to the first read. Raises ValueError, one line a fault."""
    problems: list[str] = []
    topics: dict[str, str] = {}
    for name, meter in meters.items():
        topic = meter.address
        if not topic or len(topic.encode()) > 1000 or any(sign in topic for sign in "+#\0") or topic.startswith("$"):
            hint = "name the one topic of its messages, without + and #"
            problems.append(f"{name}.address: {topic!r} is not a topic: {hint}")
        elif topic in topics:
            problems.append(
                f"{name}.address: {topic!r} is {topics[topic]}'s already: give each meter a topic of its own"
            )
        topics.setdefault(topic, name)
        if meter.base != 0:
            problems.append(f"{name}.base: {meter.base} means nothing to MQTT: remove it")
        if len(meter.tells) != 1:
            hint = 'name it as source of one [[line]] with told_by = "message"'
            problems.append(f"{name}: tells {' and '.join(meter.tells) or 'no line'}: {hint}")
        problems += [f"{name}.profile: {fault}" for point in meter.profile.points if (fault := _fault(point))]
    if problems:
        raise ValueError("\n".join(problems))
    return MqttDriver(bus, meters, now_ns, tell, make)


def _fault(point: Point) -> str | None:
    if point.node is None or MEMBERS.get(point.node) != point.type:
        wanted = ", ".join(f"{node!r} as {kind}" for node, kind in MEMBERS.items())
        return f"point.{point.id}.node: {point.node!r} of type {point.type} is no part of a batch message: use {wanted}"
    return None


class MqttDriver:
    """One connection, kept by a thread of the client's own. See `agent.drivers.Driver`."""

    def __init__(
        self,
        bus: Bus,
        meters: Mapping[str, Target],
        now_ns: Callable[[], int],
        tell: Tell,
        make: Callable[[Bus], mqtt.Client],
    ) -> None:
        self._bus, self._meters, self._now_ns, self._tell, self._make = bus, meters, now_ns, tell, make
        self._by_topic = {meter.address: name for name, meter in meters.items()}
        self._client: mqtt.Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._up = False
        self._settled = asyncio.Event()  # what became of the first connection and its subscriptions is known
        self._why = "no connection"
        self._refused: set[str] = set()
        self._asked: dict[int, str] = {}  # subscriptions under way
        self._session = 0
        self._waiting: dict[str, list[_Mail]] = {name: [] for name in meters}
        self._lost: dict[str, int] = {}
        self._given: dict[str, list[_Mail]] = {name: [] for name in meters}

    async def read(self, meter: str) -> list[Scan]:
        """What came since the last read, in order, no more than READ_MAX at once.

        Raises Unreachable if nothing did and there is no connection.
        """
        self._acknowledge(meter)
        if self._client is None:
            await self._connect()
        if not self._waiting[meter]:
            if not self._up:
                raise Unreachable(f"{self._place}: {self._why}")
            if self._meters[meter].address in self._refused:
                topic = self._meters[meter].address
                raise Unreachable(f"{self._place}: check that its user may subscribe to {topic}: the broker refused")
        waiting = self._waiting[meter]
        mail, self._waiting[meter] = waiting[:READ_MAX], waiting[READ_MAX:]
        self._given[meter] = mail
        return self._scans(meter, mail)

    async def identify(self, _meter: str) -> list[Scan]:
        """A message says nothing of an instrument."""
        return []

    def silence_ns(self, _meter: str) -> int:
        """The first connection is waited for; later ones are made in the background."""
        return self._bus.timeout_ms * 1_000_000 if self._client is None else 0

    async def close(self) -> None:
        """Disconnect; the broker keeps what comes from now on."""
        client, self._client, self._up = self._client, None, False
        self._settled.clear()
        if client is not None:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    @property
    def _place(self) -> str:
        return f"{self._bus.host}:{self._bus.port}"

    def _acknowledge(self, meter: str) -> None:
        """What was given at the last read is on record by now, or about to be; what is not comes again."""
        given, self._given[meter] = self._given[meter], []
        for mail in given:
            if self._client is not None and mail.mid is not None and mail.session == self._session:
                self._client.ack(mail.mid, 1)

    def _scans(self, meter: str, waiting: list[_Mail]) -> list[Scan]:
        scans, refused = [], []
        for mail in waiting:
            try:
                told = self._read(meter, mail)
            except Malformed as error:
                refused.append((mail, str(error)))
                continue
            values = {"batch": told.batch, "product": told.product, "message": mail.payload.decode()}
            readings = tuple(
                Reading(point.id, None, 0, told.at_ns, values[str(point.node)])
                if point.type == "text"
                else Reading(point.id, int(told.state == "started"), 0, told.at_ns)
                for point in self._meters[meter].profile.measured
            )
            scans.append(Scan(0, mail.came_ns, mail.came_ns, readings))
        for mail, reason in refused[:TOLD_MAX]:
            shown = mail.payload[:SHOWN_CHARACTERS].decode(errors="replace")
            self._event("message_refused", meter, mail.came_ns, {"reason": reason, "payload": shown})
        if refused[TOLD_MAX:]:
            self._event("messages_refused", meter, refused[-1][0].came_ns, {"more": len(refused) - TOLD_MAX})
        if lost := self._lost.pop(meter, 0):
            self._event("messages_lost", meter, self._now_ns(), {"count": lost, "reason": "more than are kept came"})
        return scans

    def _read(self, meter: str, mail: _Mail) -> BatchMessage:
        if mail.size > batch_message.MESSAGE_BYTES_MAX:
            raise Malformed(f"batch message: {mail.size} bytes: at most {batch_message.MESSAGE_BYTES_MAX}")
        told = batch_message.parse(mail.payload)
        (line,) = self._meters[meter].tells
        if told.line != line:
            raise Malformed(f"batch message: line: {told.line!r}: this topic tells of {line!r}")
        return told

    def _event(self, event: str, meter: str, at_ns: int, detail: dict[str, object]) -> None:
        self._tell(EventPart(event=event, about=meter, at_ns=at_ns, detail=detail))

    async def _connect(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            client = await asyncio.to_thread(self._make, self._bus)
        except ValueError as error:
            raise Unreachable(f"{self._place}: check its files: {error}") from None
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._client = client
        client.connect_async(self._bus.host, self._bus.port, keepalive=KEEPALIVE_S)
        client.loop_start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._bus.timeout_ms / 1000):
                await self._settled.wait()

    # ---- called in the client's thread; what they found is handed to the loop, in order ----

    def _on_connect(self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, *_: object) -> None:
        if reason.is_failure:
            self._later(self._down, f"the broker refused the connection: {reason}: check username and password_file")
            return
        self._later(self._begun)
        for topic in self._by_topic:
            mid = client.subscribe(topic, qos=1)[1]
            if mid is not None:
                self._later(self._asked.__setitem__, mid, topic)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, mid: int, reasons: list[ReasonCode], *_: object
    ) -> None:
        self._later(self._subscribed, mid, any(reason.value >= SUBSCRIPTION_REFUSED for reason in reasons))

    def _on_connect_fail(self, *_: object) -> None:
        """Called in the client's `except`."""
        error = sys.exc_info()[1]
        self._later(self._down, f"no connection: {(isinstance(error, OSError) and error.strerror) or error}")

    def _on_disconnect(self, *_: object) -> None:
        self._later(self._broke)

    def _on_message(self, _client: mqtt.Client, _data: object, told: mqtt.MQTTMessage) -> None:
        kept = told.payload if len(told.payload) <= batch_message.MESSAGE_BYTES_MAX else b""
        mail = (self._now_ns(), bytes(kept), len(told.payload), told.mid if told.qos else None)
        self._later(self._arrived, told.topic, *mail)

    def _later(self, call: Callable[..., object], *given: object) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(call, *given)

    # ---- called in the event loop ----

    def _begun(self) -> None:
        self._up = True
        self._session += 1
        self._refused.clear()
        self._asked.clear()

    def _subscribed(self, mid: int, refused: bool) -> None:
        topic = self._asked.pop(mid, None)
        if refused and topic is not None:
            self._refused.add(topic)
        if not self._asked:
            self._settled.set()

    def _down(self, why: str) -> None:
        self._up, self._why = False, why
        self._settled.set()

    def _broke(self) -> None:
        self._session += 1
        if self._up:  # else it is known already why
            self._down("the connection broke: tried again")

    def _arrived(self, topic: str, came_ns: int, payload: bytes, size: int, mid: int | None) -> None:
        meter = self._by_topic.get(topic)
        if meter is None:
            return
        # who waits for an acknowledgement is not crowded out: the broker sends on only after it
        if len(self._waiting[meter]) >= (WAITING_MAX if mid is None else 2 * WAITING_MAX):
            self._lost[meter] = self._lost.get(meter, 0) + 1
            return
        self._waiting[meter].append(_Mail(came_ns, payload, size, mid, self._session))
