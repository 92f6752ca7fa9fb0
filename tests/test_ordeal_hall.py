"""The gateway of the harness: it opens as the product does, admits, and gives receipts that the truth hears of."""

import asyncio
import logging
from random import Random

import pytest
from authors import Author, wire

from contract import keys, receipt
from simulators.ordeal import hall
from simulators.ordeal.broker import CALM, Broker, Told
from simulators.ordeal.disk import Disk
from simulators.ordeal.hall import Hall
from simulators.ordeal.plant import SITE, T0, S
from simulators.ordeal.truth import Truth
from verifier import archive, trust
from verifier.verify import verify

EDGE = Author("edge-1", site=SITE)
OWN = {"gateway": keys.generate(), "ledger": keys.generate()}


@pytest.fixture
def made(tmp_path):
    logging.disable(logging.WARNING)
    hall.write(tmp_path, OWN, {"edge-1": EDGE.public})
    disk = Disk((tmp_path / "disk").resolve(), Random(1))
    disk.folder.mkdir()
    one = Hall(tmp_path.resolve(), disk, Broker(Random(1), CALM), Truth())
    yield one
    one.die(0)
    logging.disable(logging.NOTSET)


def arrive(made, *sealed):
    for one in sealed:
        made.broker.session.append(Told(f"metertrail/v1/{SITE}/edge-1/entries", wire(one)))


def test_what_is_admitted_is_receipted_and_survives_a_death(made):
    async def run():
        await made.start(T0)
        first = EDGE.begin()
        arrive(made, first, EDGE.say())
        await made.round(T0 + S)
        assert made.truth.verdicts == {"admitted": 2}
        assert made.broker.session == []
        made.broker.turn(T0 + S)
        told = made.broker.retained[f"metertrail/v1/{SITE}/edge-1/receipts"]
        assert [head.seq for head in receipt.verify(told, OWN["gateway"].public_key(), SITE).heads] == [1]
        made.die(T0)
        assert not made.is_up
        await made.start(T0 + 2 * S)
        arrive(made, first)
        await made.round(T0 + 3 * S)
        assert made.truth.verdicts == {"admitted": 2, "duplicate": 1}

    asyncio.run(run())
    assert made.truth.receipts == 4  # at either connection, and for either group
    assert made.truth.forgotten == []
    data, trusted = made.whole()
    report = verify(archive.read(data), trust.parse(trusted))
    assert report.verdict == "pinned"


def test_without_a_connection_nothing_is_taken(made):
    async def run():
        await made.start(T0)
        arrive(made, EDGE.begin("second"))
        made.broker.drop(hall.LINK, T0 + 5 * S)
        await made.round(T0 + S)
        assert made.truth.receipts == 0
        await made.round(T0 + 5 * S)
        assert made.truth.receipts > 0
        assert made.broker.session == []

    asyncio.run(run())


def test_a_ledger_that_is_older_than_its_receipts_is_told(made):
    async def run():
        await made.start(T0)
        made.truth.heads["edge-1", bytes(16)] = (4, bytes(32))
        made.die(T0)
        await made.start(T0)

    asyncio.run(run())
    assert made.truth.forgotten == ["receipted, and lost by the ledger: edge-1 00000000/4"]
