"""An agent's disk loses what was not delivered yet: it says so, the gateway goes on, and the verifier names it."""

from lineage_plant import Line, begun, counted, faults, told

from agent import outbox


def day(folder):
    return max(folder.glob("2023-*.db"))


def damaged(tmp_path, delivered, until):
    """A gateway, and the agent started again after all of its journal became unreadable; so much had been delivered."""
    gateway, line = begun(tmp_path)
    line.run(1, delivered).deliver()
    line.run(delivered, until)
    line.stop()
    day(line.site.folder).write_bytes(b"no database")
    return gateway, Line(line.site, gateway)


def test_what_was_lost_undelivered_is_declared_admitted_and_named(tmp_path):
    gateway, line = damaged(tmp_path, 40, 60)
    line.start(60).run(61, 100).deliver()
    line.stop()
    assert set(line.verdicts) == {"admitted"}
    assert line.told.wanted == []
    report = gateway.verified()
    assert faults(report) == []
    (void,) = told(report, "void")
    assert "lost (damaged" in void
    assert "1 range declared lost" in told(report, "chain")[0]
    said, report = gateway.exported()
    assert [one[:9] for one in faults(report)] == ["FAIL void"]
    assert faults(report)[0].endswith("the statement's period is not complete")
    assert counted(said)["batches"] >= 4


def test_a_gateway_that_starts_again_knows_what_was_declared_lost(tmp_path):
    gateway, line = damaged(tmp_path, 40, 60)
    line.start(60).run(61, 70).deliver()
    standing = gateway.sequencer.trust.standing("edge-1")
    gateway.reopen()
    again = gateway.sequencer.trust.standing("edge-1")
    assert again is not standing
    assert (again.epochs, again.lost, again.latest) == (standing.epochs, standing.lost, standing.latest)
    assert len(again.lost) == 1
    line.run(70, 80).deliver()
    line.stop()
    assert line.told.wanted == []
    assert set(line.verdicts) == {"admitted"}


def test_an_epoch_lost_whole_before_anything_of_it_was_delivered_is_named(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 20).deliver()
    line.stop()
    line.start(20).run(21, 40)  # and the line to the gateway is down
    line.stop()
    day(line.site.folder).write_bytes(b"no database")
    line.start(40)
    line.box = outbox.Outbox(line.site.journal.delivered())
    line.run(41, 80).deliver()
    line.stop()
    assert set(line.verdicts) == {"admitted"}
    assert line.told.wanted == []
    report = gateway.verified()
    assert faults(report) == []
    assert any("/0 to " in one and "lost (damaged" in one for one in told(report, "void"))


def test_what_a_copy_of_the_disk_still_holds_is_taken_all_the_same(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 40).deliver()
    line.run(40, 60)
    line.stop()
    copy = line.site.copy(tmp_path / "copy")
    copy.start(60)
    held = [one for one in copy.entries() if one.seq and (one.epoch, one.seq) not in line.sent]
    copy.stop()
    held = [one for one in held if one.epoch == line.site.entries()[0].epoch]
    day(line.site.folder).write_bytes(b"no database")
    line.start(60).run(61, 90).deliver()
    assert len(held) > 3
    for one in held:
        line.send(one)
    assert line.verdicts[-len(held) :] == ["admitted"] * len(held)
    line.run(90, 100).deliver()
    line.stop()
    report = gateway.verified()
    assert faults(report) == []
    assert any(one.endswith("but all of it is here") for one in told(report, "void"))
    said, report = gateway.exported()
    assert faults(report) == []
    assert counted(said)["batches"] == 6
