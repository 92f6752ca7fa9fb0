"""What is done to a ledger by command: usage, and what stands in the way. Its modules test the work itself."""

import re

import pytest
from authors import wire
from databases import tampered
from gateway_folder import Folder
from kept_ledger import DAY_NS, segments

from contract import segment
from gateway import ledger_cli
from gateway.config import load
from gateway.database import sqlite_url
from gateway.errors import Corrupt
from gateway.opening import open_sequencer
from gateway.preflight import prepare
from gateway.sequencer import Message

WORDS = ["--author", "Li Wei", "--reason", "disk failed"]


def test_without_a_command_nothing_is_done(capsys):
    assert ledger_cli.main([]) == 2
    assert "usage: metertrail ledger" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["--author", "--reason"])
def test_a_recovery_has_an_author_and_a_reason(missing, capsys):
    at = WORDS.index(missing)
    assert ledger_cli.main(["recover", "gateway.toml", *WORDS[:at], *WORDS[at + 2 :]]) == 2
    assert missing in capsys.readouterr().err


def test_a_configuration_that_cannot_be_used_is_told_line_by_line(tmp_path, capsys):
    folder = Folder(tmp_path)
    folder.save(('data = "data"', 'dat = "data"'))
    assert ledger_cli.main(["recover", str(folder.path), *WORDS]) == 2
    assert "gateway.dat: unknown key: did you mean data?" in capsys.readouterr().err


def test_a_ledger_that_was_never_begun_is_not_recovered(tmp_path, capsys):
    assert ledger_cli.main(["recover", str(Folder(tmp_path).path), *WORDS]) == 1
    assert "there is nothing to recover" in capsys.readouterr().err


@pytest.fixture
def written(tmp_path):
    """A gateway's folder with two days in its ledger."""
    folder = Folder(tmp_path)
    config = load(folder.path)
    at_ns = [0]
    ledger, sequencer = open_sequencer(folder.path, config, prepare(config), lambda: at_ns[0], lambda *_: None)
    at_ns[0] = DAY_NS
    parts = [segment.encode(part) for part in segments(0)]
    for sealed in (folder.edge.begin(), folder.edge.say("segment", parts)):
        sequencer.admit([Message(folder.edge.topic, wire(sealed))])
    ledger.close()
    return folder


def ledger_of(folder: Folder, *words: str) -> int:
    return ledger_cli.main([words[0], str(folder.path), *words[1:]])


def test_packs_and_a_new_database_from_them(written, tmp_path, capsys):
    packs = tmp_path / "packs"
    assert ledger_of(written, "pack", "--to", str(packs)) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{packs}/1970-01-01.000000000000: entries 0 to 4, 0 readings"
    told = r"/1970-01-02.000000000005: entries 5 to 6, 10 readings: \d+\.\d\d bytes a reading, \d+\.\d\d as Parquet"
    assert re.fullmatch(told, second.removeprefix(str(packs)))
    assert ledger_of(written, "pack", "--to", str(packs)) == 0
    assert capsys.readouterr().out == f"{packs}: nothing to pack: no UTC day is over that is not packed\n"
    new = tmp_path / "new" / "ledger.sqlite"
    assert ledger_of(written, "rebuild", "--from", str(packs), "--to", str(new)) == 0
    assert capsys.readouterr().out.startswith(f"{new}: 7 entries of 7, root ")
    written.keep_in(sqlite_url(new))
    assert ledger_of(written, "check") == 0
    assert ledger_of(written, "rebuild", "--to", str(new)) == 1
    assert "holds a ledger already" in capsys.readouterr().err


def test_a_damaged_ledger_is_rebuilt_recovered_and_filled_again(written, tmp_path, capsys):
    """The whole story of a lost page: what stood before it, under a new name, and the agent's own copy of the rest."""
    place, new = tmp_path / "data" / "ledger.sqlite", tmp_path / "new.sqlite"
    (tmp_path / "data" / "checkpoints.txt").unlink()  # nobody outside knows the ledger's end
    tampered(sqlite_url(place), 'UPDATE entries SET message = hash WHERE "index" = 6')
    assert ledger_of(written, "rebuild", "--to", str(new)) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("left out: entry 6: zstd: ")
    assert told[1].startswith(f"{new}: 6 entries of 7, root ")
    assert told[2].endswith("take it up with `metertrail ledger recover`")
    written.keep_in(sqlite_url(new))
    config = load(written.path)
    with pytest.raises(Corrupt, match="6 entries, but the copy of its checkpoints knows of 7"):
        open_sequencer(written.path, config, prepare(config), lambda: DAY_NS, lambda *_: None)
    assert ledger_of(written, "recover", *WORDS) == 0
    ledger, sequencer = open_sequencer(written.path, config, prepare(config), lambda: DAY_NS, lambda *_: None)
    again = written.edge.copy()
    again.begin()
    resent = again.say("segment", [segment.encode(part) for part in segments(0)])
    assert sequencer.admit([Message(again.topic, wire(resent))]).verdicts == {("edge-1", "admitted"): 1}
    ledger.close()
    capsys.readouterr()
    assert ledger_of(written, "check") == 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["check"], "there is no ledger here"),
        (["pack", "--to", "packs"], "there is no ledger here"),
        (["rebuild", "--to", "x.sqlite"], "there is no ledger here"),
        (["rebuild", "--to", "mysql://u:hunter2@h/d"], "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"),
        (["rebuild", "--to", "x.sqlite", "--from", "postgresql://u:hunter2@127.0.0.1:9/d"], "start the database"),
        (["rebuild", "--to", "x.sqlite", "--from", "."], "holds no packs of demo"),
        (
            ["rebuild", "--to", "x.sqlite", "--from", "gateway.toml/x.sqlite"],
            "gateway.toml: File exists: name another place",
        ),
    ],
    ids=["check", "pack", "rebuild", "to", "from", "packs", "place"],
)
def test_what_is_not_there_is_told_in_a_line(tmp_path, monkeypatch, capsys, words, error):
    monkeypatch.chdir(tmp_path)
    assert ledger_of(Folder(tmp_path), *words) == 1
    told = capsys.readouterr().err
    assert error in told
    assert told.count("\n") == 1
    assert "hunter2" not in told
