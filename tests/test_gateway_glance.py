"""The ledger at a glance."""

import web_plant

from contract import checkpoint, keys, receipt
from contract.entry import TreeHead
from gateway.glance import glance

KEY = keys.generate()
ROOT = bytes(range(32))


def note():
    return checkpoint.sign(checkpoint.Checkpoint("metertrail/demo", 1284, ROOT), KEY)


def signed_receipt(agent, at_ns):
    head = TreeHead(size=1284, root=ROOT)
    made = receipt.Receipt(v=1, agent=agent, at_ns=at_ns, heads=[], wanted=[], refused=[], checkpoint=head)
    return receipt.sign(made, KEY, "demo")


def test_a_ledger_with_entries():
    found = glance(web_plant.Ledger(note(), {"edge-1": signed_receipt("edge-1", 77), "edge-2": b"spoilt"}))
    assert (found.size, found.root, found.note) == (1284, ROOT.hex(), note())
    assert found.receipts_ns == {"edge-1": 77}


def test_an_empty_ledger():
    found = glance(web_plant.Ledger())
    assert (found.root, found.note, dict(found.receipts_ns)) == (None, None, {})
