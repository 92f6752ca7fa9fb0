"""Databases for the ledger's tests: a private PostgreSQL server, and what an intruder does to either kind."""

import glob
import itertools
import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

from gateway import database

USER = "postgres"  # Debian's; the server refuses to run as root


def search_path() -> str:
    """Where programs are looked for: Debian keeps PostgreSQL's apart."""
    return os.pathsep.join([os.environ.get("PATH", ""), *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)])  # noqa: PTH207


class Server:
    """A cluster in a folder of its own, reached by a socket there; every ledger gets a schema."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="metertrail-pg-"))
        self._user = USER if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, self._user)
        self._numbers = itertools.count()
        self.run("initdb", "-D", str(self.data), "-U", "metertrail", "-E", "UTF8", "--locale=C", "-A", "trust")
        self.start()

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.folder / "data"

    def run(self, program: str, *words: str) -> None:
        """Run one of PostgreSQL's programs as whom it wants to be run."""
        found = shutil.which(program, path=search_path())
        done = subprocess.run(
            [found, *words], user=self._user, cwd=self.folder, stdin=subprocess.DEVNULL, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, env={**os.environ, "TZ": "UTC"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout.decode()

    def start(self, *settings: str) -> None:
        """Start the server, with further settings of the form name=value."""
        words = " ".join(f"-c {setting}" for setting in (f"unix_socket_directories={self.folder}", *settings))
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", log, "-o", f"-c listen_addresses= {words}", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is a crash."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def schema(self) -> str:
        """The URL of a new, empty schema."""
        name = f"ledger_{next(self._numbers)}"
        url = f"postgresql://metertrail@/postgres?host={self.folder}"
        execute(url, f"CREATE SCHEMA {name}")
        return f"{url}&options=-csearch_path%3D{name}"

    def remove(self) -> None:
        """Stop the server and take its folder away."""
        self.stop("immediate")
        shutil.rmtree(self.folder)


def execute(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements as anyone may who reaches the database; what the last one returns."""
    engine = create_engine(database.parse(url))
    with engine.begin() as connection:
        for statement in statements:
            done = connection.execute(text(statement))
        rows = [tuple(row) for row in done] if done.returns_rows else []
    engine.dispose()
    return rows


def tampered(url: str, *statements: str) -> None:
    """Change a ledger as somebody would who owns it: triggers first."""
    execute(url, *drops(url), *statements)


def set_back(url: str, size: int) -> None:
    """What a database restored from a backup is: as it was when it held `size` entries."""
    tampered(url, f'DELETE FROM entries WHERE "index" >= {size}', f"DELETE FROM checkpoints WHERE size > {size}")


def drops(url: str) -> list[str]:
    """What takes the triggers away."""
    if url.startswith("sqlite"):
        names = [name for (name,) in execute(url, "SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        assert len(names) == 6
        return [f"DROP TRIGGER {name}" for name in names]
    asked = "SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"  # noqa: E501
    found = execute(url, asked)
    assert len(found) == 2
    return [f"DROP TRIGGER {name} ON {table}" for name, table in found]


def damage(path: Path, index: int) -> None:
    """Overwrite the page of a SQLite file that holds an entry's row."""
    with sqlite3.connect(path) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [(page,)] = opened.execute("PRAGMA page_size").fetchall()
        [(signed,)] = opened.execute('SELECT signed FROM entries WHERE "index" = ?', (index,)).fetchall()
    data = bytearray(path.read_bytes())
    at = data.index(signed) // page * page
    data[at : at + page] = b"\x05" * page
    path.write_bytes(bytes(data))
