"""The command: figures, what a breach looks like, and the exit status."""

from types import SimpleNamespace

import pytest

from simulators.ordeal import run, vfs, world
from simulators.ordeal.vfs import Unreachable
from simulators.ordeal.world import Breach

JUDGED = SimpleNamespace(readings=10, lost=0, doubled=0, batches=2, verdict="pinned", breaches=())


@pytest.fixture
def worlds(monkeypatch):
    """The worlds that were asked for, as (seed, kills); what `judged` holds comes of each."""
    asked = []

    def judge(self, kills, _vfs):
        asked.append((self.seed, kills))
        self.kills["gateway"] = kills
        found = asked_for.pop(0) if asked_for else JUDGED
        if isinstance(found, Exception):
            raise found
        return found

    asked_for = []
    monkeypatch.setattr(world.World, "run", judge)
    monkeypatch.setattr(run, "told", lambda story, _world, _vfs: [f"{story.named}!"] if wrong else [])
    wrong = []
    return SimpleNamespace(asked=asked, judged=asked_for, wrong=wrong)


def test_kills_are_spread_over_worlds(worlds, capsys):
    assert run.main(["--kills", "120", "--seed", "s"]) == 0
    assert worlds.asked == [("s/0", 40), ("s/1", 40), ("s/2", 40)]
    told = {" ".join(line.split()[:-1]): line.split()[-1] for line in capsys.readouterr().out.splitlines()}
    assert (told["kills"], told["readings"], told["lost"], told["verdict pinned"]) == ("120", "30", "0", "3")
    assert told["every promise was"] == "kept"


def test_one_world_can_be_run_again(worlds):
    assert run.main(["--kills", "1000", "--seed", "s", "--world", "7"]) == 0
    assert worlds.asked == [("s/7", 40)]


@pytest.mark.parametrize("how", ["judged", "raised"])
def test_a_breach_is_told_with_its_seed_and_step(worlds, capsys, how):
    found = SimpleNamespace(**{**vars(JUDGED), "lost": 1, "breaches": ("lost: that",)})
    worlds.judged.append(found if how == "judged" else Breach("seed s/0 step 3: gateway ended by itself"))
    assert run.main(["--kills", "40", "--seed", "s"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "A PROMISE WAS BROKEN"
    assert lines[-2] == ("seed s/0 step 0: lost: that" if how == "judged" else str(Breach(lines[-2])))
    assert lines[-2].startswith("seed s/0 step ")


def test_a_story_that_ends_wrong_is_told(worlds, capsys):
    worlds.wrong.append(True)
    assert run.main(["--kills", "40", "--seed", "s"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.endswith("!")]) == len(run.STORIES) == 5
    assert "seed s/the gateway is put back step 0: the ledger was rewritten!" in lines


def test_a_sqlite_that_cannot_be_reached_is_told(monkeypatch, capsys):
    def unreachable():
        raise Unreachable("no names")

    monkeypatch.setattr(run, "vfs", unreachable)
    assert run.main(["--kills", "40"]) == 1
    assert "no names: use a Python" in capsys.readouterr().err
    assert vfs.Unreachable is Unreachable
