"""The command from a configuration to an archive that verifies; every mistake is one line and leaves no trace."""

import json
import os
import time
from pathlib import Path

import archive_maker as maker
import pytest
import witnesses
from archive_maker import AGENT, GATEWAY
from doc_makers import outsider
from test_gateway_export import Sealer
from test_gateway_witness import witnessing
from time_stamper import TimeStamper
from web_stub import serving

from contract import keys
from contract.zone import zone_of
from gateway import export_cli
from gateway.ledger import Ledger
from verifier import cli

PERIOD = ["--from", "2023-11-14T22:14:20+00:00", "--to", "2023-11-15T06:31:40"]  # T0 + 60 s; T0 + 1100 s in +08:00


@pytest.fixture
def works(tmp_path: Path) -> Path:
    """A gateway's folder with a ledger that holds the factory."""
    made = maker.opened()
    maker.produced(made)
    sealed = Sealer(made, tmp_path)
    sealed.ledger.close()
    for name, key in (("gateway", made.private[GATEWAY]), ("ledger", made.ledger_key)):
        (tmp_path / f"{name}.pem").write_bytes(keys.private_to_pem(key))
    (tmp_path / "password").write_text("secret\n")
    for name in ("gateway.pem", "ledger.pem", "password"):
        (tmp_path / name).chmod(0o600)
    (tmp_path / "edge.pub.pem").write_bytes(keys.public_to_pem(made.private[AGENT].public_key()))
    (tmp_path / "site.toml").write_bytes(maker.SITE_TOML)
    (tmp_path / "factors.toml").write_bytes(maker.FACTOR_TOML)
    (tmp_path / "trust.toml").write_bytes(made.trust())
    (tmp_path / "gateway.toml").write_text(f"""
site = "site.toml"
factors = ["factors.toml"]
[gateway]
site = "works"
data = "."
key = "gateway.pem"
ledger_key = "ledger.pem"
database = "sqlite:///{tmp_path / "ledger.db"}"
[mqtt]
password_file = "password"
[[agent]]
name = "edge-1"
key = "edge.pub.pem"
""")
    return tmp_path


def test_the_archive_of_a_closed_period_verifies_as_pinned(works: Path, capsys: pytest.CaptureFixture[str]):
    out = works / "coil.zip"
    assert export_cli.main([*PERIOD, "--product", "coil", "--out", str(out), str(works / "gateway.toml")]) == 0
    assert f"metertrail verify {out}" in capsys.readouterr().out
    assert cli.main([str(out), "--trust", str(works / "trust.toml")]) == 0
    said = capsys.readouterr().out
    assert "ok   chain gateway: 8 entries in 2 epochs, no gap" in said
    assert "pinned" in said


def anchored_by(works: Path, witness_url: str, stamps_url: str) -> Path:
    """The configuration with both kinds of outsiders, and a trust file that knows them."""
    trusting = witnesses.TRUSTING + '[[timestamp_authority]]\nname = "stamps"\ncertificate = "tsa/root.pem"\n'
    (works / "w1.pub.pem").write_bytes(keys.public_to_pem(witnesses.KEY.public_key()))
    (works / "trust.toml").write_bytes((works / "trust.toml").read_bytes() + f"\n{trusting}".encode())
    path = works / "gateway.toml"
    path.write_text(
        path.read_text() + f'[[witness]]\nname = "{witnesses.NAME}"\nkey = "w1.pub.pem"\nurl = "{witness_url}"\n'
        f'[[timestamp]]\nname = "stamps"\nurl = "{stamps_url}"\ncertificate = "tsa/root.pem"\n'
    )
    return path


