"""The tree, its checkpoint, and the older heads that entries name."""

import archive_maker as maker
from archive_maker import AGENT, failures, index_of

from contract import cbor, checkpoint, keys
from contract.entry import TreeHead


def test_another_ledgers_signature_is_refused():
    made = maker.factory()
    head = made.head()
    note = checkpoint.sign(checkpoint.Checkpoint("metertrail/works", head.size, head.root), keys.generate())
    assert failures(made.pack_with_note(note)) == ["FAIL checkpoint checkpoint: not signed by the ledger's key"]


def test_a_tree_of_another_size_is_named():
    made = maker.factory()
    note = made.note()
    del made.ledger[-1]
    assert "FAIL ledger 32 entries; the checkpoint signs 33" in failures(made.pack_with_note(note))


def test_an_index_out_of_order_is_named():
    made = maker.factory()
    members = made.members()
    entries = [cbor.encode([6 if index == 5 else index, *pair]) for index, pair in enumerate(made.ledger)]
    data = b"".join(entries)
    made.members = lambda: {**members, "entries.cborseq": data}  # type: ignore[method-assign] - bent for this test
    assert "FAIL ledger index 6 where 5 is due: entries left out or out of order" in failures(made)


def test_a_history_the_agent_never_saw_is_named(monkeypatch):
    made = maker.opened()
    maker.produced(made)
    monkeypatch.setattr(made, "head", lambda: TreeHead(size=3, root=bytes(32)))
    made.add(AGENT, "event", [], maker.T0, maker.T0)
    monkeypatch.undo()
    maker.stated(made)
    at = index_of(made, AGENT, "event", 2)
    assert [line for line in failures(made) if "history" in line] == [
        line for line in failures(made) if f"history {at} " in line and "another root at size 3" in line
    ]
    assert any("history" in line for line in failures(made))
