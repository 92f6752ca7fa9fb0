"""`metertrail sample`: what it prints for people and machines, and the mistakes it names."""

import hashlib
import json
from pathlib import Path

import archive_maker as maker
import pytest

from verifier import sample_cli


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all.zip").write_bytes(maker.factory().pack())
    (tmp_path / "none.zip").write_bytes(maker.opened().pack())
    (tmp_path / "junk.zip").write_bytes(b"junk")
    bent = maker.factory()
    bent.ledger[7][1] = bent.ledger[7][1][:-1] + b"\x00"
    (tmp_path / "bent.zip").write_bytes(bent.pack())
    return tmp_path


def test_a_reading_is_printed_with_all_that_is_needed_to_compare_it(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert sample_cli.main(["all.zip", "--count", "2", "--seed", "2026-12-01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"archive SHA-256 {hashlib.sha256((folder / 'all.zip').read_bytes()).hexdigest()}"
    assert lines[2] == "drawn   2 of 480 readings by the seed '2026-12-01'"
    assert [line.split()[0] for line in lines if line[0].isdigit()] == ["1.", "2."]
    told = "\n".join(lines)
    for words in (" leaf ", "proof ", "serial 1, at unit 1", " raw 0x", "asked 20", "profile: id = ", "compare: "):
        assert told.count(words) >= 2, words


@pytest.mark.usefixtures("folder")
def test_a_batch_is_printed_with_both_figures(capsys: pytest.CaptureFixture[str]):
    assert sample_cli.main(["all.zip", "--count", "2", "--seed", "x", "--of", "batches"]) == 0
    told = capsys.readouterr().out
    assert "batch L1-0001 of 'coil' on line1, complete" in told
    assert "line1/energy_import: signed 196000 mWh, recomputed 196000" in told
    assert "before: energy_import raw 0x000013d5, status 0x00000000, is 5077 Wh" in told


@pytest.mark.usefixtures("folder")
def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]):
    sample_cli.main(["all.zip", "--count", "3", "--seed", "x", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"archive", "kind", "seed", "population", "withheld", "size", "root", "drawn"}
    assert {tuple(one) for one in told["drawn"]} == {("number", "entry", "where", "leaf", "proof", "what")}
    sample_cli.main(["all.zip", "--count", "3", "--seed", "x", "--json"])
    assert json.loads(capsys.readouterr().out) == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["all.zip", "--count", "0", "--seed", "x"], "--count 0: draw 1 to 1000"),
        (["all.zip", "--count", "2", "--seed", " "], "--seed: give printable words"),
        (["all.zip", "--count", "2", "--seed", "a\nb"], "--seed: give printable words"),
        (["none.zip", "--count", "2", "--seed", "x"], "none.zip: it shows no readings: ask for an archive that does"),
        (["junk.zip", "--count", "2", "--seed", "x"], "junk.zip: archive: not a ZIP"),
        (["bent.zip", "--count", "2", "--seed", "x"], "bent.zip: body 7 edge-1 "),
        (["no.zip", "--count", "2", "--seed", "x"], "no.zip: No such file or directory: name a file"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str):
    assert sample_cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert captured.err.startswith(told)


def test_usage_is_told_with_status_2():
    assert sample_cli.main(["all.zip"]) == 2
    assert sample_cli.main(["--help"]) == 0
