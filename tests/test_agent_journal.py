"""The journal by itself: what is committed, covered, delivered, in order, across days, damage and threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent import files
from agent.journal import Journal, Stored
from contract.entry import Sealed

DAY_NS = 86_400_000_000_000
ONE, TWO, THREE = (bytes([n]) * 16 for n in (1, 2, 3))


def stored(epoch, seq, kind="segment", from_ns=0, to_ns=0):
    name = epoch + seq.to_bytes(16, "big")
    return Stored(Sealed(b"signed " + name, b"body " + name * 20, name), epoch, seq, kind, from_ns, to_ns)


def seal(journal, epoch, first, last, day=0, **of):
    for seq in range(first, last + 1):
        journal.seal([stored(epoch, seq, **of)], journal.last_row(), day * DAY_NS)


def places(found):
    return [(entry.epoch[0], entry.seq) for entry in found]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def journal(folder):
    made = Journal(folder)
    yield made
    made.close()


def reopened(journal, folder):
    journal.close()
    journal.__init__(folder)
    return journal


def test_rows_and_state_wait_until_an_entry_covers_them(journal, folder):
    journal.record([("scan", b"1"), ("event", b"2")], {"lines": b"3"}, 5)
    left = reopened(journal, folder).left()
    assert [(row.kind, row.data) for row in left.rows] == [("scan", b"1"), ("event", b"2")]
    assert (left.state, left.damaged) == ({"lines": b"3"}, 0)
    journal.seal([stored(ONE, 0)], journal.last_row(), 0)
    journal.record([("scan", b"4")], {}, 6)
    left = reopened(journal, folder).left()
    assert [row.data for row in left.rows] == [b"4"]
    assert left.state == {"lines": b"3"}


def test_rows_that_an_entry_covers_are_passed_over_though_a_crash_left_them(journal, folder):
    journal.record([("scan", b"1")], {}, 0)
    journal._open._file.execute(
        "CREATE TRIGGER crash BEFORE DELETE ON unsealed BEGIN SELECT raise(ABORT, 'crash'); END"
    )
    with pytest.raises(Exception, match="crash"):
        journal.seal([stored(ONE, 0)], journal.last_row(), 0)
    journal._open._file.execute("DROP TRIGGER crash")
    assert journal._open._file.execute("SELECT count(*) FROM unsealed").fetchone() == (1,)
    assert reopened(journal, folder).left().rows == ()
    assert journal.head().seq == 0


def test_ids_go_on_where_entries_end_though_the_open_file_is_lost(journal, folder):
    journal.record([("scan", b"1")] * 7, {}, 0)
    journal.seal([stored(ONE, 0)], journal.last_row(), 0)
    journal.close()
    (folder / "open.db").write_bytes(b"")
    journal.__init__(folder)
    assert journal.set_aside == ["open.db.damaged-0"]
    journal.record([("scan", b"new")], {}, 0)
    assert [row.data for row in reopened(journal, folder).left().rows] == [b"new"]


def test_the_head_is_the_last_entry_of_the_last_epoch(journal, folder):
    assert journal.head() is None
    seal(journal, TWO, 0, 3, day=0)
    seal(journal, ONE, 0, 1, day=1)
    for _ in range(2):
        head = journal.head()
        assert (head.epoch, head.seq, head.hash) == (ONE, 1, ONE + (1).to_bytes(16, "big"))
        reopened(journal, folder)


def test_an_entry_never_lands_in_a_file_before_the_last(journal, folder):
    seal(journal, ONE, 0, 1, day=5)
    seal(journal, ONE, 2, 2, day=3)
    reopened(journal, folder)
    seal(journal, TWO, 0, 0, day=2)
    assert [path.name for path in sorted(folder.glob("1970*.db"))] == ["1970-01-06.db"]
    assert places(journal.after({}, 10)) == [(1, 0), (1, 1), (1, 2), (2, 0)]


def test_after_gives_what_is_undelivered_in_the_order_of_sealing(journal, folder):
    seal(journal, TWO, 0, 2, day=0)
    seal(journal, TWO, 3, 4, day=1)
    seal(journal, ONE, 0, 2, day=1)
    for _ in range(2):
        assert places(journal.after({}, 100)) == [(2, n) for n in range(5)] + [(1, n) for n in range(3)]
        assert places(journal.after({TWO: 2}, 3)) == [(2, 3), (2, 4), (1, 0)]
        assert places(journal.after({TWO: 2**63 - 1, ONE: 1}, 3)) == [(1, 2)]
        assert places(journal.after({TWO: 9, ONE: 2}, 3)) == []
        reopened(journal, folder)


def test_nothing_is_given_beyond_a_hole_and_other_epochs_go_on(journal, folder):
    for day in range(3):
        seal(journal, ONE, 2 * day, 2 * day + 1, day=day)
    seal(journal, TWO, 0, 1, day=2)
    journal.close()
    (folder / "1970-01-02.db").write_bytes(b"gone")
    journal.__init__(folder)
    assert journal.set_aside == ["1970-01-02.db.damaged-0"]
    assert places(journal.after({}, 10)) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert places(journal.after({ONE: 3}, 10)) == [(1, 4), (1, 5), (2, 0), (2, 1)]


def test_a_damaged_entry_is_never_handed_on(journal):
    seal(journal, ONE, 0, 3)
    with files.reading(next(iter(journal.folder.glob("1970*.db")))) as file, file:
        file.execute("UPDATE entry SET body = zeroblob(40) WHERE seq = 1")
    assert places(journal.after({}, 10)) == [(1, 0)]
    assert places(journal.since(0, "segment")) == [(1, 0), (1, 2), (1, 3)]
    assert journal.is_damaged()


def test_delivered_days_cost_nothing(journal, monkeypatch):
    for day in range(20):
        seal(journal, ONE, 2 * day, 2 * day + 1, day=day)

    opened = []
    reading = files.reading
    monkeypatch.setattr(files, "reading", lambda path: opened.append(path.name) or reading(path))
    assert journal.after({ONE: 39}, 10) == []
    assert opened == []
    assert places(journal.after({ONE: 37}, 10)) == [(1, 38), (1, 39)]
    assert opened == ["1970-01-20.db"]


def test_entries_by_type_and_time_both_ways(journal):
    seal(journal, ONE, 0, 0, kind="manifest", to_ns=5)
    seal(journal, ONE, 1, 3, to_ns=10)
    seal(journal, ONE, 4, 5, to_ns=20, day=1)
    assert places(journal.since(0, "manifest")) == [(1, 0)]
    assert places(journal.since(11, "segment")) == [(1, 4), (1, 5)]
    assert places(journal.backwards("segment")) == [(1, 5), (1, 4), (1, 3), (1, 2), (1, 1)]
    assert next(journal.backwards("segment")).sealed == stored(ONE, 5).sealed


def test_how_far_receipts_confirm_is_remembered_and_may_fall(journal, folder):
    journal.confirm({ONE: 5, TWO: 3})
    journal.confirm({ONE: 2, THREE: -1})
    assert reopened(journal, folder).delivered() == {ONE: 2, TWO: 3, THREE: -1}


def test_the_latest_time_is_known_after_a_restart(journal, folder):
    assert journal.latest_ns() == 0
    journal.record([("scan", b"")], {}, 50)
    assert reopened(journal, folder).latest_ns() == 50
    journal.seal([stored(ONE, 0)], journal.last_row(), 40)
    journal.record([("scan", b"")], {}, 30)
    assert reopened(journal, folder).latest_ns() == 40


@pytest.mark.usefixtures("journal")
def test_a_second_agent_is_kept_out(folder):
    with pytest.raises(files.InUse):
        Journal(folder)


def test_publishing_threads_read_and_confirm_while_the_worker_writes(journal):
    done = threading.Event()

    def publish():
        reached = -1
        while not done.is_set() or journal.after({ONE: reached}, 1):
            for entry in journal.after({ONE: reached}, 5):
                assert entry.seq == reached + 1
                reached = entry.seq
            journal.confirm({ONE: reached})

    with ThreadPoolExecutor(1) as publisher:
        published = publisher.submit(publish)
        for seq in range(60):
            journal.record([("scan", b"x")], {"lines": b"y"}, seq)
            journal.seal([stored(ONE, seq)], journal.last_row(), 0)
        done.set()
        published.result(20)
    assert journal.delivered() == {ONE: 59}


def test_an_open_file_put_back_from_before_is_noticed_and_its_lines_are_not_taken_up(journal, folder):
    journal.record([("scan", b"1")], {"lines": b"running", "parts": b"as configured"}, 1)
    seal(journal, ONE, 0, 0, day=1)
    journal.close()
    old = (folder / "open.db").read_bytes()
    journal.__init__(folder)
    for day in (2, 3):
        journal.record([("scan", b"2")], {"lines": b"idle"}, day * DAY_NS)
        seal(journal, ONE, day - 1, day - 1, day=day)
    reopened(journal, folder)
    assert (journal.left().state["lines"], journal.found) == (b"idle", [])
    journal.close()
    (folder / "open.db").write_bytes(old)
    journal.__init__(folder)
    assert journal.left().state == {"parts": b"as configured"}
    assert journal.found == ["open.db is older than what is sealed: batches are looked for anew"]
    assert (journal.head().epoch, journal.head().seq) == (ONE, 2)
    assert journal.last_row() >= 3, "ids never begin again"
