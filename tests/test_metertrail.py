"""The command: every sub-command exists, and nothing is imported before it is asked for."""

import importlib
import subprocess
import sys

import pytest

import metertrail


@pytest.mark.parametrize("name", metertrail.COMMANDS)
def test_every_sub_command_names_a_function(name):
    module, function, words = metertrail.COMMANDS[name]
    assert callable(getattr(importlib.import_module(module), function))
    assert words


def test_every_command_is_counted():
    assert len(metertrail.COMMANDS) == 21


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--help"], 0), (["-h"], 0), (["meters"], 2)])
def test_without_a_known_command_it_lists_them(monkeypatch, capsys, arguments, status):
    monkeypatch.setattr(sys, "argv", ["metertrail", *arguments])
    assert metertrail.main() == status
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()[1:]] == list(metertrail.COMMANDS)
    assert told.err == ("metertrail meters: no such command: use one of those above\n" if status else "")


def test_the_list_imports_no_room():
    code = (
        "import sys, metertrail; sys.argv = ['metertrail']; metertrail.main();"
        "print([m for m in sys.modules if m.split('.')[0] in ('agent', 'gateway', 'verifier', 'simulators', 'numba')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"


def test_arguments_and_status_are_passed_on(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["metertrail", "verify", "no-such-file.zip"])
    assert metertrail.main() == 2
    assert "no-such-file.zip" in capsys.readouterr().err


@pytest.mark.parametrize("order", [["gateway.toml", "--trust", "t.toml"], ["--trust", "t.toml", "gateway.toml"]])
def test_a_gateways_configuration_is_told_from_a_trust_file(order, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert metertrail.verify(order) == 2
    assert capsys.readouterr().err == "gateway.toml: No such file or directory: name a gateway's configuration file\n"


def test_an_archive_is_verified_as_it_is(capsys):
    assert metertrail.verify(["no-such.zip", "--trust", "t.toml"]) == 2
    assert capsys.readouterr().err == "t.toml: No such file or directory: name a file that can be read\n"


def test_a_reader_that_has_had_enough_is_no_fault():
    """As `metertrail probe ... | head` is: the pipe is closed before everything is written."""
    code = (
        "import sys, types, metertrail; room = types.ModuleType('room');"
        "room.main = lambda argv: [sys.stdout.write('x' * 100_000) for _ in range(20)] and 0;"
        "sys.modules['room'] = room; metertrail.COMMANDS['probe'] = ('room', 'main', '');"
        "sys.argv = ['metertrail', 'probe']; sys.exit(metertrail.main())"
    )
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.read(1)
    running.stdout.close()
    assert running.stderr.read() == b""
    assert running.wait(30) == 141


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("gateway.toml", "gateway.toml: No such file or directory: name a gateway's configuration file\n"),
        (".", ".: holds no journal: name the data folder of an agent that has sealed entries\n"),
        ("no-such.zip", "no-such.zip: No such file or directory: name a file that can be read\n"),
    ],
)
def test_replay_tells_a_ledger_a_journal_and_an_archive_apart(source, told, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert metertrail.replay(["--from", "2026-01-01T00:00Z", source, "--to", "2026-01-02T00:00Z"]) == 2
    assert capsys.readouterr().err == told
