"""Keys hold from their enrolment on, and only the gateway enrols."""

from collections.abc import Callable
from dataclasses import replace

import archive_maker as maker
import key_stories as stories
import pytest
from archive_maker import AGENT, GATEWAY, index_of
from key_stories import NEW

from contract import body, keys, records, rotation
from contract.key_records import RotationPart
from verifier import archive, keyring, trail
from verifier.verify import verify


def ring(made: maker.Factory):
    seen, _ = trail.read(archive.read(made.pack()))
    return seen, *keyring.read(seen)


def test_a_key_holds_from_its_enrolment_on_and_the_gateways_from_the_start():
    made = maker.factory()
    _, known, findings = ring(made)
    at = index_of(made, GATEWAY, "enrolment", 1)
    assert findings == []
    assert known.key_of(AGENT, at) is None
    assert known.key_of(AGENT, at + 1).thumbprint == keys.thumbprint(made.private[AGENT].public_key())
    assert known.key_of(GATEWAY, 0).thumbprint == keys.thumbprint(made.private[GATEWAY].public_key())


def test_a_key_that_replaces_another_without_a_word_takes_over_and_is_a_finding():
    made = maker.factory()
    new = keys.generate(keys.ES256)
    made.add(GATEWAY, "enrolment", [maker.enrolment(AGENT, new)], maker.T0, maker.T0)
    _, known, findings = ring(made)
    last = len(made.ledger) - 1
    assert known.key_of(AGENT, last + 1).thumbprint == keys.thumbprint(new.public_key())
    assert known.key_of(AGENT, last).thumbprint != keys.thumbprint(new.public_key())
    where = f"{last} gateway {made.writers[GATEWAY].epoch.hex()[:8]}/{last_seq(made)} (enrolment)"
    fault = "edge-1: another key, by no rotation and for no stated reason"
    assert [finding.text for finding in findings] == [f"{where}: {fault}"]


def last_seq(made: maker.Factory) -> int:
    return made.writers[GATEWAY].head.seq


def false_rotations() -> dict[str, Callable[[maker.Factory], None]]:
    """Enrolments that do not follow from what they name."""
    other = keys.generate()

    def stated(old: keys.PrivateKey | None = None, author: str = AGENT, site: str = maker.SITE, **bent: object):
        def between(made: maker.Factory) -> None:
            old_id = stories.thumb(old or made.private[AGENT])
            part = records.read(rotation.state(old_id, NEW, author, site), RotationPart)
            place = stories.state(made, part=records.write(part.model_copy(update=bent)))
            stories.enrol(made, rotation=place)

        return between

    def by_a_stranger(made: maker.Factory) -> None:
        true, made.writers[AGENT] = made.writers[AGENT], replace(made.writers[AGENT], key=other)
        place = stories.state(made)
        made.writers[AGENT] = replace(made.writers[AGENT], key=true.key)
        stories.enrol(made, rotation=place)

    def nothing(made: maker.Factory) -> None:
        stories.enrol(made, rotation=records.Parent(epoch=bytes(16), seq=0, hash=bytes(32)))

    def another_entry(made: maker.Factory) -> None:
        head = made.writers[AGENT].head
        stories.enrol(made, rotation=records.Parent(epoch=head.epoch, seq=head.seq, hash=head.hash))

    def another_key(made: maker.Factory) -> None:
        stories.enrol(made, new=other, rotation=stories.state(made))

    def a_key_that_was(made: maker.Factory) -> None:
        stories.rotate(made, new=made.private["edge-2"])

    return {
        "another author's": stated(author="edge-2"),
        "another site's": stated(site="elsewhere"),
        "another old key's": stated(old=other),
        "no proof": stated(proof=b""),
        "another key's proof": stated(key=keys.cose_key(other.public_key()), key_id=stories.thumb(other)),
        "signed by a stranger": by_a_stranger,
        "nothing there": nothing,
        "no rotation there": another_entry,
        "another key": another_key,
        "a key that was": a_key_that_was,
    }


FALSE = false_rotations()


