"""The demonstration's stage: a complete configuration in a folder of its own."""

import signal
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from agent import check
from contract.problems import Problems
from gateway import config, preflight
from simulators import demo, scenario

CONFIGS = Path(__file__).resolve().parent.parent / "configs" / "demo"
PORTS = dict(zip(demo.PORTS, range(20001, 20007), strict=True))


def staged(folder, **keys):
    stage = demo.Stage(folder, seed=1, start_ns=0, batch_s=None, load=None, ports=PORTS, **keys)
    demo.prepare(stage)
    return stage


def test_what_is_prepared_is_in_order_for_every_part(tmp_path):
    staged(tmp_path / "demo")
    folder = tmp_path / "demo" / "demo"
    plan = check.load(folder / "agent.toml", now_ns=0)
    assert len(plan.meters) == 8
    loaded = config.load(folder / "gateway.toml")
    assert preflight.prepare(loaded)
    assert len(scenario.parse((folder / "plant.toml").read_bytes(), "plant.toml").meters) == 6


def test_every_usual_port_is_replaced_everywhere(tmp_path):
    staged(tmp_path / "demo")
    text = "".join(path.read_text() for path in (tmp_path / "demo" / "demo").glob("*.toml"))
    assert not [port for port in demo.PORTS if str(port) in text]
    assert all(text.count(str(port)) >= 1 for port in PORTS.values())


def test_agent_and_plant_agree_on_what_the_registers_do(tmp_path):
    staged(tmp_path / "demo")
    folder = tmp_path / "demo" / "demo"
    plant = {meter["id"]: meter for meter in tomllib.loads((folder / "plant.toml").read_text())["meter"]}
    agent = {m["name"]: m for m in tomllib.loads((folder / "agent.toml").read_text())["meter"] if "declared" in m}
    assert plant.keys() == agent.keys()
    for name, meter in agent.items():
        (declared,) = meter["declared"].values()
        assert declared["age_ms"] == plant[name]["age_ms"]
        assert declared["step"] == plant[name]["step"].split()[0]


def test_secrets_are_for_their_owner_alone(tmp_path):
    staged(tmp_path / "demo")
    secrets = [*(tmp_path / "demo" / "demo").glob("*.password*"), *(tmp_path / "demo" / "demo").glob("*.pem")]
    private = [path for path in secrets if not path.name.endswith(".pub.pem")]
    assert len(private) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="is not empty: name a new folder"):
        staged(tmp_path)


def test_the_length_of_batches_can_be_set(tmp_path):
    stage = demo.Stage(tmp_path / "demo", seed=1, start_ns=0, batch_s=20, load=None, ports=PORTS)
    demo.prepare(stage)
    assert scenario.parse((stage.folder / "demo" / "plant.toml").read_bytes(), "plant.toml").batch_s == 20


def test_a_part_that_ends_by_itself_ends_the_demonstration(tmp_path):
    stage = staged(tmp_path / "demo")
    demo.start(stage, "no-such-part")
    stage.running[0][1].wait()
    with pytest.raises(RuntimeError, match="no-such-part ended by itself with status 2\n(.*\n)+  simulate "):
        demo.watch(stage)


def test_whoever_is_interrupted_twice_leaves_nothing_running(tmp_path, monkeypatch):
    stage = demo.Stage(tmp_path, seed=1, start_ns=0, batch_s=None, load=None, ports={})
    parts = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    stage.running += [(f"part {number}", process) for number, process in enumerate(parts)]

    def impatient(name, process):
        assert (name, process) == ("part 2", parts[2])  # last first
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "stop", impatient)
    with pytest.raises(KeyboardInterrupt):
        demo._stop_all(stage)
    assert [process.wait(10) for process in parts] == [-signal.SIGKILL] * 3


def test_free_ports_differ():
    assert len(set(demo.free_ports(6))) == 6


def test_a_broken_copy_would_be_told(tmp_path):
    staged(tmp_path / "demo")
    path = tmp_path / "demo" / "demo" / "agent.toml"
    path.write_text(path.read_text().replace("seal_s", "seel_s"))
    with pytest.raises(Problems, match="agent.seel_s: unknown key: did you mean seal_s"):
        check.load(path, now_ns=0)


def test_the_meters_are_the_instruments_that_the_agent_is_told_of():
    plant, agent = (tomllib.loads((CONFIGS / name).read_text()) for name in ("plant.toml", "agent.toml"))
    served = {meter["id"]: meter["serial"] for meter in plant["meter"]}
    assert len(served) == 6
    assert served == {meter["name"]: meter["serial"] for meter in agent["meter"] if "serial" in meter}


def test_a_report_begins_when_the_agent_reads_and_not_when_the_page_is_up(tmp_path, monkeypatch):
    stage = staged(tmp_path / "demo")
    log, lines = stage.folder / "agent.log", iter(["", "begins\n", "agent=edge-1 site=demo meters=8 running\n"])
    log.write_text(next(lines))
    monkeypatch.setattr(demo.time, "sleep", lambda _: log.write_text(next(lines)))
    demo.wait_for_agent(stage)
    assert next(lines, None) is None
