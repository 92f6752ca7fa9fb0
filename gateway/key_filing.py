"""What a person says of an agent's key: it may be in other hands, or it is lost and another one takes its place.

In: strict filings, and the ledger that shows which keys there are. Out: the one part of an `enrolment` entry. Raises
ValueError, one clear line, for an agent or a key the ledger does not know, or a key that was somebody's before.
"""

from contract import body, keys, records
from contract.key_records import Reenrolled, RevocationPart
from contract.problems import suggest
from gateway.config import Thumbprint
from gateway.enrolments import Keys, after, owners
from gateway.ledger import Ledger
from gateway.manual_filing import Filing, Line, TimeNs
from gateway.spool import ALL_TIME, Kind, Kinds
from gateway.trust import GATEWAY, shown_parts


class RevocationFiling(Filing):
    """A key that nobody shall believe any more; `key` is its thumbprint."""

    agent: Line
    key: Thumbprint
    since_ns: TimeNs


class ReenrolmentFiling(Filing):
    """An agent that goes on with another key than the ledger's, unsigned by the old one; `key` is its COSE_Key."""

    agent: Line
    key: Line


def revocation(says: RevocationFiling, ledger: Ledger) -> list[bytes]:
    """The part that revokes a key."""
    part = RevocationPart(
        author=says.agent,
        key_id=bytes.fromhex(says.key),
        since_ns=says.since_ns,
        first_index=ledger.first_admitted(says.since_ns),
        by=says.author,
        reason=says.reason,
        entered_ns=says.entered_ns,
    )
    said = _said(ledger)
    if records.write(part) not in said:  # else a crash kept its file from being removed
        _check_revocation(says, after(said))
    return [records.write(part)]


def reenrolment(says: ReenrolmentFiling, ledger: Ledger) -> list[bytes]:
    """The part that enrols an agent anew."""
    key = keys.from_cose_key(bytes.fromhex(says.key))
    why = Reenrolled(by=says.author, reason=says.reason, entered_ns=says.entered_ns)
    part = records.EnrolmentPart(author=says.agent, key=keys.cose_key(key), key_id=keys.thumbprint(key), reenrolled=why)
    said = _said(ledger)
    if records.write(part) not in said:
        _check_reenrolment(says, part.key_id, after(said))
    return [records.write(part)]


def _said(ledger: Ledger) -> list[bytes]:
    """Everything the ledger says of keys, in order."""
    entries = ledger.select(["enrolment"], *ALL_TIME, author=GATEWAY)
    return [part for entry in entries for part in shown_parts(body.unpack(entry.body))]


def _check_revocation(says: RevocationFiling, every: dict[str, Keys]) -> None:
    known, key_id = _known(every, says.agent), bytes.fromhex(says.key)
    if says.since_ns > says.entered_ns:
        raise ValueError("since_ns: has not passed yet: say since when the key may have been in other hands")
    if key_id in known.revoked:
        raise ValueError(f"key: {says.key[:16]} of {says.agent} is revoked already")
    if known.find(key_id) is None:
        in_force = known.current_id.hex() if known.current_id else "none"
        raise ValueError(f"key: {says.key[:16]} never was {says.agent}'s: the one in force is {in_force}")


def _check_reenrolment(says: ReenrolmentFiling, key_id: bytes, every: dict[str, Keys]) -> None:
    known = _known(every, says.agent)
    if key_id == known.current_id:
        raise ValueError(
            f"key: {key_id.hex()[:16]} is {says.agent}'s key in force: put the new .pub.pem in its place first"
        )
    if owner := owners(every).get(key_id):
        hint = "make a new one with `metertrail keygen`"
        raise ValueError(f"key: {key_id.hex()[:16]} is or was {owner}'s: {hint}")


def _known(every: dict[str, Keys], agent: str) -> Keys:
    if agent == GATEWAY:
        raise ValueError("agent: the gateway's own key stands and falls with its ledger: begin a new one")
    agents = [name for name in every if name != GATEWAY]
    if agent not in agents:
        raise ValueError(f"agent: {agent!r} was never enrolled: {suggest(agent, agents)}")
    return every[agent]


KINDS: Kinds = {
    "revocation": Kind(RevocationFiling, "enrolment", revocation),
    "reenrolment": Kind(ReenrolmentFiling, "enrolment", reenrolment),
}
