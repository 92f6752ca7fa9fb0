"""Taking a ledger up again that is not the one its checkpoints know: under a new name, with what is known said in it.

In: a ledger opened with `renew`, and who decides so and why. Out: the gateway's new epoch with its record, kept in one
transaction under the new origin's first checkpoint. Nothing is taken away, and nothing is made up for what is missing:
agents send again what they still have.
"""

import hashlib
import os
from dataclasses import dataclass

from contract import records, writer
from contract.entry import Sealed, TreeHead, read
from contract.recover_records import RecoverPart
from gateway import own_chain
from gateway.ledger import RECOVERED, Ledger
from gateway.preflight import Prepared
from gateway.sequencer import UNKNOWN_CLOCK, Sequencer
from gateway.trust import GATEWAY, Admitted


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided, why, and when; `config` are the configuration's bytes and `software` what carries it out."""

    author: str
    reason: str
    at_ns: int
    config: bytes
    software: str


def recover(ledger: Ledger, prepared: Prepared, decided: Decision) -> RecoverPart:
    """Say in the ledger that it replaces another. Raises Unfit if the gateway's key is not the ledger's."""
    if ledger.replaced is None:
        raise RuntimeError("a ledger that is what it was is not recovered")
    sequencer = Sequencer(ledger, prepared.key, lambda: decided.at_ns, lambda _entries, _at_ns: None)
    key = own_chain.signing_key(sequencer.trust, prepared)
    head = ledger.head()
    said = RecoverPart(
        origin=ledger.origin,
        replaces=ledger.replaced.origin,
        known=ledger.replaced.note or "",
        size=head.size,
        root=head.root,
        author=decided.author,
        reason=decided.reason,
        at_ns=decided.at_ns,
    )
    parent = sequencer.parent
    opening = records.Author(
        parent=None if parent is None else records.Parent(epoch=parent.epoch, seq=parent.seq, hash=parent.hash),
        reason="recover",
        software=decided.software,
        config_hash=hashlib.sha256(decided.config).digest(),
        started_ns=decided.at_ns,
    )
    state = writer.Writer(ledger.site, GATEWAY, key, os.urandom(16))
    entries = []
    for kind, part in (("manifest", opening), (RECOVERED, said)):
        known = TreeHead(size=head.size, root=head.root) if head.size else None
        now = writer.Circumstances(decided.at_ns, UNKNOWN_CLOCK, known, os.urandom(32))
        span = writer.Span(decided.at_ns, decided.at_ns)
        state, _, sealed = writer.write(state, kind, [records.write(part)], span, now)
        entries.append(_admitted(sealed, decided.at_ns))
    ledger.append(entries, decided.at_ns)
    return said


def _admitted(sealed: Sealed, at_ns: int) -> Admitted:
    of = read(sealed.signed).header
    return Admitted(
        of.author, of.epoch, of.seq, sealed.hash, of.type, of.from_ns, of.to_ns, at_ns, (), sealed.signed, sealed.body
    )
