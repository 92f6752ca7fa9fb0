"""One agent of the harness over calm air: it records, sends, dies and comes back as a process does."""

import asyncio
import logging
from random import Random

import pytest

from contract import keys, message, receipt
from contract.entry import TreeHead, read
from contract.receipt import EpochHead, Receipt
from simulators.ordeal.broker import CALM, Broker
from simulators.ordeal.disk import Disk
from simulators.ordeal.edge import Edge
from simulators.ordeal.plant import SITE, T0, Line, S, plan
from simulators.ordeal.truth import Truth
from simulators.ordeal.vfs import vfs

GATEWAY = keys.generate()
ROUNDS = 12


@pytest.fixture
def edge(tmp_path):
    logging.disable(logging.WARNING)
    disk = Disk((tmp_path / "disk").resolve(), Random(1))
    disk.folder.mkdir()
    made = Edge(
        "edge-1", plan(tmp_path, "edge-1"), keys.generate(), GATEWAY.public_key(),
        Line("edge-1", Random(1), T0 + 3600 * S), disk, Broker(Random(1), CALM), Truth(), Random(1),
    )  # fmt: skip
    yield made
    made.die(0)
    logging.disable(logging.NOTSET)


async def rounds(edge, first, last):
    for number in range(first, last):
        edge.broker.turn(T0 + number * S)
        await edge.round(T0 + number * S)


def headers(edge):
    edge.broker.turn(T0 + 1000 * S)
    return [read(message.unpack(told.payload)[0]).header for told in edge.broker.session]


def test_it_reads_records_and_sends_and_a_receipt_ends_that(edge):
    async def run():
        await edge.start(T0)
        await rounds(edge, 1, ROUNDS)
        edge.seal(T0 + ROUNDS * S)
        await edge.send(T0 + ROUNDS * S)
        assert edge.undelivered() > 0
        sent = headers(edge)
        assert list(dict.fromkeys(header.seq for header in sent)) == list(range(1 + sent[-1].seq))
        assert {header.author for header in sent} == {"edge-1"}
        last = edge._journal.head()
        assert (last.epoch, last.seq) == (sent[-1].epoch, sent[-1].seq)
        heads = [EpochHead(epoch=last.epoch, seq=last.seq, hash=last.hash)]
        told = Receipt(
            v=1,
            agent="edge-1",
            at_ns=1,
            heads=heads,
            wanted=[],
            refused=[],
            checkpoint=TreeHead(size=1, root=bytes(32)),
        )
        edge.broker.publish(f"metertrail/v1/{SITE}/edge-1/receipts", receipt.sign(told, GATEWAY, SITE), 1, retain=True)
        edge.broker.turn(T0 + 1001 * S)
        await edge.send(T0 + 1001 * S)
        assert edge.undelivered() == 0

    asyncio.run(run())
    assert len(edge.truth.durable) == 2 * (ROUNDS - 1)
    assert edge.truth.durable == edge.truth.read.keys()


def test_it_dies_and_begins_another_epoch_after_what_it_had(edge):
    async def run():
        await edge.start(T0)
        await rounds(edge, 1, ROUNDS)
        edge.die(T0 + 20 * S)
        assert (edge.is_up, edge.down_until_ns, edge.undelivered()) == (False, T0 + 20 * S, 0)
        await edge.start(T0 + 20 * S)
        assert edge.is_up
        await rounds(edge, 21, 30)

    asyncio.run(run())
    assert len({header.epoch for header in headers(edge)}) == 1  # the first must be durable before the second goes
    assert edge.undelivered() > 4


def test_a_disk_that_fails_ends_it(edge):
    async def run():
        await edge.start(T0)
        edge.disk.fail_in = 0
        with pytest.raises(Exception, match="disk I/O error"):
            await rounds(edge, 1, 2)

    with vfs().mounted(edge.disk):
        asyncio.run(run())
        edge.die(0)
    assert edge.truth.read
    assert not edge.truth.durable
