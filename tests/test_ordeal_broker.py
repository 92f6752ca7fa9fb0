"""The broker: calm it loses nothing and keeps order; otherwise it does what its weather says, and only that."""

from random import Random

import pytest

from simulators.ordeal.broker import CALM, Broker, Link, Told, Weather
from simulators.ordeal.plant import S


class Client(Link):
    """A link that remembers what came."""

    def __init__(self, broker, name):
        super().__init__(broker, name)
        self.heard = []
        self.on_connect = lambda *_: self.subscribe("a/receipts", 1)
        self.on_message = lambda _client, _data, told: self.heard.append(told)
        self.connect_async("broker", 1883)


def told(number):
    return Told("a/entries", bytes([number]))


def published(weather, count=200):
    broker = Broker(Random(1), weather)
    for number in range(count):
        broker.publish("a/entries", bytes([number]), 1)
    for second in range(100):
        broker.turn(second * S)
    return broker


def test_in_calm_everything_comes_once_in_order():
    assert published(CALM).session == [told(number) for number in range(200)]


@pytest.mark.parametrize("what", ["dropped", "repeated", "delayed"])
def test_the_weather_does_what_it_says(what):
    broker = published(Weather(**{**vars_of(CALM), what: 500}))
    assert 60 < broker.counts[what] < 140
    came = [one.payload[0] for one in broker.session]
    assert len(came) == 200 - broker.counts["dropped"] + broker.counts["repeated"]
    assert (came != sorted(came)) == (what == "delayed")
    assert set(came) <= set(range(200))


def vars_of(weather):
    return {name: getattr(weather, name) for name in ("dropped", "repeated", "delayed")}


def test_a_retained_message_waits_for_a_subscriber_and_a_lost_client_gets_nothing():
    broker = Broker(Random(1), CALM)
    broker.publish("a/receipts", b"1", 1, retain=True)
    broker.turn(0)
    client = Client(broker, "edge-1")
    broker.turn(S)
    assert client.heard == [Told("a/receipts", b"1")]
    broker.drop("edge-1", 10 * S)
    client.publish("a/entries", b"x", 1)
    broker.publish("a/receipts", b"2", 1, retain=True)
    broker.turn(2 * S)
    assert (client.is_connected(), client.heard, broker.session) == (False, [Told("a/receipts", b"1")], [])
    broker.turn(10 * S)
    assert client.heard[-1] == Told("a/receipts", b"2")
    client.publish("a/entries", b"y", 1)
    broker.turn(11 * S)
    assert broker.session == [Told("a/entries", b"y")]
    broker.forget("edge-1")
    assert broker.links == {}


def test_a_killed_broker_brings_back_what_some_brokers_do():
    """Nothing, everything, or retained messages of some time ago; what was under way is gone."""
    found, sessions = set(), set()
    for seed in range(40):
        broker = Broker(Random(seed), CALM)
        client = Client(broker, "edge-1")
        for number in range(40):
            broker.publish("a/receipts", bytes([number]), 1, retain=True)
            broker.publish("a/entries", bytes([number]), 1)
            broker.turn(number * S)
        broker.publish("a/receipts", b"lost", 1, retain=True)
        broker.kill(50 * S)
        assert not client.is_connected()
        broker.turn(50 * S)
        found.add(broker.retained.get("a/receipts"))
        sessions.add(len(broker.session))
        assert b"lost" not in found
    assert None in found
    assert bytes([39]) in found
    assert len(found) > 3
    assert sessions == {0, 40}
