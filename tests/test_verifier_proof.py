"""A proof of one entry: what it shows is checked to the last byte, and nothing in it is believed for standing there."""

import contextlib

import archive_maker as maker
import pytest
import witnesses
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import cbor, keys, merkle
from contract.errors import Inadmissible
from contract.proof_text import Inclusion
from verifier import cli, proof, trust

MADE = maker.factory()
AT = maker.index_of(MADE, maker.AGENT, "batch")
LEAVES = [merkle.leaf_hash(signed) for signed, _ in MADE.ledger]
TRUSTED = trust.parse(MADE.trust())


def extra(ledger=MADE.ledger_key, author=MADE.private[maker.AGENT], signed=MADE.ledger[AT][0]) -> bytes:
    return cbor.encode([keys.cose_key(ledger.public_key()), keys.cose_key(author.public_key()), signed])


def text(note: str | None = None, given: bytes | None = None, index: int = AT) -> bytes:
    path = tuple(merkle.inclusion_proof(LEAVES, AT))
    return Inclusion(index, path, note or MADE.note(), extra() if given is None else given).text().encode()


def lines(data: bytes, trusted: trust.Trust | None = TRUSTED) -> list[str]:
    return [finding.line() for finding in proof.verify(data, trusted).findings]


def test_a_true_proof_says_what_it_shows():
    told = lines(text())
    assert [line.split()[:2] for line in told] == [
        ["ok", "checkpoint"], ["ok", "signature"], ["ok", "ledger"], ["ok", "trust"]
    ]  # fmt: skip
    assert f"{AT} edge-1 " in told[1]
    assert told[2] == f"ok   ledger entry {AT} of 33 leads to the checkpoint's root"
    assert proof.verify(text(), TRUSTED).verdict == "pinned"
    assert proof.verify(text()).verdict == "self-consistent"


def test_a_co_signed_note_makes_it_anchored():
    note = witnesses.cosigned(MADE.note(), 1_700_002_000)
    found = proof.verify(text(note), witnesses.trusting(MADE))
    assert found.verdict == "anchored"
    assert found.findings[3].text == "auditor.example/w1: 33 entries were there by 2023-11-14T22:46:40Z"
    assert proof.verify(text(note), TRUSTED).verdict == "pinned"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (text(index=AT + 1), "does not lead to the checkpoint's root"),
        (text(given=extra(signed=MADE.ledger[AT + 1][0])), "does not lead to the checkpoint's root"),
        (text(given=extra(author=MADE.private[maker.GATEWAY])), "signed by another key than the proof gives"),
        (text(given=extra(ledger=maker.Factory().ledger_key)), "not signed by the ledger's key"),
        (text(maker.Factory(ledger_key=MADE.ledger_key, ledger=MADE.ledger[:-1]).note()), "does not lead to"),
    ],
    ids=["another place", "another entry", "another author", "another ledger", "another tree"],
)
def test_what_does_not_fit_together_is_named(data, words):
    found = proof.verify(data)
    assert found.verdict == "failed"
    assert any(words in finding.text for finding in found.findings if not finding.ok)


def test_keys_that_are_not_known_from_elsewhere_are_named():
    found = proof.verify(text(), trust.parse(maker.Factory().trust()))
    assert found.verdict == "failed"
    assert len([line for line in found.findings if line.check == "trust"]) == 2


@pytest.mark.parametrize(
    "given", [b"\xff", cbor.encode([b"", b"", b""]), cbor.encode({}), cbor.encode([b"a", b"b"]), b""]
)
def test_an_extra_of_another_form_is_refused(given):
    with pytest.raises(Inadmissible):
        proof.verify(text(given=given))


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_no_changed_byte_passes(data):
    true = text()
    at = data.draw(st.integers(0, len(true) - 1))
    changed = true[:at] + bytes([true[at] ^ data.draw(st.integers(1, 255))]) + true[at + 1 :]
    with contextlib.suppress(Inadmissible):
        assert proof.verify(changed, TRUSTED).verdict == "failed" or at == len(true) - 1


def test_the_command_knows_a_proof_from_an_archive(tmp_path, capsys):
    (tmp_path / "run.tlog-proof").write_bytes(text())
    (tmp_path / "trust.toml").write_bytes(MADE.trust())
    assert cli.main([str(tmp_path / "run.tlog-proof"), "--trust", str(tmp_path / "trust.toml")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("pinned: ")
    kept = [str(tmp_path / "run.tlog-proof"), "--checkpoint", str(tmp_path / "trust.toml")]
    assert cli.main(kept) == 2
    assert "a proof of one entry: --sheet and --checkpoint go with an archive" in capsys.readouterr().err
    (tmp_path / "run.tlog-proof").write_bytes(text()[:-40])
    assert cli.main([str(tmp_path / "run.tlog-proof")]) in {1, 2}
