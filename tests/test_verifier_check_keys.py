"""How every key came to be, and what a stolen one takes with it."""

import archive_maker as maker
import key_stories as stories
import pytest
from archive_maker import AGENT, GATEWAY, failures
from key_stories import AT_NS, NEW, story, thumb

from contract import records
from verifier import archive, trust
from verifier.verify import Report, verify

DAY_NS = 86_400 * maker.S


def report(made: maker.Factory, trusted: bytes | None = None) -> Report:
    return verify(archive.read(made.pack()), None if trusted is None else trust.parse(trusted))


def lines(made: maker.Factory, check: str, trusted: bytes | None = None) -> list[str]:
    return [finding.line() for finding in report(made, trusted).findings if finding.check == check]


def old_key(made: maker.Factory) -> bytes:
    return maker.entry.read(made.ledger[maker.index_of(made, AGENT, "manifest")][0]).container.key_id


def test_each_key_has_a_line():
    made = maker.factory()
    expected = [(GATEWAY, 0), (AGENT, 3), ("edge-2", 4)]
    assert lines(made, "key") == [
        f"ok   key {author} {thumb(made.private[author]).hex()}: from entry {first} on: "
        "first enrolment, the gateway's word"
        for author, first in expected
    ]


def test_a_rotation_holds_and_the_new_key_is_known_by_the_old():
    made = story(stories.rotate)
    at = maker.index_of(made, AGENT, "rotation")
    assert report(made).verdict == "self-consistent"
    first, second = (line for line in lines(made, "key") if " edge-1 " in line)
    assert first.endswith(f": from entry 3 to {at + 1}: first enrolment, the gateway's word")
    assert second == (
        f"ok   key edge-1 {thumb(NEW).hex()}: from entry {at + 2} on: rotation, signed by both keys in entry {at}"
    )
    gateway = made.private[GATEWAY]
    old = f'[[key]]\nauthor = "edge-1"\nthumbprint = "{old_key(made).hex()}"'
    known = stories.trusting(made) + f"\n{old}".encode()
    assert report(made, known).verdict == "pinned"
    assert lines(made, "trust", known)[0].endswith(
        ", 1 of them by rotations from one that is, each signed by both keys"
    )
    assert lines(made, "trust", stories.trusting(made, NEW, gateway=gateway)) == [
        f"FAIL trust edge-1: the key {old_key(made).hex()} is not in the trust file"
    ]


def test_the_gateways_own_rotation_holds_and_older_receipts_too():
    def between(made: maker.Factory) -> None:
        made.issue(AGENT)
        stories.rotate(made, GATEWAY)
        made.epoch(GATEWAY, [], AT_NS)

    made = story(between)
    assert failures(made) == []
    assert len(made.receipts) == 2
    assert [line for line in lines(made, "key") if " gateway " in line][1].split()[-1] == str(
        maker.index_of(made, GATEWAY, "rotation")
    )


def test_a_re_enrolled_key_must_be_known_itself():
    made = story(stories.reenrol)
    assert report(made).verdict == "self-consistent"
    assert lines(made, "key")[-1].endswith(": re-enrolment, the gateway's word: Li Wei: disk died")
    old = f'\n[[key]]\nauthor = "edge-1"\nthumbprint = "{old_key(made).hex()}"'.encode()
    assert lines(made, "trust", stories.trusting(made) + old) == [
        f"FAIL trust edge-1: the key {thumb(NEW).hex()} is not in the trust file"
    ]
    assert report(made, stories.trusting(made, NEW) + old).verdict == "pinned"


def test_custody_is_told_as_declared_by_key():
    said = records.Author(
        parent=None, reason="r", software="s", config_hash=bytes(32), started_ns=0, custody="pkcs11"
    )  # fmt: skip

    def between(made: maker.Factory) -> None:
        stories.rotate(made)

    def after(made: maker.Factory) -> None:
        made.add(AGENT, "manifest", [records.write(said), *maker.manifest_parts()], maker.TO_NS, maker.TO_NS)

    first, second = (line for line in lines(story(between, after), "key") if " edge-1 " in line)
    assert "custody" not in first
    assert second.endswith("; custody declared: pkcs11")


def revoked(since_ns: int, after_ns: int | None = None) -> maker.Factory:
    """The agent's key is revoked and another enrolled between its epochs, or after both."""

    def happens(made: maker.Factory) -> None:
        first = sum(maker.entry.read(signed).header.sealed_ns < since_ns for signed, _ in made.ledger)
        stories.revoke(made, thumb(made.private[AGENT]), since_ns, first, after_ns or AT_NS)
        stories.reenrol(made)

    nothing = lambda _: None  # noqa: E731
    return story(happens) if after_ns is None else story(nothing, happens)


