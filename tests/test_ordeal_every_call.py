"""Every write, sync and rename of an agent's and of a gateway's life fails once, in turn; the next start finds it all.

`EVERY_CALL=1` tries each call; by default every seventh, with each kind of call among them.
"""

import asyncio
import errno
import logging
import os
from collections import Counter
from random import Random

import pytest
from authors import Author, wire

from contract import entry, keys, segment
from contract.segment import TICK_NS
from simulators.ordeal import hall, plain_files
from simulators.ordeal.broker import CALM, Broker, Told
from simulators.ordeal.disk import Disk
from simulators.ordeal.edge import Edge
from simulators.ordeal.hall import Hall
from simulators.ordeal.plant import SITE, T0, Line, S, plan
from simulators.ordeal.truth import Truth
from simulators.ordeal.vfs import Unreachable, vfs

EVERY = int(os.environ.get("EVERY_CALL", "7"))
ROUNDS = 12


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def disk_in(folder):
    disk = Disk((folder / "disk").resolve(), Random(1))
    disk.folder.mkdir(parents=True)
    return disk


def tried(disk, live):
    """Let a part live on its disk; returns whether it came through."""
    try:
        with vfs().mounted(disk), plain_files.mounted(disk):
            asyncio.run(live())
    except Unreachable as error:
        pytest.skip(str(error))
    except Exception:
        if not disk.struck:
            raise
        return False
    return True


def changing(disk):
    """How many calls there were that may fail."""
    assert disk.calls.keys() >= {"write", "sync", "sync_names", "delete"}
    return disk.calls.total() - disk.calls["read"]


class Agents:
    """Agents alike, each on a disk of its own."""

    def __init__(self, folder):
        self.folder, self.plan = folder, plan(folder / "plan", "edge-1")
        self.key, self.line = keys.generate(), Line("edge-1", Random(1), T0 + 3600 * S)

    def make(self, name):
        return Edge(
            "edge-1", self.plan, self.key, self.key.public_key(), self.line, disk_in(self.folder / name),
            Broker(Random(1), CALM), Truth(), Random(1),
        )  # fmt: skip


def life(edge, first, ends):
    """A start, some rounds, a seal; `ends`: what it holds in the end."""

    async def live():
        try:
            await edge.start(T0 + first * S)
            for number in range(first + 1, first + ROUNDS):
                await edge.round(T0 + number * S)
            edge.seal(T0 + (first + ROUNDS) * S)
            ends[:] = edge._journal.after({}, 1 << 20)
        finally:
            edge.die(0)

    return live


def scans(entries):
    found = Counter()
    for stored in entries:
        header = entry.read(stored.sealed.signed).header
        for part in entry.check_body(header, stored.sealed.body).parts if header.type == "segment" else ():
            made = segment.decode(part)
            found.update(("edge-1", made.meter, b.index, r // TICK_NS) for b in made.blocks for r in b.requested_ns)
    return found


def test_an_agent_of_which_any_one_call_fails(tmp_path):
    agents, ends = Agents(tmp_path), []
    counted = agents.make("counted")
    assert tried(counted.disk, life(counted, 0, ends))
    calls, died = changing(counted.disk), 0
    assert calls > 60
    for number in range(0, calls, EVERY):
        for error in (errno.EIO, errno.ENOSPC):
            edge = agents.make(f"{number}-{error}")
            edge.disk.fail_in, edge.disk.fail_with = number, error
            died += not tried(edge.disk, life(edge, 0, []))
            edge.disk.start()
            edge.disk.struck.clear()
            assert tried(edge.disk, life(edge, 100, ends)), f"call {number}: it does not start again"
            found = scans(ends)
            assert set(found.values()) == {1}, f"call {number}: something is sealed twice"
            assert edge.truth.durable <= found.keys() <= edge.truth.read.keys(), f"call {number}: something is lost"
            assert len(edge.truth.durable) >= 2 * (ROUNDS - 1)
    assert died > calls // EVERY // 2


OWN = {"gateway": keys.generate(), "ledger": keys.generate()}


def admitting(made, messages, groups=3):
    """A start, and some groups of messages."""

    async def live():
        try:
            await made.start(T0)
            size = -(-len(messages) // groups)
            for first in range(0, len(messages), size):
                made.broker.session += messages[first : first + size]
                await made.round(T0 + (1 + first) * 61 * S)
        finally:
            made.die(0)

    return live


def test_a_gateway_of_which_any_one_call_fails(tmp_path):
    edge = Author("edge-1", site=SITE)
    sealed = [edge.begin(), *(edge.say() for _ in range(8))]
    messages = [Told(f"metertrail/v1/{SITE}/edge-1/entries", wire(one)) for one in sealed]

    def make(name):
        folder = (tmp_path / name).resolve()
        hall.write(folder, OWN, {"edge-1": edge.public})
        return Hall(folder, disk_in(folder), Broker(Random(1), CALM), Truth())

    counted = make("counted")
    assert tried(counted.disk, admitting(counted, messages))
    calls, died = changing(counted.disk), 0
    assert calls > 60
    for number in range(0, calls, EVERY):
        made = make(f"{number}")
        made.disk.fail_in, made.disk.fail_with = number, errno.EIO if number % 2 else errno.ENOSPC
        died += not tried(made.disk, admitting(made, messages))
        made.disk.start()
        made.disk.struck.clear()
        made.broker.session.clear()
        before = made.truth.verdicts["admitted"]
        assert tried(made.disk, admitting(made, messages)), f"call {number}: it does not start again"
        assert made.truth.forgotten == [], f"call {number}: a receipt's entry is gone"
        assert made.truth.verdicts["admitted"] - before <= len(messages)
        assert set(made.truth.verdicts) <= {"admitted", "duplicate"}
        assert made.truth.heads["edge-1", edge.head.epoch] == (8, sealed[-1].hash)
    assert died > calls // EVERY // 2
