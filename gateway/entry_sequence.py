"""Entries one after another in a stream, as an archive's member `entries.cborseq` has them.

In: `[index, signed header, body or null]`, CBOR, nothing between. Out: the same, one at a time: a stream may be larger
than memory. Raises Malformed or TooLarge where the bytes are no such item.
"""

from collections.abc import Iterator
from typing import Protocol

from contract import cbor, heads, message
from contract.errors import Malformed, TooLarge

CHUNK_BYTES = 1 << 22
ITEM_BYTES_MAX = 2 * message.PLAIN_BYTES_MAX + 64
_ARRAY_OF_3, _NULL = 0x83, b"\xf6"

Item = tuple[int, bytes, bytes | None]


class Stream(Protocol):
    """What can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


def write(index: int, signed: bytes, body: bytes) -> bytes:
    """One item."""
    return cbor.encode([index, signed, body])


def read(stream: Stream) -> Iterator[Item]:
    """Every item."""
    data, at, ended = b"", 0, False
    while True:
        if not ended and len(data) - at < ITEM_BYTES_MAX:
            more = stream.read(CHUNK_BYTES)
            data, at, ended = data[at:] + more, 0, not more
        elif at == len(data):
            return
        else:
            item, at = _item(data, at)
            yield item


def _item(data: bytes, at: int) -> tuple[Item, int]:
    if data[at] != _ARRAY_OF_3:
        raise Malformed("entries: must be [index, signed header, body or null]")
    index, at = heads.head(data, at + 1, heads.UNSIGNED)
    signed, at = _bytes(data, at)
    if data[at : at + 1] == _NULL:
        return (index, signed, None), at + 1
    body, at = _bytes(data, at)
    return (index, signed, body), at


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    length, _ = heads.head(data, at, heads.BYTES)
    if length > message.PLAIN_BYTES_MAX:
        raise TooLarge(f"entries: {length} bytes; at most {message.PLAIN_BYTES_MAX}")
    return heads.string(data, at)
