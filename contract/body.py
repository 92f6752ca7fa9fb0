"""An entry's body: parts under a salted Merkle root, so that each can be shown or withheld by itself.

A full body is `[seed, [data, ...]]`; every salt follows from the seed. A redacted body is `[null, [item, ...]]`
where an item is `[salt, data]` for a shown part and the 32-byte leaf hash for a withheld one. Both lead to the same
root.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contract import cbor, heads, merkle
from contract.errors import Malformed, TooLarge

SEED_BYTES, SALT_BYTES, HASH_BYTES = 32, 16, 32
_NULL, _PAIR = b"\xf6", b"\x82"
PARTS_MAX = 1 << 14  # so that a body of two mebibytes of empty parts costs its reader nothing


@dataclass(frozen=True, slots=True)
class Body:
    """`leaves` holds every part's hash; `parts` its data, or None where it was withheld."""

    leaves: tuple[bytes, ...]
    parts: tuple[bytes | None, ...]

    def root(self) -> bytes:
        """The body_root that the header signs."""
        return merkle.root(self.leaves)


def salts(seed: bytes, count: int) -> list[bytes]:
    """The salts of a body's parts: HMAC-SHA-256 of the index under the seed, cut; one tells nothing about another.

    The two padded keys of RFC 2104 are hashed once for all parts: a body has a hundred of them, and admission spends a
    fifth of its time here.
    """
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in seed.ljust(64, b"\0"))) for pad in (0x36, 0x5C))
    made = []
    for index in range(count):
        within, around = inner.copy(), outer.copy()
        within.update(index.to_bytes(4, "big"))
        around.update(within.digest())
        made.append(around.digest()[:SALT_BYTES])
    return made


def pack(seed: bytes, parts: Sequence[bytes]) -> bytes:
    """Write a full body. Raises TooLarge."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a body's seed has {SEED_BYTES} bytes")
    _check_count(len(parts))
    return cbor.encode([seed, list(parts)])


def unpack(data: bytes) -> Body:
    """Read a full or a redacted body. Raises TooLarge or Malformed."""
    seed, at = _seed(data)
    count, at = heads.head(data, at, heads.ARRAY)
    _check_count(count)
    if seed is not None:
        shown, at = heads.strings(data, at, count)
        heads.end(data, at)
        salted = map(bytes.__add__, salts(seed, count), shown)
        return Body(tuple(map(merkle.leaf_hash, salted)), tuple(shown))
    leaves: list[bytes] = []
    parts: list[bytes | None] = []
    for _ in range(count):
        leaf, part, at = _redacted_item(data, at)
        leaves.append(leaf)
        parts.append(part)
    heads.end(data, at)
    return Body(tuple(leaves), tuple(parts))


def redact(data: bytes, keep: Collection[int]) -> bytes:
    """Withhold every part whose index is not in `keep`; the root stays the same. Raises TooLarge or Malformed."""
    leaves = unpack(data).leaves
    match cbor.decode(data):
        case [bytes(seed), list(parts)]:
            shown: list[object] = [[salt, part] for salt, part in zip(salts(seed, len(parts)), parts, strict=True)]
        case [None, list(items)]:
            shown = items
        case _:
            raise Malformed("body: must be [seed, [part, ...]] or [null, [item, ...]]")
    return cbor.encode([None, [item if i in keep else leaves[i] for i, item in enumerate(shown)]])


def _check_count(count: int) -> None:
    if count > PARTS_MAX:
        raise TooLarge(f"body: {count} parts; at most {PARTS_MAX}")


def _seed(data: bytes) -> tuple[bytes | None, int]:
    """What stands before the parts: the seed of a full body, null in a redacted one."""
    length, at = heads.head(data, 0, heads.ARRAY)
    if data[at : at + 1] == _NULL:
        seed, at = None, at + 1
    else:
        seed, at = heads.string(data, at)
    if length != 2 or (seed is not None and len(seed) != SEED_BYTES):
        raise Malformed("body: must be [seed, [part, ...]] or [null, [item, ...]]")
    return seed, at


def _redacted_item(data: bytes, at: int) -> tuple[bytes, bytes | None, int]:
    """An item's leaf hash, its part if that is shown, and where the next item begins."""
    part: bytes | None = None
    if data[at : at + 1] == _PAIR:
        part_salt, at = heads.string(data, at + 1)
        part, at = heads.string(data, at)
        fits, leaf = len(part_salt) == SALT_BYTES, merkle.leaf_hash(part_salt + part)
    else:
        leaf, at = heads.string(data, at)
        fits = len(leaf) == HASH_BYTES
    if not fits:
        raise Malformed("body: an item is [16-byte salt, part] or a 32-byte leaf hash")
    return leaf, part, at
