"""A short run of the whole, and what the harness says where a rule is broken on purpose: it must see it."""

import logging
import sqlite3

import pytest

from agent import files
from contract import merkle
from contract.checkpoint import Checkpoint
from gateway import database
from gateway.ledger import Ledger
from simulators.ordeal.vfs import Unreachable, vfs
from simulators.ordeal.world import Breach, World, totals


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_keys_may_change_at_every_start_and_the_first_ones_vouch_for_all(tmp_path):
    world = World(tmp_path, "short/keys", rotating=True)
    judged = world.run(20, vfs())
    assert judged.breaches == ()
    assert (judged.lost, judged.doubled, judged.verdict) == (0, 0, "pinned")
    figures = totals([world])
    assert figures["keys changed"] >= 3
    trusted = next(line for line in judged.findings if line.startswith("ok   trust "))
    assert "by rotations from one that is, each signed by both keys" in trusted


def run(folder, seed, kills):
    """(world, breaches) of one world."""
    folder.mkdir()
    world = World(folder, seed)
    try:
        return world, list(world.run(kills, vfs()).breaches)
    except Breach as breach:
        return world, [str(breach)]
    except Unreachable as error:
        pytest.skip(str(error))


def test_forty_kills_lose_nothing(tmp_path):
    folder = tmp_path / "world"
    folder.mkdir()
    world = World(folder, "short/1")
    judged = world.run(40, vfs())
    assert judged.breaches == ()
    assert (judged.lost, judged.doubled, judged.verdict) == (0, 0, "pinned")
    assert judged.readings > 2000
    assert judged.batches > 10
    figures = totals([world])
    killed = {name: times for name, times in figures.items() if name.startswith("killed")}
    assert sum(killed.values()) >= 40
    assert killed.keys() == {"killed: broker", "killed: edge-1", "killed: edge-2", "killed: gateway"}
    assert figures["power cut"] > 5
    assert figures["writes torn"] > 0
    assert figures["writes lost"] > 0
    assert figures["receipts"] > 100


def test_the_same_seed_gives_the_same_run(tmp_path):
    runs = [run(tmp_path / name, "again/2", 3) for name in "ab"]
    (one, _), (other, _) = runs
    assert totals([one]) == totals([other])
    assert (one.step, one.truth.read, one.truth.heads) == (other.step, other.truth.read, other.truth.heads)
    assert one.truth.heads


def breaches(folder):
    """What the harness says over a few worlds, until it says something."""
    for number in range(6):
        world, found = run(folder / f"{number}", f"mutation/{number}", 10)
        if found:
            assert world.step > 0
            return found
    return []


def test_a_receipt_before_the_commit_is_seen(tmp_path, monkeypatch):
    """Each append is made durable with the next one only; the receipt has gone by then."""
    append, held = Ledger.append, []

    def late(ledger, entries, at_ns, refused=()):
        if held and held[-1][0] is ledger:
            append(*held.pop())
        held[:] = [(ledger, entries, at_ns, refused)]
        tree = merkle.Frontier()
        for one in [*ledger.entries(), *entries]:
            tree.append(merkle.leaf_hash(one.signed))
        return Checkpoint(ledger.origin, tree.size, tree.root())

    monkeypatch.setattr(Ledger, "append", late)
    assert any("receipted, and lost by the ledger" in line for line in breaches(tmp_path))


def test_a_ledger_that_does_not_sync_is_seen(tmp_path, monkeypatch):
    pragmas = [pragma.replace("synchronous = FULL", "synchronous = OFF") for pragma in database._SQLITE]
    assert pragmas != list(database._SQLITE)
    monkeypatch.setattr(database, "_SQLITE", tuple(pragmas))
    monkeypatch.setattr(database, "require_durable", lambda *_: None)
    found = breaches(tmp_path)
    assert any("receipted, and lost by the ledger" in line or "ended by itself" in line for line in found)


def test_a_journal_that_does_not_sync_is_seen(tmp_path, monkeypatch):
    def hasty(connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    monkeypatch.setattr(files, "durable", hasty)
    found = breaches(tmp_path)
    assert any(line.startswith("lost: ") or "clone" in line or "fork" in line for line in found), found
