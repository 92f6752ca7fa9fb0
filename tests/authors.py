"""Authors for tests: chains of true entries, made with the contract alone, deterministic by their numbers."""

import hashlib
from dataclasses import replace

from contract import chain, keys, message, records, rotation, topics, writer
from contract.entry import Clock, Header, Sealed, TreeHead, read
from contract.void_records import VoidPart
from gateway.trust import GATEWAY, Admitted

SITE = "demo-plant"
CLOCK = Clock(synchronised=None, error_ns=None, boot=None, monotonic_ns=None)
HOUR_NS = 3_600_000_000_000


def nonce(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def author_part(parent: chain.Head | None = None) -> bytes:
    named = None if parent is None else records.Parent(epoch=parent.epoch, seq=parent.seq, hash=parent.hash)
    return records.write(
        records.Author(parent=named, reason="start", software="test", config_hash=bytes(32), started_ns=0)
    )


def event_part(number: int) -> bytes:
    return records.write(records.EventPart(event="tested", about="", at_ns=number, detail={}))


def void_part(epoch: str, first: int, last: int, last_hash: bytes | None) -> bytes:
    return records.write(
        VoidPart(
            epoch=nonce(epoch), first=first, last=last, last_hash=last_hash, from_ns=HOUR_NS * first,
            to_ns=HOUR_NS * last, cause="damaged", detail="1970-01-01.db",
        )
    )  # fmt: skip


def enrolment_part(author: str, key: keys.PublicKey) -> bytes:
    return records.write(records.EnrolmentPart(author=author, key=keys.cose_key(key), key_id=keys.thumbprint(key)))


class Author:
    """One author's chain; `begin` opens an epoch, `say` writes the next entry. Both return it sealed."""

    def __init__(self, name: str = "edge-1", key: keys.PrivateKey | None = None, site: str = SITE) -> None:
        self.key = key or keys.generate()
        self.writer = writer.Writer(site, name, self.key, nonce("unopened"))
        self.seen: TreeHead | None = None  # the ledger, by its last receipt

    @property
    def public(self) -> keys.PublicKey:
        """The key others verify with."""
        return self.key.public_key()

    @property
    def head(self) -> chain.Head | None:
        """The last entry written in the open epoch."""
        return self.writer.head

    @property
    def topic(self) -> topics.Topic:
        """Where this author's entries arrive."""
        return topics.Topic(self.writer.site, self.writer.author, "entries")

    def begin(self, epoch: str = "first", parent: chain.Head | None = None) -> Sealed:
        """Open an epoch with its manifest."""
        self.writer = replace(self.writer, epoch=nonce(epoch), head=None)
        return self.say("manifest", [author_part(parent)])

    def say(self, kind: str = "event", parts: list[bytes] | None = None) -> Sealed:
        """Write the next entry."""
        at_ns = 0 if self.head is None else HOUR_NS * (self.head.seq + 1)
        now = writer.Circumstances(at_ns, CLOCK, self.seen, hashlib.sha256(b"seed").digest())
        parts = [event_part(at_ns)] if parts is None else parts
        self.writer, _, sealed = writer.write(self.writer, kind, parts, writer.Span(at_ns, at_ns), now)
        return sealed

    def rotate(self, new: keys.PrivateKey) -> Sealed:
        """Say that the author goes on with another key, and go on with it."""
        old_id = keys.thumbprint(self.public)
        part = rotation.state(old_id, new, self.writer.author, self.writer.site)
        sealed = self.say("rotation", [part])
        self.key, self.writer = new, replace(self.writer, key=new)
        return sealed

    def copy(self) -> "Author":
        """The same author as it stands now: what a restored image or a cloned disk is."""
        other = Author(self.writer.author, self.key, self.writer.site)
        other.writer = self.writer
        return other


def wire(sealed: Sealed) -> bytes:
    return message.pack(sealed.signed, sealed.body)


def header(sealed: Sealed) -> Header:
    return read(sealed.signed).header


def admitted(sealed: Sealed, at_ns: int = 0) -> Admitted:
    """An entry as admission would pass it on, without judging it."""
    of = header(sealed)
    return Admitted(
        of.author, of.epoch, of.seq, sealed.hash, of.type, of.from_ns, of.to_ns, at_ns, (), sealed.signed, sealed.body
    )


def enrolling(*authors: Author) -> list[Admitted]:
    """A gateway's first entries: its manifest, its own enrolment, and these authors'."""
    gateway = Author(GATEWAY)
    parts = [enrolment_part(GATEWAY, gateway.public)]
    parts += [enrolment_part(author.writer.author, author.public) for author in authors]
    return [admitted(gateway.begin()), *(admitted(gateway.say("enrolment", [part])) for part in parts)]
