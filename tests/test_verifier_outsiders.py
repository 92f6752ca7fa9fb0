"""Outsiders in a trust file: keys and certificates are read from files, and what is wrong is told by its key."""

import sys

import archive_maker as maker
import pytest
import witnesses

import contract
from contract import keys
from contract.problems import Problems
from verifier import archive, trust
from verifier.verify import verify

GOOD = keys.public_to_pem(witnesses.KEY.public_key())


def read(files: dict[str, bytes]):
    def give(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory", name)
        return files[name]

    return give


def test_a_witness_and_its_key_are_read():
    trusted = trust.parse(witnesses.trust_toml(maker.factory()), read({"w1.pub.pem": GOOD}))
    (witness,) = trusted.witnesses
    assert (witness.name, witness.key.public_bytes_raw()) == (
        witnesses.NAME,
        witnesses.KEY.public_key().public_bytes_raw(),
    )


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "witness.auditor.example/w1.key: 'w1.pub.pem': No such file or directory: name a file that can be read"),
        ({"w1.pub.pem": b"junk"}, "witness.auditor.example/w1.key: 'w1.pub.pem': "),
        (
            {"w1.pub.pem": keys.public_to_pem(keys.generate(keys.ES256).public_key())},
            "witness.auditor.example/w1.key: 'w1.pub.pem': no Ed25519 key: a witness signs with one",
        ),
    ],
)
def test_a_key_that_cannot_be_used_is_told(files, words):
    with pytest.raises(Problems) as found:
        trust.parse(witnesses.trust_toml(maker.factory()), read(files))
    assert found.value.lines[0].startswith(words)


def test_a_certificate_that_is_none_is_told():
    with pytest.raises(Problems) as found:
        trust.parse(
            witnesses.trust_toml(maker.factory(), authority=True), read({"w1.pub.pem": GOOD, "root.pem": b"junk"})
        )
    assert found.value.lines[0].startswith("timestamp_authority.authority.certificate: 'root.pem': ")


def test_without_a_way_to_files_none_may_be_named():
    with pytest.raises(Problems, match="name a file"):
        trust.parse(witnesses.trust_toml(maker.factory()))


def test_without_the_library_of_time_stamps_only_authorities_are_refused(monkeypatch):
    """Who reads archives alone need not install it."""
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    monkeypatch.delitem(sys.modules, "contract.timestamp", raising=False)
    monkeypatch.delattr(contract, "timestamp", raising=False)
    files = read({"w1.pub.pem": GOOD, "root.pem": b"any"})
    assert trust.parse(witnesses.trust_toml(maker.factory()), files).witnesses
    with pytest.raises(Problems, match="time stamps need rfc3161-client: pip install"):
        trust.parse(witnesses.trust_toml(maker.factory(), authority=True), files)
    made = maker.factory()
    witnesses.sealed(made, made.note(), 0, b"a token")
    assert verify(archive.read(made.pack()), trust.parse(made.trust())).verdict == "pinned"
