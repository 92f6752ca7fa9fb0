"""Gaps, rollbacks and clones between epochs are named; entries that came late are no fault."""

import archive_maker as maker
import pytest
from archive_maker import AGENT

from contract.chain import Head
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
