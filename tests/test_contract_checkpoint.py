"""Checkpoints: signed notes as others write them, one form of each, and nothing unsigned believed."""

import base64
import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import checkpoint, keys
from contract.checkpoint import Checkpoint
from contract.errors import BadSignature, Inadmissible, Malformed, TooLarge

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
STATE = Checkpoint("metertrail/plant-1", 7, bytes(range(32)))
NOTE = checkpoint.sign(STATE, KEY)

# The signed note published with the Go checksum database's note format, which C2SP's signed-note took over.
NAME, KEY_HASH = "PeterNeumann", "c74f20a3"
VERIFIER = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
MARK = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_a_published_note_has_our_key_hash_and_our_kind_of_signature():
    kind, raw = base64.b64decode(VERIFIER)[:1], base64.b64decode(VERIFIER)[1:]
    key = Ed25519PublicKey.from_public_bytes(raw)
    assert kind == checkpoint.ED25519_NOTE
    assert checkpoint.key_hash(NAME, key).hex() == KEY_HASH == base64.b64decode(MARK)[:4].hex()
    keys.verify(key, base64.b64decode(MARK)[4:], TEXT.encode())


def test_the_key_hash_of_the_go_checksum_database():
    raw = base64.b64decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")[1:]
    assert checkpoint.key_hash("sum.golang.org", Ed25519PublicKey.from_public_bytes(raw)).hex() == "033de0ae"


def test_the_form_by_hand():
    text = "metertrail/plant-1\n7\n" + base64.b64encode(bytes(range(32))).decode() + "\n"
    mark = hashlib.sha256(b"metertrail/plant-1\n\x01" + PUBLIC.public_bytes_raw()).digest()[:4] + KEY.sign(
        text.encode()
    )
    assert text + "\n\u2014 metertrail/plant-1 " + base64.b64encode(mark).decode() + "\n" == NOTE


ORIGINS = st.from_regex(r"metertrail/[a-z0-9][a-z0-9-]{0,63}", fullmatch=True)


@given(ORIGINS, st.integers(0, 10**18 - 1), st.binary(min_size=32, max_size=32))
@settings(deadline=None)
def test_round_trip(origin, size, root):
    made = Checkpoint(origin, size, root)
    note = checkpoint.sign(made, KEY)
    assert checkpoint.parse(note) == made == checkpoint.verify(note, PUBLIC)


def test_other_signatures_beside_it_do_no_harm():
    witness = "\u2014 witness.example " + base64.b64encode(b"abcd" + bytes(72)).decode() + "\n"
    twin = "\u2014 metertrail/plant-1 " + base64.b64encode(b"abcd" + bytes(64)).decode() + "\n"
    text, _, own = NOTE.partition("\n\n")
    for lines in (witness + own, own + witness, twin + own, "\u2014 odd line\n" + own):
        assert checkpoint.verify(f"{text}\n\n{lines}", PUBLIC) == STATE


def resigned(text: str) -> str:
    """A note over any text, signed as if it were a checkpoint."""
    mark = checkpoint.key_hash("metertrail/plant-1", PUBLIC) + KEY.sign(text.encode())
    return f"{text}\n\u2014 metertrail/plant-1 {base64.b64encode(mark).decode()}\n"


ROOT = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "rest", ["", "/", "/demo/", "/demo/1", "/demo/02", "/demo/2/3", "/Demo", "/demo/x", "/demo/0", "2/demo"]
)
def test_any_other_name_is_malformed(rest):
    with pytest.raises(Malformed, match="is not metertrail/SITE or metertrail/SITE/NUMBER"):
        checkpoint.read_origin(f"metertrail{rest}")
