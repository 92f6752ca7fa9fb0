"""Where an author stands in its own chain, and the next entry it writes there.

In: the writer's state, parts, a time span, the clock's state, fresh random bytes. Out: the sealed entry and the state
after it. The caller makes the entry durable before it writes the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contract import chain, keys
from contract.chain import Head
from contract.entry import Clock, Header, Sealed, TreeHead, seal


@dataclass(frozen=True, slots=True)
class Writer:
    """An author within one epoch; `head` is None before the epoch's first entry."""

    site: str
    author: str
    key: keys.PrivateKey
    epoch: bytes
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The time the parts speak of, ns UTC, both ends included."""

    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When and with what knowledge an entry is sealed; `seed` is 32 random bytes for this entry alone."""

    sealed_ns: int
    clock: Clock
    checkpoint: TreeHead | None
    seed: bytes


def write(
    writer: Writer, kind: str, parts: Sequence[bytes], span: Span, now: Circumstances
) -> tuple[Writer, Header, Sealed]:
    """Seal the next entry."""
    header = Header(
        v=1,
        type=kind,
        author=writer.author,
        epoch=writer.epoch,
        seq=0 if writer.head is None else writer.head.seq + 1,
        prev=chain.previous_hash(writer.head),
        from_ns=span.from_ns,
        to_ns=span.to_ns,
        sealed_ns=now.sealed_ns,
        clock=now.clock,
        checkpoint=now.checkpoint,
        parts=len(parts),
        body_root=bytes(32),  # filled in by seal
    )
    sealed = seal(header, list(parts), now.seed, writer.key, writer.site)
    return replace(writer, head=Head(writer.epoch, header.seq, sealed.hash)), header, sealed
