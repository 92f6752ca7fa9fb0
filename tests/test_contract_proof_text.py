"""Proofs as text: the forms C2SP gives, one form of each, and whatever else comes is refused."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import checkpoint, proof_text
from contract.checkpoint import Checkpoint
from contract.errors import Inadmissible, Malformed, TooLarge
from contract.proof_text import Growth, Inclusion

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOTE = checkpoint.sign(Checkpoint("metertrail/plant-1", 7, bytes(range(32))), KEY)
HASHES = (bytes(32), bytes(range(32)))
LINES = "".join(base64.b64encode(one).decode() + "\n" for one in HASHES)


def test_the_forms_by_hand():
    extra = base64.b64encode(b"words").decode()
    whole = Inclusion(3, HASHES, NOTE, b"words").text()
    assert whole == f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex 3\n{LINES}\n{NOTE}"
    assert Inclusion(0, (), NOTE).text() == f"c2sp.org/tlog-proof@v1\nindex 0\n\n{NOTE}"
    assert Growth(5, HASHES, NOTE).text() == f"old 5\n{LINES}\n{NOTE}"
    assert Growth(0, (), NOTE).text() == f"old 0\n\n{NOTE}"


HASH = st.binary(min_size=32, max_size=32)
PROOF = st.lists(HASH, max_size=proof_text.HASHES_MAX).map(tuple)


@given(st.integers(0, 10**18 - 1), PROOF, st.binary(max_size=200))
@settings(deadline=None)
def test_round_trip(number, proof, extra):
    inclusion, growth = Inclusion(number, proof, NOTE, extra), Growth(number, proof, NOTE)
    assert proof_text.parse_inclusion(inclusion.text()) == inclusion
    assert proof_text.parse_growth(growth.text()) == growth


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"c2sp.org/tlog-proof@v2\nindex 3\n\n{NOTE}", "does not begin with"),
        (f"c2sp.org/tlog-proof@v1\nindex 03\n\n{NOTE}", "no line `index NUMBER`"),
        (f"c2sp.org/tlog-proof@v1\n{LINES}\n{NOTE}", "no line `index NUMBER`"),
        (f"c2sp.org/tlog-proof@v1\n\n{NOTE}", "no line `index NUMBER`"),
        (f"c2sp.org/tlog-proof@v1\nextra \nindex 3\n\n{NOTE}", "extra must have"),
        (f"c2sp.org/tlog-proof@v1\nindex 3\nAAAA\n\n{NOTE}", "32 bytes"),
        (f"c2sp.org/tlog-proof@v1\nindex 3\n{LINES * 32}\n{NOTE}", "at most 63"),
        (f"c2sp.org/tlog-proof@v1\nindex 3\n{LINES}", "no blank line"),
        (f"c2sp.org/tlog-proof@v1\nindex 3\n{LINES}\nnote\n\n", "must be origin, size and root"),
    ],
)
def test_another_form_is_refused(text, reason):
    with pytest.raises(Malformed, match=reason):
        proof_text.parse_inclusion(text)


@pytest.mark.parametrize("text", [f"old -1\n\n{NOTE}", f"old\n\n{NOTE}", f"older 1\n\n{NOTE}", f"\n\n{NOTE}", "old 1"])
def test_another_form_of_growth_is_refused(text):
    with pytest.raises(Inadmissible):
        proof_text.parse_growth(text)


def test_too_long_a_text_is_refused_unread():
    with pytest.raises(TooLarge):
        proof_text.parse_growth("x" * (proof_text.TEXT_CHARACTERS_MAX + 1))


@given(st.text())
def test_any_text_is_refused(text):
    for read in (proof_text.parse_growth, proof_text.parse_inclusion):
        with pytest.raises(Inadmissible):
            read(text)
