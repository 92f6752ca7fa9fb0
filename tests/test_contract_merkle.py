"""Merkle trees against published tree heads and against the RFC's recursive definitions, written out again here."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import merkle

CT = json.loads((Path(__file__).parent / "cases/contract/merkle_ct.json").read_text())
LEAVES = [bytes.fromhex(leaf) for leaf in CT["leaves"]]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def largest_power_below(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def tree_head(data: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1."""
    if not data:
        return sha(b"")
    if len(data) == 1:
        return sha(b"\x00" + data[0])
    k = largest_power_below(len(data))
    return sha(b"\x01" + tree_head(data[:k]) + tree_head(data[k:]))


def path(index: int, data: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162, section 2.1.3.1."""
    if len(data) == 1:
        return []
    k = largest_power_below(len(data))
    if index < k:
        return [*path(index, data[:k]), tree_head(data[k:])]
    return [*path(index - k, data[k:]), tree_head(data[:k])]


def subproof(old: int, data: list[bytes], known: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162, section 2.1.4.1."""
    if old == len(data):
        return [] if known else [tree_head(data)]
    k = largest_power_below(len(data))
    if old <= k:
        return [*subproof(old, data[:k], known), tree_head(data[k:])]
    return [*subproof(old - k, data[k:], False), tree_head(data[:k])]


def hashed(data: list[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(item) for item in data]


def numbered(size: int) -> list[bytes]:
    return [bytes([n >> 8, n & 255]) for n in range(size)]


def test_published_tree_heads():
    assert len(CT["roots"]) == len(LEAVES) == 8
    for size, expected in enumerate(CT["roots"], 1):
        assert merkle.root(hashed(LEAVES[:size])).hex() == expected


def test_the_tree_of_nothing_is_the_hash_of_nothing():
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.Frontier().root() == merkle.root([])


def test_roots_proofs_and_frontier_follow_the_definitions():
    frontier = merkle.Frontier()
    for size in range(1, 40):
        data = numbered(size)
        leaves = hashed(data)
        frontier.append(leaves[-1])
        assert frontier.size == size
        assert merkle.root(leaves) == frontier.root() == tree_head(data)
        for index in range(size):
            assert merkle.inclusion_proof(leaves, index) == path(index, data)
        for old in range(1, size + 1):
            assert merkle.consistency_proof(leaves, old) == subproof(old, data, True)


def test_every_proof_convinces_and_no_proof_fits_another_place():
    for size in range(1, 24):
        data = numbered(size)
        leaves, root = hashed(data), tree_head(data)
        for index in range(size):
            proof = merkle.inclusion_proof(leaves, index)
            assert merkle.root_from_inclusion(leaves[index], index, size, proof) == root
            for other in set(range(size)) - {index}:
                assert merkle.root_from_inclusion(leaves[index], other, size, proof) != root
            assert merkle.root_from_inclusion(leaves[index], index, size, [*proof, bytes(32)]) is None
            assert merkle.root_from_inclusion(leaves[index], index, size, proof[1:]) != root or not proof
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(leaves, old)
            old_root = tree_head(data[:old])
            assert merkle.consistent(old, old_root, size, root, proof)
            assert not merkle.consistent(old, bytes(32), size, root, proof)
            assert not merkle.consistent(old, old_root, size, bytes(32), proof)
            assert not merkle.consistent(old, old_root, size, root, [*proof, bytes(32)])
            assert not merkle.consistent(old, old_root, size, root, proof[:-1]) or old == size


@given(st.integers(2, 60), st.data())
@settings(deadline=None)
def test_a_changed_proof_convinces_nobody(size, data):
    items = numbered(size)
    leaves, root = hashed(items), tree_head(items)
    old = data.draw(st.integers(1, size - 1))
    proof = merkle.consistency_proof(leaves, old)
    spot = data.draw(st.integers(0, len(proof) - 1))
    flipped = [*proof[:spot], bytes([proof[spot][0] ^ 1]) + proof[spot][1:], *proof[spot + 1 :]]
    assert not merkle.consistent(old, tree_head(items[:old]), size, root, flipped)
    for claimed in {old - 1, old + 1} - {0, size}:
        assert not merkle.consistent(claimed, tree_head(items[:old]), size, root, proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_place_outside_the_tree_has_no_proof(index, size):
    leaves = hashed(numbered(size))
    with pytest.raises(IndexError):
        merkle.inclusion_proof(leaves, index)
    assert merkle.root_from_inclusion(bytes(32), index, size, []) is None


@pytest.mark.parametrize("old", [0, 4, -1])
def test_a_size_the_tree_never_had_has_no_proof(old):
    leaves = hashed(numbered(3))
    with pytest.raises(IndexError):
        merkle.consistency_proof(leaves, old)
    assert not merkle.consistent(old, merkle.root([]), 3, merkle.root(leaves), [])


def test_a_huge_claimed_size_is_answered_at_once():
    assert merkle.root_from_inclusion(bytes(32), 0, 2**63 - 1, []) is None
    assert not merkle.consistent(2**62, bytes(32), 2**63 - 1, bytes(32), [bytes(32)] * 3)


def test_a_leaf_never_passes_for_a_node():
    left, right = hashed([b"a", b"b"])
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)
