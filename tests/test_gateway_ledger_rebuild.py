"""A ledger from its bytes alone, in another database: equal to the last index, and shorter only where it says so."""

import base64

import pytest
from authors import SITE
from databases import damage, execute, tampered
from kept_ledger import DAY_NS, ENTRIES, KEY, T0_NS, last_note, write

from contract import keys, merkle
from gateway import database, ledger_rebuild, pack
from gateway.database import sqlite_url
from gateway.errors import Corrupt, Unfit
from gateway.export import whole_ledger
from gateway.kept_elsewhere import ADMISSION_UNKNOWN, Packs, WholeLedger
from gateway.ledger import Ledger
from gateway.ledger_rebuild import rebuild
from gateway.ledger_rows import Database
from gateway.ledger_walk import Asked

ASKED = Asked(SITE, KEY.public_key())
TABLES = {"entries": '"index"', "checkpoints": "size", "receipts": "author", "refusals": "message_hash"}


def everything(url: str, tables=TABLES, without=()) -> dict[str, list]:
    """Every row, in order; the numbers of refusals are a database's own."""
    engine = database.engine(url)
    found = {}
    with engine.connect() as connection:
        for table, order in tables.items():
            rows = connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY {order}")
            found[table] = [{k: v for k, v in row._asdict().items() if k not in {"id", *without}} for row in rows]
    engine.dispose()
    return found


@pytest.fixture
def target(tmp_path, database_url, request):
    """An empty database of the other kind."""
    if database_url.startswith("sqlite"):
        return request.getfixturevalue("postgresql").schema()
    return sqlite_url(tmp_path / "new" / "ledger.sqlite")


@pytest.fixture
def source(database_url):
    engine = database.engine(database_url)
    yield Database(engine)
    engine.dispose()


def test_a_rebuilt_ledger_is_equal_in_the_other_kind_of_database(database_url, target, source, tmp_path):
    entries = write(database_url, tmp_path / "copy.txt")
    before = everything(database_url)
    done = rebuild(source, target, ASKED)
    root = merkle.root([merkle.leaf_hash(entry.signed) for entry in entries])
    assert (done.size, done.found, done.root, done.differed, done.faults) == (ENTRIES, ENTRIES, root, (), ())
    assert done.whole
    assert everything(target) == before == everything(database_url)
    ledger = Ledger.open(target, SITE, KEY, tmp_path / "copy.txt")
    assert ledger.head().root == root
    assert [row.admitted_ns for row in ledger.entries()] == [entry.admitted_ns for entry in entries]
    ledger.close()


@pytest.mark.parametrize("at_once", [1, 5, 256])
def test_it_is_written_in_batches_of_any_size(database_url, target, source, monkeypatch, at_once):
    monkeypatch.setattr(ledger_rebuild, "ROWS_AT_ONCE", at_once)
    write(database_url)
    assert rebuild(source, target, ASKED).whole
    assert everything(target) == everything(database_url)


def test_columns_that_said_something_else_are_set_right_and_told(database_url, target, source):
    write(database_url)
    before = everything(database_url)
    tampered(database_url, "UPDATE entries SET seq = 77, type = 'x' WHERE \"index\" = 6")
    done = rebuild(source, target, ASKED)
    assert done.differed == (
        "entry 6: seq is 77 where the bytes say 6",
        "entry 6: type is 'x' where the bytes say 'segment'",
    )
    assert done.whole
    assert everything(target) == before


@pytest.mark.parametrize(
    ("statement", "size", "words"),
    [
        ('DELETE FROM entries WHERE "index" = 7', 6, "entry 7 is missing; the next is 8"),
        ('UPDATE entries SET message = hash WHERE "index" = 7', 6, "entry 7: zstd: "),
        ('UPDATE entries SET signed = hash WHERE "index" = 7', 6, "entry 7: "),
        ("DELETE FROM checkpoints WHERE size > 8", 8, "the last one signs 8 entries; 12 are here"),
        ('DELETE FROM entries WHERE "index" >= 10', 10, "the last one signs 12 entries; 10 are here"),
    ],
    ids=["gap", "body", "header", "no checkpoint", "tail"],
)
def test_what_no_checkpoint_signs_whole_is_left_out_and_told(database_url, target, source, statement, size, words):
    write(database_url)
    before = everything(database_url)
    tampered(database_url, statement)
    left = everything(database_url)
    done = rebuild(source, target, ASKED)
    assert (done.size, done.whole) == (size, False)
    assert any(fault.startswith(words) for fault in done.faults)
    made = everything(target)
    assert made["entries"] == before["entries"][:size]
    assert made["checkpoints"] == [row for row in before["checkpoints"] if row["size"] <= size]
    assert made["receipts"] == []  # it speaks of more than is here
    assert made["refusals"] == before["refusals"]
    assert everything(database_url) == left


