"""Proofs read from the rows are those that all leaves in memory give."""

import archive_maker as maker
import pytest
from ledger_on_disk import Kept

from contract import merkle
from gateway import proofs

LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(40)]


class InMemory:
    def leaves(self, size: int) -> list[bytes]:
        return LEAVES[:size]


def test_every_proof_is_the_one_of_all_leaves():
    for size in range(1, 41):
        assert proofs.root_at(InMemory(), size) == merkle.root(LEAVES[:size])
        for index in range(size):
            assert proofs.inclusion(InMemory(), index, size) == tuple(merkle.inclusion_proof(LEAVES[:size], index))
        for old in range(1, size + 1):
            assert proofs.growth(InMemory(), old, size) == tuple(merkle.consistency_proof(LEAVES[:size], old))
    assert proofs.growth(InMemory(), 0, 7) == ()


def test_entries_that_are_not_there_are_told():
    with pytest.raises(IndexError, match="entries 0 to 41 are not all there"):
        proofs.root_at(InMemory(), 41)


def test_a_ledger_on_disk_gives_them(tmp_path):
    kept = Kept(tmp_path, maker.factory())
    leaves = [merkle.leaf_hash(signed) for signed, _ in kept.made.ledger]
    assert proofs.root_at(kept.ledger, 33) == merkle.root(leaves) == kept.ledger.head().root
    assert proofs.inclusion(kept.ledger, 7, 30) == tuple(merkle.inclusion_proof(leaves[:30], 7))
    kept.ledger.close()
