"""An MQTT client for tests that waits for what it asked for instead of sleeping."""

import queue

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

LIMIT_S = 30


class Client:
    """Connects at once; `messages` holds what arrived as (topic, payload, retained)."""

    def __init__(self, port: int, username: str | None, password: str | None, client_id: str = "") -> None:
        self.messages: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self._answers: queue.Queue[object] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.on_connect = lambda _c, _d, _f, reason, _p: self._answers.put(reason)
        self._client.on_subscribe = lambda _c, _d, _m, reasons, _p: self._answers.put(reasons)
        self._client.on_message = lambda _c, _d, m: self.messages.put((m.topic, m.payload, m.retain))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.refused = self._answers.get(timeout=LIMIT_S).is_failure
        if self.refused:
            self.close()

    def let_in_again(self) -> bool:
        """Whether the broker let us in again after our connection ended."""
        return not self._answers.get(timeout=LIMIT_S).is_failure

    def subscribe(self, topic: str) -> bool:
        """Whether the broker let us."""
        self._client.subscribe(topic, qos=1)
        return not self._answers.get(timeout=LIMIT_S)[0].is_failure

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publish and wait for the broker's acknowledgement."""
        self._client.publish(topic, payload, qos=qos).wait_for_publish(LIMIT_S)

    def next(self) -> tuple[str, bytes, bool]:
        """The next message."""
        return self.messages.get(timeout=LIMIT_S)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()
