"""A commit that returned is on the disk: SQLite is set up for it, PostgreSQL is asked; and no password is ever said."""

import pytest
from authors import SITE
from databases import execute
from sqlalchemy import text

from contract import keys
from gateway import database
from gateway.errors import Busy, Corrupt, Stopped, Unfit
from gateway.ledger import Ledger

KEY = keys.generate()
EXPECTED = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}  # 2 is FULL


def test_sqlite_is_durable_on_every_connection(tmp_path):
    engine = database.engine(database.sqlite_url(tmp_path / "new" / "ledger.sqlite"))
    with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            asked = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in EXPECTED}
            assert asked == EXPECTED


@pytest.mark.parametrize("name", ["ledger.sqlite", "with space?.sqlite", "表.sqlite"])
def test_any_path_is_one(tmp_path, name):
    engine = database.engine(database.sqlite_url(tmp_path / name))
    with pytest.raises(Unfit, match="there is no ledger here"):
        database.require(engine)
    engine.connect().close()
    assert (tmp_path / name).exists()
    database.require(engine)


def with_setting(url: str, setting: str) -> str:
    return url.replace("options=", f"options=-c%20{setting.replace('=', '%3D')}%20")


@pytest.mark.parametrize("value", ["on", "local", "remote_write", "remote_apply"])
def test_what_is_on_the_primarys_disk_is_durable(postgresql, value):
    Ledger.open(with_setting(postgresql.schema(), f"synchronous_commit={value}"), SITE, KEY).close()


def test_a_commit_that_returns_too_early_is_refused(postgresql):
    url = with_setting(postgresql.schema(), "synchronous_commit=off")
    with pytest.raises(Unfit, match="/postgres: synchronous_commit is off, with which evidence can be lost: set it to"):
        Ledger.open(url, SITE, KEY)
    assert Ledger.open(url.replace("off", "on"), SITE, KEY).size == 0


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_write_through_is_refused(postgresql, setting):
    url = postgresql.schema()
    postgresql.stop()
    postgresql.start(f"{setting}=off")
    try:
        with pytest.raises(Unfit, match=f"{setting} is off, with which evidence can be lost"):
            Ledger.open(url, SITE, KEY)
    finally:
        postgresql.stop()
        postgresql.start()


def test_the_writers_session_stays_durable_whatever_the_server_is_told_later(postgresql):
    url = postgresql.schema()
    ledger = Ledger.open(url, SITE, KEY)
    try:
        execute(url.partition("&")[0], "SELECT 1")
        (postgresql.data / "postgresql.auto.conf").write_text("synchronous_commit = off\n")
        execute(url, "SELECT pg_reload_conf()")
        with ledger._lock.transaction() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    finally:
        (postgresql.data / "postgresql.auto.conf").write_text("")
        execute(url, "SELECT pg_reload_conf()")
        ledger.close()


def test_a_database_without_a_ledger_is_told(postgresql):
    with pytest.raises(Unfit, match="/postgres: there is no ledger here"):
        Ledger.open(postgresql.schema(), SITE)


@pytest.mark.parametrize(
    ("url", "driver"),
    [("postgresql://u@h/d", "postgresql+psycopg"), ("sqlite:////a/b.sqlite", "sqlite")],
    ids=["postgresql", "sqlite"],
)
def test_the_usual_prefix_picks_the_driver(url, driver):
    assert database.parse(url).drivername == driver


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/d", "hunter2", "postgresql://u:hunter2@h", "sqlite://", "postgresql://u:hunter2@h:x/d"]
)
def test_another_url_is_refused_without_repeating_it(url):
    with pytest.raises(Unfit, match="gateway.database: .*write sqlite:///FILE or postgresql://") as refused:
        database.engine(url)
    assert "hunter2" not in str(refused.value)


URLS = ["postgresql://u:hunter2@127.0.0.1:9/d", "postgresql://127.0.0.1:9/d?user=u&password=hunter2"]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("key", [KEY, None], ids=["writing", "reading"])
def test_a_password_is_in_no_message(url, key, caplog):
    with pytest.raises(Stopped) as refused:
        Ledger.open(url, SITE, key)
    told = f"{refused.value} {refused.value!r} {caplog.text}"
    assert "postgresql://127.0.0.1:9/d: " in told
    assert "hunter2" not in told
    assert "\n" not in str(refused.value)


def test_a_password_is_not_in_the_message_of_a_lock_that_is_held(postgresql):
    url = postgresql.schema().replace("metertrail@", "metertrail:hunter2@")
    ledger = Ledger.open(url, SITE, KEY)
    with pytest.raises(Busy) as refused:
        Ledger.open(url, SITE, KEY)
    ledger._lock.connection.close()
    with pytest.raises(Corrupt) as lost:
        ledger.keep_receipts({"edge-1": b"x"}, at_ns=0)
    ledger.close()
    assert "hunter2" not in f"{refused.value}{lost.value}"
