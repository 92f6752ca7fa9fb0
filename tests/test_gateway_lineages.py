"""An agent restored, cloned, forked; its gateway restored: shown, named, answered for, nothing lost, nothing twice."""

import sqlite3

import pytest
from lineage_plant import BATCHES, SITE, Line, begun, counted, energy_of, excluded, faults, told
from plant_in_memory import T0, S, at_ns

from contract.entry import read
from gateway import export, late_batch
from gateway.late_batch import LateBatch
from verifier import archive, replay, trail
from verifier.check_batches import Period

ASIDE, OVERLAP = "told on a branch that is set aside", "overlaps another batch of its line"


def test_a_plain_run_counts_every_batch_once(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 100).deliver()
    line.stop()
    assert gateway.verified().verdict == "pinned"
    said, report = gateway.exported()
    assert faults(report) == []
    assert counted(said) == {"batches": 6, "direct_wh_milli": sum(map(energy_of, BATCHES))}
    assert excluded(said) == []


def test_an_agent_restored_from_a_backup_goes_on_when_somebody_answers_for_it(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 30)  # batch C is running
    old = line.site.copy(tmp_path / "backup")
    line.run(30, 60).deliver()
    line.stop()  # and its disk is lost
    again = Line(old, gateway).start(60).run(61, 100).deliver()
    again.stop()
    assert [flags for _, _, flags in gateway.agents_entries() if flags] == [("rollback",)]
    before = gateway.verified()
    assert [line.split(": ")[0][:10] for line in faults(before)] == ["FAIL chain"]
    assert "rollback: follows" in faults(before)[0]
    gateway.acknowledge(f"edge-1/{again.epoch}/0")
    after = gateway.verified()
    assert after.verdict == "pinned", faults(after)
    assert any("rollback" in line and "acknowledged by chen wei" in line for line in told(after, "chain"))
    said, report = gateway.exported()
    assert faults(report) == []
    # what was told before the restore counts; what the older state made of batch C lies over it and is left out
    assert [name for name, why in excluded(said)] == ["C"]
    assert excluded(said)[0][1] == OVERLAP
    assert counted(said) == {"batches": 6, "direct_wh_milli": sum(map(energy_of, BATCHES))}


def test_of_a_cloned_agent_the_one_counts_that_somebody_names(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 30).deliver()
    clone = Line(line.site.copy(tmp_path / "image"), gateway).start(31)
    for k in range(31, 100):  # both machines read the same meters, and both tell of it
        line.run(k, k + 1).deliver()
        clone.run(k + 1, k + 1 + k % 2).deliver()  # half as often, so that its edges are wider
    line.stop()
    clone.stop()
    before = gateway.verified()
    assert [one[:28] for one in faults(before)] == ["FAIL chain " + faults(before)[0][11:28]]
    assert f"{clone.epoch}/0 (manifest): rollback: follows" in faults(before)[0]
    for keeps, other in (("other", clone), ("this", line)):
        gateway.acknowledge(f"edge-1/{clone.epoch}/0", keeps, "image of the disk started on another machine")
        after = gateway.verified()
        assert after.verdict == "pinned", faults(after)
        assert "image of the disk started on another machine" in " ".join(told(after, "chain"))
        said, report = gateway.exported()
        assert faults(report) == []
        assert counted(said)["batches"] == 6
        assert {why for _, why in excluded(said)} == {ASIDE}
        assert {"D", "E", "F"} <= {name for name, _ in excluded(said)}
        assert other.epoch in " ".join(told(report, "branch"))
        if keeps == "other":
            assert counted(said)["direct_wh_milli"] == sum(map(energy_of, BATCHES))


def test_clones_that_start_at_one_entry_are_named_and_need_a_choice(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 24).deliver()
    line.stop()
    image = line.site.copy(tmp_path / "image")
    first, second = Line(line.site, gateway).start(24), Line(image, gateway).start(24)
    for k in range(24, 60):
        first.run(k, k + 1).deliver()
        second.run(k, k + k % 2).deliver()
    first.stop()
    second.stop()
    assert [flags for _, _, flags in gateway.agents_entries() if flags] == [("clone",)]
    assert f"{second.epoch}/0 (manifest): clone: another epoch already follows" in faults(gateway.verified())[0]
    with pytest.raises(ValueError, match=f"keeps: missing: edge-1/{second.epoch}/0 is a clone"):
        gateway.acknowledge(f"edge-1/{second.epoch}/0")
    gateway.acknowledge(f"edge-1/{second.epoch}/0", "other")
    said, report = gateway.exported()
    assert faults(report) == []
    assert counted(said) == {"batches": 4, "direct_wh_milli": sum(map(energy_of, "ABCD"))}
    assert excluded(said) == [("C", ASIDE), ("D", ASIDE)]


