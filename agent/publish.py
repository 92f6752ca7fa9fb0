"""Publishing: the journal's entries go out, receipts come in, and only they count as delivered.

In: the journal, the broker's address, the gateway's key. Out: MQTT messages. The MQTT client has its own thread;
everything else happens in the event loop, and file reads in worker threads.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from agent import config, outbox
from agent.journal import Journal
from contract import keys, message, receipt
from contract.entry import TreeHead
from contract.errors import Inadmissible
from contract.topics import Topic, format_topic

log = logging.getLogger("metertrail.publish")

PAUSE_S = 0.1
KEEPALIVE_S = 20


def make_client(settings: config.Mqtt, client_id: str) -> mqtt.Client:
    """An MQTT 3.1.1 client, the version every broker speaks. Raises ValueError if a file it needs cannot be read."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
    client.username_pw_set(settings.username, read_password(settings.password_file))
    if settings.tls:
        try:
            client.tls_set(ca_certs=None if settings.ca_file is None else str(settings.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"{settings.ca_file}: {error}: give the broker's CA certificate as PEM") from None
    client.reconnect_delay_set(1, 10)
    return client


def read_password(path: Path) -> str:
    """The first line of a password file. Raises ValueError."""
    try:
        return path.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError):
        raise ValueError(f"{path}: cannot be read or is empty: write the broker's password into it") from None


class Publisher:
    """One per agent."""

    def __init__(
        self, client: mqtt.Client, who: tuple[str, str], gateway_key: keys.PublicKey, journal: Journal
    ) -> None:
        self._client, self._gateway_key, self._journal = client, gateway_key, journal
        self._site, self._agent = who
        self._outbox = outbox.Outbox(journal.delivered())
        self._receipts: asyncio.Queue[bytes] = asyncio.Queue(maxsize=64)
        self._loop = asyncio.get_running_loop()
        self.checkpoint: TreeHead | None = None
        self.refused: set[bytes] = set()

    def start(self, host: str, port: int) -> None:
        """Connect in the background; the client keeps trying by itself."""
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.will_set(self._topic("status"), _status("offline"), qos=1, retain=True)
        self._client.connect_async(host, port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Say goodbye and disconnect."""
        self._client.publish(self._topic("status"), _status("stopped"), qos=1, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def live(self, payload: dict[str, object]) -> None:
        """Send what pages show; it may be lost."""
        if self._client.is_connected():
            told = {**payload, "outbox": self._outbox.in_flight}
            self._client.publish(self._topic("live"), json.dumps(told, separators=(",", ":")), qos=0)

    async def run(self, now_ns: Callable[[], int]) -> None:
        """Send and receive until cancelled."""
        while True:
            await self._round(now_ns())
            await asyncio.sleep(PAUSE_S)

    async def drain(self, now_ns: Callable[[], int]) -> None:
        """Send what is left and wait for its receipts; the caller sets the limit."""
        while self._client.is_connected() and await asyncio.to_thread(self._undelivered):
            await self._round(now_ns())
            await asyncio.sleep(PAUSE_S)

    def _undelivered(self) -> bool:
        return bool(self._journal.after(self._outbox.delivered, 1))

    async def _round(self, at_ns: int) -> None:
        while not self._receipts.empty():
            await self._take(self._receipts.get_nowait(), at_ns)
        self._outbox = outbox.retried(self._outbox, at_ns)
        if self._client.is_connected() and self._outbox.room():
            await self._send(at_ns)

    async def _send(self, at_ns: int) -> None:
        entries = await asyncio.to_thread(self._journal.after, self._outbox.beyond(), self._outbox.room())
        for entry in entries:
            packed = await asyncio.to_thread(message.pack, entry.sealed.signed, entry.sealed.body)
            self._client.publish(self._topic("entries"), packed, qos=1)
        if entries:
            self._outbox = outbox.published(self._outbox, [(entry.epoch, entry.seq) for entry in entries], at_ns)

    async def _take(self, data: bytes, at_ns: int) -> None:
        try:
            told = receipt.verify(data, self._gateway_key, self._site)
        except Inadmissible as error:
            log.warning("receipt refused: %s", error)
            return
        if told.agent != self._agent:
            log.warning("receipt refused: it is for agent %s", told.agent)
            return
        self._outbox, moved, fallen = outbox.received(self._outbox, told, at_ns)
        self.checkpoint = told.checkpoint
        for refusal in told.refused:
            if refusal.hash not in self.refused:
                self.refused.add(refusal.hash)
                log.error("entry seq=%d refused verdict=%s: %s", refusal.seq, refusal.verdict, refusal.reason)
        if fallen:
            log.warning("the gateway's receipt fell back in %d epochs: sending again", len(fallen))
        if moved or fallen:
            await asyncio.to_thread(self._journal.confirm, [*moved, *fallen])

    def _topic(self, channel: str) -> str:
        return format_topic(Topic(self._site, self._agent, channel))

    def _on_connect(self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, *_: object) -> None:
        if reason.is_failure:
            log.warning("broker refused the connection: %s", reason)
            return
        log.info("broker connected")
        client.subscribe(self._topic("receipts"), qos=1)
        client.publish(self._topic("status"), _status("online"), qos=1, retain=True)
        self._loop.call_soon_threadsafe(self._again)

    def _again(self) -> None:
        """What was on its way when the connection broke may be lost: the next round sends it again."""
        self._outbox = replace(self._outbox, sent={}, in_flight=0)

    def _on_disconnect(self, *_: object) -> None:
        log.warning("broker disconnected")

    def _on_message(self, _client: mqtt.Client, _data: object, told: mqtt.MQTTMessage) -> None:
        if told.topic == self._topic("receipts") and len(told.payload) <= receipt.RECEIPT_BYTES_MAX:
            self._loop.call_soon_threadsafe(self._enqueue, bytes(told.payload))

    def _enqueue(self, data: bytes) -> None:
        if self._receipts.full():
            self._receipts.get_nowait()  # a newer receipt says all that an older one did
        self._receipts.put_nowait(data)


def _status(state: str) -> str:
    return json.dumps({"state": state})
