"""Co-signatures: as C2SP writes them, of one key and one name each, and nothing changed is believed."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import checkpoint, cosignature
from contract.checkpoint import Checkpoint
from contract.errors import BadSignature, Inadmissible, Malformed, TooLarge

LEDGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME, AT_S = "auditor.example/w1", 1_679_315_147
NOTE = checkpoint.sign(Checkpoint("metertrail/plant-1", 7, bytes(range(32))), LEDGER)
VERIFIER_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"  # of a public witness
LINE = cosignature.sign(NOTE, NAME, KEY, AT_S)


def test_the_key_hash_of_a_public_witness():
    """Its verifier key is published as name, key hash, and base64 of the kind and the key."""
    name, known, encoded = VERIFIER_KEY.split("+", 2)
    data = base64.b64decode(encoded)
    assert data[:1] == cosignature.COSIGNATURE
    key = Ed25519PublicKey.from_public_bytes(data[1:])
    assert checkpoint.key_hash(name, key, cosignature.COSIGNATURE).hex() == known


def test_the_form_by_hand():
    words = b"cosignature/v1\ntime 1679315147\n" + NOTE.split("\n\n")[0].encode() + b"\n"
    known = hashlib.sha256(b"auditor.example/w1\n\x04" + KEY.public_key().public_bytes_raw()).digest()[:4]
    mark = known + bytes.fromhex("00000000641850cb") + KEY.sign(words)
    assert f"\u2014 auditor.example/w1 {base64.b64encode(mark).decode()}\n" == LINE


def test_the_time_stands_where_the_specification_has_it():
    """The example of C2SP's text, whose key is not published: the time in it is the one that the text names."""
    mark = base64.b64decode(
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
    )
    assert int.from_bytes(mark[4:12], "big") == 1_679_315_147
    assert len(mark) == cosignature.HEAD_BYTES + 64


@given(st.integers(0, cosignature.SECONDS_MAX))
@settings(deadline=None)
def test_round_trip(at_s):
    note = cosignature.with_lines(NOTE, cosignature.sign(NOTE, NAME, KEY, at_s))
    assert cosignature.times_s(note, NAME, KEY.public_key()) == [at_s]
    assert checkpoint.verify(note, LEDGER.public_key()).size == 7


def test_several_times_stand_in_order():
    note = cosignature.with_lines(NOTE, cosignature.sign(NOTE, NAME, KEY, 9) + cosignature.sign(NOTE, NAME, KEY, 8))
    assert cosignature.times_s(note, NAME, KEY.public_key()) == [8, 9]


def test_another_name_or_key_is_not_this_witness():
    note = cosignature.with_lines(NOTE, LINE)
    assert cosignature.times_s(note, "auditor.example/w2", KEY.public_key()) == []
    assert cosignature.times_s(note, NAME, LEDGER.public_key()) == []
    assert cosignature.times_s(NOTE, NAME, KEY.public_key()) == []


def test_a_plain_signature_of_the_same_key_is_no_co_signature():
    """A ledger's own kind of signature says nothing of a time."""
    text = NOTE.split("\n\n")[0] + "\n"
    mark = checkpoint.key_hash(NAME, KEY.public_key()) + KEY.sign(text.encode())
    note = cosignature.with_lines(NOTE, f"\u2014 {NAME} {base64.b64encode(mark).decode()}\n")
    assert cosignature.times_s(note, NAME, KEY.public_key()) == []


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_no_changed_character_gives_another_time(data):
    note = cosignature.with_lines(NOTE, LINE)
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + data.draw(st.characters(exclude_characters=note[at])) + note[at + 1 :]
    try:
        times = cosignature.times_s(changed, NAME, KEY.public_key())
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - most changes are refused
    else:
        assert times in ([], [AT_S])
        assert times == [] or changed.split("\n\n")[0] == note.split("\n\n")[0]


def test_a_co_signature_of_another_tree_is_refused():
    other = checkpoint.sign(Checkpoint("metertrail/plant-1", 8, bytes(32)), LEDGER)
    with pytest.raises(BadSignature):
        cosignature.times_s(cosignature.with_lines(other, LINE), NAME, KEY.public_key())


def test_a_time_beyond_the_largest_is_refused():
    mark = checkpoint.key_hash(NAME, KEY.public_key(), cosignature.COSIGNATURE) + b"\xff" * 8 + bytes(64)
    line = f"\u2014 {NAME} {base64.b64encode(mark).decode()}\n"
    with pytest.raises(Malformed, match="a time beyond"):
        cosignature.times_s(NOTE + line, NAME, KEY.public_key())


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "w" * 201])
def test_a_name_that_no_line_can_hold_is_refused(name):
    with pytest.raises(ValueError, match="write a name without spaces"):
        cosignature.sign(NOTE, name, KEY, AT_S)


@pytest.mark.parametrize(
    ("note", "lines"), [(NOTE.rstrip("\n"), LINE), (NOTE, "words\n"), (NOTE, LINE + "\n\u2014 x\n")]
)
def test_lines_stand_below_a_whole_note(note, lines):
    with pytest.raises(Malformed):
        cosignature.with_lines(note, lines)


def test_a_note_of_too_many_lines_is_refused():
    with pytest.raises(TooLarge):
        cosignature.with_lines(NOTE, LINE * 200)
