"""What tests may need of the machine, and how they ask for it."""

import fcntl
import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import databases
import press
import pytest
from hypothesis import settings

from agent.aggregation import counters
from gateway import database

# How long an example takes says nothing of the code: timing belongs in benchmarks. A build draws the same examples each
# time, so that it fails for a change and not for luck; anyone else's machine draws new ones.
settings.register_profile("suite", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("suite")

PACKAGES = {
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "mosquitto": "mosquitto",
    "mosquitto_passwd": "mosquitto",
    "postgres": "postgresql",
    "softhsm2-util": "softhsm2",
}


def _missing(programs):
    return [program for program in programs if shutil.which(program, path=databases.search_path()) is None]


def _installed(programs):
    """Install what is missing; one of the test processes at a time, for the packager allows no more."""
    with Path(tempfile.gettempdir(), "metertrail-tests-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        packages = sorted({PACKAGES.get(program, program) for program in _missing(programs)})
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]):
            if packages:
                subprocess.run(command, check=False, capture_output=True, timeout=600, env=environment)
    return _missing(programs)


@pytest.fixture(autouse=True)
def _heard_again():
    """What a test keeps quiet is heard by the next: a program's own `main` quiets the whole process."""
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def need():
    """`need("chromium", ...)`: installs as root, else skips with the reason; fails under METERTRAIL_REQUIRE_ALL=1."""

    def ask(*programs):
        required = os.environ.get("METERTRAIL_REQUIRE_ALL") == "1"
        missing = _missing(programs)
        if missing and os.geteuid() == 0 and shutil.which("apt-get"):
            missing = _installed(programs)
        if missing:
            reason = f"not on this machine: {', '.join(missing)}"
            pytest.fail(reason) if required else pytest.skip(reason)

    return ask


@pytest.fixture(scope="session")
def postgresql(need):
    """A PostgreSQL server of this session's own."""
    need("postgres")
    server = databases.Server()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """The URL of a ledger's empty database, once of each kind."""
    if request.param == "sqlite":
        return database.sqlite_url(tmp_path / "data" / "ledger.sqlite")
    return request.getfixturevalue("postgresql").schema()


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    """What the press's manifest says."""
    return press.stated(tmp_path_factory.mktemp("plant"))


@pytest.fixture(scope="session")
def counter(parts):
    """The press's counter."""
    return counters.counters(parts)[press.PLACE]
