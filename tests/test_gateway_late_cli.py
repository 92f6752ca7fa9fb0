"""`metertrail batch`: from words or a list to entries that verify, and every mistake told before anything is taken."""

import json
import re

import archive_maker as maker
import pytest
from test_gateway_export_cli import PERIOD, works

from gateway import export_cli, late_cli, manual_cli
from gateway.ledger import Ledger
from verifier import archive, cli

__all__ = ["works"]  # the fixture

ADD = [
    "add", "--line", "line1", "--batch", "L1-0003", "--product", "coil", "--start", "2023-11-15T06:27:30", "--end",
    "2023-11-14T22:30:50Z", "--edge-s", "2", "--author", "Li", "--reason", "the controller was off",
]  # fmt: skip
HEAD = "line,batch,product,start,end,author,reason,edge_s\n"
ROW = "line1,L1-0003,coil,2023-11-15T06:27:30,2023-11-15T06:30:50,Li,controller off,2\n"
SECOND = "line1,L1-0004,plate,2023-11-15T06:31:00,2023-11-15T06:33:30,Li,controller off,2\n"
SIZE = 32


@pytest.fixture
def run(works, monkeypatch, capsys):
    """Run the command in the gateway's folder: (status, what it said, what it complained of)."""
    monkeypatch.chdir(works)

    def running(*words):
        status = late_cli.main(["gateway.toml", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return running


def size(folder):
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", maker.SITE)
    try:
        return ledger.size, [entry.type for entry in ledger.entries(SIZE)]
    finally:
        ledger.close()


def test_one_batch_is_in_the_ledger_and_verifies(run, works, capsys):
    status, out, err = run(*ADD)
    assert (status, err) == (0, "")
    assert re.fullmatch(r"L1-0003 on line1: \d+\.\d{3} kWh, complete: entry \d+ of the ledger\n", out)
    assert size(works)[1].count("late_batch") == 1
    assert export_cli.main([*PERIOD, "--out", "a.zip", "gateway.toml"]) == 0
    assert cli.main(["a.zip", "--trust", "trust.toml"]) == 0
    assert "1 batches told late, 1 of them in the period" in capsys.readouterr().out


def test_what_the_ledger_refuses_is_one_line_and_leaves_nothing(run, works):
    assert run(*ADD)[0] == 0
    before = size(works)[1].count("late_batch")
    status, _, err = run(*ADD)
    assert status == 1
    assert err.startswith("start: overlaps batch L1-0003 (entry ")
    assert size(works)[1].count("late_batch") == before == 1
    assert not list((works / "data" / "spool").glob("*.json"))


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ([*ADD[:-2], "--reason", ""], 2, "reason: missing: give it"),
        (
            [word if word != "2" else "two" for word in ADD],
            2,
            "edge_s: 'two': write seconds from 0 to 86400, such as 60",
        ),
        (["add"], 2, "the following arguments are required: --line"),
        (["import", "nowhere.csv"], 2, "nowhere.csv: No such file or directory: name a file that can be used\n"),
        (["import", "."], 2, ".: Is a directory: name a file that can be used\n"),
        (["import", "t.csv", "--template"], 2, "t.csv: a template is an Excel workbook: call it t.xlsx"),
    ],
)
def test_mistakes_are_told_and_take_nothing(run, works, words, status, told):
    found, _, err = run(*words)
    assert found == status
    assert told in err
    assert size(works)[0] == SIZE


def test_a_batchs_name_adds_no_line(run):
    status, out, _ = run(*[word if word != "L1-0003" else "L1\nL2: entry 7" for word in ADD])
    assert (status, out.count("\n")) == (0, 1)
    assert out.startswith("L1?L2: entry 7 on line1: ")


def test_a_list_is_told_of_first_and_then_taken_whole(run, works):
    (works / "may.csv").write_text(HEAD + ROW)
    status, out, _ = run("import", "may.csv", "--dry-run")
    assert status == 0
    assert "row 2: L1-0003 on line1: 0.140 kWh, complete" in out
    assert size(works)[0] == SIZE
    status, out, err = run("import", "may.csv")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].startswith("may.csv: row 2: entry ")
    assert size(works)[1].count("late_batch") == 1


def test_nothing_of_a_list_is_taken_if_one_row_is_wrong(run, works):
    (works / "may.csv").write_text(HEAD + ROW + SECOND + ROW.replace("L1-0003", "B9").replace("line1", "line9"))
    status, _, err = run("import", "may.csv")
    assert status == 1
    early, strange = err.splitlines()
    assert early.startswith("may.csv: row 3, column end: what it needs may still come (line1/energy_import: no reading")
    assert strange == "may.csv: row 4, column line: 'line9' is not in the site model: did you mean line1?"
    assert size(works)[0] == SIZE


def test_the_template_is_written_once(run, works):
    assert run("import", "t.xlsx", "--template")[0] == 0
    assert (works / "t.xlsx").read_bytes().startswith(b"PK")
    assert run("import", "t.xlsx", "--template")[2] == "t.xlsx: exists already: choose another name\n"


def test_one_told_in_error_is_taken_back_by_an_amendment(run, works):
    assert run(*ADD)[0] == 0
    taken_back = ["--batch", "edge-1/line1/L1-0003", "--to", "unknown", "--author", "Li", "--reason", "it never ran"]
    assert manual_cli.main(["gateway.toml", "amend", *taken_back]) == 0
    assert export_cli.main([*PERIOD, "--out", "a.zip", "gateway.toml"]) == 0
    said = json.loads(archive.read((works / "a.zip").read_bytes()).statement)
    assert [(one["batch"], one["reason"]) for one in said["excluded"]] == [("L1-0003", "good output not known")]
    assert [(one["batch"], one["author"]) for one in said["late"]] == [("L1-0003", "Li")]
    assert cli.main(["a.zip", "--trust", "trust.toml"]) == 0
