"""The command from words to a signed entry, its picture kept; a mistake is one line and leaves nothing."""

import hashlib
import json

import archive_maker as maker
import pytest
from gateway_folder import Folder
from test_gateway_app import running
from test_gateway_export_cli import PERIOD, works

from contract import body, records
from contract.manual_records import InvoicePart, QuantityPart, ReadingPart
from gateway import export_cli, manual_cli
from gateway.database import sqlite_url
from gateway.ledger import Ledger
from gateway.spool import ALL_TIME, FOLDER, REFUSED
from gateway.trust import shown_parts
from verifier import archive
from verifier import cli as verifier_cli

__all__ = ["works"]

BY = ["--author", "Li Wei", "--reason", "meter offline"]
BATCH = "edge-1/line1/L1-0001"
COUNTER = "edge-1/line1/energy_import"


def run(works, *words):
    return manual_cli.main([str(works / "gateway.toml"), *words, *BY])


def filed(works, kind):
    ledger = Ledger.open(sqlite_url(works / "ledger.db"), maker.SITE)
    try:
        return [part for e in ledger.select([kind], *ALL_TIME) for part in shown_parts(body.unpack(e.body))]
    finally:
        ledger.close()


def test_a_reading_with_its_picture(works, capsys):
    picture = works / "display.JPG"
    picture.write_bytes(b"a picture")
    words = ["--counter", COUNTER, "--value", "5.6 kWh", "--at", "2023-11-15T06:20", "--picture", str(picture)]
    assert run(works, "reading", *words) == 0
    assert "reading: entry " in capsys.readouterr().out
    (read,) = [records.read(part, ReadingPart) for part in filed(works, "manual")]
    digest = hashlib.sha256(b"a picture").digest()
    assert (read.value, read.picture) == (5_600_000, digest)
    assert read.latest_ns - read.earliest_ns == 60 * maker.S
    assert read.earliest_ns == 1_700_000_400 * maker.S  # 06:20 in +08:00 is 22:20 UTC the day before
    assert (works / "documents" / f"{digest.hex()}.JPG").read_bytes() == b"a picture"


def test_export_and_verify_tell_what_the_cross_checks_found(works, capsys):
    assert run(works, "reading", "--counter", COUNTER, "--value", "9.9 kWh", "--at", "2023-11-15T06:20") == 0
    out = works / "a.zip"
    assert export_cli.main([*PERIOD, "--out", str(out), str(works / "gateway.toml")]) == 0
    remark = f"hand reading of {COUNTER}, 9.9 kWh, entry "
    assert remark in capsys.readouterr().out
    assert verifier_cli.main([str(out), "--trust", str(works / "trust.toml")]) == 0
    assert f"ok   beside {remark}" in capsys.readouterr().out


def test_an_invoice(works):
    words = ["--supplier", "Grid", "--number", "7", "--carrier", "electricity", "--amount", "5 kWh"]
    period = ["--from", "2023-11-01T00:00", "--to", "2023-12-01T00:00"]
    assert run(works, "invoice", *words, *period, "--counter", COUNTER, "--counter", "edge-1/comp1/energy_import") == 0
    (billed,) = [records.read(part, InvoicePart) for part in filed(works, "manual")]
    assert [place.meter for place in billed.counters] == ["line1", "comp1"]
    assert billed.to_ns - billed.from_ns == 30 * 86400 * maker.S


def test_a_quantity_measured_with_an_instrument_is_metered(works):
    assert run(works, "quantity", "--batch", BATCH, "--amount", "90 kg", "--instrument", "scale 3") == 0
    assert run(works, "quantity", "--batch", BATCH, "--amount", "2 kg", "--role", "scrap") == 0
    told = [records.read(part, QuantityPart) for part in filed(works, "quantity")]
    assert [(one.role, one.method, one.instrument) for one in told] == [
        ("good", "metered", "scale 3"),
        ("scrap", "reported", None),
    ]


def test_an_amendment_is_in_the_next_statement(works, capsys):
    assert run(works, "amend", "--batch", BATCH, "--to", "80 kg") == 0
    out = works / "a.zip"
    assert export_cli.main([*PERIOD, "--out", str(out), str(works / "gateway.toml")]) == 0
    said = json.loads(archive.read(out.read_bytes()).statement)
    assert said["products"][0]["good_g_milli"] == 80_000_000
    assert (said["by_hand"][0]["author"], said["by_hand"][0]["reason"]) == ("Li Wei", "meter offline")
    assert verifier_cli.main([str(out), "--trust", str(works / "trust.toml")]) == 0
    assert "ok   manual 1 records by hand" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (["quantity", "--batch", "L1-0001", "--amount", "90 kg"], 2, "write AGENT/LINE/BATCH"),
        (["quantity", "--batch", f"{BATCH}9", "--amount", "90 kg"], 1, "not in the ledger yet"),
        (["quantity", "--batch", BATCH, "--amount", "90"], 1, "--amount: '90': write a number"),
        (
            ["quantity", "--batch", BATCH, "--amount", "90 kg", "--evidence", "none.pdf"],
            2,
            "none.pdf: No such file or directory: name",
        ),
        (["quantity", "--batch", BATCH, "--amount", "90 kg", "--evidence", "."], 2, ".: Is a directory: name"),
        (["amend", "--to", "80 kg"], 2, "give either --batch AGENT/LINE/BATCH or --entry INDEX"),
        (["amend", "--batch", BATCH, "--to", "80 kWh"], 1, "--to: '80 kWh' cannot replace"),
        (["reading", "--counter", COUNTER, "--value", "5 kWh", "--at", "noon"], 2, "--at: 'noon' is not a time"),
        (
            ["reading", "--counter", COUNTER, "--value", "5 kWh", "--at", "2023-11-15", "--within", "-1"],
            2,
            "--within -1",
        ),
        (["reading", "--counter", COUNTER, "--value", "5 kWh", "--at", "2099-11-15"], 1, "has not passed yet"),
        (["amend", "--entry", "9" * 20, "--to", "80 kg"], 2, "entry: 999"),
        (["reading", "--counter", COUNTER, "--value", "5 kWh", "--at", "2023-11-15", "--multiplier", "0"], 2, "multi"),
        (["quantity"], 2, "--batch"),
        (["nothing"], 2, "invalid choice"),
    ],
)
def test_a_mistake_is_told_and_leaves_nothing(works, capsys, words, status, why):
    assert run(works, *words) == status
    told = capsys.readouterr().err
    assert why in told
    assert status == 2 or told.count("\n") == 1
    assert filed(works, "quantity") + filed(works, "manual") + filed(works, "amendment") == []
    assert not list((works / FOLDER).glob("*.json"))


def test_a_running_gateway_takes_it_up(tmp_path, capsys):
    folder = Folder(tmp_path)
    with running(folder):
        assert run(tmp_path, "quantity", "--batch", BATCH, "--amount", "90 kg") == 1
    assert "batch 'L1-0001' of edge-1/line1: not in the ledger yet" in capsys.readouterr().err
    assert len(list((tmp_path / "data" / FOLDER / REFUSED).glob("*.json"))) == 1
