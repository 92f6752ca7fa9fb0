"""Co-signing by file: an archive or a request in, the note with the witness's line out."""

import archive_maker as maker
import pytest
import witnesses
from witness_folder import witness_toml

from contract import cosignature, merkle
from contract.proof_text import Growth
from verifier import archive
from verifier.verify import verify
from witness import cli


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = maker.factory()
    witness_toml(tmp_path, made.ledger_key.public_key())
    (tmp_path / "coil.zip").write_bytes(made.pack())
    return tmp_path


def signed(capsys, name: str) -> str:
    assert cli.main(["sign", "witness.toml", name]) == 0
    return capsys.readouterr().out


def test_an_archive_is_co_signed_and_the_note_anchors_it(folder, capsys):
    made = maker.factory()
    note = signed(capsys, "coil.zip")
    (at_s,) = cosignature.times_s(note, witnesses.NAME, witnesses.KEY.public_key())
    assert at_s > 1_700_000_000
    report = verify(archive.read((folder / "coil.zip").read_bytes()), witnesses.trusting(made), kept=(note,))
    assert report.verdict == "anchored"
    assert signed(capsys, "coil.zip").startswith(made.note())  # the same again is no rollback


def test_a_later_archive_is_compared_with_what_was_seen(folder, capsys):
    made = maker.opened(maker.Factory(ledger_key=maker.factory().ledger_key))
    early = made.pack()
    maker.produced(made)
    (folder / "early.zip").write_bytes(early)
    (folder / "late.zip").write_bytes(made.pack())
    signed(capsys, "early.zip")
    signed(capsys, "late.zip")
    assert cli.main(["sign", "witness.toml", "early.zip"]) == 1
    assert "refused: 6 entries, but 32 were seen: the ledger shrank, or this is old" in capsys.readouterr().err


def test_another_history_of_the_same_ledger_is_refused(folder, capsys):
    signed(capsys, "coil.zip")
    other = maker.opened(maker.Factory(ledger_key=maker.factory().ledger_key))  # the ledger's true key, all else new
    maker.produced(other)
    maker.stated(other)
    other.add(maker.AGENT, "event", [], maker.T0, maker.T0)
    (folder / "other.zip").write_bytes(other.pack())
    assert cli.main(["sign", "witness.toml", "other.zip"]) == 1
    assert "does not begin with the 33 entries that were seen: forked" in capsys.readouterr().err


def test_a_request_by_mail_is_enough(folder, capsys):
    made = maker.opened(maker.Factory(ledger_key=maker.factory().ledger_key))
    first, size = made.note(), len(made.ledger)
    maker.produced(made)
    leaves = [merkle.leaf_hash(one) for one, _ in made.ledger]
    (folder / "first.txt").write_bytes(Growth(0, (), first).text().encode())
    proof = tuple(merkle.consistency_proof(leaves, size))
    mailed = Growth(size, proof, made.note()).text().replace("\n", "\r\n")
    (folder / "second.txt").write_bytes(mailed.encode())
    assert signed(capsys, "first.txt").startswith(first)
    assert signed(capsys, "second.txt").startswith(made.note())


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("nowhere.zip", None, "nowhere.zip: No such file or directory: name a file that can be used"),
        ("junk", b"\xff\xfe", "junk: neither an archive nor a request: not UTF-8"),
        ("junk.zip", b"PKjunk", "junk.zip: archive: not a ZIP"),
        ("words.txt", b"words", "words.txt: proof: no blank line before the checkpoint"),
    ],
)
def test_what_cannot_be_read_is_one_line(folder, capsys, name, data, words):
    if data is not None:
        (folder / name).write_bytes(data)
    assert cli.main(["sign", "witness.toml", name]) == 2
    told = capsys.readouterr().err
    assert told.startswith(words)
    assert told.count("\n") == 1


def test_an_archive_of_other_entries_than_its_checkpoint_s_is_not_signed(folder, capsys):
    made = maker.factory()
    note = made.note()
    del made.ledger[-1]
    (folder / "cut.zip").write_bytes(made.pack_with_note(note))
    assert cli.main(["sign", "witness.toml", "cut.zip"]) == 2
    assert "its entries do not lead to its checkpoint" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_usage_is_two():
    assert cli.main(["sign", "none.toml", "coil.zip"]) == 2
    assert cli.main([]) == 2
    assert cli.main(["--help"]) == 0
