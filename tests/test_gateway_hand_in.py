"""A command's filing reaches the ledger whether or not a gateway runs; a refusal is told and nothing is left behind."""

import pytest
from authors import event_part
from gateway_folder import Folder
from test_gateway_spool import Note

from gateway import hand_in as room
from gateway import spool
from gateway.config import load
from gateway.errors import Unfit
from gateway.ledger import Ledger
from gateway.opening import open_sequencer
from gateway.preflight import prepare
from gateway.spool import Kind


def parts(note, _ledger):
    if note.number < 0:
        raise ValueError("number: below zero: give a larger one")
    return [event_part(note.number)]


@pytest.fixture
def gateway(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "KINDS", {"note": Kind(Note, "review", parts)})
    path = Folder(tmp_path).path
    config = load(path)
    return path, config, prepare(config)


@pytest.fixture
def begun(gateway):
    """A gateway that ran once."""
    opened(gateway)[0].close()
    return gateway


def opened(gateway):
    return open_sequencer(*gateway, lambda: 7, lambda _entries, _at_ns: None)


def filed(gateway):
    ledger = Ledger.open(gateway[1].gateway.database_url, gateway[1].gateway.site)
    try:
        return [entry.index for entry in ledger.select(["review"], *spool.ALL_TIME)]
    finally:
        ledger.close()


def test_without_a_running_gateway_the_command_does_it(begun):
    told = room.hand_in(*begun, "note", Note(number=3))
    (index,) = filed(begun)
    assert told == f"entry {index} of the ledger"


def test_each_of_several_is_told_its_own_entry(begun):
    told = [one() for one in room.hand_in_all(*begun, "note", [Note(number=3), Note(number=4), Note(number=5)])]
    assert told == [f"entry {index} of the ledger" for index in filed(begun)]
    assert len(set(told)) == 3


def test_the_running_gateway_takes_it_up(begun):
    ledger, sequencer = opened(begun)
    try:

        def pause(_seconds):
            list(spool.work_off(begun[1].gateway.data, room.KINDS, ledger, sequencer.seal))

        assert room.hand_in(*begun, "note", Note(number=3), pause) == "taken up by the running gateway"
        assert len(filed(begun)) == 1
        with pytest.raises(ValueError, match="below zero"):
            room.hand_in(*begun, "note", Note(number=-3), pause)
        assert len(filed(begun)) == 1
    finally:
        ledger.close()


def test_one_that_is_not_taken_up_stays_for_later(begun):
    ledger, _ = opened(begun)
    try:
        told = room.hand_in(*begun, "note", Note(number=3), lambda _seconds: None)
    finally:
        ledger.close()
    assert "has not taken it up yet" in told
    assert filed(begun) == []
    room.hand_in(*begun, "note", Note(number=4))
    assert len(filed(begun)) == 2


def test_a_refusal_is_told(begun):
    with pytest.raises(ValueError, match="below zero"):
        room.hand_in(*begun, "note", Note(number=-3))
    assert filed(begun) == []


def test_a_spool_that_takes_nothing_is_one_line(begun):
    folder = begun[1].gateway.data / spool.FOLDER
    folder.write_text("no folder")
    with pytest.raises(ValueError, match=r"^\S+spool: File exists: run this as the gateway's user, [^\n]+$"):
        room.hand_in(*begun, "note", Note(number=3))


def test_no_ledger_is_made_for_it(gateway):
    with pytest.raises(Unfit, match="there is no ledger here"):
        room.hand_in(*gateway, "note", Note(number=3))
    assert not (gateway[1].gateway.data / spool.FOLDER).exists()
