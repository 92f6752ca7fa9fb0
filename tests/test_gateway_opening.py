"""Opening leaves a ledger ready to write, or closed."""

import pytest
from authors import wire
from databases import set_back
from gateway_folder import Folder

from contract import keys
from gateway.config import load
from gateway.errors import Busy, Corrupt, Unfit
from gateway.opening import open_sequencer, software
from gateway.preflight import prepare
from gateway.sequencer import Message


@pytest.fixture
def folder(tmp_path, database_url):
    return Folder(tmp_path).keep_in(database_url)


def start(folder: Folder):
    config = load(folder.path)
    return open_sequencer(folder.path, config, prepare(config), lambda: 7, lambda *_: None)


def test_an_agent_of_the_configuration_is_believed_until_it_is_taken_out(folder):
    ledger, sequencer = start(folder)
    assert sequencer.admit([Message(folder.edge.topic, wire(folder.edge.begin()))]).verdicts == {
        ("edge-1", "admitted"): 1
    }
    ledger.close()
    folder.save(('[[agent]]\nname = "edge-1"\nkey = "edge-1.pub.pem"', ""))
    ledger, sequencer = start(folder)
    assert sequencer.admit([Message(folder.edge.topic, wire(folder.edge.say()))]).verdicts == {("edge-1", "revoked"): 1}
    ledger.close()


def test_only_one_at_a_time_and_a_failed_start_lets_go(folder):
    ledger, _ = start(folder)
    with pytest.raises(Busy):
        start(folder)
    ledger.close()
    folder.write("gateway.pem", keys.private_to_pem(keys.generate()), 0o600)
    for _ in range(2):
        with pytest.raises(Unfit):
            start(folder)
    folder.write("gateway.pem", keys.private_to_pem(folder.gateway_key), 0o600)
    start(folder)[0].close()


def test_a_database_restored_from_an_older_backup_is_refused(folder, database_url):
    start(folder)[0].close()
    start(folder)[0].close()
    set_back(database_url, 5)
    with pytest.raises(Corrupt, match="5 entries, but the copy of its checkpoints knows of 6"):
        start(folder)


def test_software_is_named():
    assert software().startswith("metertrail")
