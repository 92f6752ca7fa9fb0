"""Room: what the journal takes, what has to go, and a reserve that is really there."""

import os
from types import SimpleNamespace

import pytest

from agent.room import Room

KIB = 1024


@pytest.fixture
def disk(monkeypatch):
    """A file system of 100 MB whose free space is ours to say."""
    found = SimpleNamespace(f_bavail=50_000, f_frsize=KIB, f_blocks=100_000)
    monkeypatch.setattr(os, "statvfs", lambda _: found)
    return found


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path, reserve_bytes=64 * KIB)


def test_what_the_journal_takes_is_its_own_files(tmp_path, room):
    for file in ("2026-11-20.db", "2026-11-20.db-wal", "open.db", "2026-11-19.db.damaged-0"):
        (tmp_path / file).write_bytes(b"x" * 8 * KIB)
    (tmp_path / "kernels").mkdir()
    (tmp_path / "somebody's").write_bytes(b"x" * 8 * KIB)
    room.keep_reserve()
    assert room.used_bytes() == 24 * KIB
    assert room.sizes(["2026-11-20.db", "2026-11-18.db"]) == {"2026-11-20.db": 16 * KIB, "2026-11-18.db": 0}
    assert [Room(tmp_path, most).over_quota() for most in (22 * KIB, 24 * KIB, None)] == [2 * KIB, 0, 0]


@pytest.mark.parametrize(("reserve", "low"), [(64, 256), (1250, 5000), (2000, 5000), (2500, 5000), (3000, 6000)])
def test_a_low_disk_lacks_two_to_four_reserves_as_it_is_large(disk, tmp_path, reserve, low):
    disk.f_bavail = 100
    assert Room(tmp_path, reserve_bytes=reserve * KIB).lacking() == (low - 100) * KIB
    disk.f_bavail = low
    assert Room(tmp_path, reserve_bytes=reserve * KIB).lacking() == 0


def test_the_reserve_takes_its_room_and_gives_it_back(tmp_path, room):
    room.keep_reserve()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 64 * KIB
    assert room.has_reserve()
    room.give_up_reserve()
    assert not (tmp_path / "reserve").exists()
    room.give_up_reserve()


def test_there_is_no_reserve_where_it_would_take_the_last_room(disk, tmp_path, room):
    disk.f_bavail = 127
    room.keep_reserve()
    assert not (tmp_path / "reserve").exists()
    assert room.is_tight()
    disk.f_bavail = 128
    assert not room.is_tight()
    room.keep_reserve()
    disk.f_bavail = 64
    assert not room.is_tight(), "what is reserved counts"


@pytest.mark.parametrize("harm", ["cut", "empty", "junk", "directory", "sparse"])
def test_a_damaged_reserve_is_made_anew(tmp_path, room, harm):
    path = tmp_path / "reserve"
    if harm == "directory":
        path.mkdir()
    elif harm == "sparse":
        with path.open("wb") as file:
            file.truncate(64 * KIB)
    else:
        path.write_bytes({"cut": b"x" * KIB, "empty": b"", "junk": b"junk" * KIB}[harm])
    room.keep_reserve()
    assert path.is_file()
    assert room.has_reserve()


def test_what_was_set_aside_goes_oldest_first(tmp_path, room):
    for at, file in enumerate(("b.db.damaged-0", "a.db.damaged-1")):
        (tmp_path / file).write_bytes(b"x")
        os.utime(tmp_path / file, (at, at))
    (tmp_path / "lock.damaged-0").mkdir()
    (tmp_path / "lock.damaged-0" / "inside").write_text("x")
    os.utime(tmp_path / "lock.damaged-0", (5, 5))
    assert [path.name for path in room.set_aside()] == ["b.db.damaged-0", "a.db.damaged-1", "lock.damaged-0"]
    for path in room.set_aside():
        room.delete_aside(path)
    assert room.set_aside() == []
