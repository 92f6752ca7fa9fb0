"""Admission: whether bytes may enter the ledger, and if not, why not.

In: the state of trust, the topic and the bytes of one message, the time. Out: one `Verdict` with a name. Whatever the
world sends, no exception leaves `admit`; it changes nothing: who acts on an `admitted` calls `Trust.accept`.
"""

from dataclasses import dataclass
from typing import Literal

from contract import chain, cose, entry, message, records, rotation
from contract.chain import Head
from contract.errors import BadSignature, Inadmissible, Malformed, TooLarge, UnsupportedVersion
from contract.key_records import RotationPart
from contract.receipt import Refusal, Wanted
from contract.topics import Topic
from contract.void_records import voids_of
from gateway.enrolments import owners
from gateway.trust import GATEWAY, Admitted, Standing, Trust, parent_of, shown_parts

Name = Literal[
    "admitted", "duplicate", "held", "fork", "stopped", "bad_signature", "unknown_key", "revoked",
    "unsupported_version", "too_large", "malformed", "wrong_topic", "wrong_author",
]  # fmt: skip

NAMES: dict[type[Inadmissible], Name] = {
    TooLarge: "too_large",
    UnsupportedVersion: "unsupported_version",
    BadSignature: "bad_signature",
    Malformed: "malformed",
}

Sent = tuple[bytes, bytes, bytes]  # signed header, body, and the message that they came in

