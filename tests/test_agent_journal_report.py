"""The report on a journal, beside an agent that is running, and on damaged files, which it leaves as they are."""

import pytest
from plant_in_memory import Site

from agent import journal_report
from agent.room import Room

DAY = 86_400


@pytest.fixture
def site(tmp_path):
    """Two days, of which the first is delivered and of the second two entries are not."""
    made = Site.at(tmp_path)
    made.start(0)
    made.read_rounds(dict.fromkeys(range(1, 12)))
    made.read_rounds(dict.fromkeys(range(DAY, DAY + 12)))
    made.journal.confirm({made.recorder.epoch: made.journal.head().seq - 2})
    yield made
    made.stop()


def report(site, bytes_max=None):
    return journal_report.lines(site.folder, Room(site.folder, bytes_max), 90)


def test_days_what_is_not_delivered_and_what_is_free(site):
    first, second, waiting, kept, free = report(site)
    count = len(site.entries())
    of_day = [e.last - e.first + 1 for e in site.journal.extents()]
    assert sum(of_day) == count
    assert first.startswith("2023-11-14.db ")
    assert first.endswith(f" {of_day[0]} entries  delivered")
    assert second.endswith(f" {of_day[1]} entries  2 not delivered")
    assert waiting.startswith("not delivered: 2 entries, the oldest sealed 2023-11-15T22:13:2")
    assert kept.endswith(
        "; quota none: the disk is the limit; days that were delivered go 90 days after the next began"
    )
    assert "reserve given up, or not yet made" in free
    assert "quota 64.0 MB" in report(site, 64_000_000)[3]


def test_what_cannot_be_read_is_said_and_left_as_it_is(site):
    (site.folder / "2023-11-13.db").write_bytes(b"no database" * 1000)
    (site.folder / "open.db.damaged-0").write_bytes(b"x" * 1500)
    before = (site.folder / "2023-11-13.db").read_bytes()
    told = report(site)
    assert told[0] == "2023-11-13.db    12.3 kB  cannot be read: the agent sees to it when it starts"
    assert told[-1] == "set aside as damaged: open.db.damaged-0, 1.5 kB"
    assert (site.folder / "2023-11-13.db").read_bytes() == before


def test_without_open_db_nothing_is_known_to_be_delivered(site):
    site.stop()
    (site.folder / "open.db").write_bytes(b"")
    told = report(site)
    assert "open.db cannot be read: what is delivered is not known" in told
    assert all("not delivered" in line for line in told[:2])
    site.start(2 * DAY)


def test_no_journal_is_one_line(tmp_path):
    with pytest.raises(ValueError, match="holds no journal: has this agent ever run"):
        journal_report.lines(tmp_path, Room(tmp_path), 90)
