"""Who speaks with which key, as the gateway's enrolment entries say.

In: a trail. Out: a `Keyring`. The gateway enrols itself first; its word for its own key is only as good as the trust
file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import cbor, cose, keys, records
from contract.errors import Inadmissible, Malformed
from verifier.finding import Finding, lacking
from verifier.trail import GATEWAY, Item, Trail, records_of, withheld


@dataclass(frozen=True, slots=True)
class Enrolment:
    """From ledger index `index` on, `author` speaks with `key`."""

    index: int
    author: str
    key: keys.PublicKey
    thumbprint: bytes


@dataclass(frozen=True, slots=True)
class Keyring:
    """Every enrolment in ledger order."""

    enrolments: tuple[Enrolment, ...]

    def key_of(self, author: str, index: int) -> Enrolment | None:
        """The enrolment in force for an author's entry at a ledger index; the gateway's first holds from the start."""
        mine = [e for e in self.enrolments if e.author == author]
        before = [e for e in mine if e.index <= index]
        return before[-1] if before else mine[0] if mine and author == GATEWAY else None

    def author_of(self, thumbprint: bytes) -> str | None:
        """Whose key this is, to name the signer of what another should have signed."""
        return next((e.author for e in self.enrolments if e.thumbprint == thumbprint), None)


def read(trail: Trail) -> tuple[Keyring, list[Finding]]:
    """Collect the enrolments. A key that is not the one it is named by is a finding."""
    enrolments, findings = [], []
    for item in trail.of("enrolment", author=GATEWAY):
        try:
            parts = records_of(item, records.EnrolmentPart, "enrolment")
            enrolments += [_enrolment(item.index, part) for part in parts]
        except Malformed as error:
            findings.append(Finding("enrolment", ok=False, text=f"{item.index} {item.where}: {error}"))
    return Keyring(tuple(enrolments)), findings


def signatures(trail: Trail, keyring: Keyring) -> Iterator[Finding]:
    """Every entry is signed by the key in force for its author at its place in the ledger."""
    wrong, hidden = 0, [item for item in trail.of("enrolment", author=GATEWAY) if item.whole() is None]
    names = withheld(trail, "enrolment")
    for item in trail.items:
        if fault := _signature_fault(item, trail.archive.site, keyring):
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


def _signature_fault(item: Item, site: str, keyring: Keyring) -> str | None:
    enrolment = keyring.key_of(item.header.author, item.index)
    if enrolment is None:
        return f"no key is enrolled for {item.header.author} before this entry"
    signed = item.container.container
    if signed.key_id != enrolment.thumbprint:
        other = keyring.author_of(signed.key_id)
        return f"signed by {'the key of ' + other if other else 'an unknown key'}, not by {item.header.author}'s"
    try:
        cose.verify(signed, enrolment.key, "entry", site)
    except Inadmissible as error:
        return str(error)
    return None


def _enrolment(index: int, part: records.EnrolmentPart) -> Enrolment:
    key = _public_key(part.key)
    if keys.thumbprint(key) != part.key_id:
        raise Malformed(f"enrolment of {part.author}: the key is not the one it is named by")
    return Enrolment(index, part.author, key, part.key_id)


def _public_key(data: bytes) -> keys.PublicKey:
    """A key from its deterministic COSE_Key (RFC 9053, section 7): Ed25519 or P-256."""
    try:
        match cbor.decode(data):
            case {1: 1, -1: 6, -2: bytes(raw), **rest} if not rest:
                return Ed25519PublicKey.from_public_bytes(raw)
            case {1: 2, -1: 1, -2: bytes(x), -3: bytes(y), **rest} if not rest and len(x) == len(y) == 32:
                point = ec.EllipticCurvePublicNumbers(
                    int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
                )
                return point.public_key()
    except ValueError as error:
        raise Malformed(f"key: {error}") from None
    raise Malformed("key: must be an Ed25519 or P-256 COSE_Key")
