"""Everything that follows from the entries' bytes is worked out again: what was changed in the database is named."""

import json

import pytest
from authors import wire
from databases import damage, drops, execute, set_back, tampered
from gateway_folder import Folder

from contract import checkpoint, keys
from gateway import ledger_cli
from gateway.config import load
from gateway.opening import open_sequencer
from gateway.preflight import prepare
from gateway.sequencer import Message

ENTRIES = 9


@pytest.fixture
def folder(tmp_path, database_url):
    """A gateway that ran, with nine entries in five commits, a fork among them, and a receipt."""
    made = Folder(tmp_path).keep_in(database_url)
    config = load(made.path)
    at_ns = iter(range(0, 10**15, 61 * 10**9))
    ledger, sequencer = open_sequencer(made.path, config, prepare(config), lambda: next(at_ns), lambda *_: None)
    edge = made.edge
    sent = [edge.begin(), edge.say(), edge.say()]
    other = edge.copy()
    sent += [edge.say(), other.say("event", [b"\xa0"])]
    for group in (sent[:2], sent[2:]):
        sequencer.admit([Message(edge.topic, wire(one)) for one in group])
    ledger.close()
    return made


@pytest.fixture
def told(folder, capsys):
    """What `metertrail ledger check` prints, and whether it exits as it should."""

    def run() -> list[str]:
        status = ledger_cli.main(["check", str(folder.path)])
        lines = capsys.readouterr().out.splitlines()
        assert status == int(any(line.startswith("FAIL") for line in lines))
        return lines

    return run


def test_a_ledger_as_it_was_written_holds(told):
    lines = told()
    assert [line.split()[:2] for line in lines] == [
        ["ok", name] for name in ("triggers", "rows", "columns", "checkpoints", "receipts", "refusals", "copy")
    ]
    assert lines[1:6] == [
        f"ok   rows {ENTRIES} entries, none missing",
        f"ok   columns those of {ENTRIES} entries are what their bytes say",
        "ok   checkpoints 7, each signed by the ledger's key and a state of this tree; the last covers all 9 entries",
        "ok   receipts 1, all heads they name are in the ledger or declared lost",
        "ok   refusals 1 of authors' own words are of the entries they name",
    ]
    assert lines[6].startswith("ok   copy 7 checkpoints kept outside")


def test_a_receipt_under_a_key_that_was_rotated_away_still_counts(folder, told):
    folder.write("gateway-2.pem", keys.private_to_pem(keys.generate()), 0o600)
    folder.save(('key = "gateway.pem"', 'key = "gateway.pem"\nnext_key = "gateway-2.pem"'))
    config = load(folder.path)
    open_sequencer(folder.path, config, prepare(config), lambda: 10**15, lambda *_: None)[0].close()
    folder.save(('key = "gateway.pem"\nnext_key = "gateway-2.pem"', 'key = "gateway-2.pem"'))
    assert [line.split()[0] for line in told()] == ["ok"] * 7


COLUMNS = [
    ("author", "'edge-2'", "author is 'edge-2' where the bytes say 'edge-1'"),
    ("seq", "77", "seq is 77 where the bytes say 1"),
    ("type", "'batch'", "type is 'batch' where the bytes say 'event'"),
    ("from_ns", "5", "from_ns is 5 where the bytes say 3600000000000"),
    ("to_ns", "5", "to_ns is 5 where the bytes say 3600000000000"),
    ("hash", '(SELECT hash FROM entries WHERE "index" = 0)', "hash is "),
    ("epoch", '(SELECT epoch FROM entries WHERE "index" = 0)', "epoch is "),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value", "words"), COLUMNS, ids=[column for column, _, _ in COLUMNS])
def test_a_column_that_says_something_else_than_its_bytes_is_named(told, database_url, column, value, words):
    tampered(database_url, f'UPDATE entries SET {column} = {value} WHERE "index" = 6')
    found = [line for line in told() if line.startswith("FAIL columns")]
    assert len(found) == 1
    assert found[0].startswith(f"FAIL columns entry 6: {words}")


BYTES = [
    ('UPDATE entries SET signed = (SELECT signed FROM entries WHERE "index" = 5) WHERE "index" = 6',
     ["columns entry 6: message: holds another header than the one", "checkpoints at 7: the entries do not lead"]),
    ('UPDATE entries SET message = (SELECT message FROM entries WHERE "index" = 5) WHERE "index" = 6',
     ["columns entry 6: message: holds another header"]),
    ('UPDATE entries SET message = hash WHERE "index" = 6', ["columns entry 6: zstd: "]),
    ('DELETE FROM entries WHERE "index" = 6', ["rows entry 6 is missing; the next is 7"]),
    ('DELETE FROM entries WHERE "index" = 8', ["checkpoints the last one signs 9 entries; 8 are here"]),
    ("UPDATE checkpoints SET root = (SELECT root FROM checkpoints WHERE size = 1) WHERE size = 7",
     ["checkpoints at 7: its note is of metertrail/demo at 7, not what its row says"]),
    ("UPDATE checkpoints SET note = replace(note, 'demo', 'other') WHERE size = 7",
     ["checkpoints at 7: checkpoint: not signed"]),
    ("UPDATE receipts SET author = 'edge-2'", ["receipts edge-2: is edge-1's"]),
    ('UPDATE receipts SET signed = (SELECT signed FROM entries WHERE "index" = 5)', ["receipts edge-1: "]),
    ("UPDATE refusals SET seq = 7 WHERE signed IS NOT NULL", ["refusals edge-1 7: its row names another entry"]),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "words"), BYTES, ids=range(len(BYTES)))
