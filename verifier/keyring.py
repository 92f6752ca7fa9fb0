"""Who speaks with which key, as the gateway's enrolment entries say.

In: a trail. Out: a `Keyring`, and findings on how keys came to be. The gateway enrols itself first; its word for its
own key is only as good as the trust file. A rotation is more than its word: the author's entry under the old key, and
the new key's own signature in it.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from contract import cose, keys, records, rotation
from contract.errors import Inadmissible, Malformed
from contract.key_records import RevocationPart, RotationPart
from verifier import check_void
from verifier.finding import Finding, lacking
from verifier.trail import GATEWAY, Item, Trail, records_of, withheld

Place = tuple[str, bytes, int, bytes]  # author, epoch, seq, hash
NO_END = 2**63  # of a ledger
_Range = tuple[int, bytes, int, int]  # since which index, epoch, first and last seq
How = Literal["first", "rotation", "reenrolment", "unexplained"]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """After ledger index `index`, `author` speaks with `key`; `by` is the index of the rotation that brought it."""

    index: int
    author: str
    key: keys.PublicKey
    thumbprint: bytes
    how: How = "first"
    why: str = ""
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """After ledger index `index`, nothing more is believed of a key."""

    index: int
    said: RevocationPart


class Keyring:
    """Every enrolment and revocation in ledger order."""

    def __init__(self, enrolments: Iterable[Enrolment] = (), revocations: Iterable[Revocation] = ()) -> None:
        self.enrolments: list[Enrolment] = []
        self.revocations: list[Revocation] = list(revocations)
        self._of: defaultdict[str, list[Enrolment]] = defaultdict(list)
        self._owners: dict[bytes, str] = {}
        for one in enrolments:
            self.add(one)

    def add(self, enrolment: Enrolment) -> None:
        """Take the next enrolment."""
        self.enrolments.append(enrolment)
        self._of[enrolment.author].append(enrolment)
        self._owners.setdefault(enrolment.thumbprint, enrolment.author)

    def key_of(self, author: str, index: int) -> Enrolment | None:
        """The enrolment in force for an author's entry at a ledger index; the gateway's first holds from the start."""
        mine = self._of.get(author, [])
        known = next((e for e in reversed(mine) if e.index < index), mine[0] if mine and author == GATEWAY else None)
        return None if known is None or self.revoked_before(known, index) is not None else known

    def of(self, author: str, thumbprint: bytes) -> Enrolment | None:
        """The enrolment of an author's key."""
        return next((e for e in self._of.get(author, ()) if e.thumbprint == thumbprint), None)

    def has(self, author: str) -> bool:
        """Whether the author was ever enrolled."""
        return author in self._of

    def after(self, enrolment: Enrolment) -> Enrolment | None:
        """The enrolment that took over from one."""
        return next((e for e in self._of[enrolment.author] if e.index > enrolment.index), None)

    def before(self, enrolment: Enrolment) -> Enrolment | None:
        """The enrolment that one took over from."""
        return next((e for e in reversed(self._of[enrolment.author]) if e.index < enrolment.index), None)

    def revocation_of(self, enrolment: Enrolment) -> Revocation | None:
        """What revoked a key, if anything did."""
        place = enrolment.author, enrolment.thumbprint
        return next((r for r in self.revocations if (r.said.author, r.said.key_id) == place), None)

    def revoked_before(self, enrolment: Enrolment, index: int) -> int | None:
        """The entry before a ledger index that lets nothing more be believed of a key: a revocation or re-enrolment."""
        revocation = self.revocation_of(enrolment)
        ends = [] if revocation is None else [revocation.index]
        later = self.after(enrolment)
        while later is not None and later.how == "rotation":
            later = self.after(later)
        ends += [] if later is None else [later.index]
        return min((end for end in ends if end < index), default=None)

    def author_of(self, thumbprint: bytes) -> str | None:
        """Whose key this is, to name the signer of what another should have signed."""
        return self._owners.get(thumbprint)


