"""A key in a token signs what anyone can verify with the public half, and never leaves; every mistake is one line."""

import os
import sys

import pkcs11
import pytest
import soft_token

from agent import token
from contract import cose, keys

SITE = "plant-1"


@pytest.fixture(scope="module")
def given(tmp_path_factory, need):
    """A token with one key of each kind."""
    need("softhsm2-util")
    before = os.environ.get("SOFTHSM2_CONF")
    made = soft_token.make(tmp_path_factory.mktemp("softhsm"))
    for algorithm in (keys.EDDSA, keys.ES256):
        token.create(made.model_copy(update={"object": f"key{algorithm}"}), algorithm)
    yield made
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256], ids=["Ed25519", "P-256"])
def test_what_a_token_signs_is_verified_by_its_public_half(given, algorithm):
    key = token.open_key(given.model_copy(update={"object": f"key{algorithm}"}))
    assert keys.algorithm_of(key) == algorithm
    for number in range(20):  # half of a P-256 key's signatures have the higher s, and are turned
        data = cose.sign(b"payload %d" % number, key, "entry", SITE)
        assert cose.verify(cose.parse(data), key.public_key(), "entry", SITE)
    again = token.open_key(given.model_copy(update={"object": f"key{algorithm}"}))
    assert keys.thumbprint(again.public_key()) == keys.thumbprint(key.public_key())


def test_the_key_cannot_be_taken_out(given):
    key = token.open_key(given.model_copy(update={"object": f"key{keys.EDDSA}"}))
    assert key._private[pkcs11.Attribute.SENSITIVE]
    assert not key._private[pkcs11.Attribute.EXTRACTABLE]


def test_an_existing_key_is_never_replaced(given):
    with pytest.raises(ValueError, match="exists already"):
        token.create(given.model_copy(update={"object": f"key{keys.ES256}"}), keys.EDDSA)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"object": "nobody's"}, 'there is no key pair "nobody\'s" in the token: make one with'),
        ({"label": "elsewhere"}, "there is no token 'elsewhere': plug it in"),
        ({"module": "/nowhere/module.so"}, "name the module of the token's maker"),
    ],
)
def test_a_mistake_is_one_line(given, change, words):
    with pytest.raises(ValueError, match=words) as raised:
        token.open_key(given.model_copy(update=change))
    assert len(str(raised.value).splitlines()) == 1
    assert soft_token.PIN not in str(raised.value)


def test_a_pin_that_others_can_read_is_refused(given, tmp_path):
    (tmp_path / "pin").write_text(soft_token.PIN)
    (tmp_path / "pin").chmod(0o644)
    with pytest.raises(ValueError, match="others can read this PIN"):
        token.open_key(given.model_copy(update={"pin_file": tmp_path / "pin"}))


class Pulled:
    """A private key whose token was taken out."""

    def sign(self, *_, **__):
        raise pkcs11.DeviceRemoved


def test_a_token_that_comes_back_signs_again(given, monkeypatch):
    key = token.open_key(given.model_copy(update={"object": f"key{keys.EDDSA}"}))
    key._private = Pulled()
    with pytest.raises(keys.Unavailable, match="^plant: DeviceRemoved$"):
        keys.sign(key, b"words")
    monkeypatch.setattr(token, "_session", lambda *_, **__: (_ for _ in ()).throw(ValueError("there is no token")))
    with pytest.raises(keys.Unavailable, match="there is no token"):
        keys.sign(key, b"words")
    monkeypatch.undo()
    keys.verify(key.public_key(), keys.sign(key, b"words"), b"words")


def test_another_key_in_its_place_does_not_sign(given):
    key = token.open_key(given.model_copy(update={"object": f"key{keys.EDDSA}"}))
    other = token.open_key(given.model_copy(update={"object": f"key{keys.ES256}"}))
    with pytest.raises(keys.Unavailable, match="another key is in its place"):
        token.TokenKey(other._token, key.public_key(), None).sign(b"words")


def test_without_the_library_it_says_what_to_install(given, monkeypatch):
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ValueError, match=r"pip install 'metertrail\[pkcs11\]'"):
        token.open_key(given)