def test_one_checkpoint_that_was_changed_is_left_out_alone(database_url, target, source):
    write(database_url)
    before = everything(database_url)
    tampered(database_url, "UPDATE checkpoints SET note = replace(note, 'demo', 'other') WHERE size = 6")
    done = rebuild(source, target, ASKED)
    assert done.whole
    assert done.faults == ("at 6: checkpoint: not signed by the ledger's key",)
    made = everything(target)
    assert made["checkpoints"] == [row for row in before["checkpoints"] if row["size"] != 6]
    assert made["entries"] == before["entries"]


def test_a_damaged_file_gives_what_stands_before_the_damage(tmp_path):
    place = tmp_path / "ledger.sqlite"
    write(sqlite_url(place), tmp_path / "copy.txt")
    whole = everything(sqlite_url(place))
    damage(place, index=8)
    damaged, engine = place.read_bytes(), database.engine(sqlite_url(place))
    done = rebuild(Database(engine), sqlite_url(tmp_path / "new.sqlite"), ASKED)
    engine.dispose()
    assert 0 < done.size < ENTRIES
    assert "cannot be read: database disk image is malformed" in done.faults[0]
    assert everything(sqlite_url(tmp_path / "new.sqlite"))["entries"] == whole["entries"][: done.size]
    assert place.read_bytes() == damaged
    with pytest.raises(Corrupt, match="but the copy of its checkpoints knows of 12"):
        Ledger.open(sqlite_url(tmp_path / "new.sqlite"), SITE, KEY, tmp_path / "copy.txt")
    assert last_note(tmp_path / "copy.txt").size == ENTRIES


def test_a_database_that_holds_something_is_not_written_to(database_url, target, source):
    write(database_url)
    write(target, last="2026-11-26")
    before = everything(target)
    for url in (target, database_url):
        with pytest.raises(Unfit, match="holds a ledger already: name another, which need not exist"):
            rebuild(source, url, ASKED)
    assert everything(target) == before


def test_packs_lead_back_to_the_same_ledger(database_url, target, source, tmp_path):
    write(database_url, tmp_path / "copy.txt")
    ledger = pack.Ledger(SITE, KEY.public_key(), source)
    assert len(list(pack.pack(ledger, tmp_path / "packs", T0_NS + 9 * DAY_NS))) == 3
    done = rebuild(Packs(tmp_path / "packs", SITE), target, ASKED)
    assert done.whole
    before, after = everything(database_url, without=["message"]), everything(target, without=["message"])
    assert after["entries"] == before["entries"]
    assert after["refusals"] == before["refusals"]
    assert after["checkpoints"] == [row for row in before["checkpoints"] if row["size"] in {4, 8, 12}]
    made = Ledger.open(target, SITE, KEY, tmp_path / "copy.txt")
    reader = Ledger.open(database_url, SITE)
    assert [(e.signed, e.body) for e in made.entries()] == [(e.signed, e.body) for e in reader.entries()]
    assert (made.head().root, made.head().size) == (reader.head().root, ENTRIES)
    made.close()


def test_packs_of_fewer_days_are_a_shorter_ledger_that_the_copy_tells_of(database_url, target, source, tmp_path):
    write(database_url, tmp_path / "copy.txt")
    list(pack.pack(pack.Ledger(SITE, KEY.public_key(), source), tmp_path / "packs", T0_NS + 2 * DAY_NS))
    assert rebuild(Packs(tmp_path / "packs", SITE), target, ASKED).size == 8
    with pytest.raises(Corrupt, match="8 entries, but the copy of its checkpoints knows of 12"):
        Ledger.open(target, SITE, KEY, tmp_path / "copy.txt")


def test_an_archive_leads_back_to_the_same_ledger_but_for_when_it_was_admitted(database_url, target, tmp_path):
    entries = write(database_url)
    reader = Ledger.open(database_url, SITE)
    (tmp_path / "whole.zip").write_bytes(whole_ledger(reader, KEY.public_key()))
    reader.close()
    done = rebuild(WholeLedger(tmp_path / "whole.zip"), target, ASKED)
    assert done.whole
    own = ["message", "admitted_ns", "flags"]
    assert everything(target, without=own)["entries"] == everything(database_url, without=own)["entries"]
    assert execute(target, "SELECT DISTINCT flags FROM entries") == [(ADMISSION_UNKNOWN,)]
    made = Ledger.open(target, SITE, KEY)
    assert [entry.body for entry in made.entries()] == [entry.body for entry in entries]
    made.close()


def test_another_key_signs_nothing_of_it(database_url, target, source):
    write(database_url)
    done = rebuild(source, target, Asked(SITE, keys.generate().public_key()))
    assert (done.size, done.found, done.known) == (0, ENTRIES, "")
    assert base64.b64encode(done.root) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="  # SHA-256 of nothing
