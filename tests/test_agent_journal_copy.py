"""A journal packed while its agent runs: every sealed entry in order, and a damaged one left out by count."""

import sqlite3

import pytest
from plant_in_memory import T0, S, Site

import metertrail
from agent import journal_copy
from verifier import archive, replay, trail
from verifier.check_batches import Period


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path / "plant")
    made.start(0)
    made.read_rounds({k: "B1" if 5 <= k < 15 else None for k in range(1, 40)})
    yield made
    made.stop()


def test_entries_are_those_sealed_and_batches_come_out_as_signed(site):
    packed, damaged = journal_copy.pack(site.folder)  # the journal is open and locked meanwhile
    kept = archive.read_entries(packed)
    sealed = [(one.sealed.signed, one.sealed.body) for one in site.entries()]
    assert ([(one.signed, one.body) for one in kept], damaged) == (sealed, 0)
    items, unread = trail.taken_apart(kept, "")
    found = replay.prepare(trail.Alone(items), unread, Period(T0, T0 + 100 * S))
    assert [batch.name for batch in found.batches] == ["B1"]
    rows = list(found.rows(found.batches[0]))
    assert [(row.signed.point, row.holds) for row in rows] == [("energy", True), ("produced", True)]
    assert not found.unreadable


def test_the_command_takes_the_folder(site, capsys):
    assert metertrail.replay([str(site.folder), "--from", "2023-11-14T00:00Z", "--to", "2023-11-16T00:00Z"]) == 0
    *rows, last = capsys.readouterr().out.splitlines()
    assert [row.split()[:3] for row in rows] == [["ok", "B1", "press/energy"], ["ok", "B1", "press-plc/produced"]]
    assert last == "1 batches recomputed: all equal"


def test_a_damaged_row_is_left_out_and_counted(site, tmp_path):
    whole, _ = journal_copy.pack(site.folder)
    copy = site.copy(tmp_path / "copy")
    (day,) = copy.folder.glob("2*.db")
    with sqlite3.connect(day) as file:
        file.execute("UPDATE entry SET body = x'00' WHERE id = 2")
    left, damaged = journal_copy.pack(copy.folder)
    assert damaged == 1
    assert len(archive.read_entries(left)) == len(archive.read_entries(whole)) - 1


def test_a_folder_without_a_journal_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="holds no journal: name the data folder") as raised:
        journal_copy.pack(tmp_path)
    assert "\n" not in str(raised.value)
    (tmp_path / "2026-01-01.db").write_bytes(b"no database" * 100)
    with pytest.raises(ValueError, match=r"2026-01-01\.db: cannot be read as a journal: .+: copy the folder"):
        journal_copy.pack(tmp_path)
