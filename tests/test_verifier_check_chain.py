"""Gaps, rollbacks and clones between epochs are named; entries that came late are no fault."""

import archive_maker as maker
import pytest
from archive_maker import AGENT

from contract import entry, records
from contract.acknowledgement_records import AcknowledgementPart
from contract.chain import Head
from contract.manual_records import EntryRef
from contract.void_records import VoidPart
from verifier import archive, trail
from verifier.check_chain import chains


def faults(made: maker.Factory) -> list[str]:
    seen, _ = trail.read(archive.read(made.pack()))
    return [finding.text for finding in chains(seen) if not finding.ok]


def restarted(parent: Head | str | None) -> maker.Factory:
    made = maker.factory()
    made.epoch(AGENT, [], maker.TO_NS, parent)
    return made


def test_an_epoch_after_the_last_entry_is_no_fault():
    assert faults(restarted("last")) == []


def test_counts_are_told_per_author():
    seen, _ = trail.read(archive.read(maker.factory().pack()))
    # 2 manifests, 20 segments, 2 events, 2 batches; 1 manifest, 3 enrolments, site, factor, run
    assert [finding.text for finding in chains(seen)] == [
        "edge-1: 26 entries in 2 epochs, no gap",
        "gateway: 7 entries in 1 epoch, no gap",
    ]


def test_what_follows_nothing_or_an_earlier_entry_is_a_rollback_or_a_clone():
    made = maker.factory()
    seen, _ = trail.read(archive.read(made.pack()))
    mine = [item for item in seen.items if item.header.author == AGENT]
    earlier = Head(mine[-5].header.epoch, mine[-5].header.seq, mine[-5].hash)
    end = next(item for item in reversed(mine) if item.header.epoch == mine[0].header.epoch)
    taken = Head(end.header.epoch, end.header.seq, end.hash)
    assert "rollback: follows nothing" in faults(restarted(None))[0]
    assert "rollback: follows" in faults(restarted(earlier))[0]
    assert "clone: another epoch already follows" in faults(restarted(taken))[0]


@pytest.mark.parametrize(("seq", "digest", "fault"), [(99, bytes(32), "gap: follows"), (3, bytes(32), "another hash")])
def test_what_follows_an_unknown_entry_is_named(seq: int, digest: bytes, fault: str):
    made = maker.factory()
    epoch = made.writers[AGENT].epoch
    assert fault in faults(restarted(Head(epoch, seq, digest)))[0]


def test_entries_of_the_older_epoch_may_come_after_the_newer_one_began():
    made = maker.factory()
    older = made.writers[AGENT]
    made.add(AGENT, "event", [], maker.TO_NS, maker.TO_NS)
    made.epoch(AGENT, [], maker.TO_NS)
    made.ledger[-2:] = reversed(made.ledger[-2:])
    assert older.head is not None
    assert faults(made) == []


def test_a_manifest_that_hides_its_parent_is_named():
    made = maker.factory()
    made.ledger[maker.index_of(made, AGENT, "manifest", 1)][1] = None
    assert "what this epoch follows is unknown" in faults(made)[0]


def lines(made: maker.Factory) -> list[str]:
    seen, _ = trail.read(archive.read(made.pack()))
    return [finding.line() for finding in chains(seen) if not finding.ok]


def acknowledged(made: maker.Factory, header: entry.Header, digest: bytes) -> None:
    of = EntryRef(author=header.author, epoch=header.epoch, seq=header.seq, hash=digest)
    part = AcknowledgementPart(entry=of, keeps="this", author="Li Wei", reason="disk", entered_ns=1)
    made.add(maker.GATEWAY, "acknowledgement", [records.write(part)], maker.T0, maker.T0)


@pytest.mark.parametrize("withheld", [False, True], ids=["shown", "withheld"])
def test_a_word_from_before_an_epoch_answers_for_nothing_in_it(withheld: bool):
    made = maker.opened()
    maker.produced(made)
    first = next(one for one in map(entry.read, (s for s, _ in made.ledger)) if one.header.author == AGENT)
    acknowledged(made, first.header, first.hash(maker.SITE))
    if withheld:
        made.ledger[-1][1] = None
    made.epoch(AGENT, maker.manifest_parts(), maker.TO_NS, None)
    (line,) = lines(made)
    assert line.startswith("FAIL chain ")
    assert line.endswith("rollback: follows nothing, though its author has entries")


def test_a_word_that_names_an_entry_before_it_is_there_is_a_fault():
    made = maker.opened()
    maker.produced(made)
    made.epoch(AGENT, maker.manifest_parts(), maker.TO_NS, None)
    begun = entry.read(made.ledger[-1][0])
    acknowledged(made, begun.header, begun.hash(maker.SITE))
    assert lines(made) == []
    made.ledger[-2:] = reversed(made.ledger[-2:])
    (line,) = lines(made)
    assert line.startswith(f"FAIL chain {len(made.ledger) - 2} gateway ")
    assert line.endswith("which came only after it")


def test_a_void_withheld_explains_no_hole_before_it():
    made = maker.opened()
    maker.produced(made)
    at = max(n for n, (signed, _) in enumerate(made.ledger) if entry.read(signed).header.type == "segment") - 1
    del made.ledger[at]
    made.epoch(AGENT, maker.manifest_parts(), maker.TO_NS)
    part = VoidPart(
        epoch=bytes(16), first=0, last=0, last_hash=None, from_ns=0, to_ns=1, cause="damaged", detail=""
    )  # fmt: skip
    made.add(AGENT, "void", [records.write(part)], maker.TO_NS, maker.TO_NS)
    made.ledger[-1][1] = None
    hole, hidden = lines(made)
    assert hole.startswith(f"FAIL chain {at} ")
    assert hidden.startswith(f"LACK chain {at + 2} ")
