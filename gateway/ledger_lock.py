"""One writer per ledger: a lock that the operating system or the database lets go of when its holder dies.

In: an engine and the ledger's origin. Out: an open lock, to be closed by its holder. Raises Busy.
"""

import fcntl
import hashlib
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, text

from gateway.errors import Busy


def hold(engine: Engine, origin: str) -> Callable[[], None]:
    """Take the lock and return what lets go of it."""
    return _hold_file(engine) if engine.dialect.name == "sqlite" else _hold_advisory(engine, origin)


def _hold_file(engine: Engine) -> Callable[[], None]:
    path = Path(f"{engine.url.database}.lock")
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Busy(f"{path}: another gateway writes this ledger: stop it first") from None
    return file.close


def _hold_advisory(engine: Engine, origin: str) -> Callable[[], None]:
    """PostgreSQL: a session lock under a number made from the origin, held by a connection of its own."""
    number = int.from_bytes(hashlib.sha256(origin.encode()).digest()[:8], "big", signed=True)
    connection = engine.connect()
    if not connection.execute(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}).scalar_one():
        connection.close()
        raise Busy(f"{origin}: another gateway writes this ledger: stop it first")
    connection.commit()
    return connection.close
