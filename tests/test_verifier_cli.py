"""Exit statuses and lines of `metertrail verify`."""

import json
from pathlib import Path

import archive_maker as maker
import pytest

from verifier import cli


@pytest.fixture
def files(tmp_path: Path) -> Path:
    made = maker.factory()
    (tmp_path / "good.zip").write_bytes(made.pack())
    (tmp_path / "trust.toml").write_bytes(made.trust())
    made.receipts = [b"forged"] * 30
    (tmp_path / "bad.zip").write_bytes(made.pack())
    (tmp_path / "junk.zip").write_bytes(b"junk")
    (tmp_path / "junk.toml").write_bytes(b'ledger = "zz"')
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["good.zip", "--trust", "trust.toml"], 0),
        (["bad.zip", "--trust", "trust.toml"], 1),
        (["bad.zip"], 1),
        (["junk.zip"], 2),
        (["nowhere.zip"], 2),
        (["good.zip", "--trust", "junk.toml"], 2),
        (["good.zip", "--trust", "nowhere.toml"], 2),
        ([], 2),
        (["good.zip"], 3),
        (["--help"], 0),
    ],
)
def test_the_exit_status_says_what_was_found(files: Path, monkeypatch: pytest.MonkeyPatch, arguments, status):
    monkeypatch.chdir(files)
    assert cli.main(arguments) == status


def test_one_line_a_check_and_the_verdict_last(files: Path, capsys: pytest.CaptureFixture[str]):
    cli.main([str(files / "good.zip")])
    lines = capsys.readouterr().out.splitlines()
    assert "ok   chain edge-1: 26 entries in 2 epochs, no gap" in lines
    assert all(line.startswith("ok   ") for line in lines[:-1])
    assert lines[-1].startswith("self-consistent: ")


def test_a_flood_of_failures_is_cut_and_json_gives_all(files: Path, capsys: pytest.CaptureFixture[str]):
    cli.main([str(files / "bad.zip")])
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("FAIL receipt number") for line in lines) == 20
    assert "FAIL receipt and 10 more: --json shows all" in lines
    cli.main([str(files / "bad.zip"), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "failed"
    assert sum(finding["standing"] == "failed" for finding in report["findings"]) == 30


def test_what_cannot_be_read_is_told_in_one_line(files: Path, capsys: pytest.CaptureFixture[str]):
    cli.main([str(files / "junk.zip")])
    assert capsys.readouterr().err == f"{files / 'junk.zip'}: archive: not a ZIP: File is not a zip file\n"
    cli.main([str(files / "good.zip"), "--trust", str(files / "junk.toml")])
    assert f"{files / 'junk.toml'}: ledger: 'zz': write 64 hexadecimal digits" in capsys.readouterr().err
