"""A witness signs a ledger that grows, and nothing that shrank, forked, was rewritten or is another's."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import checkpoint, merkle
from contract.checkpoint import Checkpoint
from contract.proof_text import Growth
from witness.judge import Refused, Seen, judge

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "metertrail/plant-1"
LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(60)]
FORKED = [*LEAVES[:9], merkle.leaf_hash(b"other"), *LEAVES[10:]]


def note(leaves: list[bytes], key: Ed25519PrivateKey = KEY) -> str:
    return checkpoint.sign(Checkpoint(ORIGIN, len(leaves), merkle.root(leaves)), key)


def growth(leaves: list[bytes], old: int) -> Growth:
    return Growth(old, tuple(merkle.consistency_proof(leaves, old)) if old else (), note(leaves))


def seen(leaves: list[bytes]) -> Seen:
    return Seen(len(leaves), merkle.root(leaves))


@given(st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None)
def test_whatever_grew_is_signed(one, other):
    old, new = sorted((one, other))
    known = seen(LEAVES[:old]) if old else None
    assert judge(growth(LEAVES[:new], old), KEY.public_key(), known) == seen(LEAVES[:new])


@pytest.mark.parametrize(
    ("asked", "known", "status", "words"),
    [
        (growth(LEAVES[:9], 0), seen(LEAVES[:20]), 409, "9 entries, but 20 were seen: the ledger shrank"),
        (growth(LEAVES[:9], 9), seen(LEAVES[:20]), 409, "the ledger shrank"),
        (growth(LEAVES[:30], 9), seen(LEAVES[:20]), 409, "begins at 9 entries, but 20 were seen last"),
        (growth(LEAVES[:30], 0), seen(LEAVES[:20]), 409, "begins at 0 entries, but 20 were seen last"),
        (growth(LEAVES[:30], 20), None, 409, "begins at 20 entries, but 0 were seen last"),
        (growth(FORKED[:30], 20), seen(LEAVES[:20]), 422, "does not begin with the 20 entries that were seen"),
        (growth(FORKED[:20], 20), seen(LEAVES[:20]), 409, "another ledger of 20 entries was seen"),
        (Growth(20, (), note(LEAVES[:30])), seen(LEAVES[:20]), 422, "does not begin with"),
        (Growth(0, (bytes(32),), note(LEAVES[:30])), None, 422, "does not begin with"),
        (Growth(31, (), note(LEAVES[:30])), seen(LEAVES[:31]), 400, "above the checkpoint's 30"),
        (Growth(0, (), note(LEAVES, Ed25519PrivateKey.generate())), None, 403, "not signed by the ledger's key"),
        (Growth(0, (), "words"), None, 400, "must be origin, size and root"),
    ],
    ids=[
        "rolled back", "rolled back and proven", "old proof", "no proof", "proof of the unseen", "forked", "rewritten",
        "no proof at all", "proof from nothing", "sizes swapped", "stranger", "no note",
    ],
)  # fmt: skip
def test_what_did_not_grow_is_refused(asked, known, status, words):
    with pytest.raises(Refused, match=words) as refused:
        judge(asked, KEY.public_key(), known)
    assert refused.value.status == status


@given(st.integers(1, 59), st.data())
@settings(deadline=None)
def test_no_bent_proof_passes(old, data):
    true = growth(LEAVES, old)
    at = data.draw(st.integers(0, max(len(true.proof) - 1, 0)))
    bent = [*true.proof]
    bent[at : at + 1] = data.draw(st.lists(st.binary(min_size=32, max_size=32), max_size=2))
    if tuple(bent) == true.proof:
        return
    with pytest.raises(Refused):
        judge(Growth(old, tuple(bent), true.note), KEY.public_key(), seen(LEAVES[:old]))