def test_an_export_is_shown_to_outsiders_and_verifies_as_anchored(need, works, capsys):
    need("openssl")
    stamper = TimeStamper(works / "tsa")
    ledger_key = keys.private_from_pem((works / "ledger.pem").read_bytes()).public_key()
    with witnessing(works, ledger_key) as witness_url, serving(stamper.web_answer) as stub:
        path = anchored_by(works, witness_url, stub.url)
        assert export_cli.main([*PERIOD, "--out", str(works / "all.zip"), str(path)]) == 0
    assert cli.main([str(works / "all.zip"), "--trust", str(works / "trust.toml"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))
    assert report["verdict"] == "anchored"
    assert {one["text"].split(":")[0] for one in report["findings"] if one["check"] == "anchor"} == {
        witnesses.NAME, "stamps"
    }  # fmt: skip
    run = next(one["told"] for one in report["findings"] if one["check"] == "time" and " run: " in one["text"])
    assert run["not_after_by"] == witnesses.NAME  # its clock stands in 2023, the authority's is today's
    assert run["not_before_ns"] is None


def test_outsiders_that_do_not_answer_keep_no_archive_back(works, capsys):
    (works / "tsa").mkdir()
    (works / "tsa" / "root.pem").write_bytes(outsider("root.pem"))
    path = anchored_by(works, "http://127.0.0.1:1/", "http://127.0.0.1:1/")
    assert export_cli.main([*PERIOD, "--out", str(works / "all.zip"), str(path)]) == 0
    told = capsys.readouterr().err.splitlines()
    assert {line.split(":")[0] for line in told} == {f"not anchored by {witnesses.NAME}", "not anchored by stamps"}
    assert cli.main([str(works / "all.zip"), "--trust", str(works / "trust.toml")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("pinned")


def test_a_running_gateway_keeps_the_ledger(works: Path, capsys: pytest.CaptureFixture[str]):
    key = keys.private_from_pem((works / "ledger.pem").read_bytes())
    held = Ledger.open(f"sqlite:///{works / 'ledger.db'}", maker.SITE, key)
    size = held.size
    assert export_cli.main([*PERIOD, "--out", str(works / "a.zip"), str(works / "gateway.toml")]) == 1
    assert capsys.readouterr().err.endswith("writes this ledger: stop it first, export, and start it again\n")
    assert held.size == size
    held.close()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--from", "soon", "--to", "2023-11-15", "--out", "a.zip"], 2, "'soon' is not a time"),
        (["--from", "2023-11-15", "--to", "2023-11-14", "--out", "a.zip"], 2, "not after --from"),
        ([*PERIOD, "--out", "nowhere/a.zip"], 2, "its folder does not exist"),
        ([*PERIOD, "--out", "site.toml"], 2, "exists already"),
        ([*PERIOD, "--out", "a.zip", "--product", "rod"], 2, "'rod' is not a product of this site"),
        (["--out", "a.zip"], 2, "required: --from, --to"),
    ],
)
def test_mistakes_are_told_in_one_line_and_seal_nothing(
    works: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments, status, words
):
    monkeypatch.chdir(works)
    assert export_cli.main([*arguments, "gateway.toml"]) == status
    assert words in capsys.readouterr().err
    assert not (works / "a.zip").exists()
    assert Ledger.open(f"sqlite:///{works / 'ledger.db'}", maker.SITE).size == 32


def test_a_ledger_that_is_not_there_is_not_made(works: Path, capsys: pytest.CaptureFixture[str]):
    (works / "ledger.db").unlink()
    assert export_cli.main([*PERIOD, "--out", str(works / "a.zip"), str(works / "gateway.toml")]) == 1
    assert "there is no ledger here" in capsys.readouterr().err
    assert not (works / "ledger.db").exists()


def test_a_missing_configuration_is_told(capsys: pytest.CaptureFixture[str]):
    assert export_cli.main([*PERIOD, "--out", os.devnull + "x", "nowhere.toml"]) == 2
    assert "nowhere.toml" in capsys.readouterr().err


def test_times_without_an_offset_are_local():
    zone = zone_of("+08:00")
    assert export_cli.at_ns("1970-01-01T00:00:00Z", zone) == 0
    assert export_cli.at_ns("1970-01-01T08:00", zone) == 0
    assert export_cli.at_ns("1970-01-02T00:00:00.5", zone) == 16 * 3600 * 10**9 + 5 * 10**8
    assert export_cli.at_ns("2026-03-29T02:30", zone_of("Europe/Berlin")) == export_cli.at_ns("2026-03-29T01:00Z", zone)


def test_a_period_that_is_not_over_is_provisional(works: Path):
    tomorrow = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 86_400)) + "+00:00"
    out = works / "a.zip"
    assert (
        export_cli.main(["--from", "2023-11-14", "--to", tomorrow, "--out", str(out), str(works / "gateway.toml")]) == 0
    )
    assert b'"provisional":true' in out.read_bytes()
