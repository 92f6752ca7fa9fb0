"""What is done to a ledger by command: usage, and what stands in the way. Its modules test the work itself."""

import pytest
from gateway_folder import Folder

from gateway import ledger_cli

WORDS = ["--author", "Li Wei", "--reason", "disk failed"]


def test_without_a_command_nothing_is_done(capsys):
    assert ledger_cli.main([]) == 2
    assert "usage: metertrail ledger" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["--author", "--reason"])
def test_a_recovery_has_an_author_and_a_reason(missing, capsys):
    at = WORDS.index(missing)
    assert ledger_cli.main(["recover", "gateway.toml", *WORDS[:at], *WORDS[at + 2 :]]) == 2
    assert missing in capsys.readouterr().err


def test_a_configuration_that_cannot_be_used_is_told_line_by_line(tmp_path, capsys):
    folder = Folder(tmp_path)
    folder.save(('data = "data"', 'dat = "data"'))
    assert ledger_cli.main(["recover", str(folder.path), *WORDS]) == 2
    assert "gateway.dat: unknown key: did you mean data?" in capsys.readouterr().err


def test_a_ledger_that_was_never_begun_is_not_recovered(tmp_path, capsys):
    assert ledger_cli.main(["recover", str(Folder(tmp_path).path), *WORDS]) == 1
    assert "there is nothing to recover" in capsys.readouterr().err
