"""A file is read whole, or refused by its size before it is read."""

from pathlib import Path

import pytest

from contract.errors import TooLarge
from verifier import archive_file


def test_a_file_is_read_and_one_that_is_too_large_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.zip"
    path.write_bytes(b"12345")
    assert archive_file.data_of(path) == b"12345"
    monkeypatch.setattr(archive_file, "ARCHIVE_BYTES_MAX", 4)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    with pytest.raises(TooLarge, match="5 bytes; at most 4"):
        archive_file.data_of(path)


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        archive_file.data_of(tmp_path / "nowhere.zip")
