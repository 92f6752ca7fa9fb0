"""A file and a folder are both waited for, and their descriptors given back whatever the disk says."""

import os
from pathlib import Path

import pytest

from gateway.to_disk import to_disk


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_and_a_folder_are_waited_for(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"words")
    synced, before = [], descriptors()
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(Path(f"/proc/self/fd/{number}").readlink()))
    to_disk(tmp_path / "file")
    to_disk(tmp_path)
    assert synced == [tmp_path / "file", tmp_path]
    assert descriptors() == before


def test_a_disk_that_fails_is_told(tmp_path, monkeypatch):
    def failing(_descriptor):
        raise OSError(5, "Input/output error")

    before = descriptors()
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output error"):
        to_disk(tmp_path)
    assert descriptors() == before
