"""Batch messages over MQTT: scans of what came, refusals in one line, a broker that goes and comes back."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.drivers import Target, Unreachable, mqtt, profile
from agent.drivers.mqtt import READ_MAX, WAITING_MAX, open_driver
from contract.batch_message import MESSAGE_BYTES_MAX

PROFILE = profile.parse((Path(__file__).parent.parent / "configs/mes-batch.toml").read_bytes())
BUS = mqtt.Bus(host="192.0.2.9", username="metertrail", password_file="mes.password", client_id="edge-1", timeout_ms=50)
TOPIC = "works/press/batches"
T_NS = 1_772_402_400 * 10**9  # 2026-03-01T22:00:00Z
MESSAGE = {
    "schema": "metertrail/batch/v1", "line": "press", "batch": "B-1", "product": "coil", "state": "started",
    "at": "2026-03-01T22:00:00Z",
}  # fmt: skip


def target(topic=TOPIC, tells=("press",), **other):
    return Target(1, PROFILE, address=topic, tells=tells, **other)


@dataclass
class Broker:
    """What paho's client is to the driver: a broker that answers at once, or not at all."""

    granted: int = 1
    refuses: str = ""
    is_there: bool = True
    calls: list[tuple[object, ...]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def connect_async(self, host, port, **_keepalive):
        self.calls.append(("connect", host, port))

    def loop_start(self):
        if self.is_there:
            self.connected()

    def connected(self):
        reason = self.refuses or "Success"
        self.on_connect(self, None, None, Reason(reason, bool(self.refuses)), None)
        for mid, _ in enumerate(self.asked):
            self.on_subscribe(self, None, mid, [SimpleNamespace(value=self.granted)], None)
        self.asked.clear()

    def subscribe(self, topic, qos):
        self.calls.append(("subscribe", topic, qos))
        self.asked.append(topic)
        return 0, len(self.asked) - 1

    def lost(self):
        self.on_disconnect(self, None, None, None, None)

    def sends(self, payload, topic=TOPIC, mid=1, qos=1):
        payload = payload if isinstance(payload, bytes) else json.dumps(MESSAGE | payload).encode()
        self.on_message(self, None, SimpleNamespace(topic=topic, payload=payload, mid=mid, qos=qos))

    def ack(self, mid, qos):
        self.calls.append(("ack", mid, qos))

    def disconnect(self):
        self.calls.append(("disconnect",))

    def loop_stop(self):
        self.calls.append(("stop",))

    @property
    def acknowledged(self):
        return [call[1] for call in self.calls if call[0] == "ack"]


@dataclass(frozen=True)
class Reason:
    text: str
    is_failure: bool

    def __str__(self):
        return self.text


class Plant:
    """A driver on a broker, a clock that ticks at every look, and what the driver tells."""

    def __init__(self, broker=None, meters=None):
        self.broker = broker or Broker()
        self.events = []
        self.now = T_NS
        self.driver = open_driver(
            BUS, meters or {"mes": target()}, self.tick, self.events.append, lambda _bus: self.broker
        )

    def tick(self):
        self.now += 1
        return self.now

    async def read(self, meter="mes"):
        await asyncio.sleep(0)
        return await self.driver.read(meter)

    def told(self):
        return [(event.event, event.about, event.detail.get("reason")) for event in self.events]


async def test_a_message_is_a_scan_with_its_time_of_arrival_and_its_own():
    plant = Plant()
    assert await plant.read() == []
    assert plant.broker.calls == [("connect", "192.0.2.9", 8883), ("subscribe", TOPIC, 1)]
    plant.broker.sends({})
    plant.broker.sends({"state": "ended", "at": "2026-03-01T22:00:01Z"}, mid=2)
    begun, ended = await plant.read()
    assert (begun.block, begun.requested_ns, begun.answered_ns) == (0, T_NS + 1, T_NS + 1)
    values = {reading.point: (reading.raw, reading.text, reading.source_ns) for reading in begun.readings}
    assert values == {
        "message": (None, json.dumps(MESSAGE), T_NS),
        "batch_id": (None, "B-1", T_NS),
        "product": (None, "coil", T_NS),
        "running": (1, None, T_NS),
    }
    assert [reading.raw for reading in ended.readings if reading.point == "running"] == [0]
    assert {reading.source_ns for reading in ended.readings} == {T_NS + 10**9}
    assert plant.events == []


async def test_a_message_is_acknowledged_when_more_is_asked_for():
    plant = Plant()
    await plant.read()
    plant.broker.sends({}, mid=7)
    await plant.read()
    assert plant.broker.acknowledged == []
    await plant.read()
    await plant.read()
    assert plant.broker.acknowledged == [7]


async def test_a_message_that_nobody_waits_for_is_not_acknowledged():
    plant = Plant()
    await plant.read()
    plant.broker.sends({}, mid=0, qos=0)
    assert len(await plant.read()) == 1
    await plant.read()
    assert plant.broker.acknowledged == []


async def test_what_a_broken_connection_left_unacknowledged_is_not_acknowledged_on_the_next():
    plant = Plant()
    await plant.read()
    plant.broker.sends({}, mid=7)
    await plant.read()
    plant.broker.lost()
    plant.broker.connected()
    plant.broker.sends({}, mid=1)
    assert len(await plant.read()) == 1
    await plant.read()
    assert plant.broker.acknowledged == [1]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "batch message: not JSON"),
        ({"line": "saw"}, "batch message: line: 'saw': this topic tells of 'press'"),
        ({"state": "paused"}, "batch message: state: 'paused'"),
        (b" " * (MESSAGE_BYTES_MAX + 1), f"batch message: {MESSAGE_BYTES_MAX + 1} bytes: at most"),
    ],
    ids=["not-json", "other-line", "unknown-state", "large"],
)
async def test_what_is_no_message_of_the_line_is_told_and_the_rest_goes_on(payload, reason):
    plant = Plant()
    await plant.read()
    plant.broker.sends(payload, mid=1)
    plant.broker.sends({}, mid=2)
    assert len(await plant.read()) == 1
    ((event, about, why),) = plant.told()
    assert (event, about) == ("message_refused", "mes")
    assert why.startswith(reason)
    assert "\n" not in why
    await plant.read()
    assert plant.broker.acknowledged == [1, 2]  # it would only come again