REASON_CHARACTERS_MAX = 200  # of a sender's own words may be in it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one message.

    `entry` is set exactly when it is admitted. `wanted` is a range of entries that must come first or are known to
    exist. `refusal` is set where the author's own signed words were refused, so that only they can stop an epoch.
    `again` is the epoch of a duplicate: its author may have lost the receipt.
    """

    name: Name
    reason: str = ""
    entry: Admitted | None = None
    wanted: Wanted | None = None
    refusal: Refusal | None = None
    again: bytes | None = None


def admit(trust: Trust, topic: Topic, data: bytes, at_ns: int) -> Verdict:
    """Judge one message; the first of these rules that speaks decides.

    1.  wrong_topic          the topic is not an agent's `entries` at this site
    2.  too_large, malformed the message is above a limit or not one zstd frame of [signed header, body]
    3.  too_large, malformed, unsupported_version: the header is not of the one form, or of another major version
    4.  wrong_author         the header names another author than the topic, or the gateway itself
    5.  revoked, unknown_key the author is no longer wanted, or this key was never enrolled for it
    6.  bad_signature        the signature does not hold for an entry at this site
    7.  duplicate            this very entry is in the ledger
    8.  revoked              the key is revoked; or rotated away, and the chain has not named this place as its past
    9.  stopped              the epoch ended with a fork
    10. fork                 another entry is in this place; or this one follows another entry than the epoch's head;
                             or, in a range declared lost, than the entry before it, or is not the range's declared last
    11. held                 entries before it are missing; they are wanted first, unless they were declared lost
    12. wrong_author         the type is one that only the gateway may write
    13. malformed            the type is not a word, the body is not the whole one the header signs, a manifest does
                             not begin with its author, a void cannot be read, or declares itself lost, or a rotation
                             is not signed by both keys
    14. admitted             with flags at an epoch's first entry: `clone` (another epoch follows the same parent),
                             `rollback` (the author was further than that parent), `unlinked` (the parent is not
                             here yet, and wanted)
    """
    try:
        if topic.site != trust.site or topic.channel != "entries":
            return Verdict("wrong_topic", f"{topic.site}/{topic.agent}/{topic.channel} takes no entries here")
        signed, body = message.unpack(data)
        return _judge(trust, topic.agent, (signed, body, data), at_ns)
    except Inadmissible as error:
        return Verdict(NAMES.get(type(error), "malformed"), str(error))


def _judge(trust: Trust, author: str, sent: Sent, at_ns: int) -> Verdict:
    """Rules 3 to 6: who speaks? Raises Inadmissible."""
    read = entry.read(sent[0])
    if read.header.author != author or author == GATEWAY:
        return Verdict("wrong_author", f"entry of {read.header.author!r} on the topic of {author}")
    if author in trust.revoked:
        return Verdict("revoked", f"{author} is no longer configured here")
    standing = trust.standings.get(author)
    if standing is None or not standing.keys.is_known:
        return Verdict("unknown_key", f"{author} is not enrolled")
    key_id = read.container.key_id
    key = standing.keys.find(key_id)
    if key is None:
        return Verdict("unknown_key", f"key {key_id.hex()[:16]} is not the one enrolled for {author}")
    digest = cose.verify(read.container, key, "entry", trust.site)
    return _place(trust, standing, read, digest) or _content(trust, read, digest, sent, at_ns)


def _place(trust: Trust, standing: Standing, read: entry.Read, digest: bytes) -> Verdict | None:
    """Rules 7 to 11: where in its chain? None if it is next."""
    header = read.header
    where = f"{header.author} {header.epoch.hex()[:8]}/{header.seq}"
    head = standing.epochs.get(header.epoch)
    first = 0 if head is None else head.seq + 1
    known = trust.past.get((header.author, header.epoch, header.seq)) if header.seq < first else None
    if known == digest:
        return Verdict("duplicate", again=header.epoch)
    if fault := _key_fault(standing, read):
        # an epoch that goes on under another key is not stopped by who holds this one
        return (
            Verdict("revoked", fault) if header.epoch in standing.fresh else _refused("revoked", fault, header, digest)
        )
    if header.epoch in standing.stopped:
        return Verdict("stopped", f"{where}: its epoch ended with a fork")
    if known is not None:
        return _refused("fork", f"{where}: another entry is in this place", header, digest)
    if header.seq < first:
        return _turned_up(trust, standing, header, digest)
    if header.seq > first:
        wanted = Wanted(epoch=header.epoch, first=first, last=header.seq - 1)
        return Verdict("held", f"{where}: {first} to {header.seq - 1} must come first", wanted=wanted)
    if fault := chain.break_before(head, header):
        return _refused("fork", f"{where}: {fault}", header, digest)
    return None


def _turned_up(trust: Trust, standing: Standing, header: entry.Header, digest: bytes) -> Verdict | None:
    """Rules 10 and 11 for an entry of a range that its author declared lost: somebody held it all the same."""
    place = header.author, header.epoch, header.seq - 1
    before = trust.past.get(place) if header.seq else entry.NO_ENTRY
    if before is None:
        return Verdict("held", f"{header.author} {header.epoch.hex()[:8]}/{header.seq}: the one before it was lost")
    if fault := chain.break_within(header, digest, before, standing.lost.get(header.epoch, ())):
        return _refused("fork", f"{header.author} {header.epoch.hex()[:8]}/{header.seq}: {fault}", header, digest)
    return None


def _key_fault(standing: Standing, read: entry.Read) -> str | None:
    """Why nothing new is admitted under a key that the author once had, or None if it is."""
    key_id = read.container.key_id
    if key_id in standing.keys.revoked:
        return f"key {key_id.hex()[:16]} is revoked"
    if key_id in standing.keys.retired and not standing.awaits(read.header.epoch, read.header.seq):
        return f"key {key_id.hex()[:16]} was rotated away, and the chain has not named this entry"
    return None


def _content(trust: Trust, read: entry.Read, digest: bytes, sent: Sent, at_ns: int) -> Verdict:
    """Rules 12 to 14: what does it say? Raises Malformed for a body that is not the one signed."""
    header, standing = read.header, trust.standing(read.header.author)
    if header.type in entry.GATEWAY_TYPES and header.type not in entry.AGENT_TYPES:
        return _refused("wrong_author", f"only the gateway writes an entry of type {header.type}", header, digest)
    if not (header.type.isascii() and header.type.isidentifier()):
        return _refused("malformed", "an entry's type is a word of letters, digits and underscores", header, digest)
    parts = shown_parts(entry.check_body(header, sent[1]))
    flags, wanted = list[str](), None
    try:
        if header.type == "void":
            voids_of(parts, header.epoch, header.seq)
        parent = parent_of(parts) if header.type == "manifest" else None
    except Malformed as error:
        return _refused("malformed", str(error), header, digest)
    if header.type == "rotation" and (fault := _rotation_fault(trust, read, parts)):
        return _refused("malformed", fault, header, digest)
    if header.seq == 0 and header.epoch not in standing.lost:  # what was declared lost others were judged by
        flags, wanted = _ancestry(standing, parent)
    admitted = Admitted(
        header.author, header.epoch, header.seq, digest, header.type, header.from_ns, header.to_ns, at_ns,
        tuple(flags), *sent,
    )  # fmt: skip
    return Verdict("admitted", entry=admitted, wanted=wanted)


def _rotation_fault(trust: Trust, read: entry.Read, parts: list[bytes]) -> str | None:
    """Why the author may not go on with the key that it names, or None if it may."""
    author, old_id = read.header.author, read.container.key_id
    if old_id != trust.standing(author).keys.current_id:
        return "rotation: under a key that is not in force"
    if len(parts) != 1:
        return "rotation: must have one part"
    try:
        part = records.read(parts[0], RotationPart)
        rotation.check(part, old_id, author, trust.site)
    except Inadmissible as error:
        return str(error)
    owner = owners(trust.rings()).get(part.key_id)
    return None if owner is None else f"rotation: to a key that {owner} has or had: make a new one"


def _ancestry(standing: Standing, parent: Head | None) -> tuple[list[str], Wanted | None]:
    """The flags of an epoch that names this parent, and the entries up to the parent that are not here."""
    flags = ["clone"] if parent in standing.children else []
    if parent == standing.latest:
        return flags, None
    known = standing.epochs.get(parent.epoch) if parent else None
    if parent and (known is None or known.seq < parent.seq):
        if parent.epoch in standing.stopped:
            return [*flags, "unlinked"], None
        first = 0 if known is None else known.seq + 1
        return [*flags, "unlinked"], Wanted(epoch=parent.epoch, first=first, last=parent.seq)
    return flags or ["rollback"], None


def _refused(name: Name, reason: str, header: entry.Header, digest: bytes) -> Verdict:
    reason = reason[:REASON_CHARACTERS_MAX]
    refusal = Refusal(epoch=header.epoch, seq=header.seq, hash=digest, verdict=name, reason=reason)
    return Verdict(name, reason, refusal=refusal)
