"""Publishing to a client that only remembers: order, receipts, refusals, bounds, shutdown; then to a real broker."""

import asyncio
import contextlib
import json
import socket
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import paho.mqtt.client as mqtt
import pytest
from amqtt.broker import Broker
from paho.mqtt.enums import CallbackAPIVersion
from plant_in_memory import KEY, SITE, T0, Site, round_of

from agent import custody, outbox, publish
from agent.publish import Publisher, make_client
from contract import keys, message, receipt
from contract.entry import TreeHead, read
from contract.receipt import EpochHead, Receipt, Refusal, Wanted

GATEWAY = keys.generate()
S = 1_000_000_000


class Client:
    """What the publisher asks of an MQTT client, remembered."""

    def __init__(self):
        self.sent, self.connected, self.written = [], True, True

    def is_connected(self):
        return self.connected

    def publish(self, topic, payload, qos=0, retain=False):
        self.sent.append((topic.rsplit("/", 1)[1], payload, qos, retain))
        return SimpleNamespace(rc=0, is_published=lambda: self.written)

    def subscribe(self, topic, qos):
        self.sent.append(("subscribe", topic, qos, False))

    def disconnect(self):
        self.connected = False

    def loop_stop(self):
        pass

    def entries(self):
        """The (epoch, seq) of what was published, once."""
        taken, self.sent = [one for one in self.sent if one[0] == "entries"], []
        headers = [read(message.unpack(payload)[0]).header for _, payload, _, _ in taken]
        assert all(qos == 1 and not retain for _, _, qos, retain in taken)
        return [(header.epoch, header.seq) for header in headers]


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path)
    made.start(0)
    made.read_rounds({k: "A" if 4 <= k < 9 else None for k in range(1, 20)})
    made.recorder.seal(T0 + 20 * S)
    yield made
    made.stop()


@pytest.fixture
async def publisher(site):
    return Publisher(Client(), (SITE, "edge-1"), (GATEWAY.public_key(),), site.journal)


def told(site, seq, at_ns=1, key=GATEWAY, **more):
    epoch = site.recorder.epoch
    hashes = {(one.epoch, one.seq): one.sealed.hash for one in site.entries()}
    heads = [EpochHead(epoch=epoch, seq=seq, hash=hashes.get((epoch, seq), bytes(32)))] if seq >= 0 else []
    checkpoint = TreeHead(size=9, root=bytes(32))
    fields = {"agent": "edge-1", "wanted": [], "refused": [], "heads": heads, "checkpoint": checkpoint} | more
    made = Receipt(v=1, at_ns=at_ns, **fields)
    return receipt.sign(made, key, SITE)


async def give(publisher, data, at_ns=T0):
    publisher._enqueue(data)
    await publisher.turn(at_ns)


async def test_entries_go_out_once_in_order_and_receipts_move_on(site, publisher):
    await publisher.turn(T0)
    due = [(stored.epoch, stored.seq) for stored in site.entries()]
    assert publisher._client.entries() == due
    await publisher.turn(T0 + S)
    assert publisher._client.entries() == []
    await give(publisher, told(site, len(due) - 1))
    assert site.journal.delivered() == {site.recorder.epoch: len(due) - 1}
    assert publisher.checkpoint.size == 9
    site.recorder.renew("tested", T0)
    await publisher.turn(T0)
    assert publisher._client.entries() == [(site.recorder.epoch, 0)]


async def test_a_receipt_of_any_key_of_the_gateway_counts_and_of_no_other(site):
    new, last = keys.generate(keys.ES256), len(site.entries()) - 1
    both = Publisher(Client(), (SITE, "edge-1"), (GATEWAY.public_key(), new.public_key()), site.journal)
    await give(both, told(site, last, key=keys.generate()))
    assert both.checkpoint is None
    for at_ns, key in enumerate((GATEWAY, new, GATEWAY), 1):
        await give(both, told(site, last, at_ns, key=key))
        assert both._outbox.receipt_ns == at_ns


async def test_an_epoch_under_a_revoked_key_is_not_left_for_another_under_the_same(site, publisher):
    epoch = site.recorder.epoch
    refusal = Refusal(epoch=epoch, seq=0, hash=bytes(32), verdict="revoked", reason="key 00 is revoked")
    await give(publisher, told(site, -1, refused=[refusal]))
    assert not publisher.is_stuck(epoch)
    assert [event.detail["verdict"] for event in publisher.take_events()] == ["revoked"]