def read(trail: Trail) -> tuple[Keyring, list[Finding]]:
    """Collect what the gateway says of keys. Whatever is not as the contract has it is a finding."""
    ring, findings = Keyring(), list[Finding]()
    stated = [item for item in trail.items if item.header.type == "rotation"]
    rotations = {(one.header.author, one.header.epoch, one.header.seq, one.hash): one for one in stated}
    for item in trail.of("enrolment", author=GATEWAY):
        where = f"{item.index} {item.where}"
        try:
            revoked = records_of(item, RevocationPart, "revocation")
            enrolled = records_of(item, records.EnrolmentPart, "enrolment")
            for said in revoked:
                fault = None if ring.of(said.author, said.key_id) else "revokes a key that was never enrolled"
                findings += [] if fault is None else [_fault(trail, item, f"{where}: {said.author}: {fault}")]
                ring.revocations.append(Revocation(item.index, said))
            for part in enrolled:
                enrolment, faults = _enrolment(trail.archive.site, rotations, ring, item, part)
                findings += [_fault(trail, item, f"{where}: {part.author}: {fault}") for fault in faults]
                ring.add(enrolment)
        except Malformed as error:
            findings.append(Finding("enrolment", ok=False, text=f"{where}: {error}"))
    followed = {enrolment.by for enrolment in ring.enrolments}
    for item in stated:
        if item.index not in followed:
            text = f"{item.index} {item.where}: no enrolment of the gateway follows it"
            findings.append(_lack_or_fault(trail, text, _hidden(trail, "enrolment", after=item.index)))
    return ring, findings


def _fault(trail: Trail, at: Item, text: str) -> Finding:
    """A key that is not as it should be: undecided, where an entry before that might explain it is withheld."""
    return _lack_or_fault(trail, text, _hidden(trail, "enrolment", "rotation", before=at.index))


def _hidden(trail: Trail, *types: str, after: int = -1, before: int = NO_END) -> bool:
    """Whether an entry of these types, between these places, is withheld."""
    return any(i.header.type in types and after < i.index < before and i.whole() is None for i in trail.items)


def _lack_or_fault(trail: Trail, text: str, hidden: bool) -> Finding:
    if hidden:
        return lacking("enrolment", text + withheld(trail, "enrolment"))
    return Finding("enrolment", ok=False, text=text)


def _enrolment(
    site: str, rotations: Mapping[Place, Item], ring: Keyring, item: Item, part: records.EnrolmentPart
) -> tuple[Enrolment, list[str]]:
    """An enrolment as it came to be, and what is wrong with that. Raises Malformed."""
    key = keys.from_cose_key(part.key)
    if keys.thumbprint(key) != part.key_id:
        raise Malformed(f"enrolment of {part.author}: the key is not the one it is named by")
    place = item.index, part.author, key, part.key_id
    owner, known = ring.author_of(part.key_id), ring.key_of(part.author, item.index)
    faults = [] if owner is None else [f"is enrolled with a key that {owner} has or had"]
    if part.rotation is not None:
        named = part.rotation
        stated = rotations.get((part.author, named.epoch, named.seq, named.hash))
        fault = _rotation_fault(site, stated, item, part, known)
        by = None if stated is None else stated.index
        if fault is not None:
            return Enrolment(*place, how="unexplained", by=by), [*faults, fault]
        return Enrolment(*place, how="rotation", by=by), faults
    if part.reenrolled is not None:
        why = f"{part.reenrolled.by}: {part.reenrolled.reason}"
        return Enrolment(*place, how="reenrolment", why=why), faults
    if not ring.has(part.author):
        return Enrolment(*place), faults
    return Enrolment(*place, how="unexplained"), [*faults, "another key, by no rotation and for no stated reason"]


