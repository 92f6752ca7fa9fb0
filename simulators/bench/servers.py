"""Servers of others, run privately for a measurement: PostgreSQL, mosquitto, VictoriaMetrics.

In: an empty folder. Out: a running server on the loopback and where it listens; None where the program is not
installed. Everything it keeps is in the folder, and it ends with the `with` block.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

START_S = 30.0
POSTGRESQL_PROGRAMS = Path("/usr/lib/postgresql")  # Debian keeps them off the path, by version
POSTGRESQL_USER = "postgres"  # PostgreSQL refuses to run as root; Debian's package brings this user


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str | None]:
    """A new cluster with its usual, durable settings; yields SQLAlchemy's URL of its one database."""
    programs = sorted(POSTGRESQL_PROGRAMS.glob("*/bin/initdb"))
    if not programs:
        yield None
        return
    bin_, data, port = programs[-1].parent, folder / "data", free_port()
    user = POSTGRESQL_USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
        for above in [folder, *folder.parents]:
            if not above.stat().st_mode & 0o001:  # a temporary folder of root's is closed to others
                above.chmod(above.stat().st_mode | 0o011)
    make = [str(bin_ / "initdb"), "--username", POSTGRESQL_USER, "--auth", "trust", "--pgdata", str(data)]
    subprocess.run(make, check=True, capture_output=True, user=user, cwd=folder)  # noqa: S603 - Debian's own
    command = [str(bin_ / "postgres"), "-D", str(data), "-k", str(folder), "-p", str(port), "-h", "127.0.0.1"]
    with running(command, user=user, folder=folder, port=port):
        yield f"postgresql+psycopg://{POSTGRESQL_USER}@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[tuple[int, int] | None]:
    """A broker that anybody may use and that keeps nothing; yields its port and its process."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        yield None
        return
    port, config = free_port(), folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    with running([program, "-c", str(config)], user=None, folder=folder, port=port) as pid:
        yield port, pid


@contextlib.contextmanager
def victoria_metrics(folder: Path) -> Iterator[int | None]:
    """A store of time series with its usual settings; yields its port."""
    program = shutil.which("victoria-metrics")
    if program is None:
        yield None
        return
    port = free_port()
    command = [
        program,
        f"-storageDataPath={folder / 'data'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=10y",
    ]
    with running(command, user=None, folder=folder, port=port):
        yield port


def post(url: str, data: bytes = b"") -> bytes:
    """Send bytes by HTTP and return what comes back. Raises OSError."""
    with urllib.request.urlopen(urllib.request.Request(url, data=data, method="POST"), timeout=60) as answer:  # noqa: S310
        return bytes(answer.read())


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], *, user: str | None, folder: Path, port: int) -> Iterator[int]:
    """A program until the block ends; yields its process. Raises OSError if it does not come to listen."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder)  # noqa: S603 - found above
        try:
            _until_listening(process, port)
            yield process.pid
        finally:
            process.send_signal(signal.SIGINT)  # PostgreSQL waits for its clients at SIGTERM
            process.wait()


def _until_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    end_s = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end_s or process.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return
