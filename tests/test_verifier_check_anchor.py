"""Outsiders' words rank an archive; a false one, or one of another ledger, is found; a stranger's adds nothing."""

import archive_maker as maker
import pytest
import witnesses
from archive_maker import Factory
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from test_verifier_check_recover import Recovered
from time_stamper import TimeStamper
from witnesses import NAME, S, cosigned, sealed, trusting

from contract import checkpoint, merkle
from contract.checkpoint import Checkpoint
from verifier import archive
from verifier.check_anchor import time_text
from verifier.verify import Report, verify

T = maker.TO_NS // S


def report(made: Factory, trusted: object = None, kept: tuple[str, ...] = ()) -> Report:
    return verify(archive.read(made.pack()), trusted or trusting(made), kept=kept)


def told(found: Report, check: str) -> list[str]:
    return [finding.line() for finding in found.findings if finding.check == check]


def anchored(at_s: int = T) -> Factory:
    """The factory, its whole tree co-signed, and the co-signature sealed."""
    made = maker.factory()
    sealed(made, cosigned(made.note(), at_s), at_s * S)
    return made


def rewritten() -> Factory:
    """The same keys, another history: one segment was left out before sealing, by whoever owns all of them."""
    true = maker.factory()
    made = maker.opened(Factory(true.private, true.ledger_key))
    maker.produced(made)
    made.add(maker.AGENT, "event", [], maker.T0, maker.T0)
    maker.stated(made)
    return made


def test_without_an_outsider_nothing_is_printed_and_pinned_is_all():
    found = report(maker.factory())
    assert told(found, "anchor") == []
    assert found.verdict == "pinned"


def test_a_trusted_witness_who_saw_the_run_makes_it_anchored():
    found = report(anchored())
    assert told(found, "anchor") == [f"ok   anchor {NAME}: 33 entries were there by {time_text(T * S)}"]
    assert found.verdict == "anchored"


def test_the_archives_own_note_may_carry_the_co_signature():
    made = maker.factory()
    data = made.pack_with_note(cosigned(made.note(), T))
    assert verify(archive.read(data), trusting(made)).verdict == "anchored"
    stranger = cosigned(made.note(), T, Ed25519PrivateKey.generate())  # under the witness's name
    assert verify(archive.read(made.pack_with_note(stranger)), trusting(made)).verdict == "pinned"


def test_a_kept_note_with_a_co_signature_anchors_too():
    """An archive goes to an auditor by mail, and only the note comes back."""
    made = maker.factory()
    note = cosigned(made.note(), T)
    found = report(made, kept=(note,))
    assert found.verdict == "anchored"
    assert told(found, "kept") == ["ok   kept checkpoint 1: this ledger begins with its 33 entries"]


def test_an_earlier_tree_does_not_make_the_run_anchored():
    made = maker.opened()
    maker.produced(made)
    sealed(made, cosigned(made.note(), T), T * S)
    maker.stated(made)
    found = report(made)
    assert found.verdict == "pinned"
    assert told(found, "anchor")[-1].endswith("is in no tree that an outsider of the trust file saw")


def test_a_stranger_adds_nothing_and_is_no_fault():
    made = maker.factory()
    sealed(made, cosigned(made.note(), T, Ed25519PrivateKey.generate()), T * S)
    sealed(made, made.note(), T * S, b"no token")
    found = report(made)
    assert found.verdict == "pinned"
    assert told(found, "anchor") == [
        "ok   anchor 2 co-signed or stamped checkpoints, of nobody the trust file names; they add nothing"
    ]
    alone = verify(archive.read(anchored().pack()))
    assert "nobody says whose they are: give --trust FILE" in told(alone, "anchor")[0]
    assert alone.verdict == "self-consistent"


def test_a_false_co_signature_under_a_witness_s_own_key_is_named():
    made = maker.factory()
    other = checkpoint.sign(Checkpoint("metertrail/works", 5, bytes(32)), made.ledger_key)
    line = cosigned(other, T).split("\n")[-2]
    at = sealed(made, made.note() + line + "\n", T * S)
    found = report(made)
    (said,) = told(found, "anchor")
    assert said.startswith(f"FAIL anchor {at} gateway ")
    assert said.endswith("(anchor): signature: does not match the key and the signed bytes")
    assert found.verdict == "failed"


def test_a_note_of_another_history_is_found_whoever_signed_it():
    """The true keys rewrote what had been co-signed, and the co-signature was left in."""
    note = cosigned(maker.factory().note(), T)
    made = rewritten()
    at = sealed(made, note, T * S)
    for trusted in (None, trusting(made)):
        found = verify(archive.read(made.pack()), trusted)
        assert found.verdict == "failed"
        (line,) = told(found, "anchor")
        assert line.startswith(f"FAIL anchor {at} ")
        assert "signs another ledger of 33 entries" in line


def test_what_was_rewritten_with_the_true_keys_is_found_by_a_kept_checkpoint_alone():
    made, old = rewritten(), maker.factory().note()
    assert verify(archive.read(made.pack()), trusting(made)).verdict == "pinned"
    found = report(made, kept=(old,))
    assert found.verdict == "failed"
    assert told(found, "kept") == [
        "FAIL kept checkpoint 1: signs another ledger of 33 entries: what it held was rewritten"
    ]


