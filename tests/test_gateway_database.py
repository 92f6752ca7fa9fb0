"""A commit that returned is on the disk: SQLite is set up for it on every connection."""

import pytest
from sqlalchemy import text

from gateway import database
from gateway.errors import Unfit


def test_sqlite_is_durable_on_every_connection(tmp_path):
    engine = database.engine(database.sqlite_url(tmp_path / "new" / "ledger.sqlite"))
    with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            asked = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in EXPECTED}
            assert asked == EXPECTED


EXPECTED = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}  # 2 is FULL


@pytest.mark.parametrize("name", ["ledger.sqlite", "with space?.sqlite", "表.sqlite"])
def test_any_path_is_one(tmp_path, name):
    engine = database.engine(database.sqlite_url(tmp_path / name))
    with pytest.raises(Unfit, match="there is no ledger here"):
        database.require(engine)
    engine.connect().close()
    assert (tmp_path / name).exists()
    database.require(engine)
