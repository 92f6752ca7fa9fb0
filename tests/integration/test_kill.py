"""`kill -9` of each part in mid-run: nothing with a receipt is lost, nothing is doubled, the chain holds throughout."""

import contextlib
import os
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import metertrail
from agent import rows
from agent.journal import Journal
from contract import body, entry, segment
from contract.segment import TICK_NS
from simulators import demo, report
from verifier import archive as archives

BEFORE_S, AFTER_S = 14, 16


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[demo.Stage]:
    ports = dict(zip(demo.PORTS, demo.free_ports(len(demo.PORTS)), strict=True))
    stage = demo.Stage(tmp_path / "demo", seed=7, start_ns=time.time_ns(), batch_s=10, load=None, ports=ports)
    demo.prepare(stage)
    with demo.processes(stage):
        demo.wait_for_agent(stage)
        stage.watched_ns = time.time_ns()
        yield stage


def kill(stage: demo.Stage, name: str) -> None:
    """End one part as a power cut would, and leave it so for a moment."""
    if name == "broker":
        words = b"gateway.broker\0" + bytes(stage.folder)
        (pid,) = [int(p.parent.name) for p in Path("/proc").glob("[0-9]*/cmdline") if words in _cmdline(p)]
        os.kill(pid, signal.SIGKILL)  # the gateway starts it again by itself
        return
    (process,) = [running for known, running in stage.running if known == name]
    process.kill()
    process.wait()
    stage.running[:] = [item for item in stage.running if item[1] is not process]


def _cmdline(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""


def unsealed(journal: Path) -> set[tuple[str, int, int]]:
    """What the dead agent had on disk and not yet under a signature: (meter, block, request's tick)."""
    with contextlib.closing(sqlite3.connect(journal / "open.db")) as files:
        scans = [rows.read_scan(data) for (data,) in files.execute("SELECT data FROM unsealed WHERE kind = 'scan'")]
    return {(meter, scan.block, scan.requested_ns // TICK_NS) for meter, scan in scans if _told(scan)}


def _told(scan: object) -> bool:
    return any(reading.text is None for reading in scan.readings)


def in_ledger(archive: archives.Archive) -> Counter[tuple[str, int, int]]:
    """Every scan in the ledger, and how often."""
    found: Counter[tuple[str, int, int]] = Counter()
    for item in archive.entries:
        if item.body is not None and entry.read(item.signed).header.type == "segment":
            for part in filter(None, body.unpack(item.body).parts):
                said = segment.decode(part)
                found.update((said.meter, b.index, r // TICK_NS) for b in said.blocks for r in b.requested_ns)
    return found


@pytest.mark.parametrize("part", ["agent", "gateway", "broker"])
def test_a_killed_part_costs_nothing_that_was_confirmed(stage: demo.Stage, part: str) -> None:
    journal, config = stage.folder / "demo" / "agent-data", stage.folder / "demo"
    demo.watch(stage, time.monotonic() + BEFORE_S)
    kill(stage, part)
    on_disk = unsealed(journal) if part == "agent" else set()
    time.sleep(1)
    if part == "agent":
        assert on_disk, "the agent was killed with nothing unsealed: the test shows less than it says"
        demo.start(stage, "agent", "run", str(config / "agent.toml"))
    if part == "gateway":
        demo.start(stage, "gateway", "run", str(config / "gateway.toml"))
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

    scans = in_ledger(archive)
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