def test_a_fork_is_proven_by_two_signed_headers_and_both_machines_go_on_in_new_epochs(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 30).deliver()
    other = line.snapshot(tmp_path / "machine")
    for k in range(30, 100):
        line.run(k, k + 1).deliver()
        line.renew_if_stuck(k)
        other.run(k, k + k % 2).deliver().renew_if_stuck(k)
    line.stop()
    other.stop()
    ((author, refusal),) = gateway.ledger.refusals()[:1]
    assert (author, refusal.verdict) == ("edge-1", "fork")
    with sqlite3.connect(gateway.folder / "ledger.db") as database:
        (signed,) = database.execute("SELECT signed FROM refusals WHERE verdict = 'fork' ORDER BY id").fetchone()
    refused, kept = read(signed), gateway.ledger.hash_at(("edge-1", refusal.epoch, refusal.seq))
    assert (refused.header.epoch, refused.header.seq, refused.hash(SITE)) == (refusal.epoch, refusal.seq, refusal.hash)
    assert kept not in {None, refusal.hash}
    assert line.epoch != other.epoch
    assert {line.verdicts[-1], other.verdicts[-1]} == {"admitted"}
    before = [one for one in faults(gateway.verified()) if one.startswith("FAIL chain")]
    assert len(before) == 2
    newest = sorted({one.hex()[:8] for one, _, _ in gateway.agents_entries()}, key=[line.epoch, other.epoch].count)[-2:]
    assert set(newest) == {line.epoch, other.epoch}
    gateway.acknowledge(f"edge-1/{line.epoch}/0", "this", "virtual machine copied while it ran")
    gateway.acknowledge(f"edge-1/{other.epoch}/0", "other", "virtual machine copied while it ran")
    report = gateway.verified()
    assert faults(report) == []
    said, report = gateway.exported()
    assert {one[:9] for one in faults(report)} == {"FAIL void"}  # what the epoch's end told is in no ledger
    assert [why for name, why in excluded(said) if name in "DEF"] == [ASIDE] * 3


def test_what_was_told_late_before_a_restore_rests_on_what_the_ledger_held_then(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 24)
    old = line.site.copy(tmp_path / "backup")
    line.run(24, 58).deliver()
    line.stop()
    said = LateBatch(
        line="press", batch="X", product="coil", start_ns=at_ns(39) + 10**8, end_ns=at_ns(44) - 10**8, edge_ns=10**8,
        author="Li", reason="controller off", way="command", told_ns=at_ns(60),
    )  # fmt: skip
    gateway.sequencer.seal("late_batch", late_batch.parts(said, gateway.ledger), late_batch.span(said))
    again = Line(old, gateway).start(60).run(61, 100).deliver()
    again.stop()
    gateway.acknowledge(f"edge-1/{again.epoch}/0")
    report = gateway.verified()
    assert faults(report) == []
    assert any("as of entry" in one for one in told(report, "branch"))
    said, report = gateway.exported()
    assert faults(report) == []
    assert [one["batch"] for one in said["late"]] == ["X"]
    assert "X" not in {name for name, _ in excluded(said)}


def test_replay_takes_each_batch_on_its_own_branch(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 30)
    old = line.site.copy(tmp_path / "backup")
    line.run(30, 60).deliver()
    line.stop()
    again = Line(old, gateway).start(60).run(61, 100).deliver()
    again.stop()
    packed = archive.read(export.whole_ledger(gateway.ledger, gateway.ledger_key.public_key()))
    prepared = replay.prepare(*trail.read(packed), Period(T0, T0 + 10**6 * S))
    rows = [row for batch in prepared.batches for row in prepared.rows(batch)]
    assert [row.faults for row in rows if not row.holds] == []
    assert sorted({row.batch for row in rows}) == list("ABCDEF")
    assert len(prepared.batches) == 7  # C twice