async def test_who_floods_a_topic_is_told_by_number():
    plant = Plant()
    await plant.read()
    for _ in range(WAITING_MAX + 5):
        plant.broker.sends(b"{", qos=0)
    assert await plant.read() == []
    names = [event for event, _, _ in plant.told()]
    assert (names.count("message_refused"), names[-2:]) == (20, ["messages_refused", "messages_lost"])
    assert plant.events[-2].detail == {"more": READ_MAX - 20}
    assert plant.events[-1].detail["count"] == 5


async def test_a_flood_crowds_out_no_message_whose_sender_waits():
    plant = Plant()
    await plant.read()
    for _ in range(WAITING_MAX):
        plant.broker.sends(b"{", qos=0)
    plant.broker.sends({"batch": "B-7"}, mid=7)
    scans = [scan for _ in range(WAITING_MAX // READ_MAX + 1) for scan in await plant.read()]
    assert len(scans) == 1
    assert "messages_lost" not in [event for event, _, _ in plant.told()]


async def test_many_messages_are_read_in_several_turns_and_all_in_order():
    plant = Plant()
    await plant.read()
    for mid in range(2 * READ_MAX + 1):
        plant.broker.sends({"batch": f"B-{mid}"}, mid=mid)
    turns = [await plant.read() for _ in range(4)]
    assert [len(turn) for turn in turns] == [READ_MAX, READ_MAX, 1, 0]
    names = [one.text for turn in turns for scan in turn for one in scan.readings if one.point == "batch_id"]
    assert names == [f"B-{mid}" for mid in range(2 * READ_MAX + 1)]
    assert plant.broker.acknowledged == list(range(2 * READ_MAX + 1))


async def test_without_a_connection_it_is_unreachable_and_what_came_before_is_given():
    plant = Plant()
    await plant.read()
    plant.broker.sends({})
    plant.broker.lost()
    assert len(await plant.read()) == 1
    with pytest.raises(Unreachable, match=r"^192\.0\.2\.9:8883: the connection broke"):
        await plant.read()
    plant.broker.connected()
    assert await plant.read() == []


@pytest.mark.parametrize(
    ("broker", "why"),
    [
        (Broker(is_there=False), "192.0.2.9:8883: no connection"),
        (Broker(refuses="Not authorized"), "the broker refused the connection: Not authorized: check username"),
        (Broker(granted=0x80), f"check that its user may subscribe to {TOPIC}: the broker refused"),
    ],
    ids=["away", "refuses-us", "refuses-the-topic"],
)
async def test_why_there_is_nothing(broker, why):
    plant = Plant(broker)
    for _ in range(2):
        with pytest.raises(Unreachable) as raised:
            await plant.read()
        assert why in str(raised.value)
        assert "\n" not in str(raised.value)


async def test_a_file_that_cannot_be_used_is_one_line(tmp_path):
    bus = BUS.located(tmp_path)
    driver = open_driver(bus, {"mes": target()}, lambda: 0, lambda _event: None)
    with pytest.raises(Unreachable, match="check its files: .*mes.password: No such file"):
        await driver.read("mes")


async def test_two_topics_are_kept_apart():
    plant = Plant(meters={"mes": target(), "saw-mes": target("works/saw/batches", ("saw",))})
    assert (await plant.read(), await plant.read("saw-mes")) == ([], [])
    plant.broker.sends({"line": "saw"}, topic="works/saw/batches")
    assert await plant.read() == []
    assert len(await plant.read("saw-mes")) == 1
    plant.broker.sends({}, topic="somebody/else")
    assert (await plant.read(), await plant.read("saw-mes"), plant.events) == ([], [], [])


async def test_it_says_nothing_of_an_instrument_and_closes():
    plant = Plant()
    await plant.driver.close()
    assert plant.driver.silence_ns("mes") == 50_000_000
    await plant.read()
    assert plant.driver.silence_ns("mes") == 0
    assert await plant.driver.identify("mes") == []
    await plant.driver.close()
    assert plant.broker.calls[-2:] == [("disconnect",), ("stop",)]


@pytest.mark.parametrize(
    ("meters", "problem"),
    [
        ({"mes": target("")}, "mes.address: '' is not a topic: name the one topic"),
        ({"mes": target("works/#")}, "mes.address: 'works/#' is not a topic"),
        ({"mes": target("$SYS/x")}, "mes.address: '$SYS/x' is not a topic"),
        ({"mes": target(), "b": target()}, f"b.address: '{TOPIC}' is mes's already"),
        ({"mes": target(base=4)}, "mes.base: 4 means nothing to MQTT"),
        ({"mes": target(tells=())}, "mes: tells no line: name it as source of one [[line]]"),
        ({"mes": target(tells=("a", "b"))}, "mes: tells a and b: name it as source of one [[line]]"),
    ],
)
def test_what_cannot_be_opened_is_told(meters, problem):
    with pytest.raises(ValueError, match="^") as raised:
        open_driver(BUS, meters, lambda: 0, lambda _event: None)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(problem)
