"""What the truth says of a ledger that is not what was read: each kind of difference is a breach of its own."""

import logging
from types import SimpleNamespace

import pytest

from contract import cbor, keys, receipt
from contract.archive import pack
from contract.entry import TreeHead
from contract.receipt import EpochHead, Receipt
from simulators.ordeal.plant import SITE
from simulators.ordeal.truth import Truth, held, judge
from simulators.ordeal.vfs import Unreachable, vfs
from simulators.ordeal.world import World
from verifier import archive


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A plant that ran for some minutes, with two kills."""
    logging.disable(logging.CRITICAL)
    made = World(tmp_path_factory.mktemp("world"), "truth/2")
    try:
        judged = made.run(2, vfs())
    except Unreachable as error:
        pytest.skip(str(error))
    finally:
        logging.disable(logging.NOTSET)
    assert judged.breaches == ()
    assert judged.batches >= 2
    return made, *made.whole


def breaches(world, change=lambda truth: None, data=None):
    made, whole, trusted = world
    truth = Truth(
        dict(made.truth.read), set(made.truth.durable), made.truth.receipts, dict(made.truth.heads), [],
        made.truth.verdicts,
    )  # fmt: skip
    change(truth)
    lines = [edge.line for edge in made.edges]
    return judge(truth, whole if data is None else data, trusted, lines).breaches


def test_what_a_ledger_holds_is_read_from_its_archive(world):
    made, whole, _ = world
    found = held(whole)
    assert found.scans.keys() == found.words.keys() == made.truth.read.keys()
    assert set(found.scans.values()) == {1}
    assert {author for author, _, _ in found.places} == {"edge-1", "edge-2", "gateway"}


def test_the_truth_as_it_is_holds(world):
    assert breaches(world) == ()


def test_a_reading_that_is_not_there_is_lost(world):
    place = ("edge-1", "press", 0, 1)
    assert breaches(world, lambda truth: truth.durable.add(place)) == (f"lost: {place}",)


def test_a_reading_that_nobody_made_is_told(world):
    place = min(world[0].truth.read)

    def forget(truth):
        del truth.read[place]

    assert breaches(world, forget) == (f"never read: {place}",)


def test_other_words_are_told(world):
    place = min(world[0].truth.read)
    (told,) = breaches(world, lambda truth: truth.read.update({place: (("energy", 1), ("power", 2))}))
    assert told.startswith(f"altered: {place}: ")


def test_a_receipt_without_its_entry_is_told(world):
    (told,) = breaches(world, lambda truth: truth.heads.update({("edge-1", bytes(16)): (3, bytes(32))}))
    assert told == "receipted, but not in the ledger: edge-1 00000000/3"


def test_what_was_doubled_is_told_and_the_verifier_is_asked(world):
    _, whole, _ = world
    entries = archive.read(whole).entries
    again = [cbor.encode([number, item.signed, item.body]) for number, item in enumerate([*entries, entries[-1]])]
    members = {**archive._members(whole), "entries.cborseq": b"".join(again)}
    told = breaches(world, data=pack(members))
    assert any(line.startswith("doubled: entry ") for line in told)
    assert any(line.startswith("verifier: FAIL ") for line in told)


def test_a_batch_with_another_energy_than_the_plant_counted_is_told(world):
    made, whole, trusted = world
    other = SimpleNamespace(agent="edge-1", batches=made.edges[0].line.batches, energy=lambda at_ns: at_ns)
    lines = [other, made.edges[1].line]
    told = judge(made.truth, whole, trusted, lines).breaches
    assert told
    assert all("mWh are not within" in line for line in told)


def test_a_receipt_is_remembered_by_its_furthest_heads():
    truth = Truth()
    key = keys.generate()
    for seq in (4, 9, 7):
        heads = [EpochHead(epoch=bytes(16), seq=seq, hash=bytes([seq]) * 32)]
        told = Receipt(
            v=1,
            agent="edge-1",
            at_ns=1,
            heads=heads,
            wanted=[],
            refused=[],
            checkpoint=TreeHead(size=1, root=bytes(32)),
        )
        truth.receipted(receipt.sign(told, key, SITE))
    assert truth.receipts == 3
    assert truth.heads == {("edge-1", bytes(16)): (9, b"\x09" * 32)}
    truth.started({("edge-1", bytes(16), 9): b"\x09" * 32}.get)
    assert truth.forgotten == []
    truth.started({}.get)
    assert truth.forgotten == ["receipted, and lost by the ledger: edge-1 00000000/9"]
