"""Somebody answers for what is odd between an author's epochs: told with name and reason, and only of what is odd."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY

from contract import records
from contract.acknowledgement_records import AcknowledgementPart
from contract.chain import Head
from contract.entry import read as read_entry
from contract.manual_records import EntryRef
from verifier import archive, trail
from verifier.check_batches import Period
from verifier.check_chain import chains
from verifier.check_void import voids
from verifier.finding import Finding


def refer(made: maker.Factory, index: int) -> EntryRef:
    read = read_entry(made.ledger[index][0])
    of = read.header
    return EntryRef(author=of.author, epoch=of.epoch, seq=of.seq, hash=read.hash(maker.SITE))


def acknowledge(made: maker.Factory, ref: EntryRef, keeps: str = "this") -> None:
    said = AcknowledgementPart(entry=ref, keeps=keeps, author="chen wei", reason="restored from backup", entered_ns=1)
    made.add(GATEWAY, "acknowledgement", [records.write(said)], maker.TO_NS, maker.TO_NS)


def odd(parent: Head | str | None = None) -> tuple[maker.Factory, EntryRef]:
    made = maker.factory()
    made.epoch(AGENT, [], maker.TO_NS, parent)
    return made, refer(made, len(made.ledger) - 1)


def chain(made: maker.Factory) -> list[Finding]:
    seen, _ = trail.read(archive.read(made.pack()))
    return list(chains(seen))


@pytest.mark.parametrize(
    ("keeps", "told"), [("this", "its author goes on with this branch"), ("other", "this branch is set aside")]
)
def test_what_somebody_answers_for_is_told_and_holds(keeps: str, told: str):
    made, ref = odd()
    assert not all(finding.ok for finding in chain(made))
    acknowledge(made, ref, keeps)
    found = chain(made)
    assert all(finding.ok for finding in found)
    assert f"{AGENT}: 27 entries in 3 epochs, no gap but what somebody answers for" in [one.text for one in found]
    (line,) = [finding.text for finding in found if "rollback" in finding.text]
    assert line.startswith(f"33 edge-1 {ref.epoch.hex()[:8]}/0 (manifest): rollback: follows nothing")
    assert line.endswith(f"acknowledged by chen wei in entry 34: restored from backup; {told}")


def test_the_last_word_holds():
    made, ref = odd()
    acknowledge(made, ref, "other")
    acknowledge(made, ref, "this")
    assert "goes on with this branch" in next(f.text for f in chain(made) if "rollback" in f.text)


def test_a_word_about_another_epoch_does_not_help():
    made, _ = odd()
    acknowledge(made, refer(made, maker.index_of(made, AGENT, "manifest")))
    assert [finding.ok for finding in chain(made) if "rollback" in finding.text] == [False]


@pytest.mark.parametrize("change", [{"hash": bytes(32)}, {"seq": 1}, {"author": "edge-2"}, {"author": GATEWAY}])
def test_a_word_about_what_is_not_there_is_a_fault(change: dict[str, object]):
    made, ref = odd()
    acknowledge(made, ref)
    acknowledge(made, ref.model_copy(update=change))
    assert any(not f.ok and "no first entry of an epoch in the ledger" in f.text for f in chain(made))


def test_nothing_is_set_aside_that_is_not_odd():
    made = maker.factory()
    ref = refer(made, maker.index_of(made, AGENT, "manifest", 1))
    acknowledge(made, ref, "this")
    assert all(finding.ok for finding in chain(made))
    acknowledge(made, ref, "other")
    assert any("though nothing is odd about it" in finding.text for finding in chain(made) if not finding.ok)


def test_a_withheld_word_leaves_it_undecided():
    made, ref = odd()
    acknowledge(made, ref)
    made.ledger[-1][1] = None
    (finding,) = [finding for finding in chain(made) if not finding.ok]
    assert finding.withheld
    assert "withheld: 34 gateway" in finding.text


@pytest.mark.parametrize("parent", [Head(bytes(15) + b"\x63", 4, bytes(32)), "another hash"])
def test_a_gap_that_somebody_answers_for_is_a_hole_all_the_same(parent: Head | str):
    if isinstance(parent, str):
        parent = Head(maker.factory().writers[AGENT].epoch, 3, bytes(32))
    made, ref = odd(parent)
    acknowledge(made, ref)
    assert all(finding.ok for finding in chain(made))
    seen, _ = trail.read(archive.read(made.pack()))
    late = Period(maker.TO_NS - 1, maker.TO_NS + 9)
    for period, ok in ((None, True), (Period(0, maker.FROM_NS), True), (late, False)):
        (finding,) = voids(seen, period)
        assert finding.ok is ok
        assert "may be missing" in finding.text


@pytest.mark.parametrize("ahead_ns", [0, 10**18], ids=["true-clocks", "one-entry-told-of-the-future"])
def test_a_clock_ahead_before_a_gap_hides_nothing_of_its_time(ahead_ns: int):
    made = maker.factory()
    if ahead_ns:
        made.add(AGENT, "event", [], maker.TO_NS + ahead_ns, maker.TO_NS + ahead_ns)
    made.epoch(AGENT, [], maker.TO_NS + 10**12, Head(bytes(15) + b"\x63", 4, bytes(32)))
    acknowledge(made, refer(made, len(made.ledger) - 1))
    seen, _ = trail.read(archive.read(made.pack()))
    (finding,) = voids(seen, Period(maker.TO_NS + 10**11, maker.TO_NS + 2 * 10**11))
    assert not finding.ok


def test_what_a_lost_disk_may_have_held_is_told_and_fails_nothing():
    """Begun again from nothing it cannot say what it had not sent: from 1070.02 s, the last before, to its start."""
    made, ref = odd(None)
    acknowledge(made, ref)
    seen, _ = trail.read(archive.read(made.pack()))
    (finding,) = voids(seen, Period(0, maker.TO_NS))
    assert finding.ok
    assert finding.text.endswith(
        "entries of 2023-11-14T22:31:10Z to 2023-11-14T22:31:40Z may be missing, if any was sealed and not sent"
    )
