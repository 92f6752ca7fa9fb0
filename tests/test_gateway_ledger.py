"""The ledger keeps what it admitted, proves it to itself at every start, and refuses to go on where it cannot."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from authors import SITE, Author, admitted, enrolling
from databases import execute, tampered

from contract import checkpoint, keys, merkle
from contract.entry import read
from gateway.database import sqlite_url
from gateway.errors import Corrupt, Unfit
from gateway.ledger import Ledger

MINUTE_NS = 60_000_000_000
KEY = keys.generate()


@pytest.fixture
def url(database_url):
    return database_url


@pytest.fixture
def copied(tmp_path):
    return tmp_path / "elsewhere" / "checkpoints.txt"


def opened(url, copied=None, key=KEY) -> Ledger:
    return Ledger.open(url, SITE, key, copied)


def written(number: int = 3):
    edge = Author()
    return [admitted(edge.begin()), *(admitted(edge.say(), at_ns=n) for n in range(1, number))]


def root_of(entries) -> bytes:
    return merkle.root([merkle.leaf_hash(entry.signed) for entry in entries])


def test_what_was_appended_is_read_back_verbatim(url):
    ledger, entries = opened(url), written(5)
    after = ledger.append(entries[:2], at_ns=7)
    assert (after.size, after.root) == (2, root_of(entries[:2]))
    after = ledger.append(entries[2:], at_ns=8)
    assert (after.origin, after.size, after.root) == (f"metertrail/{SITE}", 5, root_of(entries))
    back = list(ledger.entries())
    assert [entry.index for entry in back] == [0, 1, 2, 3, 4]
    names = list(entries[0].__dataclass_fields__)
    assert [[getattr(b, n) for n in names] for b in back] == [[getattr(e, n) for n in names] for e in entries]
    assert [e.index for e in ledger.entries(1, 3)] == [1, 2, 3]
    assert checkpoint.verify(ledger.latest_checkpoint(), KEY.public_key()) == after


def test_entries_are_found_by_type_time_and_author(url):
    ledger, entries = opened(url), [*enrolling(), *written(4)]
    ledger.append(entries, at_ns=0)
    times = [entry.to_ns for entry in entries if entry.type == "event"]
    assert [e.to_ns for e in ledger.select(["event"], times[1], times[2])] == times[1:]
    assert [e.to_ns for e in ledger.select(["event"], times[0] + 1, times[1] - 1)] == []
    everything = list(ledger.select(["event", "manifest"], -(2**62), 2**62))
    assert [e.index for e in everything] == [e.index for e in ledger.entries() if e.type != "enrolment"]
    assert {e.author for e in ledger.select(["manifest"], 0, 0, author="edge-1")} == {"edge-1"}


def test_the_chain_for_a_start_carries_only_bodies_that_decide(url):
    ledger = opened(url)
    ledger.append([*enrolling(Author()), *written(3)], at_ns=0)
    assert [(e.type, bool(e.body)) for e in ledger.chain()] == [
        ("manifest", True), ("enrolment", True), ("enrolment", True), ("manifest", True),
        ("event", False), ("event", False),
    ]  # fmt: skip


def test_a_restart_continues_the_same_tree(url, copied):
    entries = written(6)
    ledger = opened(url, copied)
    ledger.append(entries[:3], at_ns=0)
    ledger.close()
    ledger = opened(url, copied)
    assert ledger.head().size == 3
    assert ledger.append(entries[3:], at_ns=1).root == root_of(entries)
    ledger.close()
    reader = Ledger.open(url, SITE)
    assert (reader.size, reader.head().root) == (6, root_of(entries))


def test_hash_at(url):
    ledger, entries = opened(url), written(2)
    ledger.append(entries, at_ns=0)
    assert ledger.hash_at(("edge-1", entries[1].epoch, 1)) == entries[1].hash
    assert ledger.hash_at(("edge-1", entries[1].epoch, 2)) is None


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (['UPDATE entries SET signed = hash WHERE "index" = 1'], "the first 3 entries are not those"),
        (['DELETE FROM entries WHERE "index" = 2'], "2 entries where the last checkpoint signs 3"),
        (['DELETE FROM entries WHERE "index" = 1'], "entry 2 where 1 is due"),
        (["UPDATE checkpoints SET note = replace(note, '3', '4')"], "does not match the key|not base64|not signed by"),
        (
            ['DELETE FROM entries WHERE "index" = 2', "DELETE FROM checkpoints WHERE size = 3"],
            "2 entries, but the copy of its checkpoints knows of 3",
        ),
    ],
)
def test_a_ledger_that_is_not_what_it_was_refuses_to_start(url, copied, statements, words):
    ledger, entries = opened(url, copied), written(3)
    ledger.append(entries[:2], at_ns=0)
    ledger.append(entries[2:], at_ns=1)
    ledger.close()
    tampered(url, *statements)
    with pytest.raises(Corrupt, match=words):
        opened(url, copied)


def test_a_rewritten_ledger_is_found_by_the_copy_alone(url, copied):
    entries = written(3)
    ledger = opened(url, copied)
    ledger.append(entries, at_ns=0)
    ledger.close()
    emptied(url)
    ledger = opened(url)
    ledger.append([entries[0], entries[2], entries[1]], at_ns=0)
    ledger.close()
    with pytest.raises(Corrupt, match="the first 3 entries are not those that the copy of its checkpoints signs"):
        opened(url, copied)
    emptied(url)
    with pytest.raises(Corrupt, match="0 entries, but the copy of its checkpoints knows of 3"):
        opened(url, copied)


def emptied(url):
    """Take the whole ledger away, as somebody may who owns the database."""
    tables = ("entries", "checkpoints", "refusals", "receipts")
    execute(url, *(f"DROP TABLE {table}" for table in tables))


def test_a_ledger_of_another_key_or_site_is_refused(url, copied):
    ledger = opened(url, copied)
    ledger.append(written(1), at_ns=0)
    ledger.close()
    with pytest.raises(Corrupt, match="is this the ledger's key"):
        opened(url, copied, keys.generate())
    with pytest.raises(Corrupt, match=f"is of metertrail/{SITE}, not of metertrail/other"):
        Ledger.open(url, "other", KEY)


def test_a_damaged_file_is_one_clear_line(tmp_path):
    place = tmp_path / "ledger.sqlite"
    place.write_bytes(b"this is not a database" * 100)
    with pytest.raises(Corrupt, match="ledger.sqlite: file is not a database"):
        opened(sqlite_url(place))


def test_reading_makes_nothing(url):
    with pytest.raises(Unfit, match="there is no ledger here"):
        Ledger.open(url, SITE)
    opened(url).close()
    reader = Ledger.open(url, SITE)
    assert (reader.size, reader.latest_checkpoint(), reader.head().root) == (0, None, merkle.root([]))
    with pytest.raises(RuntimeError, match="only read"):
        reader.append([], at_ns=0)


def test_one_transaction_or_none(url):
    ledger, entries = opened(url), written(3)
    ledger.append(entries[:2], at_ns=0)
    before = ledger.head()
    with pytest.raises(Corrupt, match="takes no more entries: .*(never changed|duplicate key)"):
        ledger.append([entries[2], entries[0]], at_ns=1)
    assert ledger.head() == before
    ledger.close()
    assert opened(url).head() == before


def test_receipts_are_kept_the_last_of_each_author(url):
    ledger = opened(url)
    ledger.keep_receipts({"edge-1": b"one", "edge-2": b"two"}, at_ns=1)
    ledger.keep_receipts({"edge-1": b"three"}, at_ns=2)
    ledger.keep_receipts({}, at_ns=3)
    assert ledger.receipts() == {"edge-1": b"three", "edge-2": b"two"}


KILLED = """
import sys
from authors import SITE, Author, admitted
from contract import keys
from gateway.ledger import Ledger
key = keys.private_from_pem(open(sys.argv[2], "rb").read())
ledger = Ledger.open(sys.argv[1], SITE, key, __import__("pathlib").Path(sys.argv[3]))
edge = Author()
ledger.append([admitted(edge.begin())], 0)
for number in range(1, 1_000_000):
    after = ledger.append([admitted(edge.say())], number * 10**10)
    print(after.size, flush=True)
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_told(url, copied, tmp_path):
    key = tmp_path / "key.pem"
    key.write_bytes(keys.private_to_pem(KEY))
    command = [sys.executable, "-c", KILLED, url, str(key), str(copied)]
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}) as process:
        lines = [process.stdout.readline() for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        told = int((lines + process.stdout.read().splitlines(keepends=True))[-1].split(b"\n")[0] or 25)
    ledger = opened(url, copied)
    assert ledger.size >= max(told, 25)
    assert [read(entry.signed).header.seq for entry in ledger.entries()] == list(range(ledger.size))
