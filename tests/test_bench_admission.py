"""The bench at its smallest: everything is admitted, and what is not installed is said and not compared."""

import sys

import pytest

from contract import keys
from gateway.database import sqlite_url
from simulators.bench import admission, evidence, servers


def test_a_small_chain_is_measured(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(servers.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(servers, "POSTGRESQL_PROGRAMS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", "--meters", "2", "--entries", "3"])
    admission.main()
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("3 entries of 2 meters x 60 scans x 2 points: ")
    assert told[1].split()[:2] == ["admitted,", "SQLite"]
    assert [line.strip() for line in told if "not" in line] == [
        "PostgreSQL is not installed: not compared",
        "mosquitto is not installed: not compared",
        "VictoriaMetrics, one time: not compared",
    ]
    named = [line.split()[0] for line in told[-6:-1]]
    assert named == ["on", "the", "packs,", "packs,", "Parquet,"]
    assert all(float(line.split()[-1]) > 0 for line in told[-6:-1])


def test_a_chain_that_is_not_admitted_is_no_figure(tmp_path):
    messages = list(evidence.messages(evidence.readings(1, 20, seed=1), 10, keys.generate()))
    url, stranger = sqlite_url(tmp_path / "ledger.sqlite"), keys.generate().public_key()
    with pytest.raises(RuntimeError, match="0 of 3 entries"):
        admission.admitted(url, tmp_path, keys.generate(), stranger, messages)


def test_a_broker_passes_every_message_on(tmp_path, need):
    need("mosquitto")
    messages = list(evidence.messages(evidence.readings(1, 40, seed=1), 10, keys.generate()))
    with servers.mosquitto(tmp_path) as broker:
        took = admission.forwarded(*broker, messages)
    assert took.wall_s > 0
