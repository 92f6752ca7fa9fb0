"""`kill -9` of each part in mid-run: nothing with a receipt is lost, nothing is doubled, the chain holds throughout."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import metertrail
from agent.journal import Journal
from contract import entry
from simulators import demo, kills, report

BEFORE_S, AFTER_S = 14, 16


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[demo.Stage]:
    stage = kills.stage_in(tmp_path / "demo", seed=7)
    with demo.processes(stage):
        demo.wait_for_agent(stage)
        stage.watched_ns = time.time_ns()
        yield stage


@pytest.mark.parametrize("part", ["agent", "gateway", "broker"])
def test_a_killed_part_costs_nothing_that_was_confirmed(stage: demo.Stage, part: str) -> None:
    journal, config = stage.folder / "demo" / "agent-data", stage.folder / "demo"
    demo.watch(stage, time.monotonic() + BEFORE_S)
    kills.kill(stage, part)
    on_disk = kills.unsealed(journal) if part == "agent" else set()
    time.sleep(1)
    if part == "agent":
        assert on_disk, "the agent was killed with nothing unsealed: the test shows less than it says"
    kills.start_again(stage, part)
    demo.watch(stage, time.monotonic() + AFTER_S)
    period = stage.watched_ns + report.MARGIN_NS, time.time_ns() - report.MARGIN_NS
    for name, process in reversed(stage.running):
        demo.stop(name, process)
    stage.running.clear()

    _, verdicts, archive = report.archives_of(stage, period)
    assert [verdict["failed"] for verdict in verdicts] == [[], []]
    assert [verdict["exit"] for verdict in verdicts] == [0, 0]

    trust = str(stage.folder / "trust.toml")
    assert metertrail.verify([str(config / "gateway.toml"), "--trust", trust]) == 0, "the whole ledger does not verify"

    scans = kills.in_ledger(archive)
    assert set(scans.values()) == {1}, "a scan is in the ledger twice"
    assert on_disk <= scans.keys(), "what the agent had on disk is not in the ledger"

    files = Journal(journal)
    sealed = files.after({}, 10_000)
    told = {entry.read(item.signed).hash("demo") for item in archive.entries}
    confirmed = files.delivered()
    assert confirmed
    assert sum(confirmed.get(e.epoch, -1) >= e.seq for e in sealed) > 10
    assert all(e.sealed.hash in told for e in sealed if e.seq <= confirmed.get(e.epoch, -1))
    assert len({e.epoch for e in sealed}) == (2 if part == "agent" else 1)
    if part != "gateway":
        assert re.search(r"broker disconnected", (stage.folder / "agent.log").read_text()) or part == "agent"
