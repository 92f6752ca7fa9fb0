"""Merkle trees as RFC 9162, section 2.1, defines them: roots, inclusion proofs, consistency proofs.

In: leaf hashes. Out: 32-byte hashes and lists of them. Nothing here knows what a leaf stands for. Which leaves stand
under each hash of a proof is told apart from the hashing, so that a large log is read once, from its first leaf on.
"""

import hashlib
from collections.abc import Sequence

Range = tuple[int, int]  # leaves from the first to before the second


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two smaller than `size` (size > 1)."""
    return 1 << ((size - 1).bit_length() - 1)


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; the hash of nothing for none.

    Level by level, the last of an odd number goes up as it is: the tree of section 2.1.1, without its recursion.
    """
    level = list(leaves)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs] + level[len(level) & ~1 :]
    return level[0] if level else hashlib.sha256(b"").digest()


class Frontier:
    """The right edge of a growing tree: appends in O(1) amortised and keeps only O(log n) hashes."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # perfect subtrees, largest first

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        node, size = leaf, self.size
        while size & 1:
            node, size = node_hash(self._peaks.pop(), node), size >> 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree so far."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The leaves under each hash that leads from leaf `index` to the root of `size` leaves, nearest first."""
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} is not in a tree of {size}")
    ranges: list[Range] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + split(end - first)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    return ranges[::-1]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, nearest first."""
    return [root(leaves[first:end]) for first, end in inclusion_ranges(index, len(leaves))]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root a proof leads to, or None if the proof has the wrong length for this place."""
    if not 0 <= index < size:
        return None
    if size == 1:
        return leaf if not proof else None
    if not proof:
        return None
    middle = split(size)
    if index < middle:
        left = root_from_inclusion(leaf, index, middle, proof[:-1])
        return None if left is None else node_hash(left, proof[-1])
    right = root_from_inclusion(leaf, index - middle, size - middle, proof[:-1])
    return None if right is None else node_hash(proof[-1], right)


def consistency_ranges(old_size: int, size: int) -> list[Range]:
    """The leaves under each hash that shows the tree of the first `old_size` leaves inside that of `size`."""
    if not 0 < old_size <= size:
        raise IndexError(f"a tree of {size} has no earlier size {old_size}")
    ranges: list[Range] = []
    first, end = 0, size
    while end != old_size:
        middle = first + split(end - first)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    if first:  # from 0 on it is the old root, which whoever checks has
        ranges.append((first, end))
    return ranges[::-1]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show the tree of the first `old_size` leaves inside the tree of all."""
    return [root(leaves[first:end]) for first, end in consistency_ranges(old_size, len(leaves))]


def consistent(old_size: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `size` begins with the tree of `old_size` (RFC 9162, 2.1.4.2)."""
    if old_size == size:
        return not proof and old_root == new_root
    if not 0 < old_size < size:
        return False
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    old_at, new_at = old_size - 1, size - 1
    while old_at & 1:
        old_at, new_at = old_at >> 1, new_at >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if new_at == 0:
            return False
        if old_at & 1 or old_at == new_at:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while old_at and not old_at & 1:
                old_at, new_at = old_at >> 1, new_at >> 1
        else:
            new_node = node_hash(new_node, sibling)
        old_at, new_at = old_at >> 1, new_at >> 1
    return new_at == 0 and old_node == old_root and new_node == new_root
