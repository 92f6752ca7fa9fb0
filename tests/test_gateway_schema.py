"""Entries and checkpoints are never changed, whoever asks; PostgreSQL is told the same."""

import sqlite3

import pytest
from authors import SITE, Author, admitted
from sqlalchemy import create_mock_engine

from contract import keys
from gateway.database import sqlite_url
from gateway.ledger import Ledger
from gateway.schema import METADATA


@pytest.mark.parametrize("table", ["entries", "checkpoints"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {} = 0"])
def test_the_database_itself_refuses_changes(tmp_path, table, statement):
    ledger = Ledger.open(sqlite_url(tmp_path / "ledger.sqlite"), SITE, keys.generate())
    ledger.append([admitted(Author().begin())], at_ns=0)
    column = {"entries": "seq", "checkpoints": "at_ns"}[table]
    with sqlite3.connect(tmp_path / "ledger.sqlite") as database:
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} are never changed"):
            database.execute(statement.format(table, column))
        assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)


def test_postgresql_gets_its_own_triggers():
    told = []
    engine = create_mock_engine("postgresql://", lambda statement, *_: told.append(str(statement)))
    METADATA.create_all(engine, checkfirst=False)
    triggers = [" ".join(line.split()) for line in told if "CREATE TRIGGER" in line]
    assert [line.split(" ON ")[0] for line in triggers] == [
        "CREATE TRIGGER entries_no_change BEFORE UPDATE OR DELETE OR TRUNCATE",
        "CREATE TRIGGER checkpoints_no_change BEFORE UPDATE OR DELETE OR TRUNCATE",
    ]
    assert not any("RAISE(ABORT" in line for line in told)
