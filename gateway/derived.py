"""What an entry's row must say, from its bytes alone.

In: the signed header and the message as they are kept, and the site. Out: the columns that are an index over them.
`index`, `admitted_ns` and `flags` are no such columns: they say how the entry came. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import TypedDict

from contract import entry, message
from contract.errors import Malformed


class Columns(TypedDict):
    """The columns that are an index over an entry's bytes."""

    author: str
    epoch: bytes
    seq: int
    hash: bytes
    type: str
    from_ns: int
    to_ns: int


def columns(signed: bytes, packed: bytes, site: str) -> Columns:
    """The derived columns. Raises Inadmissible where the bytes are no entry."""
    read = entry.read(signed)
    said, body = message.unpack(packed)
    if said != signed:
        raise Malformed("message: holds another header than the one kept beside it")
    entry.check_body(read.header, body)
    of = read.header
    return {
        "author": of.author,
        "epoch": of.epoch,
        "seq": of.seq,
        "hash": read.hash(site),
        "type": of.type,
        "from_ns": of.from_ns,
        "to_ns": of.to_ns,
    }


def differences(kept: Mapping[str, object], due: Columns) -> Iterator[str]:
    """Each column that says something else than its bytes."""
    for name, value in due.items():
        if kept[name] != value:
            yield f"{name} is {_shown(kept[name])} where the bytes say {_shown(value)}"


def _shown(value: object) -> str:
    return value.hex()[:16] if isinstance(value, bytes) else repr(value)[:60]
