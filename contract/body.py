"""An entry's body: parts under a salted Merkle root, so that each can be shown or withheld by itself.

A full body is `[seed, [data, ...]]`; every salt follows from the seed. A redacted body is `[null, [item, ...]]`
where an item is `[salt, data]` for a shown part and the 32-byte leaf hash for a withheld one. Both lead to the same
root.
"""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contract import cbor, merkle
from contract.errors import Malformed, TooLarge

SEED_BYTES, SALT_BYTES, HASH_BYTES = 32, 16, 32
PARTS_MAX = 1 << 14  # so that a body of two mebibytes of empty parts costs its reader nothing


@dataclass(frozen=True, slots=True)
class Body:
    """`leaves` holds every part's hash; `parts` its data, or None where it was withheld."""

    leaves: tuple[bytes, ...]
    parts: tuple[bytes | None, ...]

    def root(self) -> bytes:
        """The body_root that the header signs."""
        return merkle.root(self.leaves)


def salt(seed: bytes, index: int) -> bytes:
    """The salt of part `index`: one part's salt tells nothing about another's."""
    return hmac.digest(seed, index.to_bytes(4, "big"), hashlib.sha256)[:SALT_BYTES]


def pack(seed: bytes, parts: Sequence[bytes]) -> bytes:
    """Write a full body. Raises TooLarge."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a body's seed has {SEED_BYTES} bytes")
    _check_count(parts)
    return cbor.encode([seed, list(parts)])


def unpack(data: bytes) -> Body:
    """Read a full or a redacted body. Raises TooLarge or Malformed."""
    match cbor.decode(data):
        case [bytes(seed), list(parts)] if len(seed) == SEED_BYTES and all(isinstance(p, bytes) for p in parts):
            _check_count(parts)
            leaves = [merkle.leaf_hash(salt(seed, i) + part) for i, part in enumerate(parts)]
            return Body(tuple(leaves), tuple(parts))
        case [None, list(items)]:
            _check_count(items)
            shown = [_redacted_item(item) for item in items]
            return Body(tuple(leaf for leaf, _ in shown), tuple(part for _, part in shown))
        case _:
            raise Malformed("body: must be [seed, [part, ...]] or [null, [item, ...]]")


def redact(data: bytes, keep: Collection[int]) -> bytes:
    """Withhold every part whose index is not in `keep`; the root stays the same. Raises TooLarge or Malformed."""
    leaves = unpack(data).leaves
    match cbor.decode(data):
        case [bytes(seed), list(parts)]:
            shown: list[object] = [[salt(seed, i), part] for i, part in enumerate(parts)]
        case [None, list(items)]:
            shown = items
        case _:
            raise Malformed("body: must be [seed, [part, ...]] or [null, [item, ...]]")
    return cbor.encode([None, [item if i in keep else leaves[i] for i, item in enumerate(shown)]])


def _check_count(parts: Sequence[object]) -> None:
    if len(parts) > PARTS_MAX:
        raise TooLarge(f"body: {len(parts)} parts; at most {PARTS_MAX}")


def _redacted_item(item: object) -> tuple[bytes, bytes | None]:
    match item:
        case bytes(leaf) if len(leaf) == HASH_BYTES:
            return leaf, None
        case [bytes(part_salt), bytes(part)] if len(part_salt) == SALT_BYTES:
            return merkle.leaf_hash(part_salt + part), part
        case _:
            raise Malformed("body: an item is [16-byte salt, part] or a 32-byte leaf hash")