async def test_no_more_than_a_window_is_on_its_way(site, publisher):
    for k in range(30, 90):
        site.take(k, round_of(k, None))
        site.recorder.seal(T0 + k * S + S)
    await publisher.turn(T0)
    assert len(publisher._client.entries()) == outbox.WINDOW


async def test_the_next_epoch_waits_until_the_one_before_is_durable(site, publisher):
    first, last = site.recorder.epoch, len(site.entries()) - 1
    site.recorder.renew("tested", T0)
    await publisher.turn(T0)
    assert publisher._client.entries() == [(first, seq) for seq in range(last + 1)]
    head = EpochHead(epoch=first, seq=last, hash=site.entries()[last].sealed.hash)
    await give(publisher, told(site, -1, heads=[head]))
    assert not publisher.is_stuck(first)
    assert publisher._client.entries() == [(site.recorder.epoch, 0)]


@pytest.mark.parametrize("wrong", ["key", "agent", "bytes"])
async def test_a_receipt_that_is_not_ours_moves_nothing(site, publisher, wrong):
    data = {
        "key": lambda: told(site, 3, key=keys.generate()),
        "agent": lambda: told(site, 3, agent="edge-2"),
        "bytes": lambda: b"\xd2\x00",
    }[wrong]()
    await give(publisher, data)
    assert site.journal.delivered() == {}
    assert publisher.checkpoint is None


async def test_a_receipt_that_falls_back_is_an_event_and_sends_again(site, publisher):
    await give(publisher, told(site, 5, at_ns=1))
    publisher._client.entries()
    await give(publisher, told(site, 2, at_ns=2))
    (event,) = publisher.take_events()
    assert (event.event, event.about, event.detail) == (
        "receipt_fell_back", site.recorder.epoch.hex(), {"from_seq": 5, "to_seq": 2},
    )  # fmt: skip
    assert publisher._client.entries()[0] == (site.recorder.epoch, 3)
    assert site.journal.delivered() == {site.recorder.epoch: 2}
    assert publisher.take_events() == []


async def test_a_receipt_that_comes_late_takes_nothing_back(site, publisher):
    """Not even the tree head that the next entries name."""
    older = TreeHead(size=3, root=bytes(32))
    await give(publisher, told(site, 5, at_ns=5))
    await give(publisher, told(site, 5, at_ns=3, checkpoint=older))
    assert publisher.checkpoint.size == 9
    await give(publisher, told(site, 2, at_ns=4))
    assert (site.journal.delivered(), publisher.take_events()) == ({site.recorder.epoch: 5}, [])
    await give(publisher, told(site, 5, at_ns=5, checkpoint=older))
    assert publisher.checkpoint == older


async def test_a_wanted_range_of_a_delivered_epoch_is_sent_again(site, publisher):
    await give(publisher, told(site, len(site.entries()) - 1))
    publisher._client.entries()
    wanted = [Wanted(epoch=site.recorder.epoch, first=0, last=4)]
    await give(publisher, told(site, -1, at_ns=2, wanted=wanted))
    assert [seq for _, seq in publisher._client.entries()][:5] == [0, 1, 2, 3, 4]


async def test_a_refused_epoch_is_stuck_told_once_and_does_not_hold_up_the_next(site, publisher):
    stuck = site.recorder.epoch
    refusal = Refusal(epoch=stuck, seq=3, hash=bytes(32), verdict="fork", reason="tested")
    assert not publisher.is_stuck(stuck)
    for at_ns in (1, 2):
        await give(publisher, told(site, 2, at_ns=at_ns, refused=[refusal]))
    assert publisher.is_stuck(stuck)
    assert [event.event for event in publisher.take_events()] == ["entry_refused"]
    publisher._client.entries()
    site.recorder.renew("tested", T0)
    await publisher.turn(T0)
    assert publisher._client.entries() == [(site.recorder.epoch, 0)]


