"""The command: 0 in order, 2 with every fault on stderr, never a traceback; keys made once."""

import asyncio
import sqlite3

import pytest
import soft_token
from plant_in_memory import CONFIG, Site, write_plant

from agent import app, check, cli, custody, files
from contract import keys


def run(capsys, *argv):
    status = cli.main([str(word) for word in argv])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_configuration_in_order(tmp_path, capsys):
    status, out, err = run(capsys, "check", write_plant(tmp_path))
    assert (status, err) == (0, "")
    assert "2 meters on 2 buses" in out


def test_every_fault_on_a_line(tmp_path, capsys):
    path = write_plant(tmp_path, CONFIG.replace("seal_s", "sael_s").replace('driver = "modbus"', 'driver = "x"'))
    status, out, err = run(capsys, "check", path)
    assert (status, out) == (2, "")
    assert err.startswith(f"{path}: agent.sael_s: unknown key: ")


def test_run_says_which_files_are_missing_all_at_once(tmp_path, capsys):
    path = write_plant(tmp_path, CONFIG.replace("[[bus]]", "ca_file = 'ca.pem'\n[[bus]]", 1))
    status, _, err = run(capsys, "run", path)
    assert status == 2
    assert [line.split(": ")[:3] for line in err.splitlines()] == [
        [str(path), "agent.key", str(tmp_path / "edge-1.pem")],
        [str(path), "agent.gateway_key", str(tmp_path / "gateway.pub.pem")],
        [str(path), "mqtt.password_file", str(tmp_path / "edge-1.password")],
        [str(path), "mqtt.ca_file", str(tmp_path / "ca.pem")],
    ]
    assert not (tmp_path / "data").exists()


def whole_plant(folder):
    path = write_plant(folder)
    custody.create(folder / "edge-1", keys.EDDSA)
    custody.create(folder / "gateway", keys.EDDSA)
    (folder / "edge-1.password").write_text("word\n")
    (folder / "edge-1.password").chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (files.InUse("data: another agent keeps its journal here"), 2, "agent.data: data: another agent"),
        (
            sqlite3.OperationalError("database or disk is full"),
            1,
            "the journal cannot be kept: database or disk is full",
        ),
        (PermissionError(13, "Permission denied"), 1, "the journal cannot be kept"),
        (None, 0, ""),
    ],
)
def test_what_ends_a_run_is_told_in_one_line(tmp_path, capsys, monkeypatch, error, status, words):
    async def ended(_plan, _credentials, _again):
        await asyncio.sleep(0)
        if error:
            raise error

    monkeypatch.setattr(app, "run", ended)
    found, _, err = run(capsys, "run", whole_plant(tmp_path))
    assert found == status
    assert words in err
    assert len(err.splitlines()) == (1 if error else 0)


def test_what_is_wrong_with_us_is_not_hidden(tmp_path, monkeypatch):
    async def broken(_plan, _credentials, _again):
        await asyncio.sleep(0)
        raise ValueError("ours")

    monkeypatch.setattr(app, "run", broken)
    with pytest.raises(ValueError, match="ours"):
        cli.main(["run", str(whole_plant(tmp_path))])


def test_a_meter_whose_certificate_has_expired_is_read_all_the_same(tmp_path, capsys, monkeypatch, caplog):
    read = []

    async def running(plan, _credentials, again):
        await asyncio.sleep(0)
        read.extend([plan, again()])

    monkeypatch.setattr(app, "run", running)
    path = whole_plant(tmp_path)
    dates = '{ number = "1", body = "b", valid_from = 2015-01-01, valid_to = 2020-01-01 }'
    path.write_text(path.read_text().replace('installation = "1"', f"certificate = {dates}", 1))
    what = "expired on 2020-01-01: verify the meter and enter the new certificate"
    fault = f"{path}: meter.press.certificate.valid_to: {what}"
    assert run(capsys, "check", path) == (2, "", f"{fault}\n")
    assert cli.main(["run", str(path)]) == 0
    assert [plan.config.meter[0].certificate.number for plan in read] == ["1", "1"]
    assert caplog.messages[0] == fault


def test_keys_are_made_once(tmp_path, capsys):
    assert cli.keygen([str(tmp_path / "edge-1")]) == 0
    thumbprint = keys.thumbprint(custody.load_public(tmp_path / "edge-1.pub.pem")).hex()
    assert thumbprint in capsys.readouterr().out
    assert cli.keygen([str(tmp_path / "edge-1"), "--es256"]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert cli.keygen([str(tmp_path / "other"), "--es256"]) == 0
    (tmp_path / "known.pub.pem").write_bytes(b"an agent's")
    assert cli.keygen([str(tmp_path / "known")]) == 2
    assert (tmp_path / "known.pub.pem").read_bytes() == b"an agent's"
    assert not (tmp_path / "known.pem").exists()
    assert keys.algorithm_of(custody.load_private(tmp_path / "other.pem")) == keys.ES256


def test_a_key_is_made_in_the_token_that_a_configuration_names(tmp_path, capsys, need, monkeypatch):
    need("softhsm2-util")
    monkeypatch.setenv("SOFTHSM2_CONF", "")  # set by the token's maker, taken back at the end
    made = soft_token.make(tmp_path / "softhsm")
    table = f'[agent.token]\nmodule = "{made.module}"\nlabel = "{made.label}"\nobject = "o"\npin_file = "softhsm/pin"\n'
    config = CONFIG.replace('key = "edge-1.pem"\n', "", 1).replace("[mqtt]", f"{table}[mqtt]", 1)
    path = write_plant(tmp_path, config)
    assert cli.main(["check", str(path)]) == 0
    assert cli.keygen([str(tmp_path / "edge-1"), "--token", str(path)]) == 0
    plan = check.load(path, 0)
    assert not (tmp_path / "edge-1.pem").exists()
    public = custody.load_public(tmp_path / "edge-1.pub.pem")
    key = custody.signing_key(plan.config.agent)
    keys.verify(public, keys.sign(key, b"words"), b"words")
    assert keys.thumbprint(public).hex() in capsys.readouterr().out
    assert cli.keygen([str(tmp_path / "edge-1"), "--token", str(path)]) == 2
    assert "never replaced" in capsys.readouterr().err
    both = write_plant(tmp_path, config.replace("[agent]\n", '[agent]\nkey = "k"\n', 1))
    assert run(capsys, "check", both)[2].startswith(f"{both}: agent.key: stands beside agent.token: ")


def test_the_journal_is_reported_on_and_where_there_is_none_that_is_said(tmp_path, capsys):
    path = write_plant(tmp_path)
    assert run(capsys, "journal", path) == (
        2, "", f"{path}: agent.data: {tmp_path / 'data'}: holds no journal: has this agent ever run?\n",
    )  # fmt: skip
    site = Site.at(tmp_path)
    site.start(0)
    status, out, err = run(capsys, "journal", path)
    assert (status, err) == (0, "")
    assert out.splitlines()[0].endswith("1 entries  1 not delivered")
    assert "go 90 days after the next began" in out
    site.stop()


@pytest.mark.parametrize("argv", [[], ["sail"], ["run"]])
def test_wrong_words_are_answered_with_the_right_ones(argv, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    assert ended.value.code == 2
    assert "usage: metertrail agent" in capsys.readouterr().err
