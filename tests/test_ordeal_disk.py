"""A disk that keeps what was synced, and loses or tears what was not."""

import errno
from random import Random

import pytest

from simulators.ordeal.disk import SECTOR, Cut, Disk, Name, Write, let_go


def disk(folder, seed=1):
    return Disk(folder, Random(seed))


def write(made, path, offset, data):
    """What a program does, and what the disk is told of it."""
    there = path.read_bytes() if path.exists() else b""
    made.wrote(str(path), Write(offset, data, there[offset : offset + len(data)], len(there)))
    path.write_bytes(there.ljust(offset, b"\0")[:offset] + data + there[offset + len(data) :])


def left(folder, seed):
    """What a cut leaves of a file of two sectors, over which four were written without a sync."""
    path = folder / f"{seed}.db"
    path.write_bytes(b"a" * 2 * SECTOR)
    made = disk(folder, seed)
    write(made, path, 0, b"b" * 4 * SECTOR)
    made.cut()
    return path.read_bytes()


def test_what_was_not_synced_is_kept_lost_or_torn_by_whole_sectors(tmp_path):
    found = {left(tmp_path, seed) for seed in range(60)}
    assert b"a" * 2 * SECTOR in found
    assert b"b" * 4 * SECTOR in found
    torn = found - {b"a" * 2 * SECTOR, b"b" * 4 * SECTOR}
    assert len(torn) > 3
    for file in torn:
        sectors = [file[at : at + SECTOR] for at in range(0, len(file), SECTOR)]
        assert all(len(set(sector)) == 1 for sector in sectors)
        assert all(sector[:1] in b"ab" for sector in sectors[:2])
        assert all(sector[:1] in b"\0b" for sector in sectors[2:])


@pytest.mark.parametrize("seed", range(10))
def test_what_was_synced_stays(tmp_path, seed):
    path, made = tmp_path / "a", disk(tmp_path, seed)
    write(made, path, 0, b"x" * 2000)
    made.synced(str(path))
    made.cut()
    assert path.read_bytes() == b"x" * 2000


def test_a_write_over_a_part_of_a_sector_leaves_the_rest_alone(tmp_path):
    for seed in range(30):
        path, made = tmp_path / f"{seed}", disk(tmp_path, seed)
        path.write_bytes(b"a" * 2000)
        write(made, path, 100, b"b" * 1000)
        made.cut()
        file = path.read_bytes()
        assert (file[:100], file[1100:], len(file)) == (b"a" * 100, b"a" * 900, 2000)


def test_a_file_made_shorter_may_be_as_long_as_before(tmp_path):
    found = set()
    for seed in range(30):
        path, made = tmp_path / f"{seed}", disk(tmp_path, seed)
        path.write_bytes(b"ab")
        made.truncated(str(path), Cut(1, b"b"))
        path.write_bytes(b"a")
        made.cut()
        found.add(path.read_bytes())
    assert found == {b"a", b"ab"}


def test_what_a_failed_sync_was_to_write_is_lost_unless_it_is_written_again(tmp_path):
    for seed in range(10):
        path, made = tmp_path / f"{seed}", disk(tmp_path, seed)
        path.write_bytes(b"a" * 2 * SECTOR)
        write(made, path, 0, b"b" * SECTOR)
        write(made, path, SECTOR, b"b" * SECTOR)
        made.fail_in = 0
        with pytest.raises(OSError, match="error"):
            made.call("sync", str(path))
        write(made, path, SECTOR, b"c" * SECTOR)
        write(made, path, 2 * SECTOR, b"d" * SECTOR)
        made.call("sync", str(path))
        made.synced(str(path))
        made.cut()
        assert path.read_bytes() == b"a" * SECTOR + b"c" * SECTOR + b"d" * SECTOR


def test_names_not_synced_are_kept_up_to_one_of_them(tmp_path):
    """Made, changed, removed: what is found after a cut is what was there at one moment."""
    found = set()
    for seed in range(60):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        made = disk(folder, seed)
        (folder / "old").write_bytes(b"old")
        (folder / "new").write_bytes(b"new")
        made.created(str(folder / "new"))
        (folder / "new").rename(folder / "old")
        made.renamed(str(folder / "new"), str(folder / "old"), b"old")
        (folder / "old").unlink()
        made.deleted(str(folder / "old"), b"new")
        made.cut()
        found.add(tuple(sorted((path.name, path.read_bytes()) for path in folder.iterdir())))
    assert found == {
        (("old", b"old"),),
        (("new", b"new"), ("old", b"old")),
        (("old", b"new"),),
        (),
    }


def test_names_that_were_synced_stay_and_shared_memory_goes(tmp_path):
    for seed in range(10):
        made = disk(tmp_path, seed)
        (tmp_path / "a").write_bytes(b"")
        made.created(str(tmp_path / "a"))
        assert made.names == {str(tmp_path): [Name(None, str(tmp_path / "a"))]}
        made.names_synced(str(tmp_path))
        (tmp_path / "a-shm").write_bytes(b"")
        made.cut()
        assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_one_call_fails_once(tmp_path):
    made = disk(tmp_path)
    made.fail_in, made.fail_with = 2, errno.ENOSPC
    made.call("write", "a")
    made.call("read", "a")
    made.call("sync", "a")
    with pytest.raises(OSError, match="No space left") as raised:
        made.call("write", "b")
    assert raised.value.errno == errno.ENOSPC
    made.call("write", "b")
    assert made.struck == ["write b"]
    assert made.calls == {"write": 3, "read": 1, "sync": 1}


def test_only_calls_of_a_kind_fail_where_asked(tmp_path):
    made = disk(tmp_path)
    made.fail_in, made.fail_only = 0, frozenset(("read",))
    made.call("write", "a")
    with pytest.raises(OSError, match="error"):
        made.call("read", "a")


def test_from_a_stop_on_every_call_fails(tmp_path):
    made = disk(tmp_path)
    made.stop_in = 1
    made.call("write", "a")
    for _ in range(3):
        with pytest.raises(OSError, match="error|off"):
            made.call("write", "a")
    made.start()
    made.call("write", "a")


def test_what_a_dead_process_had_open_is_closed(tmp_path):
    made = disk(tmp_path.resolve())
    files = [(tmp_path / "lock").open("w")]
    let_go(made)
    with pytest.raises(OSError, match="Bad file descriptor"):
        files.pop().close()
    database = (tmp_path / "open.db").open("w")
    with pytest.raises(RuntimeError, match="still open"):
        let_go(made)
    database.close()
