"""Exit statuses and lines of `metertrail verify`."""

import json
import re
from pathlib import Path

import archive_maker as maker
import pytest

from verifier import cli

PAGE = (Path(__file__).parent.parent / "docs/verifier.md").read_text(encoding="utf-8")


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


def paths(value: object, path: str = "") -> set[str]:
    """Where a JSON value holds something that is neither a list nor an object."""
    if isinstance(value, list):
        return {found for one in value for found in paths(one, f"{path}[]")}
    if isinstance(value, dict):
        return {found for key, one in value.items() for found in paths(one, f"{path}.{key}")}
    return {path}


def test_json_has_the_keys_of_the_page_and_no_others(files: Path, capsys: pytest.CaptureFixture[str]):
    table = (PAGE.partition("| key | what it holds |\n")[2]).partition("\n\n")[0]
    named = {key for row in table.splitlines()[1:] for key in re.findall(r"`([\w.\[\]]+)`", row.split(" | ")[0])}
    cli.main([str(files / "good.zip"), "--json"])
    report = json.loads(capsys.readouterr().out)
    report["findings"] = [one for one in report["findings"] if "told" not in one or one["check"] == "trace"]
    assert paths(report) == named
    assert {one["standing"] for one in report["findings"]} == {"ok"}


def test_the_pages_three_lines_are_a_verifier(files: Path, capsys: pytest.CaptureFixture[str]):
    ((code,),) = [re.findall(r"^```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]
    assert len(code.splitlines()) == 3
    trusted = (files / "trust.toml").read_bytes()
    exec(code, {"data": (files / "good.zip").read_bytes(), "trusted": trusted})
    assert capsys.readouterr().out == "pinned []\n"
    exec(code, {"data": (files / "bad.zip").read_bytes(), "trusted": trusted})
    assert capsys.readouterr().out.startswith("failed ['FAIL receipt number 0: ")
