"""Plain files on a disk that fails: every write, sync, rename and removal of the two modules that keep such files.

Each call fails once, in turn; then the same is done again, and nothing that was there before may be gone.
"""

import errno
import json
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel

from contract import checkpoint
from gateway import spool
from gateway.checkpoint_copy import CheckpointCopy
from simulators.ordeal import plain_files
from simulators.ordeal.disk import Disk


def disk_in(folder, seed=1):
    made = Disk((folder / "disk").resolve(), Random(seed))
    made.folder.mkdir(parents=True)
    return made


def test_files_are_as_ever_and_every_call_is_told(tmp_path):
    disk = disk_in(tmp_path)
    path = disk.folder / "a.txt"
    with plain_files.mounted(disk):
        path.write_text("电表\n", encoding="utf-8")
        with path.open("a", encoding="utf-8") as file:
            file.write("b")
        path.rename(disk.folder / "b.txt")
        assert (disk.folder / "b.txt").read_text(encoding="utf-8") == "电表\nb"
        (disk.folder / "b.txt").unlink()
        (tmp_path / "elsewhere").write_text("x")
    assert disk.calls == {"write": 2, "rename": 1, "delete": 1}
    assert not list(disk.folder.iterdir())


class Said(BaseModel):
    text: str


def filing(disk):
    """Leave a filing in the spool."""
    spool.leave(disk.folder, "said", Said(text="x" * 100), 1)


def count(disk, do):
    """How many calls that may fail there are."""
    with plain_files.mounted(disk):
        do(disk)
    return disk.calls.total() - disk.calls["read"]


def test_a_filing_is_left_whole_or_not_at_all_whichever_call_fails(tmp_path):
    calls = count(disk_in(tmp_path / "counted"), filing)
    assert calls >= 4  # it is written, synced, renamed, and the folder synced
    for number in range(calls):
        for error in (errno.EIO, errno.ENOSPC):
            disk = disk_in(tmp_path / f"{number}-{error}")
            disk.fail_in, disk.fail_with = number, error
            with plain_files.mounted(disk), pytest.raises(OSError, match="rror|space"):
                filing(disk)
            assert len(disk.struck) == 1
            with plain_files.mounted(disk):
                filing(disk)
            left = list((disk.folder / spool.FOLDER).iterdir())
            assert {path.suffix for path in left} == {".json"}
            assert all(json.loads(path.read_text())["says"] == {"text": "x" * 100} for path in left)


@pytest.mark.parametrize("seed", range(6))
def test_a_filing_that_was_left_survives_a_cut_and_one_under_way_is_whole_or_absent(tmp_path, seed):
    calls = count(disk_in(tmp_path / "counted"), filing)
    for number in range(calls + 1):
        disk = disk_in(tmp_path / f"{number}", seed)
        disk.stop_in = number
        with plain_files.mounted(disk):
            (disk.folder / spool.FOLDER).mkdir()
            try:
                filing(disk)
            except OSError:
                returned = False
            else:
                returned = True
        disk.start()
        disk.cut()
        left = [path for path in (disk.folder / spool.FOLDER).iterdir() if path.suffix == ".json"]
        assert len(left) == 1 if returned else len(left) <= 1
        assert all(json.loads(path.read_text())["says"] == {"text": "x" * 100} for path in left)
        assert returned == (number == calls)


KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def note(size):
    return checkpoint.sign(checkpoint.Checkpoint("metertrail/works", size, bytes([size]) * 32), KEY)


def copied(disk):
    """Keep a first note and a second."""
    for size in (1, 2):
        copy = CheckpointCopy(disk.folder / "copy" / "checkpoints.txt")
        copy.add(note(size), 0)


def last(disk):
    found = CheckpointCopy(disk.folder / "copy" / "checkpoints.txt").last(KEY.public_key())
    return checkpoint.parse(found).size if found else 0


def test_a_copied_checkpoint_stays_whichever_call_fails(tmp_path):
    calls = count(disk_in(tmp_path / "counted"), copied)
    assert calls >= 5
    for number in range(calls):
        disk = disk_in(tmp_path / f"{number}")
        disk.fail_in = number
        with plain_files.mounted(disk), pytest.raises(OSError, match="rror"):
            copied(disk)
        before = last(disk)
        with plain_files.mounted(disk):
            CheckpointCopy(disk.folder / "copy" / "checkpoints.txt").add(note(3), 0)
        assert before in {0, 1, 2}
        assert last(disk) == 3


@pytest.mark.parametrize("seed", range(8))
def test_a_copied_checkpoint_survives_a_cut_whenever_it_comes(tmp_path, seed):
    calls = count(disk_in(tmp_path / "counted"), copied)
    for number in range(calls + 1):
        disk = disk_in(tmp_path / f"{number}", seed)
        disk.stop_in = number
        done = 0
        with plain_files.mounted(disk):
            try:
                for size in (1, 2):
                    CheckpointCopy(disk.folder / "copy" / "checkpoints.txt").add(note(size), 0)
                    done = size
            except OSError:
                pass
        disk.start()
        disk.cut()
        assert last(disk) in {done, done + 1}
