"""What is said of keys is checked against the ledger, and said once."""

import pytest
from authors import Author
from test_gateway_sequencer import Desk

from contract import keys, records
from contract.key_records import RevocationPart
from gateway import key_filing
from gateway.key_filing import KINDS, ReenrolmentFiling, RevocationFiling

SAID = {"author": "Li Wei", "reason": "laptop stolen", "entered_ns": 100}


@pytest.fixture
def edge():
    return Author("edge-1")


@pytest.fixture
def desk(database_url, edge):
    return Desk(database_url, edge, Author("edge-2"))


def thumb(key: keys.PublicKey) -> str:
    return keys.thumbprint(key).hex()


def revocation(edge: Author, **changes: object) -> RevocationFiling:
    return RevocationFiling(**{**SAID, "agent": "edge-1", "key": thumb(edge.public), "since_ns": 0, **changes})


def reenrolment(key: keys.PublicKey, **changes: object) -> ReenrolmentFiling:
    return ReenrolmentFiling(**{**SAID, "agent": "edge-1", "key": keys.cose_key(key).hex(), **changes})


def sealed(desk: Desk, kind: str, says: object) -> list[bytes]:
    parts = KINDS[kind].parts(says, desk.ledger)
    desk.sequencer.seal(KINDS[kind].type, parts)
    return list(parts)


@pytest.mark.parametrize(("since_ns", "first"), [(0, 0), (7, 0), (8, 3)])
def test_a_revocation_names_the_first_entry_admitted_since(desk, edge, since_ns, first):
    """Everything was admitted at 7 ns: the gateway's manifest and two enrolments."""
    (part,) = sealed(desk, "revocation", revocation(edge, since_ns=since_ns))
    said = records.read(part, RevocationPart)
    assert (said.first_index, said.since_ns, said.by, said.reason) == (first, since_ns, "Li Wei", "laptop stolen")
    assert desk.sequencer.trust.standing("edge-1").keys.current is None
    assert desk.send(edge, edge.begin()).verdicts == {("edge-1", "revoked"): 1}


def test_a_crash_before_the_file_is_gone_says_nothing_twice(desk, edge):
    new = keys.generate().public_key()
    for kind, says in (("revocation", revocation(edge)), ("reenrolment", reenrolment(new))):
        assert sealed(desk, kind, says) == list(KINDS[kind].parts(says, desk.ledger))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agent": "egde-1"}, "agent: 'egde-1' was never enrolled: did you mean edge-1?"),
        ({"agent": "gateway"}, "agent: the gateway's own key stands and falls with its ledger: begin a new one"),
        ({"since_ns": 101}, "since_ns: has not passed yet: say since when the key may have been in other hands"),
        ({"key": "00" * 32}, f"key: {'00' * 8} never was edge-1's: the one in force is "),
    ],
)
def test_a_revocation_that_cannot_be_right_is_refused(desk, edge, changes, words):
    with pytest.raises(ValueError) as caught:
        key_filing.revocation(revocation(edge, **changes), desk.ledger)
    assert str(caught.value).startswith(words)


def test_a_key_is_revoked_once(desk, edge):
    sealed(desk, "revocation", revocation(edge))
    with pytest.raises(ValueError, match="is revoked already"):
        key_filing.revocation(revocation(edge, entered_ns=101), desk.ledger)


def test_a_re_enrolled_agent_speaks_with_its_new_key(desk, edge):
    desk.send(edge, edge.begin())
    new = Author("edge-1", keys.generate(keys.ES256))
    (part,) = sealed(desk, "reenrolment", reenrolment(new.public))
    said = records.read(part, records.EnrolmentPart).reenrolled
    assert (said.by, said.reason, said.entered_ns) == ("Li Wei", "laptop stolen", 100)
    desk.reopen()
    assert desk.send(new, new.begin("anew", parent=edge.head)).verdicts == {("edge-1", "admitted"): 1}
    assert desk.send(edge, edge.say()).verdicts == {("edge-1", "revoked"): 1}


def test_a_key_that_somebody_had_is_not_taken_again(desk, edge):
    with pytest.raises(ValueError, match="is edge-1's key in force: put the new .pub.pem"):
        key_filing.reenrolment(reenrolment(edge.public), desk.ledger)
    with pytest.raises(ValueError, match="is or was edge-1's: make a new one"):
        key_filing.reenrolment(reenrolment(edge.public, agent="edge-2"), desk.ledger)
    sealed(desk, "revocation", revocation(edge))
    with pytest.raises(ValueError, match="is or was edge-1's: make a new one"):
        key_filing.reenrolment(reenrolment(edge.public), desk.ledger)
    with pytest.raises(ValueError, match="never enrolled"):
        key_filing.reenrolment(reenrolment(edge.public, agent="edge-9"), desk.ledger)
