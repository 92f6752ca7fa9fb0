"""Rows are read to the end, in order, whatever is wrong with some of them."""

import pytest
from authors import SITE, Author, admitted
from databases import damage, execute, tampered

from contract import keys, message
from gateway import database, ledger_rows
from gateway.database import sqlite_url
from gateway.ledger import Ledger
from gateway.ledger_rows import Database, Extent, Kept, Unreadable

KEY, NUMBER = keys.generate(), 60


def written(url: str):
    """A ledger of sixty entries; they, and an engine to read them with."""
    edge = Author()
    entries = [admitted(edge.begin()), *(admitted(edge.say(), at_ns=n) for n in range(1, NUMBER))]
    ledger = Ledger.open(url, SITE, KEY)
    ledger.append(entries, at_ns=0)
    ledger.close()
    return entries, database.engine(url)


@pytest.mark.parametrize("at_once", [7, 256])
def test_rows_are_what_was_written(database_url, monkeypatch, at_once):
    monkeypatch.setattr(ledger_rows, "ROWS_AT_ONCE", at_once)
    entries, engine = written(database_url)
    assert Database(engine).extent() == Extent(NUMBER, NUMBER)
    back = list(Database(engine).rows(3, NUMBER))
    assert [one.index for one in back] == list(range(3, NUMBER))
    for one, entry in zip(back, entries[3:], strict=True):
        assert (one.signed, one.admitted_ns, one.flags) == (entry.signed, entry.admitted_ns, "")
        assert message.unpack(one.message) == (entry.signed, entry.body)
        assert one.columns == {name: getattr(entry, name) for name in one.columns}
        assert list(one.columns) == ["author", "epoch", "seq", "hash", "type", "from_ns", "to_ns"]
    engine.dispose()


def test_an_empty_ledger_has_none(database_url):
    Ledger.open(database_url, SITE, KEY).close()
    engine = database.engine(database_url)
    assert Database(engine).extent() == Extent(0, 0)
    assert list(Database(engine).rows(0, 0)) == []
    engine.dispose()


def test_one_that_is_not_there_is_left_out(database_url):
    _, engine = written(database_url)
    tampered(database_url, 'DELETE FROM entries WHERE "index" IN (7, 8, 59)')
    assert [one.index for one in Database(engine).rows(0, NUMBER)] == [n for n in range(NUMBER) if n not in {7, 8, 59}]
    assert Database(engine).extent() == Extent(59, 60)
    assert execute(database_url, "SELECT count(*) FROM entries") == [(57,)]
    engine.dispose()


@pytest.mark.parametrize("index", [0, 30, NUMBER - 1], ids=["first", "middle", "last"])
def test_a_damaged_page_costs_only_what_stands_on_it(tmp_path, index):
    entries, engine = written(sqlite_url(tmp_path / "ledger.sqlite"))
    engine.dispose()
    damage(tmp_path / "ledger.sqlite", index)
    end = Database(engine).extent().entries
    assert end == NUMBER
    found = list(Database(engine).rows(0, end))
    lost = [one.index for one in found if isinstance(one, Unreadable)]
    assert index in lost
    assert len(lost) < 30
    assert all("malformed" in one.reason for one in found if isinstance(one, Unreadable))
    read = {one.index: one.signed for one in found if isinstance(one, Kept)}
    assert read == {n: entry.signed for n, entry in enumerate(entries) if n not in lost}
    engine.dispose()
