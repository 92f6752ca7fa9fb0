"""Batch messages through a real broker, the one that comes with the gateway: what is sent while we are away arrives."""

import asyncio
import logging
import time
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from amqtt.broker import Broker
from gateway_folder import Folder
from message_plant import payload
from mqtt_client import Client

from agent.drivers import Scan, Target, Unreachable, mqtt, profile
from gateway import broker
from gateway.config import load

TOPIC = "works/press/batches"
PROFILE = profile.parse((Path(__file__).parents[2] / "configs/mes-batch.toml").read_bytes())
PATIENCE_S = 30


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write("mes.password", b"edge's\n", 0o600)
    return made


def settings(folder: Folder) -> dict[str, object]:
    """The gateway's broker as it is, with one topic more: "edge-2" is the MES."""
    made = broker.settings(load(folder.path))
    rules = made["plugins"]["amqtt.plugins.topic_checking.TopicAccessControlListPlugin"]
    rules["publish_acl"] |= {"edge-2": [TOPIC]}
    rules["acl"] |= {"edge-1": [TOPIC]}
    return made


async def started(folder: Folder) -> Broker:
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = Broker(settings(folder))
        await made.start()
    return made


@pytest_asyncio.fixture
async def server(folder: Folder) -> AsyncIterator[Broker]:
    made = await started(folder)
    yield made
    await made.shutdown()


def driver(folder: Folder, topic: str = TOPIC) -> mqtt.MqttDriver:
    bus = mqtt.Bus(
        host="127.0.0.1", port=folder.mqtt_port, tls=False, username="edge-1", password_file="mes.password",
        client_id="metertrail-works",
    )  # fmt: skip
    meters = {"mes": Target(1, PROFILE, address=topic, tells=("press",))}
    return mqtt.open_driver(bus.located(folder.folder), meters, time.time_ns, lambda event: pytest.fail(str(event)))


async def read(opened: mqtt.MqttDriver, count: int) -> list[str]:
    """The batches of the next messages, as many as are wanted."""
    scans: list[Scan] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(scans) < count:
            scans += await opened.read("mes")
            await asyncio.sleep(0.02)
    assert await opened.read("mes") == []
    return [reading.text for scan in scans for reading in scan.readings if reading.point == "batch_id"]


async def until(opened: mqtt.MqttDriver, *, reachable: bool) -> None:
    """Wait until a read succeeds, or fails."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await opened.read("mes")
            except Unreachable:
                if not reachable:
                    return
            else:
                if reachable:
                    return
            await asyncio.sleep(0.05)


async def publish(folder: Folder, *batches: str) -> None:
    """What an MES does."""
    client = await asyncio.to_thread(Client, folder.mqtt_port, "edge-2", "other's")
    for batch in batches:
        await asyncio.to_thread(client.publish, TOPIC, payload("started", batch, 1).encode())
    await asyncio.to_thread(client.close)


async def test_messages_sent_while_the_agent_is_away_arrive_in_order(folder: Folder, server: Broker) -> None:
    del server
    first = driver(folder)
    assert await first.read("mes") == []
    await publish(folder, "A")
    assert await read(first, 1) == ["A"]
    await first.close()
    await publish(folder, "B", "C")
    again = driver(folder)
    assert await read(again, 2) == ["B", "C"]
    await again.close()


async def test_a_broker_that_goes_and_comes_back(folder: Folder) -> None:
    server = await started(folder)
    opened = driver(folder)
    assert await opened.read("mes") == []
    await server.shutdown()
    await until(opened, reachable=False)
    server = await started(folder)
    try:
        await until(opened, reachable=True)
        await publish(folder, "A")
        assert await read(opened, 1) == ["A"]
        await opened.close()
    finally:
        await server.shutdown()


async def test_a_topic_that_is_not_ours_is_said_to_be(folder: Folder, server: Broker) -> None:
    del server
    opened = driver(folder, "somebody/else")
    with pytest.raises(Unreachable, match="check that its user may subscribe to somebody/else"):
        await opened.read("mes")
    await opened.close()