def test_a_statement_does_not_rest_on_what_a_thief_may_have_signed():
    made = revoked(AT_NS - 200 * maker.S)
    (told, failed) = lines(made, "revoked")
    at = maker.index_of(made, GATEWAY, "enrolment", 3)
    assert told.startswith(f"ok   revoked edge-1: entry {at} revokes key {old_key(made).hex()[:16]}, perhaps in other")
    counted = [
        maker.entry.read(signed).header
        for signed, _ in made.ledger[:at]
        if maker.entry.read(signed).header.author == AGENT
        and max(maker.entry.read(signed).header.sealed_ns, maker.entry.read(signed).header.to_ns)
        >= AT_NS - 200 * maker.S
    ]
    batches = sum(header.type == "batch" for header in counted)
    assert f"(Li Wei: stolen): {len(counted)} entries signed since, {batches} of them batches; nobody can" in told
    assert len(counted) > 3
    assert failed.startswith(f"FAIL revoked the statement's period, and a day around it, has {len(counted)} entries")
    assert [line.split()[1] for line in failures(made)] == ["revoked"]


@pytest.mark.parametrize(("days", "holds"), [(0, False), (2, True)])
def test_a_key_stolen_after_the_period_does_no_harm_to_it(days, holds):
    made = revoked(maker.TO_NS + days * DAY_NS - maker.S, maker.TO_NS + days * DAY_NS)
    assert [line.split()[0] for line in lines(made, "revoked")] == (["ok"] if holds else ["ok", "FAIL"])


def test_a_statement_of_before_falls_with_a_later_revocation():
    made = story(lambda _: None)
    first = maker.index_of(made, AGENT, "segment", 12)
    assert failures(made) == []
    stories.revoke(made, old_key(made), AT_NS, first, maker.TO_NS + DAY_NS)
    made.statement, statement = b"", made.statement
    assert failures(made) == []  # a ledger alone claims nothing
    made.statement = statement
    assert [line.split()[1] for line in failures(made)] == ["revoked"]


def test_an_heir_of_a_stolen_key_is_in_doubt_as_well():
    def after(made: maker.Factory) -> None:
        stories.revoke(made, old_key(made), AT_NS, maker.index_of(made, AGENT, "rotation"), maker.TO_NS)

    made = story(stories.rotate, after)
    told = lines(made, "revoked")[0]
    since = [
        maker.entry.read(signed).header.author for signed, _ in made.ledger[maker.index_of(made, AGENT, "rotation") :]
    ]
    assert f"{since.count(AGENT)} entries signed since" in told
    known = stories.trusting(made) + f'\n[[key]]\nauthor = "edge-1"\nthumbprint = "{old_key(made).hex()}"'.encode()
    assert lines(made, "trust", known) == [f"FAIL trust edge-1: the key {thumb(NEW).hex()} is not in the trust file"]


def test_a_window_that_begins_too_late_is_contradicted():
    made = story(lambda _: None)
    run = maker.index_of(made, GATEWAY, "run")
    stories.revoke(made, old_key(made), AT_NS, run + 1, maker.TO_NS + 1)
    assert f"said to begin with entry {run + 1}, but {run} was sealed in it" in lines(made, "revoked")[0]
    made = story(lambda _: None)
    stories.revoke(made, old_key(made), AT_NS, 10**6, maker.TO_NS + 1)
    assert lines(made, "revoked")[0].endswith(f"said to begin with entry {10**6}, after it")


def test_what_a_revoked_key_signs_afterwards_is_named():
    def between(made: maker.Factory) -> None:
        stories.revoke(made, thumb(made.private[AGENT]), AT_NS + DAY_NS, len(made.ledger))

    made = story(between)
    at = maker.index_of(made, GATEWAY, "enrolment", 3)
    wrong = [line for line in failures(made) if line.split()[1] == "signature"]
    assert len(wrong) > 5
    assert all(line.endswith(f"signed by a key of edge-1 that entry {at} revokes") for line in wrong)


def test_a_time_of_revocation_is_told_as_one():
    made = maker.factory()
    stories.revoke(made, old_key(made), 2**62, len(made.ledger))
    assert (
        ", perhaps in other hands since 2116-02-20T23:53:38Z (Li Wei: stolen): 0 entries" in lines(made, "revoked")[0]
    )