def test_an_older_checkpoint_is_the_beginning():
    made = maker.opened()
    early = made.note()
    maker.produced(made)
    maker.stated(made)
    found = report(made, kept=(early, made.note()))
    assert found.verdict == "pinned"
    assert told(found, "kept") == [
        "ok   kept checkpoint 1: this ledger begins with its 6 entries",
        f"ok   kept checkpoint 2: this ledger begins with its {len(made.ledger)} entries",
    ]


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("junk", "must be origin, size and root"),
        ("larger", "is of 99 entries, the archive has 33: compare with a later archive"),
        ("stranger", "not signed by the ledger's key"),
        ("elsewhere", "is of metertrail/elsewhere, not of metertrail/works"),
    ],
)
def test_a_kept_checkpoint_that_cannot_be_this_ledgers_is_told(note, words):
    made = maker.factory()
    head = made.head()
    notes = {
        "junk": "words",
        "larger": checkpoint.sign(Checkpoint("metertrail/works", 99, bytes(32)), made.ledger_key),
        "stranger": checkpoint.sign(Checkpoint("metertrail/works", head.size, head.root), witnesses.KEY),
        "elsewhere": checkpoint.sign(Checkpoint("metertrail/elsewhere", head.size, head.root), made.ledger_key),
    }
    found = report(made, kept=(notes[note],))
    assert found.verdict == "failed"
    (line,) = told(found, "kept")
    assert words in line


def test_an_anchor_of_more_entries_than_there_were_is_named():
    made = maker.factory()
    note = cosigned(checkpoint.sign(Checkpoint("metertrail/works", 34, bytes(32)), made.ledger_key), T)
    sealed(made, note, T * S)
    assert "speaks of 34 entries, more than there were" in told(report(made), "anchor")[0]


def test_what_an_outsider_said_may_not_be_withheld():
    made = anchored()
    made.ledger[-1][1] = None
    found = report(made)
    assert found.verdict == "incomplete"
    assert "withheld: what an outsider said of this ledger" in told(found, "anchor")[0]


def test_an_anchor_that_is_no_record_is_named():
    made = maker.factory()
    made.add(maker.GATEWAY, "anchor", [maker.records.write(maker.records.SitePart(toml=b""))], T * S, T * S)
    assert report(made).verdict == "pinned"  # a part of another kind is none of an anchor's


@pytest.fixture(scope="module")
def authority(need, tmp_path_factory):
    need("openssl")
    return TimeStamper(tmp_path_factory.mktemp("tsa"))


def test_a_trusted_token_over_the_run_makes_it_anchored(authority):
    made = maker.factory()
    note = made.note()
    token = authority.stamp(checkpoint.parse(note).text().encode())
    sealed(made, note, T * S, token)
    found = report(made, trusting(made, authority.root_file.read_bytes()))
    by_ns = int(authority.told_at(token).timestamp()) * S + 1_500_000_000
    assert told(found, "anchor") == [f"ok   anchor authority: 33 entries were there by {time_text(by_ns)}"]
    assert found.verdict == "anchored"


def test_a_token_over_other_words_or_from_another_authority_adds_nothing(authority, tmp_path):
    made = maker.factory()
    note = made.note()
    sealed(made, note, T * S, authority.stamp(b"other words"))
    sealed(made, note, T * S, TimeStamper(tmp_path).stamp(checkpoint.parse(note).text().encode()))
    found = report(made, trusting(made, authority.root_file.read_bytes()))
    assert found.verdict == "pinned"
    assert told(found, "anchor")[0].startswith("ok   anchor 2 co-signed or stamped checkpoints, of nobody")


class TestAfterARecovery:
    """The ledger goes on under another name; what outsiders saw of it before is still of it."""

    def recovered(self):
        one = Recovered()
        old = one.known(one.size, merkle.root(leaves(one)[: one.size]))
        return one, old

    def report(self, one: Recovered, kept: str):
        head = one.made.head()
        note = checkpoint.sign(Checkpoint(one.name, head.size, head.root), one.made.ledger_key)
        return verify(archive.read(one.made.pack_with_note(note)), kept=(kept,))

    def test_a_checkpoint_under_the_old_name_is_the_beginning(self):
        one, old = self.recovered()
        assert told(self.report(one, old), "kept") == [
            f"ok   kept checkpoint 1: this ledger begins with its {one.size} entries"
        ]

    def test_one_of_what_was_lost_cannot_be_shown(self):
        one, _ = self.recovered()
        (line,) = told(self.report(one, one.known(one.size + 1)), "kept")
        assert line == (
            f"LACK kept checkpoint 1: is of metertrail/works, which was replaced: metertrail/works/2 has the first "
            f"{one.size} of its {one.size + 1} entries; the others cannot be shown"
        )

    def test_one_of_other_entries_is_found(self):
        one, _ = self.recovered()
        (line,) = told(self.report(one, one.known(one.size - 1)), "kept")
        assert "signs another ledger" in line


def leaves(one: Recovered) -> list[bytes]:
    return [merkle.leaf_hash(signed) for signed, _ in one.made.ledger]
