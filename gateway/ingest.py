"""Ingest: from the broker to the sequencer, and receipts back.

In: MQTT messages of a site's agents. Out: groups of messages for the sequencer; retained receipts, published only when
it has made them durable; live and status messages for the pages. A message is acknowledged after its group's commit or
refusal. Two threads: the MQTT client's, which only queues, and the sequencer's, which does the work. A full queue
holds up the first, and so the broker.
"""

import logging
import queue
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from contract.errors import Malformed
from contract.message import MESSAGE_BYTES_MAX
from contract.topics import Topic, format_topic, parse_topic, subscription
from gateway.config import Mqtt
from gateway.errors import Unfit
from gateway.sequencer import Message, Sequencer

log = logging.getLogger("metertrail.ingest")

GROUP_MAX = 256
QUEUE_MAX = 512
QUEUE_BYTES_MAX = 64 << 20  # waiting; a broker without limits of its own must not fill the memory
LIVE_BYTES_MAX = 1 << 16
KEEPALIVE_S = 20
WAIT_S = 0.2  # how long a full or an empty queue is waited for before looking whether to stop

OnMessage = Callable[[str, bytes, int], None]  # agent, payload, at_ns


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who else wants to know: pages and metrics. Called in this room's threads."""

    on_live: OnMessage
    on_status: OnMessage
    on_refused: Callable[[str], None]
    on_failure: Callable[[Exception], None]


@dataclass(frozen=True, slots=True)
class Received:
    """A message in the queue, with what its acknowledgement needs."""

    message: Message
    mid: int
    qos: int


def make_client(settings: Mqtt, password: str | None, site: str) -> mqtt.Client:
    """An MQTT 3.1.1 client whose session the broker keeps. Raises Unfit if the CA file cannot be used."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=f"metertrail-gateway-{site}", clean_session=False, manual_ack=True
    )
    client.username_pw_set(settings.username, password)
    if settings.tls:
        try:
            ca, cert, key = (
                None if p is None else str(p) for p in (settings.ca_file, settings.cert_file, settings.key_file)
            )
            client.tls_set(ca, cert, key)
        except (OSError, ssl.SSLError) as error:
            raise Unfit(f"mqtt.ca_file: {settings.ca_file}: {error}: give the broker's CA certificate as PEM") from None
    client.reconnect_delay_set(1, 10)
    return client


class Ingest:
    """One per sequencer."""

    def __init__(
        self, client: mqtt.Client, site: str, sequencer: Sequencer, tell: Listeners, now_ns: Callable[[], int]
    ) -> None:
        self._client, self._site, self._sequencer = client, site, sequencer
        self._tell, self._now_ns = tell, now_ns
        self._queue: queue.Queue[Received] = queue.Queue(QUEUE_MAX)
        self._queued_bytes, self._room = 0, threading.Condition()
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, name="sequencer", daemon=True)

    def start(self, host: str, port: int) -> None:
        """Connect in the background; the client keeps trying by itself."""
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._worker.start()
        self._client.connect_async(host, port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Finish the group at hand and disconnect. What is still queued was not acknowledged and comes again."""
        self._stopping.set()
        self._worker.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                group = self._take()
                if group:
                    self._settle(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, this thread ends with it; the process decides
            self._stopping.set()
            self._tell.on_failure(error)

    def _take(self) -> list[Received]:
        """What is queued now, at most a group; waits a little for the first."""
        group: list[Received] = []
        try:
            group.append(self._queue.get(timeout=WAIT_S))
            while len(group) < GROUP_MAX:
                group.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        with self._room:
            self._queued_bytes -= sum(len(one.message.data) for one in group)
            self._room.notify_all()
        return group

    def _settle(self, group: list[Received]) -> None:
        outcome = self._sequencer.admit([one.message for one in group])
        for one in group:
            self._client.ack(one.mid, one.qos)
        self._publish(outcome.receipts)
        for (agent, verdict), count in outcome.verdicts.items():
            if verdict in {"admitted", "duplicate"}:
                continue
            for _ in range(count):
                self._tell.on_refused(verdict)
            if verdict != "held":
                log.warning("refused agent=%s verdict=%s messages=%d", agent, verdict, count)

    def _publish(self, receipts: Mapping[str, bytes]) -> None:
        if not self._client.is_connected():
            return  # all are published anew on the next connection
        for agent, data in receipts.items():
            self._client.publish(format_topic(Topic(self._site, agent, "receipts")), data, qos=1, retain=True)

    def _on_connect(self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, *_: object) -> None:
        if reason.is_failure:
            log.warning("broker refuses reason=%s", str(reason).replace(" ", "-"))
            return
        log.info("broker connected")
        client.subscribe([(subscription(self._site, name), qos) for name, qos in CHANNELS.items()])
        try:
            self._publish(self._sequencer.receipts())
        except Exception as error:  # noqa: BLE001 - as in _work
            self._tell.on_failure(error)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, *_: object
    ) -> None:
        if not self._stopping.is_set():
            log.warning("broker lost reason=%s", str(reason).replace(" ", "-"))

    def _on_message(self, client: mqtt.Client, _data: object, received: mqtt.MQTTMessage) -> None:
        try:
            topic = parse_topic(received.topic)
        except (Malformed, UnicodeDecodeError):
            self._tell.on_refused("wrong_topic")
            client.ack(received.mid, received.qos)
            return
        payload = bytes(received.payload[: MESSAGE_BYTES_MAX + 1])  # no more is needed to find it too large
        if topic.channel == "entries":
            self._enqueue(Received(Message(topic, payload), received.mid, received.qos))
            return
        client.ack(received.mid, received.qos)
        if len(payload) > LIVE_BYTES_MAX:
            self._tell.on_refused("too_large")
        elif topic.channel == "live":
            self._tell.on_live(topic.agent, payload, self._now_ns())
        elif topic.channel == "status":
            self._tell.on_status(topic.agent, payload, self._now_ns())

    def _enqueue(self, received: Received) -> None:
        size = len(received.message.data)
        with self._room:
            while self._queued_bytes and self._queued_bytes + size > QUEUE_BYTES_MAX and not self._stopping.is_set():
                self._room.wait(WAIT_S)
            self._queued_bytes += size
        while not self._stopping.is_set():
            try:
                self._queue.put(received, timeout=WAIT_S)
            except queue.Full:
                continue
            return


CHANNELS = {"entries": 1, "live": 0, "status": 1}  # with the quality of service they are sent with
