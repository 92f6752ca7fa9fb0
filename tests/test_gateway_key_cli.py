"""An agent's key is lost or stolen: two commands, with the gateway running or not."""

import pytest
from authors import wire
from gateway_folder import Folder

from contract import keys
from gateway import cli, spool
from gateway.config import load
from gateway.errors import Unfit
from gateway.opening import open_sequencer
from gateway.preflight import prepare
from gateway.sequencer import Message
from gateway.spool_kinds import KINDS

WHO = ["--author", "Li Wei", "--reason", "disk died"]


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    opened(made)[0].close()
    return made


def opened(folder: Folder):
    config = load(folder.path)
    return open_sequencer(folder.path, config, prepare(config), lambda: 7, lambda *_: None)


def said(capsys, *words: str) -> tuple[int, str]:
    status = cli.main(list(words))
    out, err = capsys.readouterr()
    return status, out + err


def thumb(folder: Folder) -> str:
    return keys.thumbprint(folder.edge.public).hex()


def revoke(folder: Folder, *more: str) -> list[str]:
    words = ["revoke", str(folder.path), "edge-1", "--key", thumb(folder), "--since", "2026-03-01T08:00", *WHO]
    return [*words, *more]


def test_a_lost_key_needs_a_word_of_somebody(folder, capsys):
    new = keys.generate()
    folder.write("edge-1.pub.pem", keys.public_to_pem(new.public_key()))
    with pytest.raises(Unfit, match="gateway reenrol CONFIG edge-1"):
        opened(folder)
    assert said(capsys, "reenrol", str(folder.path), "edge-1", *WHO) == (0, "reenrolment: entry 6 of the ledger\n")
    ledger, sequencer = opened(folder)
    assert sequencer.trust.standing("edge-1").keys.current_id == keys.thumbprint(new.public_key())
    ledger.close()


def test_a_running_gateway_takes_both_up(folder, capsys, monkeypatch):
    ledger, sequencer = opened(folder)
    try:
        data = load(folder.path).gateway.data
        take_up = lambda *_: list(spool.work_off(data, KINDS, ledger, sequencer.seal))  # noqa: E731
        monkeypatch.setattr("gateway.hand_in.hand_in.__defaults__", (take_up, None))
        assert said(capsys, *revoke(folder)) == (0, "revocation: taken up by the running gateway\n")
        sealed = wire(folder.edge.begin())
        assert sequencer.admit([Message(folder.edge.topic, sealed)]).verdicts == {("edge-1", "revoked"): 1}
        folder.write("edge-1.pub.pem", keys.public_to_pem(keys.generate().public_key()))
        assert said(capsys, "reenrol", str(folder.path), "edge-1", *WHO)[0] == 0
        assert sequencer.trust.standing("edge-1").keys.current is not None
    finally:
        ledger.close()


def test_after_a_revocation_the_others_start_and_its_file_is_no_fault(folder, capsys):
    assert said(capsys, *revoke(folder)) == (0, "revocation: entry 6 of the ledger\n")
    ledger, sequencer = opened(folder)
    assert sequencer.trust.standing("edge-1").keys.current is None
    ledger.close()


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (["--since", "yesterday"], 2, "--since: 'yesterday' is not a time"),
        (["--since", "2100-01-01T00:00"], 1, "since_ns: has not passed yet"),
        (["--key", "abc"], 2, "key: 'abc': write the 64 hexadecimal digits that `metertrail keygen` printed"),
        (["--key", "00" * 32], 1, "never was edge-1's"),
        (["--author", ""], 2, "author: "),
    ],
)
def test_mistakes_are_one_clear_line(folder, capsys, change, status, words):
    found, told = said(capsys, *revoke(folder, *change))
    assert (found, len(told.splitlines())) == (status, 1)
    assert words in told


def test_who_is_no_agent_of_the_configuration(folder, capsys):
    status, told = said(capsys, "reenrol", str(folder.path), "edge-9", *WHO)
    assert (status, told.splitlines()) == (
        2,
        [f"{folder.path}: no [[agent]] is named 'edge-9': did you mean edge-1?"],
    )
    assert said(capsys, "reenrol", str(folder.folder / "none.toml"), "edge-1", *WHO)[0] == 2
    assert said(capsys, "reenrol", str(folder.path), "edge-1", *WHO)[0] == 1
