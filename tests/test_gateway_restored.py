"""A gateway whose database is older than what its agents know: everything they hold comes back, in order, once."""

from collections import Counter

import pytest
from lineage_plant import BATCHES, begun, counted, energy_of, excluded, faults

from gateway.errors import Corrupt


def everything(line):
    return [(one.epoch, one.seq) for one in line.site.entries()]


def settle(line, k):
    """Deliver, and go on until the gateway has said all it lacks; returns the next round."""
    for _ in range(20):
        line.run(k, k + 6).deliver()
        k += 6
    return k


def test_what_an_agent_still_holds_comes_back_in_order_once(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 20).deliver()
    gateway.keep("backup")
    line.run(20, 60).deliver()
    gateway.restore("backup")
    held = gateway.agents_entries()
    line.run(60, 100).deliver()
    line.stop()
    mine = [(epoch, seq) for epoch, seq, _ in gateway.agents_entries()]
    assert mine[: len(held)] == [(epoch, seq) for epoch, seq, _ in held]
    assert mine == everything(line)
    assert set(Counter(mine).values()) == {1}
    assert [flags for _, _, flags in gateway.agents_entries() if flags] == []
    assert gateway.verified().verdict == "pinned"
    said, report = gateway.exported()
    assert faults(report) == []
    assert counted(said) == {"batches": 6, "direct_wh_milli": sum(map(energy_of, BATCHES))}


def test_epochs_that_the_gateway_forgot_come_back_though_their_agent_has_started_again_since(tmp_path):
    """The newest epoch is asked for first, and only its manifest tells of the one before."""
    gateway, line = begun(tmp_path)
    line.run(1, 10).deliver()
    gateway.keep("backup")
    for k in (10, 40, 70):  # three more starts that the backup knows nothing of
        line.run(k, k + 28).deliver()
        line.stop()
        line.start(k + 28)
    gateway.restore("backup")
    last = settle(line, 100)
    assert last > 100
    line.stop()
    mine = [(epoch, seq) for epoch, seq, _ in gateway.agents_entries()]
    assert sorted(mine) == sorted(everything(line))
    assert mine != everything(line)  # an epoch came before the one it follows
    assert line.told.wanted == []
    assert gateway.verified().verdict == "pinned"
    said, report = gateway.exported()
    assert faults(report) == []
    assert counted(said)["batches"] + len(excluded(said)) == len(BATCHES)


def test_a_database_older_than_the_copy_of_its_checkpoints_does_not_start(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 20).deliver()
    gateway.keep("backup")
    line.run(20, 40).deliver()
    line.stop()
    gateway.ledger.close()
    newer = (gateway.folder / "checkpoints").read_bytes()
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (gateway.folder / name).unlink(missing_ok=True)
    (gateway.folder / "ledger.db").write_bytes((gateway.folder.parent / "backup" / "ledger.db").read_bytes())
    assert (gateway.folder / "checkpoints").read_bytes() == newer
    with pytest.raises(Corrupt, match="the database is older than it"):
        gateway.open()
