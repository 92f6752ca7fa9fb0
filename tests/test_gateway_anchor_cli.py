"""A gateway and a witness that know each other by files alone: request, co-signature, and the anchored archive."""

import pytest
import witnesses
from gateway_folder import SITE, Folder
from witness_folder import witness_toml

from contract import keys
from gateway import anchor_cli, config, export_cli, opening, preflight
from gateway.ledger import Ledger
from verifier import archive, proof, trust
from verifier.verify import verify
from witness import cli as witness_cli

TABLE = f'[[witness]]\nname = "{witnesses.NAME}"\nkey = "w1.pub.pem"\n'


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Folder(tmp_path)
    found.write("w1.pub.pem", keys.public_to_pem(witnesses.KEY.public_key()))
    found.toml += TABLE
    found.save()
    loaded = config.load(found.path)
    ledger_key = preflight.prepare(loaded).ledger_key.public_key()
    witness_toml(tmp_path, ledger_key, f"metertrail/{SITE}")
    sequencer = opening.open_sequencer(found.path, loaded, preflight.prepare(loaded), lambda: 9, lambda *_: None)
    sequencer[0].close()
    return found


def said(capsys, run, *arguments: str) -> str:
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def refused(capsys, *arguments: str, status: int) -> str:
    assert anchor_cli.main(list(arguments)) == status
    return capsys.readouterr().err


def trusting(made: Folder) -> trust.Trust:
    authors = {"gateway": made.gateway_key.public_key(), "edge-1": made.edge.public}
    ledger = keys.private_from_pem((made.folder / "ledger.pem").read_bytes()).public_key()
    lines = [f'ledger = "{keys.thumbprint(ledger).hex()}"']
    for author, key in list(authors.items())[:1]:
        lines += ["[[key]]", f'author = "{author}"', f'thumbprint = "{keys.thumbprint(key).hex()}"']
    lines += ["[[witness]]", f'name = "{witnesses.NAME}"', 'key = "w1.pub.pem"']
    return trust.parse("\n".join(lines).encode(), lambda name: (made.folder / name).read_bytes())


def co_sign(made: Folder, capsys, since: int = 0) -> str:
    """What goes to the witness and comes back; the note."""
    asked = said(capsys, anchor_cli.main, "request", "gateway.toml", "--since", str(since))
    made.write("request.txt", asked.encode())
    note = said(capsys, witness_cli.main, "sign", "witness.toml", "request.txt")
    made.write("note.txt", note.encode())
    return note


def size(made: Folder) -> int:
    ledger = Ledger.open(config.load(made.path).gateway.database_url, SITE)
    try:
        return ledger.size
    finally:
        ledger.close()


def test_by_mail_a_ledger_comes_to_be_anchored(made, capsys):
    first = size(made)
    co_sign(made, capsys)
    assert said(capsys, anchor_cli.main, "add", "gateway.toml", "note.txt").startswith("anchor: entry ")
    co_sign(made, capsys, since=first)  # and again, from what it saw last
    whole = archive.read(export_cli.pack_ledger(made.path))
    alone = verify(whole, trusting(made))
    assert next(one.text for one in alone.findings if one.check == "anchor").startswith(f"{witnesses.NAME}: {first} ")
    assert alone.verdict == "pinned"
    assert verify(whole, trusting(made), kept=((made.folder / "note.txt").read_text(),)).verdict == "anchored"


def test_a_proof_of_one_entry_is_of_a_co_signed_tree_if_there_is_one(made, capsys):
    plain = said(capsys, anchor_cli.main, "prove", "gateway.toml", "1")
    assert proof.verify(plain.encode(), trusting(made)).verdict == "pinned"
    co_sign(made, capsys)
    said(capsys, anchor_cli.main, "add", "gateway.toml", "note.txt")
    better = said(capsys, anchor_cli.main, "prove", "gateway.toml", "1")
    assert proof.verify(better.encode(), trusting(made)).verdict == "anchored"
    last = said(capsys, anchor_cli.main, "prove", "gateway.toml", str(size(made) - 1))  # no outsider saw that one
    assert proof.verify(last.encode(), trusting(made)).verdict == "pinned"


def test_a_mail_program_s_line_ends_do_no_harm(made, capsys):
    note = co_sign(made, capsys)
    made.write("note.txt", note.replace("\n", "\r\n").encode())
    assert said(capsys, anchor_cli.main, "add", "gateway.toml", "note.txt").startswith("anchor: entry ")


def test_what_nobody_co_signed_is_not_taken(made, capsys):
    note = co_sign(made, capsys)
    made.write("plain.txt", note[: note.rindex("\u2014")].encode())
    told = refused(capsys, "add", "gateway.toml", "plain.txt", status=1)
    assert told == f"co-signed by none of [[witness]] ({witnesses.NAME}): add it there first\n"
    made.write("bent.txt", note.replace(f"metertrail/{SITE}", "metertrail/other").encode())
    assert "signature: does not match" in refused(capsys, "add", "gateway.toml", "bent.txt", status=1)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["request", "gateway.toml", "--since", "999"], 1, "--since 999: the ledger has "),
        (["prove", "gateway.toml", "999"], 1, "entry 999: the ledger has "),
        (["prove", "gateway.toml", "-1"], 1, "entry -1: the ledger has "),
        (["add", "gateway.toml", "none.txt"], 2, "none.txt: No such file or directory: name the note that the witness"),
        (["add", "none.toml", "gateway.toml"], 2, "none.toml: "),
        (["add", "gateway.toml", "site.toml"], 1, "site.toml: checkpoint: "),
    ],
)
def test_what_cannot_be_done_is_one_line(made, capsys, arguments, status, words):
    assert made.path.exists()
    assert words in refused(capsys, *arguments, status=status)
