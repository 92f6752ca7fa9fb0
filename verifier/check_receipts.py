"""The ledger must hold what its receipts promised the agents.

In: a trail and the keyring. Out: findings on the receipts' signatures and on every head they name.
"""

import contextlib
from collections.abc import Iterator

from pydantic import ValidationError

from contract import cbor, cose, receipt
from contract.errors import Inadmissible, Malformed
from verifier.archive import Archive
from verifier.check_void import declared
from verifier.finding import Finding, lacking
from verifier.keyring import Keyring
from verifier.trail import GATEWAY, Trail, withheld


def readable(archive: Archive) -> Iterator[receipt.Receipt]:
    """The receipts that can be read, believed or not."""
    for data in archive.receipts:
        try:
            yield receipt.Receipt.model_validate(cbor.decode(cose.parse(data).payload))
        except (Inadmissible, ValidationError):
            continue


def _declared_lost(trail: Trail) -> Iterator[tuple[tuple[str, bytes, int], bytes]]:
    """Where a receipt's head may stand besides: at the end of a range that its author declared lost."""
    for item in trail.of("void"):
        with contextlib.suppress(Malformed):
            for part in declared(item):
                if part.last_hash is not None:
                    yield (item.header.author, part.epoch, part.last), part.last_hash


def receipts(trail: Trail, keyring: Keyring) -> Iterator[Finding]:
    """Each receipt is the gateway's, and each head it names is in the ledger with that hash, or declared lost."""
    hashes = {(i.header.author, i.header.epoch, i.header.seq): i.hash for i in trail.items}
    hashes = dict(_declared_lost(trail)) | hashes
    gateway = keyring.key_of(GATEWAY, 0)
    heads = wrong = 0
    hidden = withheld(trail, "enrolment")
    if gateway is None and hidden and trail.archive.receipts:
        yield lacking("receipt", f"the gateway's own key is not shown{hidden}")
        return
    for number, data in enumerate(trail.archive.receipts):
        try:
            if gateway is None:
                raise Malformed("the gateway's own key is not enrolled")
            known = keyring.of(GATEWAY, cose.parse(data).key_id) or gateway
            said = receipt.verify(data, known.key, trail.archive.site)
        except Inadmissible as error:
            wrong += 1
            yield Finding("receipt", ok=False, text=f"number {number}: {error}")
            continue
        for head in said.heads:
            heads += 1
            held = hashes.get((said.agent, head.epoch, head.seq))
            if held != head.hash:
                wrong += 1
                what = "is not in the ledger" if held is None else "stands in the ledger with another hash"
                text = f"{said.agent} {head.epoch.hex()[:8]}/{head.seq}: receipted, but {what}"
                yield Finding("receipt", ok=False, text=text)
    if silent := _without(trail):
        wrong += 1
        yield lacking("receipt", f"{', '.join(silent)}: no receipt is shown: what they were promised is not known")
    if not wrong:
        text = f"{len(trail.archive.receipts)} receipts, {heads} heads, all in the ledger"
        yield Finding("receipt", ok=True, text=text)


def _without(trail: Trail) -> list[str]:
    """Agents that speak in the archive of a statement, and of whose receipts it holds none: without one nobody sees
    that the ledger's end was cut off. A running ledger may be on the way to its first.
    """
    told = {said.agent for said in readable(trail.archive)}
    speak = {item.header.author for item in trail.items} - {GATEWAY}
    return sorted(speak - told) if trail.archive.statement else []
