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
    "text",
    [
        "",
        "\n",
        f"metertrail/plant-1\n7\n{ROOT}\nextension\n",
        f"\n7\n{ROOT}\n",
        f"metertrail/plant-1\n07\n{ROOT}\n",
        f"metertrail/plant-1\n+7\n{ROOT}\n",
        f"metertrail/plant-1\n-7\n{ROOT}\n",
        f"metertrail/plant-1\n7 \n{ROOT}\n",
        f"metertrail/plant-1\n\u0667\n{ROOT}\n",
        f"metertrail/plant-1\n\u00b2\n{ROOT}\n",
        f"metertrail/plant-1\n\n{ROOT}\n",
        f"metertrail/plant-1\n{10**18}\n{ROOT}\n",
        f"metertrail/plant-1\n{'9' * 5000}\n{ROOT}\n",
        f"metertrail/plant-1\n7\n{ROOT[:-2]}9=\n",
        f"metertrail/plant-1\n7\n{ROOT[:-1]}\n",
        f"metertrail/plant-1\n7\n {ROOT}\n",
        f"metertrail/plant-1\n7\n{ROOT[:-4]}\n",
        "metertrail/plant-1\n7\n\n",
        f"metertrail/\tplant-1\n7\n{ROOT}\n",
        f"metertrail/plant-1\r\n7\r\n{ROOT}\r\n",
        "metertrail/plant-1\n7\n" + ROOT.replace("/", "_").replace("A", "-") + "\n",
    ],
)
def test_a_second_form_is_refused_even_if_signed(text):
    for read in (checkpoint.parse, lambda note: checkpoint.verify(note, PUBLIC)):
        with pytest.raises(Malformed):
            read(resigned(text))


def test_the_spare_bits_of_base64_are_no_second_form():
    loose = NOTE.replace(ROOT, ROOT[:-2] + "9=")
    assert loose != NOTE
    assert base64.b64decode(ROOT[:-2] + "9=") == bytes(range(32))  # what a lenient reader would take
    with pytest.raises(Malformed):
        checkpoint.verify(loose, PUBLIC)


@pytest.mark.parametrize(
    "signatures",
    [
        "",
        "\n",
        "\u2014\n",
        "\u2014 metertrail/plant-1\n",
        "\u2014 metertrail/plant-2 " + NOTE.split(" ")[-1],
        "- " + NOTE.split("\u2014 ")[1],
        "\u2014  metertrail/plant-1 " + NOTE.split(" ")[-1],
        "x\u2028" + NOTE.split("\n\n")[1],
        "x\x0b" + NOTE.split("\n\n")[1],
    ],
)
def test_a_note_without_the_ledgers_own_signature_is_refused(signatures):
    with pytest.raises((BadSignature, Malformed)):
        checkpoint.verify(NOTE.split("\n\n")[0] + "\n\n" + signatures, PUBLIC)


def test_another_key_is_refused():
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(BadSignature):
        checkpoint.verify(NOTE, other.public_key())
    forged = resigned(STATE.text()).split(" ")
    mark = checkpoint.key_hash(STATE.origin, PUBLIC) + other.sign(STATE.text().encode())
    with pytest.raises(BadSignature):
        checkpoint.verify(" ".join([*forged[:-1], base64.b64encode(mark).decode() + "\n"]), PUBLIC)


def test_too_long_a_note_is_refused_unread():
    with pytest.raises(TooLarge):
        checkpoint.parse("x" * (checkpoint.CHECKPOINT_BYTES_MAX + 1))


def test_half_a_surrogate_pair_is_refused():
    for note in (NOTE.replace("metertrail", "\ud800"), f"\udcff\n7\n{ROOT}\n\n"):
        with pytest.raises(Inadmissible):
            checkpoint.verify(note, PUBLIC)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_no_changed_character_is_believed_unless_it_is_outside_the_signature(data):
    at = data.draw(st.integers(0, len(NOTE) - 1))
    changed = NOTE[:at] + data.draw(st.characters(exclude_characters=NOTE[at])) + NOTE[at + 1 :]
    try:
        read = checkpoint.verify(changed, PUBLIC)
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - nearly every change is refused
    else:
        assert read == STATE
        assert at == len(NOTE) - 1  # the line feed after the last signature


@given(st.text(), st.text())
@settings(deadline=None, max_examples=300)
def test_any_text_is_refused(text, signatures):
    for note in (text, f"{text}\n\n{signatures}", f"metertrail/plant-1\n7\n{ROOT}\n\n{signatures}"):
        with pytest.raises(Inadmissible):
            checkpoint.verify(note, PUBLIC)


def test_the_signature_is_over_the_text_with_its_last_line_feed():
    mark = base64.b64decode(NOTE.split(" ")[-1])
    PUBLIC.verify(mark[4:], STATE.text().encode())
    with pytest.raises(InvalidSignature):
        PUBLIC.verify(mark[4:], STATE.text().rstrip("\n").encode())


@pytest.mark.parametrize(
    ("number", "name"), [(1, "metertrail/demo"), (2, "metertrail/demo/2"), (10, "metertrail/demo/10")]
)
def test_a_ledgers_name_counts_those_it_replaced(number, name):
    assert checkpoint.origin("demo", number) == name
    assert checkpoint.read_origin(name) == ("demo", number)


@pytest.mark.parametrize(
    "rest", ["", "/", "/demo/", "/demo/1", "/demo/02", "/demo/2/3", "/Demo", "/demo/x", "/demo/0", "2/demo"]
)
def test_any_other_name_is_no_ledgers(rest):
    with pytest.raises(Malformed, match="is not metertrail/SITE or metertrail/SITE/NUMBER"):
        checkpoint.read_origin(f"metertrail{rest}")


@pytest.mark.parametrize("more", ["junk\n", "\n", "— name\n", "— name !\n", "— name AAAA", "\u2014  AAAA\n"])
def test_below_a_notes_words_stand_signature_lines_alone(more: str):
    key = Ed25519PrivateKey.generate()
    note = checkpoint.sign(checkpoint.Checkpoint("metertrail/works", 1, bytes(32)), key)
    assert checkpoint.verify(note + "— other.example AAAA\n", key.public_key()).size == 1
    with pytest.raises(Malformed):
        checkpoint.verify(note + more, key.public_key())