def test_bytes_that_were_changed_are_named(told, database_url, statement, words):
    tampered(database_url, statement)
    lines = told()
    for said in words:
        assert any(line.startswith(f"FAIL {said}") for line in lines), lines


def test_triggers_that_are_gone_are_named(told, database_url):
    execute(database_url, *drops(database_url))
    lines = told()
    assert lines[0].startswith("FAIL triggers entries_no_")
    assert not [line for line in lines[1:] if line.startswith("FAIL")]


def test_a_database_older_than_the_copy_and_its_receipts_is_named(told, database_url):
    set_back(database_url, 7)
    lines = told()
    assert [line for line in lines if line.startswith("FAIL copy")] == [
        "FAIL copy metertrail/demo had 9 entries; 7 are here"
    ]
    assert [line for line in lines if line.startswith("FAIL receipts") and "is promised, but not here" in line]


def test_what_a_recovery_explains_is_no_fault_and_what_it_does_not_is(folder, told, database_url, capsys):
    set_back(database_url, 7)
    execute(database_url, "DELETE FROM receipts")
    assert ledger_cli.main(["recover", str(folder.path), "--author", "Li Wei", "--reason", "disk failed"]) == 0
    capsys.readouterr()
    assert [line for line in told() if line.startswith("FAIL") and "triggers" not in line] == []
    key = prepare(load(folder.path)).ledger_key
    forged = checkpoint.sign(checkpoint.Checkpoint("metertrail/demo", 6, bytes(32)), key)
    with (folder.folder / "data" / "checkpoints.txt").open("a") as file:
        file.write(f"{json.dumps(forged)}\n")
    assert "FAIL copy metertrail/demo at 6: the entries do not lead to the root it signs" in told()


def test_a_copy_that_another_key_signed_is_named(folder, told):
    note = checkpoint.sign(checkpoint.Checkpoint("metertrail/demo", 9, bytes(32)), keys.generate())
    (folder.folder / "data" / "checkpoints.txt").write_text(f"{json.dumps(note)}\n" + '"no note"\n')
    assert [line for line in told() if line.startswith("FAIL")] == [
        "FAIL copy checkpoint: not signed by the ledger's key",
        "FAIL copy checkpoint: must be origin, size and root, a line each",
    ]


def test_of_many_faults_the_first_are_named(told, database_url):
    tampered(database_url, "UPDATE entries SET to_ns = 123")
    lines = [line for line in told() if line.startswith("FAIL columns")]
    assert len(lines) == 4
    assert lines[-1] == f"FAIL columns and {ENTRIES - 3} more"


def test_a_damaged_page_costs_the_entries_on_it(tmp_path, capsys):
    """What stands on the other pages is read and judged all the same."""
    folder = Folder(tmp_path)
    config = load(folder.path)
    ledger, sequencer = open_sequencer(folder.path, config, prepare(config), lambda: 7, lambda *_: None)
    edge = folder.edge
    sent = [edge.begin(), *(edge.say() for _ in range(60))]
    sequencer.admit([Message(edge.topic, wire(one)) for one in sent])
    ledger.close()
    damage(tmp_path / "data" / "ledger.sqlite", index=40)
    assert ledger_cli.main(["check", str(folder.path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    bad = [line for line in lines if line.startswith("FAIL rows entry ")]
    assert "cannot be read: database disk image is malformed" in bad[0]
    assert any(line.startswith("ok   columns those of") for line in lines)
