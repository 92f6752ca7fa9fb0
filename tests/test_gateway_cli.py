"""The command: what is wrong is told line by line with status 2, and never as a traceback."""

import io
import sys

import pytest
from gateway_folder import Folder

from contract import keys
from gateway import app, broker, cli


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_check_says_that_all_is_in_order(folder, capsys):
    assert cli.main(["check", str(folder.path)]) == 0
    thumbprint = keys.thumbprint(folder.edge.public).hex()
    assert capsys.readouterr().out.splitlines() == [
        f"{folder.path}: site demo, agents edge-1: in order",
        f"agent.edge-1: key {thumbprint}",
    ]
    assert not (folder.folder / "data").exists()


@pytest.mark.parametrize("command", ["check", "run"])
def test_faults_are_lines_and_status_2(folder, capsys, command):
    folder.write("gateway.pem", b"no key", 0o644)
    (folder.folder / "gateway.password").unlink()
    assert cli.main([command, str(folder.path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0].rpartition("/")[2] for line in lines] == ["gateway.pem", "gateway.password"]
    folder.save(("[web]", "[wep]"))
    assert cli.main([command, str(folder.path)]) == 2
    assert "wep: unknown key: did you mean web?" in capsys.readouterr().err


def test_run_hands_over_what_was_checked(folder, monkeypatch):
    handed = []
    monkeypatch.setattr(app, "run", lambda *given: handed.append(given) or 0)
    assert cli.main(["run", str(folder.path)]) == 0
    ((path, config, prepared),) = handed
    assert (path, config.gateway.site, list(prepared.agent_keys)) == (folder.path, "demo", ["edge-1"])


def test_a_line_for_the_password_file(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cret\n"))
    assert cli.main(["password", "edge-1"]) == 0
    name, _, digest = capsys.readouterr().out.strip().partition(":")
    assert name == "edge-1"
    hasher = broker.PasswordHash((broker.Argon2Hasher(),))
    assert hasher.verify("s3cret", digest)
    assert not hasher.verify("another", digest)


@pytest.mark.parametrize(("name", "given"), [("edge-1", "\n"), ("edge:1", "s3cret\n")])
def test_no_line_without_a_password_or_with_a_colon(monkeypatch, capsys, name, given):
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    assert cli.main(["password", name]) == 2
    assert "give a password that is not empty" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["start"], ["run"]])
def test_usage(arguments):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
