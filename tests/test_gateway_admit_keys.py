"""Keys that come and go: what is admitted under which, and what nobody can do with one that is gone."""

from dataclasses import replace

import pytest
from authors import SITE, Author, admitted, author_part, enrolling, enrolment_part, nonce, wire

from contract import entry, keys, records, rotation
from contract.key_records import Reenrolled, RevocationPart, RotationPart
from gateway import trust as trusts
from gateway.admit import Verdict, admit
from gateway.trust import GATEWAY


class Gate:
    """A gateway reduced to its judgement, and to what it says of keys."""

    def __init__(self, *authors: Author) -> None:
        self.gateway = Author(GATEWAY)
        self.trust = trusts.rebuild(SITE, enrolling(*authors), [], {})

    def judge(self, author: Author, sealed: entry.Sealed, topic_of: Author | None = None) -> Verdict:
        verdict = admit(self.trust, (topic_of or author).topic, wire(sealed), 0)
        if verdict.entry:
            self.trust.accept(verdict.entry)
            if verdict.entry.type == "rotation":
                place = records.Parent(epoch=verdict.entry.epoch, seq=verdict.entry.seq, hash=verdict.entry.hash)
                part = records.read(_part(sealed), RotationPart)
                said = records.EnrolmentPart(author=author.writer.author, key=part.key, key_id=part.key_id)
                self.say(records.write(said.model_copy(update={"rotation": place})))
        return verdict

    def admit(self, author: Author, *sealed: entry.Sealed) -> None:
        assert [self.judge(author, one).name for one in sealed] == ["admitted"] * len(sealed)

    def say(self, part: bytes) -> None:
        if self.gateway.head is None:
            self.gateway.begin("keys")
        self.trust.accept(admitted(self.gateway.say("enrolment", [part])))

    def revoke(self, author: Author, key: keys.PrivateKey) -> None:
        key_id = keys.thumbprint(key.public_key())
        of = {"author": author.writer.author, "key_id": key_id, "since_ns": 0, "first_index": 0}
        self.say(records.write(RevocationPart(**of, by="Li Wei", reason="stolen", entered_ns=1)))

    def reenrol(self, author: Author) -> None:
        part = records.read(enrolment_part(author.writer.author, author.public), records.EnrolmentPart)
        why = Reenrolled(by="Li Wei", reason="lost", entered_ns=1)
        self.say(records.write(part.model_copy(update={"reenrolled": why})))


def _part(sealed: entry.Sealed) -> bytes:
    (part,) = entry.check_body(entry.read(sealed.signed).header, sealed.body).parts
    assert part is not None
    return part


@pytest.fixture
def edge():
    return Author("edge-1")


@pytest.fixture
def gate(edge):
    return Gate(edge)


def rotated(gate: Gate, edge: Author) -> Author:
    """Rotate, and begin the next epoch; the author as whoever kept the old key has it."""
    gate.admit(edge, edge.begin(), edge.say())
    thief = edge.copy()
    gate.admit(edge, edge.rotate(keys.generate(keys.ES256)))
    gate.admit(edge, edge.begin("second", parent=edge.head), edge.say())
    return thief


def test_after_a_rotation_the_new_key_speaks_and_the_old_one_no_more(gate, edge):
    thief = rotated(gate, edge)
    assert gate.trust.standing("edge-1").latest == edge.head
    for epoch, parent in (("third", edge.head), ("fourth", None)):
        verdict = gate.judge(thief, thief.begin(epoch, parent=parent))
        assert (verdict.name, verdict.refusal.verdict) == ("revoked", "revoked")
    gate.admit(edge, edge.say())


def test_what_was_admitted_under_the_old_key_is_a_duplicate_still(gate, edge):
    first = edge.begin()
    gate.admit(edge, first, edge.rotate(keys.generate()))
    assert gate.judge(edge, first).name == "duplicate"


def test_an_old_key_cannot_stop_the_epoch_that_goes_on_without_it(gate, edge):
    thief = rotated(gate, edge)
    forged = replace(thief.writer, epoch=edge.writer.epoch, head=edge.head)
    thief.writer = forged
    verdict = gate.judge(thief, thief.say())
    assert (verdict.name, verdict.refusal) == ("revoked", None)
    thief.writer = replace(forged, head=None)
    assert gate.judge(thief, thief.say("manifest", [author_part()])).refusal is None  # nor by a fork
    gate.admit(edge, edge.say())


def test_what_the_chain_has_named_comes_in_under_the_old_key_and_no_more_than_that(gate, edge):
    first, lost, last = edge.begin("a"), edge.say(), edge.say()
    beyond = edge.copy()
    gate.admit(edge, first)
    assert gate.judge(edge, edge.begin("b", parent=edge.head)).entry.flags == ("unlinked",)
    gate.admit(edge, edge.rotate(keys.generate()), edge.begin("c", parent=edge.head))
    assert gate.judge(edge, last).name == "held"
    gate.admit(edge, lost, last)
    assert gate.judge(beyond, beyond.say()).name == "revoked"


