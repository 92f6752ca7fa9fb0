"""One writer per ledger: a lock that the operating system or the database lets go of when its holder dies.

In: an engine. Out: a `Lock`, with the one connection that may write. In PostgreSQL that connection's session is the
lock: where it is lost, nothing more can be written under it. Raises Busy, or Unfit where the database is not reached.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from gateway.database import fault, named
from gateway.errors import Busy, Corrupt, Unfit


class Lock:
    """Held until `close`."""

    def __init__(self, connection: Connection, file: IO[bytes] | None = None) -> None:
        self.connection = connection
        self._file = file

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction of the holder's. After one that the database did not take there is no other."""
        if self.connection.closed:
            raise Corrupt("the ledger's connection was lost: it must be opened anew")
        try:
            with self.connection.begin():
                yield self.connection
        except DBAPIError:
            self.connection.close()  # it would connect again by itself, without the lock
            raise

    def close(self) -> None:
        """Let go, at once: a session that ends frees its locks only when the server has seen it end."""
        if self.connection.dialect.name != "sqlite" and not self.connection.closed:
            with contextlib.suppress(DBAPIError):
                self.connection.execute(text("SELECT pg_advisory_unlock_all()"))
        self.connection.close()
        if self._file:
            self._file.close()


def hold(engine: Engine) -> Lock:
    """Take the lock."""
    return _hold_file(engine) if engine.dialect.name == "sqlite" else _hold_session(engine)


def _hold_file(engine: Engine) -> Lock:
    path = Path(f"{engine.url.database}.lock")
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Busy(f"{path}: another gateway writes this ledger: stop it first") from None
    try:
        return Lock(_connected(engine), file)
    except BaseException:
        file.close()
        raise


def _hold_session(engine: Engine) -> Lock:
    """PostgreSQL: a session lock under a number made from the schema, whatever the ledger's name."""
    connection = _connected(engine)
    connection.detach()  # closing it ends the session
    schema = connection.execute(text("SELECT current_schema()")).scalar_one()
    number = int.from_bytes(hashlib.sha256(f"metertrail ledger {schema}".encode()).digest()[:8], "big", signed=True)
    taken = connection.execute(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}).scalar_one()
    connection.commit()
    if not taken:
        connection.close()
        raise Busy(f"{named(engine)}: another gateway writes this ledger: stop it first")
    return Lock(connection)


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except DBAPIError as error:
        if engine.dialect.name == "sqlite":
            raise Corrupt(f"{named(engine)}: {fault(error)}") from None
        raise Unfit(f"{named(engine)}: {fault(error)}: start the database, or correct gateway.database") from None
