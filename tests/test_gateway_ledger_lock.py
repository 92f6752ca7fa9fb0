"""One writer per ledger, and the lock dies with its holder."""

import subprocess
import sys

import pytest

from gateway import database, ledger_lock
from gateway.errors import Busy

HOLDER = """
import sys
from gateway import database, ledger_lock
held = ledger_lock.hold(database.engine(sys.argv[1]), "metertrail/demo")
print("held", flush=True)
sys.stdin.read()
"""


def test_another_process_is_kept_out_until_this_one_is_gone(tmp_path):
    url = database.sqlite_url(tmp_path / "ledger.sqlite")
    command = [sys.executable, "-c", HOLDER, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy, match=r"ledger.sqlite.lock: another gateway writes this ledger"):
            ledger_lock.hold(database.engine(url), "metertrail/demo")
        holder.kill()
    ledger_lock.hold(database.engine(url), "metertrail/demo")()


def test_a_lock_let_go_can_be_taken_again(tmp_path):
    engine = database.engine(database.sqlite_url(tmp_path / "ledger.sqlite"))
    for _ in range(2):
        release = ledger_lock.hold(engine, "metertrail/demo")
        with pytest.raises(Busy):
            ledger_lock.hold(engine, "metertrail/demo")
        release()
