"""A proof that one entry is in a ledger (C2SP tlog-proof), checked for someone who has nothing else of it.

In: the proof's text, and perhaps a trust file's content. Out: a `Report` as of an archive. It says that the entry's
header is its author's word and stands in the ledger; nothing of what its body holds, or of the entries around it.
"""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import cbor, checkpoint, cose, cosignature, entry, keys, merkle, proof_text
from contract.errors import BadSignature, Inadmissible, Malformed
from contract.proof_text import FIRST_LINE, Inclusion
from verifier.check_anchor import time_text
from verifier.finding import Finding
from verifier.trust import Trust
from verifier.verify import Report


def is_proof(data: bytes) -> bool:
    """Whether this file calls itself one."""
    return data.startswith(f"{FIRST_LINE}\n".encode())


def verify(data: bytes, trusted: Trust | None = None) -> Report:
    """Check a proof. Raises Inadmissible where no sense can be made of it."""
    try:
        given = proof_text.parse_inclusion(data.decode().replace("\r\n", "\n"))
    except UnicodeDecodeError:
        raise Malformed("proof: not UTF-8") from None
    ledger_key, author_key, signed = _extra(given.extra)
    findings = list(_findings(given, ledger_key, author_key, signed))
    seen = list(_witnessed(given.note, trusted)) if trusted else []
    findings += seen
    if trusted:
        origin, author = checkpoint.parse(given.note).origin, entry.read(signed).header.author
        findings += _pinned(origin, ledger_key, author, author_key, trusted)
    if not all(finding.ok for finding in findings):
        return Report(tuple(findings), "failed")
    return Report(tuple(findings), "self-consistent" if trusted is None else "anchored" if seen else "pinned")


def _extra(data: bytes) -> tuple[Ed25519PublicKey, keys.PublicKey, bytes]:
    """The ledger's key, the author's, and the entry's container."""
    match cbor.decode(data):
        case [bytes(ledger), bytes(author), bytes(signed)]:
            key = keys.from_cose_key(ledger)
            if not isinstance(key, Ed25519PublicKey):
                raise Malformed("proof: the ledger's key must be an Ed25519 key")
            return key, keys.from_cose_key(author), signed
    raise Malformed("proof: extra must be the ledger's key, the author's key and the entry")


def _findings(
    given: Inclusion, ledger_key: Ed25519PublicKey, author_key: keys.PublicKey, signed: bytes
) -> Iterator[Finding]:
    point = checkpoint.parse(given.note)
    try:
        checkpoint.verify(given.note, ledger_key)
        yield Finding("checkpoint", ok=True, text=f"{point.origin}: signed by the ledger's key at size {point.size}")
    except Inadmissible as error:
        yield Finding("checkpoint", ok=False, text=str(error))
    read = entry.read(signed)
    where = f"{given.index} {read.header.author} {read.header.epoch.hex()[:8]}/{read.header.seq} ({read.header.type})"
    try:
        site, _ = checkpoint.read_origin(point.origin)
        if read.container.key_id != keys.thumbprint(author_key):
            raise BadSignature("signed by another key than the proof gives")
        digest = cose.verify(read.container, author_key, "entry", site)
        yield Finding("signature", ok=True, text=f"{where}: signed by its author's key, hash {digest.hex()}")
    except Inadmissible as error:
        yield Finding("signature", ok=False, text=f"{where}: {error}")
    led = merkle.root_from_inclusion(merkle.leaf_hash(signed), given.index, point.size, given.proof)
    ok = led == point.root
    words = "leads to the checkpoint's root" if ok else "does not lead to the checkpoint's root"
    yield Finding("ledger", ok=ok, text=f"entry {given.index} of {point.size} {words}")


def _witnessed(note: str, trusted: Trust) -> Iterator[Finding]:
    for witness in trusted.witnesses:
        try:
            times_s = cosignature.times_s(note, witness.name, witness.key)
        except Inadmissible as error:
            yield Finding("anchor", ok=False, text=f"{witness.name}: {error}")
            continue
        if times_s:
            size = checkpoint.parse(note).size
            text = f"{witness.name}: {size} entries were there by {time_text(times_s[0] * 10**9)}"
            yield Finding("anchor", ok=True, text=text)


def _pinned(
    origin: str, ledger_key: Ed25519PublicKey, author: str, author_key: keys.PublicKey, trusted: Trust
) -> Iterator[Finding]:
    ledger, mine = keys.thumbprint(ledger_key), keys.thumbprint(author_key)
    faults = []
    if (author, mine) not in {(key.author, key.thumbprint) for key in trusted.keys}:
        faults.append(f"{author}: the key {mine.hex()} is not in the trust file")
    if ledger not in trusted.ledger:
        faults.append(f"ledger: the key {ledger.hex()} is not the one in the trust file")
    if trusted.origin not in {None, origin}:
        faults.append(f"ledger: it is called {origin}; the trust file knows {trusted.origin}")
    yield from (Finding("trust", ok=False, text=fault) for fault in faults)
    if not faults:
        yield Finding("trust", ok=True, text="the author's key and the ledger's are those in the trust file")
