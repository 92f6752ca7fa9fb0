"""What agents no longer hold comes back from the old database, judged like anything that is sent."""

import pytest
from authors import wire
from databases import damage
from gateway_folder import SITE, Folder

from contract import topics
from gateway import database, readmit
from gateway.config import load
from gateway.database import sqlite_url
from gateway.ledger_rebuild import rebuild
from gateway.ledger_rows import Database, Kept
from gateway.ledger_walk import Asked
from gateway.opening import open_sequencer
from gateway.preflight import prepare
from gateway.sequencer import Message

OURS = 5  # the gateway's own entries of a first start


class Plant:
    """A gateway's folder and its agent."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.config = folder, load(folder.path)

    def start(self):
        """Open the ledger; another database may be configured since."""
        self.config = load(self.folder.path)
        return open_sequencer(self.folder.path, self.config, prepare(self.config), lambda: 7, lambda *_: None)

    def fill(self, number: int) -> None:
        """An epoch of the agent."""
        ledger, sequencer = self.start()
        edge = self.folder.edge
        sent = [edge.begin(), *(edge.say() for _ in range(number - 1))]
        for first in range(0, number, 10):
            sequencer.admit([Message(edge.topic, wire(one)) for one in sent[first : first + 10]])
        ledger.close()

    def readmitted(self, url: str) -> readmit.Readmitted:
        """Admit again what another database holds."""
        engine = database.engine(url)
        ledger, sequencer = self.start()
        try:
            return readmit.readmit(Database(engine), sequencer.admit, SITE)
        finally:
            ledger.close()
            engine.dispose()


@pytest.fixture
def plant(tmp_path):
    return Plant(Folder(tmp_path))


def test_entries_of_the_same_ledger_are_duplicates(plant):
    plant.fill(30)
    told = plant.readmitted(plant.config.gateway.database_url)
    assert (told.verdicts, told.unread) == ({"duplicate": 30}, ())


def test_what_stands_behind_a_damage_comes_back_as_far_as_chains_reach(plant, tmp_path):
    plant.fill(60)
    old = tmp_path / "data" / "ledger.sqlite"
    damage(old, index=40)
    engine = database.engine(sqlite_url(old))
    key = prepare(plant.config).ledger_key.public_key()
    new = sqlite_url(tmp_path / "new.sqlite")
    left = rebuild(Database(engine), new, Asked(SITE, key)).size
    lost = [row.index for row in Database(engine).rows(0, OURS + 60) if not isinstance(row, Kept)]
    engine.dispose()
    assert OURS < left < OURS + 60
    plant.folder.keep_in(new)
    (tmp_path / "data" / "checkpoints.txt").unlink()
    told = plant.readmitted(sqlite_url(old))
    assert told.verdicts["duplicate"] == left - OURS
    assert told.verdicts["admitted"] == lost[0] - left  # between the last checkpoint and the damage
    assert told.verdicts["held"] == OURS + 60 - 1 - lost[-1]  # behind it: wanted of the agent first
    assert told.unread[0].startswith(f"entry {lost[0]}: ")
    assert "malformed" in told.unread[0]


def test_nobody_is_believed_more_than_over_the_line(plant, tmp_path):
    plant.fill(3)
    (tmp_path / "other").mkdir()
    other = Plant(Folder(tmp_path / "other"))
    other.fill(2)
    told = plant.readmitted(other.config.gateway.database_url)
    assert told.verdicts == {"unknown_key": 2}


def test_the_gateways_own_entries_are_not_sent(plant, monkeypatch):
    plant.fill(12)
    engine = database.engine(plant.config.gateway.database_url)
    groups = []

    def admit(group):
        groups.append(list(group))
        return type("Outcome", (), {"verdicts": {}})

    monkeypatch.setattr(readmit, "GROUP", 5)
    readmit.readmit(Database(engine), admit, SITE)
    engine.dispose()
    assert [len(group) for group in groups] == [5, 5, 2]
    assert {one.topic for group in groups for one in group} == {topics.Topic(SITE, "edge-1", "entries")}
