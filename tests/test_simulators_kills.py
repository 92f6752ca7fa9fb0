"""What the killer reads of a dead agent and of a ledger; a run of the whole is in integration/test_kill.py."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from archive_maker import factory
from plant_in_memory import Site, at_ns

from contract.segment import TICK_NS
from simulators import demo, kills
from simulators.kills import Held
from verifier import archive


def test_what_a_dead_agent_had_unsealed_and_confirmed(tmp_path):
    site = Site.at(tmp_path / "demo")
    site.folder = tmp_path / "demo" / "demo" / "agent-data"
    site.start(0)
    site.read_rounds(dict.fromkeys(range(1, 4)))
    site.journal.confirm({b"e" * 16: 7})
    site.stop()
    held = Held(confirmed={b"e" * 16: 9})
    held.look(SimpleNamespace(folder=tmp_path / "demo"))
    meter = {("press", 0, at_ns(k) // TICK_NS) for k in range(1, 4)}
    assert {scan for scan in held.unsealed if scan[0] == "press"} == meter
    assert held.confirmed == {b"e" * 16: 9}  # a receipt that falls back later takes back nothing that was promised


def test_every_scan_of_an_archive_is_counted():
    found = kills.in_ledger(archive.read(factory().pack()))
    assert found.total() == 4 * 120  # four meters, read 120 times
    assert set(found.values()) == {1}
    assert {meter for meter, _, _ in found} == {"line1", "scale1", "comp1", "air1"}


def test_a_part_is_killed_at_once_and_forgotten():
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    stage = SimpleNamespace(running=[("agent", sleeper)], folder=Path("/nowhere"))
    kills.kill(stage, "agent")
    assert sleeper.returncode == -9
    assert stage.running == []
    kills.kill(stage, "broker")  # there is none


def test_a_run_kills_parts_at_random_and_starts_them_again(monkeypatch):
    done = []
    monkeypatch.setattr(demo, "watch", lambda _stage, _until: done.append("watched"))
    monkeypatch.setattr(kills, "kill", lambda _stage, name: done.append(f"killed {name}"))
    monkeypatch.setattr(kills, "start_again", lambda _stage, name: done.append(f"started {name}"))
    monkeypatch.setattr(Held, "look", lambda _held, _stage: done.append("looked"))
    killed, _ = kills.run(SimpleNamespace(running=[]), 30, Random(1))
    assert killed.total() == 30
    assert killed.keys() == set(kills.PARTS)
    assert Counter(done) == {
        "watched": 31, "looked": 1 + killed["agent"],
        **{f"killed {name}": times for name, times in killed.items()},
        **{f"started {name}": times for name, times in killed.items()},
    }  # fmt: skip


@pytest.mark.parametrize("breaches", [[], ["lost: that"]])
def test_the_command_says_what_came_of_it(monkeypatch, capsys, breaches):
    class Stage:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(kills, "stage_in", lambda folder, seed: SimpleNamespace(folder=folder, seed=seed))
    monkeypatch.setattr(demo, "processes", lambda _stage: Stage())
    monkeypatch.setattr(demo, "wait_for_agent", lambda _stage: None)
    monkeypatch.setattr(kills, "run", lambda _stage, times, _luck: (Counter(agent=times), Held()))
    monkeypatch.setattr(kills, "judged", lambda _stage, _held: ({"entries": 5}, breaches))
    assert kills.main(["--kills", "3"]) == bool(breaches)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:2]] == [["killed:", "agent", "3"], ["entries", "5"]]
    assert lines[2:-1] == breaches
    assert lines[-1] == ("A PROMISE WAS BROKEN" if breaches else "every promise was kept")


def test_a_part_that_ends_by_itself_is_a_breach(monkeypatch, capsys):
    def ended(_stage):
        raise RuntimeError("gateway ended by itself with status 1")

    monkeypatch.setattr(kills, "stage_in", lambda folder, _seed: SimpleNamespace(folder=folder))
    monkeypatch.setattr(demo, "processes", ended)
    assert kills.main(["--kills", "3"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "gateway ended by itself with status 1"
