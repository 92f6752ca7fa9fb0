"""Connections to the ledger's database, made so that a commit that returned is on the disk.

In: SQLAlchemy's URL. Out: an engine. SQLite by default; PostgreSQL commits are durable as it is set up.
"""

from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.errors import Unfit

_SQLITE = (
    "PRAGMA wal_autocheckpoint = 4000",  # 16 MB: a group of entries is 5, and each checkpoint writes it again
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode: one fsync a commit, and no commit is lost with the power
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
)


def engine(url: str) -> Engine:
    """An engine for this URL; a SQLite file's folder is made if need be."""
    made = create_engine(url)
    if made.dialect.name == "sqlite":
        Path(str(made.url.database)).parent.mkdir(parents=True, exist_ok=True)
        event.listen(made, "connect", _prepare)
    return made


def require(opened: Engine) -> None:
    """Raise Unfit where a SQLite file would have to be made first."""
    if opened.dialect.name == "sqlite" and not Path(str(opened.url.database)).exists():
        raise Unfit(f"{opened.url.database}: there is no ledger here: start the gateway once, or correct the path")


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return str(make_url("sqlite://").set(database=str(path)))


def _prepare(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    for pragma in _SQLITE:
        connection.execute(pragma)
