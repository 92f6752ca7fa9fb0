"""What the reader knows from elsewhere: which keys and profiles are the real ones.

In: the bytes of a trust file (TOML), and a trail. Out: a `Trust`, and findings on every key and profile the archive
rests on. Hashes are hexadecimal; a thumbprint is the SHA-256 of a key's deterministic COSE_Key (RFC 9679).

    ledger = "<thumbprint of the ledger's key>"           # or a list of several
    origin = "metertrail/plant-1"                         # optional: the ledger's name, so that it replaced no other
    profiles = ["<SHA-256 of a profile's file>", ...]     # optional
    [[key]]
    author = "edge-1"                                     # "gateway" for the gateway itself
    thumbprint = "<thumbprint>"
    [[witness]]                                           # optional: who co-signs checkpoints
    name = "auditor.example/w1"
    key = "w1.pub.pem"                                    # files lie beside the trust file
    [[timestamp_authority]]                               # optional: who stamps them
    name = "authority"
    certificate = "authority.pem"
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from contract import checkpoint, keys, records
from contract.errors import Malformed
from contract.problems import parse_toml
from verifier import check_keys
from verifier.finding import Finding
from verifier.keyring import Keyring
from verifier.outsiders import ReadFile, TrustedAuthority, TrustedWitness
from verifier.trail import Trail, records_of

HASH_BYTES = 32


def _hash(given: object) -> bytes:
    try:
        data = bytes.fromhex(given) if isinstance(given, str) else b""
    except ValueError:
        data = b""
    if len(data) != HASH_BYTES:
        raise ValueError("write 64 hexadecimal digits")
    return data


def _hashes(given: object) -> tuple[bytes, ...]:
    return tuple(_hash(one) for one in (given if isinstance(given, list) and given else [given]))


Hash = Annotated[bytes, BeforeValidator(_hash)]
STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


class TrustedKey(BaseModel):
    """An author's key."""

    model_config = STRICT
    author: str
    thumbprint: Hash


class Trust(BaseModel):
    """What the reader knows from elsewhere; `profiles` and `origin` are None where any will do."""

    model_config = STRICT
    ledger: Annotated[tuple[bytes, ...], BeforeValidator(_hashes)]
    origin: str | None = None
    keys: tuple[TrustedKey, ...] = Field(alias="key", min_length=1, strict=False)
    profiles: tuple[Hash, ...] | None = Field(default=None, strict=False)
    witnesses: tuple[TrustedWitness, ...] = Field(default=(), alias="witness", strict=False)
    authorities: tuple[TrustedAuthority, ...] = Field(default=(), alias="timestamp_authority", strict=False)


def parse(data: bytes, read: ReadFile | None = None) -> Trust:
    """Read a trust file; `read` gives the files it names.

    Raises contract.problems.Problems, whose lines each read `key.path: problem: hint`.
    """
    return parse_toml(data, Trust, read)


def pinned(trail: Trail, trust: Trust, ring: Keyring) -> Iterator[Finding]:
    """Every key that speaks, and every profile it reads by, is one the reader knows; every author it knows speaks.

    A key is known as well that a known one went on to by rotations, each signed by both keys, unless a key on the way
    may have been in other hands by then.
    """
    wrong = 0
    known = {(key.author, key.thumbprint) for key in trust.keys}
    reached = _reached(trail, ring, known)
    known |= reached
    used = {(item.header.author, item.container.container.key_id) for item in trail.items}
    strangers = [f"{author}: the key {key.hex()} is not in the trust file" for author, key in sorted(used - known)]
    silent = sorted({key.author for key in trust.keys} - {author for author, _ in used})
    strangers += [f"{author}: is in the trust file, but has no entry in the archive" for author in silent]
    ledger_key = keys.thumbprint(trail.archive.ledger_key)
    if ledger_key not in trust.ledger:
        strangers.append(f"ledger: the key {ledger_key.hex()} is not the one in the trust file")
    origin = checkpoint.parse(trail.archive.note).origin
    if trust.origin not in {None, origin}:
        strangers.append(f"ledger: it is called {origin}; the trust file knows {trust.origin}")
    if trust.profiles is not None:
        strange = sorted({meter.profile for meter in _meters(trail)} - set(trust.profiles))
        strangers += [f"profile {profile.hex()} is not in the trust file" for profile in strange]
    for text in strangers:
        wrong += 1
        yield Finding("trust", ok=False, text=text)
    if not wrong:
        text = f"{len(used)} authors' keys and the ledger's are those in the trust file"
        if turned := len(used & reached):
            text += f", {turned} of them by rotations from one that is, each signed by both keys"
        yield Finding("trust", ok=True, text=text)


def _reached(trail: Trail, ring: Keyring, known: set[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Keys that are not in the trust file, but follow from one that is."""
    doubted = {item.index for one in ring.revocations for item in check_keys.in_window(trail, ring, one)}
    reached = set[tuple[str, bytes]]()
    for one in ring.enrolments:
        before = ring.before(one)
        if before is None or one.how != "rotation" or one.by in doubted:
            continue
        if (one.author, before.thumbprint) in known | reached:
            reached.add((one.author, one.thumbprint))
    return reached - known


def _meters(trail: Trail) -> Iterator[records.MeterPart]:
    for item in trail.of("manifest"):
        try:
            yield from records_of(item, records.MeterPart, "meter")
        except Malformed:
            continue  # a finding of the evidence's own