def bent(edge: Author, new: keys.PrivateKey, **changes: object) -> list[bytes]:
    part = records.read(rotation.state(keys.thumbprint(edge.public), new, "edge-1", SITE), RotationPart)
    return [records.write(part.model_copy(update=changes))]


def test_a_rotation_without_the_new_keys_word_is_refused(gate, edge):
    new, other = keys.generate(), keys.generate()
    old_id = keys.thumbprint(edge.public)
    false = [
        bent(edge, new, proof=b""),
        bent(edge, new, key=keys.cose_key(other.public_key()), key_id=keys.thumbprint(other.public_key())),
        [rotation.state(old_id, new, "edge-2", SITE)],
        [rotation.state(old_id, new, "edge-1", "other-plant")],
        [rotation.state(keys.thumbprint(other.public_key()), new, "edge-1", SITE)],
        [rotation.state(old_id, edge.key, "edge-1", SITE)],
        [*bent(edge, new), *bent(edge, new)],
        [],
    ]
    for number, parts in enumerate(false):
        gate.admit(edge, edge.begin(f"e{number}", parent=edge.head))
        verdict = gate.judge(edge, edge.copy().say("rotation", parts))
        assert (verdict.name, verdict.refusal.verdict) == ("malformed", "malformed"), number
    assert gate.trust.standing("edge-1").keys.current_id == old_id
    gate.admit(edge, edge.say("rotation", bent(edge, new)))


def test_a_rotation_without_the_old_keys_signature_is_refused(gate, edge):
    gate.admit(edge, edge.begin())
    new = keys.generate()
    thief = Author("edge-1", new)
    thief.writer = replace(edge.writer, key=new)
    parts = [rotation.state(keys.thumbprint(edge.public), new, "edge-1", SITE)]
    assert gate.judge(thief, thief.say("rotation", parts)).name == "unknown_key"


def test_a_rotation_is_of_one_author_and_to_a_key_nobody_had(edge):
    other = Author("edge-2")
    gate = Gate(edge, other)
    gate.admit(edge, edge.begin())
    gate.admit(other, other.begin("other"))
    stated = edge.copy().rotate(keys.generate())
    assert gate.judge(edge, stated, topic_of=other).name == "wrong_author"
    for key in (other.key, edge.key):
        reason = gate.judge(edge, edge.copy().rotate(key)).reason
        assert reason.startswith("rotation: to ")
    gate.admit(edge, edge.rotate(keys.generate()), edge.begin("next", parent=edge.head))


def test_a_rotation_again_and_the_way_back(gate, edge):
    first = edge.key
    rotated(gate, edge)
    second = edge.key
    gate.admit(edge, edge.rotate(keys.generate()), edge.begin("third", parent=edge.head))
    for key in (first, second):
        assert "that edge-1 has or had" in gate.judge(edge, edge.copy().rotate(key)).reason


def test_nothing_is_admitted_under_a_revoked_key_not_even_a_rotation(gate, edge):
    first = edge.begin()
    gate.admit(edge, first, edge.say())
    gate.revoke(edge, edge.key)
    assert gate.judge(edge, first).name == "duplicate"
    for sealed in (edge.copy().say(), edge.copy().rotate(keys.generate()), edge.copy().begin("x", parent=edge.head)):
        verdict = gate.judge(edge, sealed)
        assert (verdict.name, verdict.refusal.verdict) == ("revoked", "revoked")
    gate.reenrol(new := Author("edge-1"))
    gate.admit(new, new.begin("anew", parent=edge.head))
    assert gate.judge(edge, edge.say()).name == "revoked"


def test_a_revoked_key_fills_no_hole_either(gate, edge):
    first, lost = edge.begin("a"), edge.say()
    gate.admit(edge, first)
    gate.judge(edge, edge.begin("b", parent=edge.head))
    stolen = edge.key
    gate.admit(edge, edge.rotate(keys.generate()))
    gate.revoke(edge, stolen)
    assert gate.judge(edge, lost).name == "revoked"
    gate.admit(edge, edge.begin("c", parent=edge.head))


def test_a_re_enrolment_revokes_what_was_before(gate, edge):
    gate.admit(edge, edge.begin())
    new = Author("edge-1")
    assert gate.judge(new, new.begin("anew", parent=edge.head)).name == "unknown_key"
    gate.reenrol(new)
    assert gate.judge(edge, edge.copy().say()).name == "revoked"
    gate.admit(new, new.begin("anew", parent=edge.head))


def test_epochs_by_name_are_the_chains_own(gate, edge):
    rotated(gate, edge)
    assert gate.trust.standing("edge-1").fresh == {nonce("second")}
