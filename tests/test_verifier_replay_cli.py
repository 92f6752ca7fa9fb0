"""`metertrail replay`: lines, JSON, exit status, and a bar only where someone looks."""

import io
import json
from pathlib import Path

import archive_maker as maker
import pytest
from archive_maker import AGENT, index_of

from contract import cbor
from verifier import replay_cli

PERIOD = ["--from", "2023-11-14T22:00+00:00", "--to", "2023-11-15T08:00+08:00"]  # T0 is 2023-11-14T22:13:20Z


@pytest.fixture
def good(tmp_path: Path) -> Path:
    (tmp_path / "good.zip").write_bytes(maker.factory().pack())
    return tmp_path / "good.zip"


def test_each_amount_is_printed_signed_beside_recomputed(good, capsys):
    assert replay_cli.main([str(good), *PERIOD]) == 0
    printed = capsys.readouterr()
    first, *_, last = printed.out.splitlines()
    told = "196000 mWh (181000 to 211000) ± not known"
    assert first == f"ok   L1-0001 line1/energy_import signed {told}, recomputed {told}"
    assert last == "2 batches recomputed: all equal"
    assert len(printed.out.splitlines()) == 5
    assert printed.err == ""


def test_what_is_missing_fails(tmp_path, capsys):
    made = maker.factory()
    made.ledger[index_of(made, AGENT, "segment", 4)][1] += b"x"
    (tmp_path / "bent.zip").write_bytes(made.pack())
    assert replay_cli.main([str(tmp_path / "bent.zip"), *PERIOD]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAIL body ")
    assert lines[-1] == "2 batches recomputed: 1 differ"
    assert any(line.startswith("FAIL L1-0001") for line in lines)


def test_entries_alone_are_enough(good, tmp_path, capsys):
    (tmp_path / "packed").write_bytes(maker.factory().members()["entries.cborseq"])
    assert replay_cli.main([str(tmp_path / "packed"), *PERIOD]) == 0
    alone = capsys.readouterr().out
    replay_cli.main([str(good), *PERIOD])
    assert alone == capsys.readouterr().out


def test_json_holds_every_figure_of_both(good, capsys):
    assert replay_cli.main([str(good), *PERIOD, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["batches"], told["unreadable"], len(told["rows"])) == (2, [], 4)
    row = told["rows"][0]
    assert (row["meter"], row["role"], row["unit"], row["faults"]) == ("line1", "energy", "wh_milli", [])
    assert row["signed"]["upper"] == row["recomputed"]["upper"] == 211_000


def test_a_period_without_a_batch_says_so(good, capsys):
    assert replay_cli.main([str(good), "--from", "2020-01-01T00:00Z", "--to", "2020-01-02T00:00Z"]) == 0
    assert capsys.readouterr().out == "no batch record touches the period\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--from", "soon", "--to", "2020-01-02T00:00Z"], "--from soon: is not a time: write it as"),
        (
            ["--from", "2020-01-01T00:00", "--to", "2020-01-02T00:00Z"],
            "--from 2020-01-01T00:00: has no offset from UTC",
        ),
        (["--from", "2020-01-02T00:00Z", "--to", "2020-01-02T00:00Z"], "--to 2020-01-02T00:00Z: not after --from"),
    ],
    ids=["word", "local", "empty"],
)
def test_a_period_that_is_none_is_refused(good, capsys, words, told):
    assert replay_cli.main([str(good), *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith(told)
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", [None, b"", b"PK junk", cbor.encode([1, 2]), b"\x83"])
def test_a_file_that_is_no_source_is_refused(tmp_path, capsys, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert replay_cli.main([str(path), *PERIOD]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"{path}: ")
    assert err.count("\n") == 1


def test_usage_is_two(capsys):
    assert replay_cli.main([]) == 2
    assert "--from" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_drawn_on_a_terminal_and_wiped(good, capsys, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    replay_cli.main([str(good), *PERIOD])
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert drawn == ["", replay_cli.bar(1, 2), replay_cli.bar(2, 2), ""]
    assert replay_cli.bar(1, 2) == f"[{'#' * 12}{'.' * 12}]  50 %"
    assert capsys.readouterr().out.endswith("all equal\n")
