"""Another broker than our own: mosquitto, killed in mid-run with all it held in memory."""

import re
import subprocess
import time
from pathlib import Path

import pytest

from agent.journal import Journal
from contract import entry
from simulators import demo, report

BEFORE_S, AFTER_S = 12, 14


@pytest.fixture
def stage(tmp_path: Path, need) -> demo.Stage:
    """The demonstration's plant on a mosquitto with names, passwords and rules of its own."""
    need("mosquitto", "mosquitto_passwd")
    ports = dict(zip(demo.PORTS, demo.free_ports(len(demo.PORTS)), strict=True))
    stage = demo.Stage(tmp_path / "demo", seed=11, start_ns=time.time_ns(), batch_s=10, load=None, ports=ports)
    demo.prepare(stage)
    folder = stage.folder / "demo"
    gateway = folder / "gateway.toml"
    gateway.write_text(re.sub(r"(?ms)^\[broker\].*?(?=^\[)", "", gateway.read_text()))
    users = folder / "mosquitto.passwords"
    users.touch(0o600)
    for name in ("gateway", "edge-1"):
        password = (folder / f"{name}.password").read_text().strip()
        subprocess.run(["mosquitto_passwd", "-b", str(users), name, password], check=True, capture_output=True)
    rules = folder / "mosquitto.acl"
    rules.write_text(
        "user gateway\ntopic write metertrail/v1/demo/+/receipts\n"
        + "".join(f"topic read metertrail/v1/demo/+/{channel}\n" for channel in ("entries", "live", "status"))
        + "user edge-1\ntopic read metertrail/v1/demo/edge-1/receipts\n"
        + "".join(f"topic write metertrail/v1/demo/edge-1/{channel}\n" for channel in ("entries", "live", "status"))
    )
    (folder / "mosquitto.conf").write_text(
        f"listener {ports[18830]} 127.0.0.1\nallow_anonymous false\nuser root\n"
        f"password_file {users}\nacl_file {rules}\npersistence false\n"
    )
    return stage


def mosquitto(stage: demo.Stage) -> "subprocess.Popen[bytes]":
    """Start the broker; whoever starts it ends it."""
    with (stage.folder / "mosquitto.log").open("ab") as log:
        command = ["mosquitto", "-c", str(stage.folder / "demo" / "mosquitto.conf")]
        return subprocess.Popen(command, stdout=log, stderr=log)


def test_a_killed_mosquitto_costs_nothing(stage: demo.Stage) -> None:
    broker = mosquitto(stage)
    try:
        with demo.processes(stage):
            demo.wait_for_agent(stage)
            stage.watched_ns = time.time_ns()
            demo.watch(stage, time.monotonic() + BEFORE_S)
            broker.kill()
            broker.wait()
            time.sleep(1)
            broker = mosquitto(stage)
            demo.watch(stage, time.monotonic() + AFTER_S)
            period = stage.watched_ns + report.MARGIN_NS, time.time_ns() - report.MARGIN_NS
            for name, process in reversed(stage.running):
                demo.stop(name, process)
            stage.running.clear()
    finally:
        broker.kill()
        broker.wait()
    _, verdicts, archive = report.archives_of(stage, period)
    assert [(verdict["exit"], verdict["failed"]) for verdict in verdicts] == [(0, []), (0, [])]
    journal = Journal(stage.folder / "demo" / "agent-data")
    told = {entry.read(item.signed).hash("demo") for item in archive.entries}
    sealed = journal.after({}, 10_000)
    assert len(sealed) > 8
    assert {item.sealed.hash for item in sealed} <= told, "an entry did not reach the ledger"
    assert len(re.findall("broker disconnected", (stage.folder / "agent.log").read_text())) >= 1