def _rotation_fault(
    site: str, stated: Item | None, item: Item, part: records.EnrolmentPart, known: Enrolment | None
) -> str | None:
    """Why an enrolment does not follow from the rotation that it names. Who signed that entry is for `signatures`."""
    if stated is None or stated.index >= item.index:
        return "names a rotation that is not in the ledger before it"
    where = f"{stated.index} {stated.where}"
    if known is None or stated.container.container.key_id != known.thumbprint:
        return f"names {where}, which is not signed by the key in force then"
    whole = stated.whole()
    if whole is None:
        return f"names {where}, which is withheld"
    try:
        said = records.read(whole[0], RotationPart) if len(whole) == 1 else None
        if said is None or said.key_id != part.key_id:
            return f"names {where}, which speaks of another key"
        rotation.check(said, known.thumbprint, part.author, site)
    except Inadmissible as error:
        return f"names {where}: {error}"
    return None


def signatures(trail: Trail, keyring: Keyring) -> Iterator[Finding]:
    """Every entry is signed by the key in force for its author at its place in the ledger."""
    wrong, hidden = 0, [item for item in trail.of("enrolment", author=GATEWAY) if item.whole() is None]
    names = withheld(trail, "enrolment")
    named = _Named(trail)
    for item in trail.items:
        if fault := _signature_fault(item, trail.archive.site, keyring, named):
            wrong += 1
            text = f"{item.index} {item.where}: {fault}"
            may_be_shown = _is_strange(item, keyring) and any(_may_enrol(one, item, keyring) for one in hidden)
            yield lacking("signature", text + names) if may_be_shown else Finding("signature", ok=False, text=text)
    if not wrong:
        authors = len({item.header.author for item in trail.items})
        yield Finding(
            "signature", ok=True, text=f"{len(trail.items)} entries of {authors} authors, each by its author's key"
        )


def _is_strange(item: Item, keyring: Keyring) -> bool:
    """Whether no enrolment that is shown tells whose key signed this."""
    return keyring.author_of(item.container.container.key_id) is None


def _may_enrol(hidden: Item, item: Item, keyring: Keyring) -> bool:
    """Whether an enrolment withheld may name the key that was in force for this entry."""
    known = keyring.key_of(item.header.author, item.index)
    since = -1 if known is None else known.index
    return since < hidden.index < item.index or (known is None and item.header.author == GATEWAY)


class _Named:
    """Places that an author's chain has named before they were admitted: up to a parent, or declared lost."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._ranges: dict[str, list[_Range]] = {}  # by author

    def holds(self, item: Item) -> bool:
        """Whether an entry stood in such a place when it was admitted."""
        author = item.header.author
        if author not in self._ranges:
            self._ranges[author] = list(self._of(author))
        epoch, seq = item.header.epoch, item.header.seq
        return any(
            at < item.index and of == epoch and first <= seq <= last for at, of, first, last in self._ranges[author]
        )

    def _of(self, author: str) -> Iterator[_Range]:
        for one in self._trail.items:
            if one.header.author != author or not one.shown():
                continue
            with contextlib.suppress(Malformed):
                if one.header.seq == 0 and (parent := records.read(one.shown()[0], records.Author).parent):
                    yield one.index, parent.epoch, 0, parent.seq
                if one.header.type == "void":
                    yield from ((one.index, lost.epoch, lost.first, lost.last) for lost in check_void.declared(one))


def _signature_fault(item: Item, site: str, keyring: Keyring, named: _Named) -> str | None:
    author, signed = item.header.author, item.container.container
    enrolment = keyring.key_of(author, item.index)
    if enrolment is None or signed.key_id != enrolment.thumbprint:
        gone = keyring.of(author, signed.key_id)
        gone = None if gone is None or gone.index >= item.index else gone
        if gone is not None and (end := keyring.revoked_before(gone, item.index)) is not None:
            return f"signed by a key of {author} that entry {end} revokes"
        if gone is not None and not named.holds(item):
            return f"signed by a key of {author} that was rotated away before"
        if gone is None and enrolment is None:
            return f"no key is enrolled for {author} before this entry"
        if gone is None:
            other = keyring.author_of(signed.key_id)
            return f"signed by {'the key of ' + other if other else 'an unknown key'}, not by {author}'s"
        enrolment = gone
    try:
        cose.verify(signed, enrolment.key, "entry", site)
    except Inadmissible as error:
        return str(error)
    return None
