"""A trust file is strict, and every stranger is named."""

import archive_maker as maker
import pytest

from agent.drivers.profile import profile_hash
from contract.problems import Problems
from verifier import trust


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('ledger = "zz"', "ledger: 'zz': write 64 hexadecimal digits"),
        ('ledgr = "00"', "ledgr: unknown key: did you mean ledger?"),
        ("", "key: missing"),
        ("= 1", "not TOML"),
    ],
)
def test_mistakes_are_told_by_their_key(text: str, words: str):
    with pytest.raises(Problems, match=words.replace("?", r"\?")):
        trust.parse(text.encode())


def test_profiles_are_pinned_when_they_are_named():
    made = maker.factory()
    known = {profile_hash(toml).hex() for toml in (maker.ENERGY, maker.SCALE, maker.AIR)}
    assert maker.failures(made, f"profiles = {sorted(known)}\n".encode() + made.trust()) == []
    lines = maker.failures(made, f'profiles = ["{"00" * 32}"]\n'.encode() + made.trust())
    assert {line.split()[3] for line in lines} == known


def test_a_key_known_for_one_author_is_a_stranger_as_another():
    made = maker.factory()
    swapped = made.trust().replace(b'"edge-1"', b'"x"').replace(b'"gateway"', b'"edge-1"').replace(b'"x"', b'"gateway"')
    lines = maker.failures(made, swapped)
    assert [line.split()[:3] for line in lines] == [["FAIL", "trust", "edge-1:"], ["FAIL", "trust", "gateway:"]]


def test_a_trusted_author_without_an_entry_is_named():
    more = maker.factory().trust() + f'\n[[key]]\nauthor = "edge-9"\nthumbprint = "{"00" * 32}"'.encode()
    assert maker.failures(maker.factory(), more) == [
        "FAIL trust edge-9: is in the trust file, but has no entry in the archive"
    ]
