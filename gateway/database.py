"""Connections to the ledger's database, made so that a commit that returned is on the disk.

In: SQLAlchemy's URL. Out: an engine. SQLite is set up for it on every connection; PostgreSQL is asked whether it is.
A URL may hold a password: nothing here ever says one.
"""

import os
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from contract.problems import one_line
from gateway.errors import Unfit

_SQLITE = (
    "PRAGMA wal_autocheckpoint = 4000",  # 16 MB: a group of entries is 5, and each checkpoint writes it again
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode: one fsync a commit, and no commit is lost with the power
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
)
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}
# PostgreSQL's settings and the values with which a commit is on the primary's own disk before it returns
# (its manual, chapters "Reliability and the Write-Ahead Log" and "Write Ahead Log" of the configuration)
_DURABLE = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
    "server_encoding": ("UTF8",),
}


def parse(url: str) -> URL:
    """A ledger's URL with the driver that is used for it. Raises ValueError, which does not repeat it."""
    try:
        parsed = make_url(url)
        if parsed.drivername in _DRIVERS and parsed.database:
            return parsed.set(drivername=_DRIVERS[parsed.drivername])
    except (ArgumentError, ValueError):
        pass
    raise ValueError("no ledger's URL: write sqlite:///FILE or postgresql://USER@HOST/DATABASE")


def engine(url: str) -> Engine:
    """An engine for this URL; a SQLite file's folder is made if need be. Raises Unfit."""
    try:
        at = parse(url)
        # pages outlive a restart of the server; the writer does not, and must not (ledger_lock.py)
        made = create_engine(at, pool_pre_ping=at.drivername != "sqlite")
    except ValueError as error:
        raise Unfit(f"gateway.database: {error}") from None
    except ModuleNotFoundError as error:
        raise Unfit(f"gateway.database: {error}: install it with `pip install 'metertrail[postgresql]'`") from None
    if made.dialect.name == "sqlite":
        Path(str(made.url.database)).parent.mkdir(parents=True, exist_ok=True)
        event.listen(made, "connect", _prepare)
    return made


def named(opened: Engine) -> str:
    """What the database is called in messages: a file's path, or host and database without user or password."""
    url = opened.url
    if opened.dialect.name == "sqlite":
        return str(url.database)
    return URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()


def fault(error: DBAPIError) -> str:
    """What the database's own library says, on one line."""
    return one_line(" ".join(str(error.orig).split()))


def require(opened: Engine) -> None:
    """Raise Unfit where there is no ledger to read, or its database cannot be reached."""
    missing = "there is no ledger here: start the gateway once, or correct the path"
    if opened.dialect.name == "sqlite" and not Path(str(opened.url.database)).exists():
        raise Unfit(f"{named(opened)}: {missing}")
    try:
        present = inspect(opened).has_table("entries")
    except DBAPIError as error:
        raise Unfit(f"{named(opened)}: {fault(error)}: start the database, or correct gateway.database") from None
    if not present and opened.dialect.name != "sqlite":
        raise Unfit(f"{named(opened)}: {missing}")


def require_durable(opened: Engine, connection: Connection) -> None:
    """Raise Unfit if a commit could return before it is on the disk; keep it so for this connection's life.

    What a process before this one wrote to SQLite's log is written once more: after a sync that failed the system holds
    it for written, and no later sync of the log would bring it to the disk.
    """
    if opened.dialect.name == "sqlite":
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        connection.commit()
        with Path(f"{opened.url.database}-wal").open("rb") as log:
            os.fsync(log.fileno())  # or a power cut could bring back a part of it
        return
    for setting, durable in _DURABLE.items():
        value = connection.execute(text("SELECT current_setting(:name)"), {"name": setting}).scalar_one()
        if value not in durable:
            hint = f"set it to {' or '.join(durable)} for this database and start the gateway again"
            raise Unfit(f"{named(opened)}: {setting} is {value}, with which evidence can be lost: {hint}")
    keep = "SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false)"
    connection.execute(text(keep))  # or a reload of the server's configuration could change it
    connection.commit()


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return str(make_url("sqlite://").set(database=str(path)))


def _prepare(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    for pragma in _SQLITE:
        connection.execute(pragma)