@pytest.mark.parametrize("ahead", [False, True], ids=["in-a-place-of-ours", "beyond-ours"])
async def test_what_a_copy_sealed_in_our_epoch_does_not_count_as_ours(site, publisher, ahead):
    """Two machines go on from one image: what the slower one seals must not be taken for delivered."""
    shared, last = site.recorder.epoch, len(site.entries()) - 1
    another = EpochHead(epoch=shared, seq=last + 5 if ahead else last, hash=b"\1" * 32)
    for at_ns in (1, 2):
        await give(publisher, told(site, -1, at_ns=at_ns, heads=[another]))
    assert site.journal.delivered().get(shared, -1) == -1
    assert publisher.is_stuck(shared)
    (event,) = publisher.take_events()
    assert (event.event, event.detail["verdict"]) == ("entry_refused", "fork")
    assert "a copy of this agent" in event.detail["reason"]
    publisher._client.entries()
    site.recorder.renew("tested", T0)
    await publisher.turn(T0)
    assert publisher._client.entries() == [(site.recorder.epoch, 0)]


async def test_a_head_of_an_older_epoch_that_we_no_longer_hold_is_taken(site, publisher):
    old = EpochHead(epoch=bytes(15) + b"\7", seq=99, hash=b"\1" * 32)
    await give(publisher, told(site, -1, heads=[old]))
    assert site.journal.delivered()[old.epoch] == 99
    assert not publisher._outbox.stopped


async def test_draining_ends_when_everything_is_delivered_or_can_never_be(site, publisher):
    last = len(site.entries()) - 1
    publisher._enqueue(told(site, last))
    await asyncio.wait_for(publisher.drain(lambda: T0), 5)
    site.recorder.renew("tested", T0)
    refusal = Refusal(epoch=site.recorder.epoch, seq=0, hash=bytes(32), verdict="malformed", reason="tested")
    publisher._enqueue(told(site, -1, at_ns=2, refused=[refusal]))
    await asyncio.wait_for(publisher.drain(lambda: T0), 5)
    site.recorder.renew("tested", T0)
    publisher._client.connected = False
    await asyncio.wait_for(publisher.drain(lambda: T0), 5)


async def test_the_newest_receipts_are_kept_when_too_many_come(publisher):
    for number in range(100):
        publisher._enqueue(b"%d" % number)
    assert publisher._receipts.qsize() == 64
    assert publisher._receipts.get_nowait() == b"36"


async def test_live_is_lost_without_a_connection_and_status_is_retained(publisher):
    publisher._client.connected = False
    publisher.live({"at_ns": 1})
    assert publisher._client.sent == []
    publisher._client.connected = True
    publisher.live({"at_ns": 1})
    publisher.stop()
    (live, _, _), (status, payload, retain) = [(one[0], one[1], one[3]) for one in publisher._client.sent]
    assert (live, status, json.loads(payload), retain) == ("live", "status", {"state": "stopped"}, True)


async def test_what_has_no_receipt_yet_is_told_with_what_is_live(site, publisher):
    """After an outage that is far more than what is under way."""
    count = len(site.entries())
    for seq, left in ((-1, count), (4, count - 5), (count - 1, 0)):
        await give(publisher, told(site, seq, at_ns=seq + 2))
        publisher.live({})
        assert json.loads(publisher._client.sent[-1][1]) == {"outbox": left}


async def test_live_messages_do_not_pile_up_on_a_line_that_takes_none(publisher):
    publisher._client.written = False
    for at_ns in range(3):
        publisher.live({"at_ns": at_ns})
    assert len(publisher._client.sent) == 1
    publisher._on_connect(publisher._client, None, None, SimpleNamespace(is_failure=False))
    publisher.live({"at_ns": 3})
    told = [json.loads(payload)["at_ns"] for channel, payload, _, _ in publisher._client.sent if channel == "live"]
    assert told == [0, 3]


async def test_entries_wait_where_the_line_is_slow(site, publisher):
    """What does not fit is taken from the journal again when there is room."""
    publisher._outbox = replace(publisher._outbox, line_bytes=1)
    due = [(stored.epoch, stored.seq) for stored in site.entries()]
    for place, one in enumerate(due[:3]):
        await publisher.turn(T0)
        assert publisher._client.entries() == [one]
        await give(publisher, told(site, place - 1, at_ns=place + 1))
        assert publisher._client.entries() == []
        publisher._enqueue(told(site, place, at_ns=place + 2))


