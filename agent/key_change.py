"""Which of its keys an agent signs with at a start: what its journal says it was going on with.

In: the journal, the key of the configuration and perhaps the next one. Out: the key to open with, and the key to rotate
to if that is still to be said. Every crash on the way leads back here: the journal alone tells how far it came. Its
entries do, and where those are lost or went in their time, its small state.
"""

from dataclasses import dataclass

from agent.journal import Journal
from contract import cbor, keys, records
from contract.entry import check_body, read
from contract.errors import Inadmissible
from contract.key_records import RotationPart
from contract.problems import Problems

STATE = "keys"  # its name in the journal's small state


@dataclass(frozen=True, slots=True)
class Said:
    """What the journal says: the key it goes on with, None if it says nothing, and the keys it was rotated from."""

    due: bytes | None
    gone: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Choice:
    """The key to open with, and the one to rotate to. `is_strange`: it is none that the journal expects."""

    key: keys.PrivateKey
    rotate_to: keys.PrivateKey | None
    is_strange: bool


def said(journal: Journal) -> Said:
    """What its entries say, or what was kept of them where that knows their last word to be past."""
    told, kept = _told(journal), _kept(journal)
    is_past = told.due is None or (told.due in kept.gone and kept.due not in told.gone)
    return Said(kept.due if is_past else told.due, told.gone | kept.gone)


def remember(journal: Journal, now_ns: int) -> None:
    """Keep what is said beside the entries: their day's file may come to harm, or go in its time."""
    last, known = next(journal.backwards("rotation"), None), said(journal)
    if last is not None:
        data = cbor.encode([known.due, sorted(known.gone), last.epoch, last.seq])
        if journal.left().state.get(STATE) != data:
            journal.record([], {STATE: data}, now_ns)


def _kept(journal: Journal) -> Said:
    """Nothing, if the last rotation was not delivered: it may be lost with its day, and then the key before goes on."""
    data = journal.left().state.get(STATE)
    due, gone, epoch, seq = (None, [], b"", 0) if data is None else cbor.decode(data)
    if seq > journal.delivered().get(epoch, -1):
        return Said(None, frozenset())
    return Said(due, frozenset(gone))


def _told(journal: Journal) -> Said:
    """An epoch is signed by one key, up to the rotation that ends it."""
    due, epoch, gone = None, None, set[bytes]()
    if manifest := next(journal.backwards("manifest"), None):
        due, epoch = read(manifest.sealed.signed).container.key_id, manifest.epoch
    for stated in journal.backwards("rotation"):
        signed = read(stated.sealed.signed)
        if stated.epoch == epoch and signed.container.key_id == due:
            due = _named(check_body(signed.header, stated.sealed.body).parts, due)
        gone.add(signed.container.key_id)
    return Said(due, frozenset(gone))


def choose(known: Said, key: keys.PrivateKey, next_key: keys.PrivateKey | None) -> Choice:
    """Raises Problems where the journal shows that the gateway would take nothing under the key that is given."""
    own_id = keys.thumbprint(key.public_key())
    next_id = None if next_key is None else keys.thumbprint(next_key.public_key())
    if next_id == own_id:
        raise Problems(["agent.next_key: is the key in force: make a new one with `metertrail keygen`"])
    if next_key is not None and next_id == known.due:
        return Choice(next_key, None, is_strange=False)
    if next_id in known.gone:
        raise Problems(["agent.next_key: was this agent's key before: make a new one with `metertrail keygen`"])
    if own_id in known.gone and own_id != known.due:
        due = "another" if known.due is None else known.due.hex()
        raise Problems([f"agent.key: was rotated to key {due}: name that one as agent.key or agent.next_key"])
    return Choice(key, next_key, is_strange=known.due not in {None, own_id})


def _named(parts: tuple[bytes | None, ...], due: bytes | None) -> bytes | None:
    """The key that a rotation goes on with."""
    try:
        return records.read(parts[0] or b"", RotationPart).key_id if parts else due
    except Inadmissible:
        return due
