"""Files with secrets: read by their owner alone, or refused in one line that says what to do."""

import pytest

from agent.private_file import read, read_private


def test_a_private_file_is_read(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"word")
    path.chmod(0o600)
    assert read_private(path, "make one", "password") == b"word"
    path.chmod(0o644)
    assert read(path, "make one") == b"word"
    with pytest.raises(ValueError, match=rf"^{path}: others can read this password: run `chmod 600 {path}`$"):
        read_private(path, "make one", "password")


def test_a_missing_file_is_one_line_with_its_hint(tmp_path):
    path = tmp_path / "nowhere"
    for reading in (lambda: read(path, "make one"), lambda: read_private(path, "make one", "key")):
        with pytest.raises(ValueError, match=rf"^{path}: No such file or directory: make one$"):
            reading()
