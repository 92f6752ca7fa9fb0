"""One writer per ledger: the lock dies with its holder, and nothing is written once it is lost."""

import subprocess
import sys
import time

import pytest
from authors import SITE, Author, admitted
from databases import execute
from sqlalchemy import text

from contract import keys
from gateway import database, ledger_lock
from gateway.errors import Busy, Corrupt, Unfit
from gateway.ledger import Ledger
from gateway.ledger_lock import Lock

KEY = keys.generate()
HOLDER = """
import sys
from gateway import database, ledger_lock
held = ledger_lock.hold(database.engine(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""
BACKENDS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"


def hold(url: str) -> Lock:
    return ledger_lock.hold(database.engine(url))


def taken_in_the_end(url: str) -> Lock:
    """The server notices within moments that a session's other end is gone."""
    for _ in range(100):
        try:
            return hold(url)
        except Busy:
            time.sleep(0.05)
    return hold(url)


def test_another_process_is_kept_out_until_this_one_is_gone(database_url):
    command = [sys.executable, "-c", HOLDER, database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy, match=r"(ledger.sqlite.lock|/postgres): another gateway writes this ledger: stop it"):
            hold(database_url)
        holder.kill()
    taken_in_the_end(database_url).close()


def test_a_lock_let_go_can_be_taken_again(database_url):
    for _ in range(2):
        lock = hold(database_url)
        with pytest.raises(Busy):
            hold(database_url)
        lock.close()


def test_ledgers_in_other_schemas_are_others(postgresql):
    locks = [hold(postgresql.schema()) for _ in range(2)]
    for lock in locks:
        lock.close()


def test_an_ended_session_frees_the_lock_and_writes_no_more(postgresql):
    """Another may have begun to write: connecting again by itself would make two of them."""
    url, edge = postgresql.schema(), Author()
    ledger = Ledger.open(url, SITE, KEY)
    ledger.append([admitted(edge.begin())], at_ns=0)
    execute(url, f"SELECT pg_terminate_backend(pid) FROM ({BACKENDS}) AS held")
    other = taken_in_the_end(url)
    for _ in range(2):
        with pytest.raises(Corrupt, match="the ledger takes no more entries: .*terminating connection|opened anew"):
            ledger.append([admitted(edge.say())], at_ns=1)
    with pytest.raises(Corrupt, match="opened anew"):
        ledger.keep_receipts({"edge-1": b"signed"}, at_ns=1)
    ledger.close()
    other.close()
    again = Ledger.open(url, SITE, KEY)
    assert again.size == 1
    again.close()


def test_after_a_crash_of_the_server_a_start_like_any_other_goes_on(postgresql):
    url, edge = postgresql.schema(), Author()
    ledger = Ledger.open(url, SITE, KEY)
    told = ledger.append([admitted(edge.begin())], at_ns=0)
    postgresql.stop("immediate")
    with pytest.raises(Corrupt, match="takes no more entries"):
        ledger.append([admitted(edge.say())], at_ns=1)
    with pytest.raises(Corrupt, match="does not answer"):
        ledger.hash_at(("edge-1", edge.head.epoch, 0))
    ledger.close()
    with pytest.raises(Unfit, match=r"postgresql:.*/postgres: .*failed.*: start the database"):
        Ledger.open(url, SITE, KEY)
    postgresql.start()
    ledger = Ledger.open(url, SITE, KEY)
    assert ledger.head() == told
    ledger.append([admitted(Author("edge-2").begin())], at_ns=2)
    ledger.close()


def test_two_writers_without_the_lock_cannot_interleave(database_url, monkeypatch):
    monkeypatch.setattr(ledger_lock, "hold", lambda engine: Lock(engine.connect()))
    edge, other = Author(), Author("edge-2")
    one, two = (Ledger.open(database_url, SITE, KEY) for _ in range(2))
    first = one.append([admitted(edge.begin()), admitted(edge.say())], at_ns=0)
    with pytest.raises(Corrupt, match="takes no more entries"):
        two.append([admitted(other.begin())], at_ns=0)
    second = one.append([admitted(edge.say())], at_ns=1)
    one.close()
    two.close()
    reader = Ledger.open(database_url, SITE, KEY)
    assert [entry.author for entry in reader.entries()] == ["edge-1"] * 3
    assert execute(database_url, "SELECT size FROM checkpoints ORDER BY size") == [(first.size,), (second.size,)]
    reader.close()


def test_the_lock_is_on_the_connection_that_writes(postgresql):
    lock = hold(postgresql.schema())
    with lock.transaction() as connection:
        own = connection.execute(text(f"{BACKENDS} AND pid = pg_backend_pid()")).all()
    assert len(own) == 1
    lock.close()