@pytest.mark.parametrize("name", FALSE)
def test_a_rotation_that_does_not_hold_is_a_finding(name):
    found = maker.failures(stories.story(FALSE[name]))
    assert any(line.startswith("FAIL enrolment ") and " edge-1: " in line for line in found)


def test_a_rotation_that_the_gateway_did_not_follow_is_a_finding():
    made = stories.story(lambda made: stories.state(made) and None)
    at = index_of(made, AGENT, "rotation")
    assert [line.split(" ", 3)[:3] for line in maker.failures(made)] == [["FAIL", "enrolment", str(at)]]


def test_an_enrolment_withheld_from_before_explains_no_rotation_after_it():
    made = stories.story(lambda made: stories.state(made) and None)
    made.ledger[index_of(made, GATEWAY, "enrolment", 2)][1] = None  # another agent's, who says nothing
    at = index_of(made, AGENT, "rotation")
    assert [line.split(" ", 3)[:3] for line in maker.failures(made)] == [["FAIL", "enrolment", str(at)]]


def test_a_revocation_of_a_key_that_never_was():
    made = maker.factory()
    stories.revoke(made, bytes(32), maker.TO_NS, len(made.ledger))
    assert [finding.text.rpartition(": ")[2] for finding in ring(made)[2]] == ["revokes a key that was never enrolled"]


def late_fill(made: maker.Factory, *, beyond: bool) -> None:
    """Entries of an epoch that another named before the key was rotated away come after that, and one nobody named."""
    held = made.writers[AGENT]
    ledger = len(made.ledger)
    made.add(AGENT, "event", [maker.end_event("L1-0001")], stories.AT_NS, stories.AT_NS)
    late = [made.ledger.pop()]
    left = made.writers[AGENT]
    made.epoch(AGENT, maker.manifest_parts(), stories.AT_NS)
    stories.rotate(made)
    assert len(made.ledger) == ledger + 3
    made.ledger += late
    if beyond:
        now = made.writers[AGENT]
        made.writers[AGENT] = left
        made.add(AGENT, "event", [maker.end_event("L1-0001")], stories.AT_NS, stories.AT_NS)
        made.writers[AGENT] = now
    assert held.key is left.key


@pytest.mark.parametrize("beyond", [False, True])
def test_a_key_that_was_rotated_away_fills_what_was_named_and_no_more(beyond):
    made = stories.story(lambda made: late_fill(made, beyond=beyond))
    seen, known, _ = ring(made)
    found = [finding.text for finding in keyring.signatures(seen, known) if not finding.ok]
    assert len(found) == beyond
    assert all(text.endswith("signed by a key of edge-1 that was rotated away before") for text in found)


@pytest.mark.parametrize("kind", ["rotation", "enrolment"])
def test_what_is_withheld_is_lacking_and_no_fault(kind):
    made = stories.story(stories.rotate)
    author = AGENT if kind == "rotation" else GATEWAY
    at = index_of(made, author, kind, 0 if kind == "rotation" else 3)
    made.ledger[at][1] = body.redact(made.ledger[at][1], set())
    found = verify(archive.read(made.pack()))
    assert found.verdict == "incomplete"
    assert {f.check for f in found.findings if not f.ok} >= {"enrolment"}


def test_an_enrolment_under_another_name_is_a_finding():
    made = maker.factory()
    right = records.read(maker.enrolment(AGENT, keys.generate()), records.EnrolmentPart)
    for wrong in ({"key_id": bytes(32)}, {"key": b"\xa0"}, {"key": b"\xa3\x01\x02\x20\x01\x21\x00"}):
        made.add(GATEWAY, "enrolment", [records.write(right.model_copy(update=wrong))], maker.T0, maker.T0)
    _, known, findings = ring(made)
    assert [finding.ok for finding in findings] == [False] * 3
    assert len(known.enrolments) == 3


def test_signatures_name_the_signer():
    made = maker.factory()
    seen, known, _ = ring(made)
    assert [finding.ok for finding in keyring.signatures(seen, known)] == [True]
    none = keyring.Keyring(())
    assert all("no key is enrolled" in finding.text for finding in keyring.signatures(seen, none))
