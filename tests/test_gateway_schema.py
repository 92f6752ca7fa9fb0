"""Entries and checkpoints are never changed or replaced, whoever asks, in either database."""

import sqlite3

import pytest
from authors import SITE, Author, admitted
from databases import drops, execute
from sqlalchemy.exc import DatabaseError

from contract import keys
from gateway import database, schema
from gateway.database import sqlite_url
from gateway.ledger import Ledger

KEY = keys.generate()
TABLES = {"entries": "seq", "checkpoints": "at_ns"}
EACH = pytest.mark.parametrize("table", TABLES)


@pytest.fixture
def url(database_url):
    ledger = Ledger.open(database_url, SITE, KEY)
    ledger.append([admitted(Author().begin())], at_ns=0)
    ledger.close()
    return database_url


def refused(url: str, table: str, statement: str) -> None:
    before = execute(url, f"SELECT * FROM {table}")
    with pytest.raises(DatabaseError, match=f"{table} are never changed"):
        execute(url, statement.format(table=table, column=TABLES[table]))
    assert execute(url, f"SELECT * FROM {table}") == before


@EACH
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {table}", "UPDATE {table} SET {column} = 0", "DELETE FROM {table} WHERE {column} = 0"]
)
def test_the_database_itself_refuses_changes(url, table, statement):
    refused(url, table, statement)


@EACH
def test_postgresql_refuses_to_empty_a_table(postgresql, table):
    url = postgresql.schema()
    Ledger.open(url, SITE, KEY).close()
    refused(url, table, "TRUNCATE {table}")
    refused(url, table, "TRUNCATE {table} CASCADE")


@EACH
@pytest.mark.parametrize("replace", ["INSERT OR REPLACE", "REPLACE"])
def test_sqlite_refuses_to_replace_a_row(tmp_path, table, replace):
    """Neither as a statement nor under another number; a connection need not have asked for recursive triggers."""
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger.open(sqlite_url(path), SITE, KEY)
    ledger.append([admitted(Author().begin()), admitted(Author("edge-2").begin())], at_ns=0)
    ledger.close()
    elsewhere = {"entries": '"index" + 7', "checkpoints": "size"}[table]
    with sqlite3.connect(path) as opened:
        columns = [row[1] for row in opened.execute(f"PRAGMA table_info({table})")]
        others = ", ".join(f'"{name}"' for name in columns[1:])
        before = opened.execute(f"SELECT * FROM {table}").fetchall()
        for first in (f'"{columns[0]}"', elsewhere):
            with pytest.raises(sqlite3.IntegrityError, match=f"{table} are never changed"):
                opened.execute(f"{replace} INTO {table} SELECT {first}, {others} FROM {table}")
        assert opened.execute(f"SELECT * FROM {table}").fetchall() == before


@EACH
def test_an_insert_that_would_update_is_refused(url, table):
    key = {"entries": '"index"', "checkpoints": "size"}[table]
    statement = (
        f"INSERT INTO {{table}} SELECT * FROM {{table}} WHERE true ON CONFLICT ({key}) DO UPDATE SET {{column}} = 1"
    )
    refused(url, table, statement)


def test_triggers_that_were_taken_away_are_missed_and_made_again(url):
    engine = database.engine(url)
    with engine.connect() as connection:
        assert schema.missing(connection) == []
    gone = drops(url)
    execute(url, *gone)
    with engine.connect() as connection:
        assert sorted(schema.missing(connection)) == sorted(drop.split()[2] for drop in gone)
    Ledger.open(url, SITE, KEY).close()
    with engine.connect() as connection:
        assert schema.missing(connection) == []
    engine.dispose()


def test_a_trigger_that_is_disabled_is_missed(postgresql):
    url = postgresql.schema()
    Ledger.open(url, SITE, KEY).close()
    execute(url, "ALTER TABLE entries DISABLE TRIGGER entries_no_change")
    with database.engine(url).connect() as connection:
        assert schema.missing(connection) == ["entries_no_change"]
