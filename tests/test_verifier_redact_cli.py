"""`metertrail redact`: a copy is written once, the original stays, and every mistake is one line."""

import hashlib
from pathlib import Path

import archive_maker as maker
import pytest

from verifier import cli, redact_cli


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all.zip").write_bytes(maker.factory().pack())
    (tmp_path / "junk.zip").write_bytes(b"junk")
    return tmp_path


def test_a_copy_is_written_and_verifies_as_incomplete(folder: Path, capsys: pytest.CaptureFixture[str]):
    before = (folder / "all.zip").read_bytes()
    assert redact_cli.main(["all.zip", "--out", "copy.zip", "--tier", "public"]) == 0
    copy = (folder / "copy.zip").read_bytes()
    digest = hashlib.sha256(copy).hexdigest()
    # 20 segments, 2 batches, 2 events; 8 parts of each of 2 manifests but the author's: 3 profiles, 4 meters, a line
    assert capsys.readouterr().out == f"copy.zip: 24 bodies and 16 parts of others withheld; SHA-256 {digest}\n"
    assert ((folder / "all.zip").read_bytes(), len(copy) < len(before)) == (before, True)
    assert cli.main(["copy.zip"]) == 4
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "incomplete: nothing that is shown contradicts, but what the lines LACK name is withheld"
    assert (
        "ok   withheld 24 bodies, and 16 parts of others: batch 2 whole, 0 parts; event 2 whole, 0 parts; "
        in "".join(lines)
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["all.zip", "--out", "copy.zip"], "nothing to withhold: give --tier public"),
        (["all.zip", "--out", "junk.zip", "--tier", "public"], "junk.zip: exists already: name another file"),
        (["junk.zip", "--out", "copy.zip", "--tier", "public"], "junk.zip: archive: not a ZIP"),
        (["no.zip", "--out", "copy.zip", "--tier", "public"], "no.zip: No such file or directory: name a file"),
        (["all.zip", "--out", "no/copy.zip", "--tier", "public"], "no/copy.zip: No such file or directory: name"),
        (["all.zip", "--out", "copy.zip", "--keep", "coil"], "all.zip: the statement shows 'plate' as well"),
        (["all.zip", "--out", "copy.zip", "--withhold", "x"], "all.zip: 'x' is no meter of this archive: use one of "),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str], arguments, told):
    assert redact_cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert captured.err.startswith(told)
    assert not (folder / "copy.zip").exists()


def test_usage_is_told_with_status_2():
    assert redact_cli.main([]) == 2
    assert redact_cli.main(["--help"]) == 0
