"""Publishing: the journal's entries go out, receipts come in, and only they count as delivered.

In: the journal, the broker's address, the gateway's key. Out: MQTT messages. The MQTT client has its own thread;
everything else happens in the event loop, and file reads in worker threads.
"""

import asyncio
import json
import logging
import socket
import sqlite3
import sys
import zlib
from collections.abc import Callable, Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from agent import config, custody, files, outbox
from agent.journal import Journal
from contract import cose, keys, message, receipt
from contract.chain import Head
from contract.entry import TreeHead
from contract.errors import BadSignature, Inadmissible
from contract.receipt import Refusal
from contract.records import EventPart
from contract.topics import Topic, format_topic

log = logging.getLogger("metertrail.publish")

PAUSE_S = 0.1
ANOTHERS = "the gateway has another entry in this place: a copy of this agent runs, or ran"
KEEPALIVE_S = 20
RECONNECT_FIRST_MS, RECONNECT_MOST_MS = 1000, 8000
SPREAD_MS = 2000  # after a broker's restart its agents come back one after another, not at once
# A live message stands behind what the kernel has taken: half a second of 1 Mbit/s (Linux keeps twice what is asked).
SEND_BUFFER_BYTES = 1 << 15


def make_client(settings: config.Mqtt, client_id: str, credentials: custody.Credentials) -> mqtt.Client:
    """An MQTT 3.1.1 client, the version every broker speaks."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
    client.username_pw_set(settings.username, credentials.password)
    if credentials.tls is not None:
        client.tls_set_context(credentials.tls)
    spread_ms = zlib.crc32(client_id.encode()) % SPREAD_MS  # each agent's own, and the same each time
    client.reconnect_delay_set((RECONNECT_FIRST_MS + spread_ms) / 1000, (RECONNECT_MOST_MS + spread_ms) / 1000)  # type: ignore[arg-type]  # only ever added to a time
    # What the client keeps across connections must stay bounded: the journal keeps everything.
    client.max_inflight_messages_set(outbox.WINDOW)
    client.max_queued_messages_set(outbox.WINDOW)
    return client


class Publisher:
    """One per agent."""

    def __init__(
        self, client: mqtt.Client, who: tuple[str, str], gateway_keys: Sequence[keys.PublicKey], journal: Journal
    ) -> None:
        self._client, self._journal = client, journal
        self._gateway_keys = {keys.thumbprint(key): key for key in gateway_keys}
        self._site, self._agent = who
        self._outbox = outbox.Outbox(journal.delivered())
        self._receipts: asyncio.Queue[bytes] = asyncio.Queue(maxsize=64)
        self._loop = asyncio.get_running_loop()
        self._connected_anew = False
        self._place, self._unreached, self._unread = "", "", ""
        self._events: list[EventPart] = []
        self._disowned: set[bytes] = (
            set()
        )  # epochs under a key that the gateway takes nothing of: another will not help
        self._shown: mqtt.MQTTMessageInfo | None = None  # the live message sent last
        self.checkpoint: TreeHead | None = None

    def start(self, host: str, port: int) -> None:
        """Connect in the background; the client keeps trying by itself."""
        self._place = f"{host}:{port}"
        self._client.on_socket_open = _bound
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.will_set(self._topic("status"), _status("offline"), qos=1, retain=True)
        self._client.connect_async(host, port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Say goodbye and disconnect."""
        self._client.publish(self._topic("status"), _status("stopped"), qos=0, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def live(self, payload: dict[str, object]) -> None:
        """Send what pages show; it may be lost, and is not sent where the line has not yet taken the one before."""
        if self._client.is_connected() and (self._shown is None or self._shown.is_published()):
            told = {**payload, "outbox": self._journal.waiting(self._outbox.settled)}
            self._shown = self._client.publish(self._topic("live"), json.dumps(told, separators=(",", ":")), qos=0)

    def take_events(self) -> list[EventPart]:
        """What receipts brought that belongs on the record, once."""
        taken, self._events = self._events, []
        return taken

    def is_stuck(self, epoch: bytes) -> bool:
        """Whether the gateway takes no more entries of an epoch, though it would of another under the same key."""
        return epoch in self._outbox.stopped - self._disowned

    async def run(self, now_ns: Callable[[], int]) -> None:
        """Send and receive until cancelled."""
        while True:
            try:
                await self.turn(now_ns())
            except (sqlite3.Error, OSError) as error:
                self._unreadable(error)
            await asyncio.sleep(PAUSE_S)

    async def drain(self, now_ns: Callable[[], int]) -> None:
        """Send what is left and wait for its receipts; the caller sets the limit."""
        while self._client.is_connected():
            try:
                left = await asyncio.to_thread(self._journal.after, self._outbox.settled, 1)
                if not left:
                    return
                await self.turn(now_ns())
            except (sqlite3.Error, OSError) as error:
                self._unreadable(error)
            await asyncio.sleep(PAUSE_S)

    async def turn(self, at_ns: int) -> None:
        """Take the receipts that came, then send what is due: `run` without its pauses."""
        while not self._receipts.empty():
            await self._take(self._receipts.get_nowait(), at_ns)
        if self._connected_anew:
            self._connected_anew = False
            self._outbox = outbox.reconnected(self._outbox, at_ns)
        self._outbox = outbox.retried(self._outbox, at_ns)
        if self._client.is_connected() and self._outbox.room:
            await self._send(at_ns)

    async def _send(self, at_ns: int) -> None:
        entries = await asyncio.to_thread(self._journal.after, self._outbox.reached, self._outbox.room)
        entries = entries[: outbox.together(self._outbox, [entry.epoch for entry in entries])]
        packed = [await asyncio.to_thread(message.pack, entry.sealed.signed, entry.sealed.body) for entry in entries]
        going = outbox.fitting(self._outbox, [len(one) for one in packed])
        sent = [(entry.epoch, entry.seq, len(one)) for entry, one in zip(entries, packed, strict=True)]
        for one in packed[:going]:
            # where the broker confirms nothing the client's queue fills up and refuses more: that counts as lost on
            # the way, and is sent again when the patience for it ends
            self._client.publish(self._topic("entries"), one, qos=1)
        self._outbox = outbox.published(self._outbox, sent[:going], at_ns)

    async def _take(self, data: bytes, at_ns: int) -> None:
        try:
            told = receipt.verify(data, self._key_of(data), self._site)
        except Inadmissible as error:
            log.warning("receipt refused: %s", error)
            return
        if told.agent != self._agent:
            log.warning("receipt refused: it is for agent %s", told.agent)
            return
        told = await asyncio.to_thread(self._without_others, told)
        before, newest_ns = self._outbox.delivered, self._outbox.receipt_ns
        self._outbox, news = outbox.received(self._outbox, told, at_ns)
        if told.at_ns >= newest_ns:  # a broker may deliver an older one late: what it knew is known no more
            self.checkpoint = told.checkpoint
        for refusal in news.refused:
            if refusal.verdict == "revoked":
                self._disowned.add(refusal.epoch)
            log.error("entry seq=%d refused verdict=%s: %s", refusal.seq, refusal.verdict, refusal.reason)
            detail: dict[str, object] = {"seq": refusal.seq, "verdict": refusal.verdict, "reason": refusal.reason}
            self._events.append(_event("entry_refused", refusal.epoch, at_ns, detail))
        for epoch, seq in news.fallen.items():
            log.warning("receipt fell back: epoch=%s from seq=%d to %d: sending again", epoch.hex(), before[epoch], seq)
            self._events.append(_event("receipt_fell_back", epoch, at_ns, {"from_seq": before[epoch], "to_seq": seq}))
        if news.moved or news.fallen:
            await asyncio.to_thread(self._journal.confirm, {**news.moved, **news.fallen})

    def _without_others(self, told: receipt.Receipt) -> receipt.Receipt:
        """The receipt, where a head is not ours as if our entry had been refused: a copy of this agent sealed it.

        Else what we sealed in that place would count as delivered, and be lost.
        """
        heads = [Head(one.epoch, one.seq, one.hash) for one in told.heads]
        others = {one.epoch: one for one in heads if not self._journal.is_own(one)}
        if not others:
            return told
        refused = [
            Refusal(epoch=one.epoch, seq=one.seq, hash=one.hash, verdict="fork", reason=ANOTHERS)
            for one in others.values()
        ]
        kept = [one for one in told.heads if one.epoch not in others]
        return told.model_copy(update={"heads": kept, "refused": [*told.refused, *refused]})

    def _key_of(self, data: bytes) -> keys.PublicKey:
        """The gateway's key that a receipt names. Raises BadSignature if it is none of them, or Malformed."""
        key_id = cose.parse(data).key_id
        if key_id not in self._gateway_keys:
            raise BadSignature(f"signed with key {key_id.hex()}, which is none of those under agent.gateway_key")
        return self._gateway_keys[key_id]

    def _unreadable(self, error: Exception) -> None:
        """No room, or damage that whoever keeps the journal sees to: what could not be sent or noted is so later."""
        if not files.is_full(error, self._journal.folder) and not files.is_damage(error):
            raise error
        if str(error) != self._unread:
            self._unread = str(error)
            log.warning("journal: %s: tried again", error)

    def _topic(self, channel: str) -> str:
        return format_topic(Topic(self._site, self._agent, channel))

    def _on_connect(self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, *_: object) -> None:
        if reason.is_failure:
            log.warning("broker refused the connection: %s", reason)
            return
        log.info("broker connected")
        self._unreached = ""
        self._shown = None  # what was not sent before the connection broke never will be
        client.subscribe(self._topic("receipts"), qos=1)
        client.publish(self._topic("status"), _status("online"), qos=0, retain=True)
        self._connected_anew = True

    def _on_connect_fail(self, *_: object) -> None:
        """Called in the client's `except`, at every try: each reason is told once."""
        error = sys.exc_info()[1]
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        if why != self._unreached:
            self._unreached = why
            log.warning("broker %s: no connection: %s: check [mqtt] and the broker; tried again", self._place, why)

    def _on_disconnect(self, *_: object) -> None:
        log.warning("broker disconnected")

    def _on_message(self, _client: mqtt.Client, _data: object, told: mqtt.MQTTMessage) -> None:
        if told.topic == self._topic("receipts") and len(told.payload) <= receipt.RECEIPT_BYTES_MAX:
            self._loop.call_soon_threadsafe(self._enqueue, bytes(told.payload))

    def _enqueue(self, data: bytes) -> None:
        if self._receipts.full():
            self._receipts.get_nowait()  # a newer receipt says all that an older one did
        self._receipts.put_nowait(data)


def _bound(_client: mqtt.Client, _data: object, opened: object) -> None:
    """Let little wait in the kernel: a live message behind it would be late."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def _event(event: str, epoch: bytes, at_ns: int, detail: dict[str, object]) -> EventPart:
    return EventPart(event=event, about=epoch.hex(), at_ns=at_ns, detail=detail)


def _status(state: str) -> str:
    return json.dumps({"state": state})