def test_agents_come_back_one_after_another():
    """200 agents whose broker was restarted: no more than a few in any tenth of a second."""
    first = [
        make_client(SimpleNamespace(username="a"), f"metertrail-works-edge-{n}", credentials()) for n in range(200)
    ]
    delays_s = [client._reconnect_min_delay for client in first]
    assert all(1 <= delay_s < 3 for delay_s in delays_s)
    assert max(Counter(int(10 * delay_s) for delay_s in delays_s).values()) <= 25
    assert all(client._reconnect_max_delay <= 10 for client in first)


async def test_little_waits_in_the_kernel():
    with socket.socket() as opened:
        publish._bound(None, None, opened)
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * publish.SEND_BUFFER_BYTES


def credentials():
    return custody.Credentials(KEY, (GATEWAY.public_key(),), "word", None)


def test_what_the_client_keeps_by_itself_is_bounded():
    client = make_client(SimpleNamespace(username="edge-1"), "test", credentials())
    for _ in range(5 * outbox.WINDOW):
        client.publish("t", b"x", qos=1)
    assert len(client._out_messages) == outbox.WINDOW


class Listener:
    """A gateway's ears: what it hears, in order, by channel."""

    def __init__(self, port):
        self.queues = {channel: asyncio.Queue() for channel in ("entries", "status")}
        self.ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gateway")
        topics = [(f"metertrail/v1/{SITE}/+/{channel}", 1) for channel in self.queues]
        self.client.on_connect = lambda *_: self.client.subscribe(topics)
        self.client.on_subscribe = lambda *_: self._loop.call_soon_threadsafe(self.ready.set)
        self.client.on_message = lambda _c, _d, told: self._loop.call_soon_threadsafe(self.hear, told)
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def hear(self, told):
        self.queues[told.topic.rsplit("/", 1)[1]].put_nowait(told.payload)


@contextlib.asynccontextmanager
async def a_broker():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    listener = Listener(port)
    await asyncio.wait_for(listener.ready.wait(), 10)
    yield port, listener
    listener.client.disconnect()
    await asyncio.to_thread(listener.client.loop_stop)
    await broker.shutdown()


async def test_against_a_real_broker(site):
    """The real client: it sends everything in order, hears receipts, and says goodbye."""
    confirmed, loop = asyncio.Event(), asyncio.get_running_loop()
    confirm = site.journal.confirm
    site.journal.confirm = lambda reached: confirm(reached) or loop.call_soon_threadsafe(confirmed.set)
    client = make_client(SimpleNamespace(username="edge-1"), "test", credentials())
    publisher = Publisher(client, (SITE, "edge-1"), (GATEWAY.public_key(),), site.journal)
    last = len(site.entries()) - 1
    async with a_broker() as (port, listener), asyncio.timeout(20):
        publisher.start("127.0.0.1", port)
        running = asyncio.create_task(publisher.run(lambda: T0))
        heard = [await listener.queues["entries"].get() for _ in range(last + 1)]
        assert [read(message.unpack(data)[0]).header.seq for data in heard] == list(range(last + 1))
        listener.client.publish(f"metertrail/v1/{SITE}/edge-1/receipts", told(site, last), qos=1, retain=True)
        await confirmed.wait()
        assert site.journal.delivered() == {site.recorder.epoch: last}
        running.cancel()
        await asyncio.to_thread(publisher.stop)
        states = [json.loads(await listener.queues["status"].get()) for _ in range(2)]
        assert states == [{"state": "online"}, {"state": "stopped"}]


async def test_a_broker_that_is_not_there_is_told_once(site, caplog):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = make_client(SimpleNamespace(username="edge-1"), "test", credentials())
    client.reconnect_delay_set(0.01, 0.01)
    publisher = Publisher(client, (SITE, "edge-1"), (GATEWAY.public_key(),), site.journal)
    tries, tell = [], publisher._on_connect_fail
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()

    def counted(*given):
        tell(*given)
        tries.append(1)
        if len(tries) == 3:
            loop.call_soon_threadsafe(enough.set)

    publisher._on_connect_fail = counted
    publisher.start("127.0.0.1", port)
    async with asyncio.timeout(10):
        await enough.wait()
    publisher.stop()
    (line,) = [message for message in caplog.messages if message.startswith("broker")]
    assert line == (
        f"broker 127.0.0.1:{port}: no connection: Connection refused: check [mqtt] and the broker; tried again"
    )
