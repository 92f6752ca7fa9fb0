"""Keys and passwords: read only if nobody else can, and every fault is one line about one file."""

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from contract import keys
from gateway import custody

KEY, P256 = keys.generate(), keys.generate(keys.ES256)


def put(tmp_path, data: bytes, mode: int = 0o600):
    path = tmp_path / "file"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_keys_are_read(tmp_path):
    path = put(tmp_path, keys.private_to_pem(KEY))
    assert keys.private_to_pem(custody.load_private(path)) == keys.private_to_pem(KEY)
    assert keys.private_to_pem(custody.load_ledger_key(path)) == keys.private_to_pem(KEY)
    path = put(tmp_path, keys.public_to_pem(P256.public_key()), 0o644)
    assert keys.thumbprint(custody.load_public(path)) == keys.thumbprint(P256.public_key())
    assert custody.load_password(put(tmp_path, b" s3cret \nmore")) == "s3cret"


ENCRYPTED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))


@pytest.mark.parametrize(
    ("load", "data", "mode", "words"),
    [
        (custody.load_private, keys.private_to_pem(KEY), 0o640, "others can read this: run `chmod 600"),
        (custody.load_private, keys.private_to_pem(KEY), 0o604, "others can read this"),
        (custody.load_private, b"no key", 0o600, "metertrail keygen"),
        (custody.load_private, ENCRYPTED, 0o600, "without a passphrase"),
        (custody.load_private, keys.public_to_pem(KEY.public_key()), 0o600, "metertrail keygen"),
        (custody.load_ledger_key, keys.private_to_pem(P256), 0o600, "checkpoints need an Ed25519 key"),
        (custody.load_public, b"no key", 0o644, "copy the agent's .pub.pem file here"),
        (custody.load_password, b"\n", 0o600, "empty"),
        (custody.load_password, b"\xff", 0o600, "not UTF-8"),
        (custody.load_password, b"word", 0o644, "others can read this"),
    ],
)
def test_every_fault_is_one_line(tmp_path, load, data, mode, words):
    with pytest.raises(ValueError) as caught:
        load(put(tmp_path, data, mode))
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'file'}: ")
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize("load", [custody.load_private, custody.load_public, custody.load_password])
def test_a_file_that_is_not_there(tmp_path, load):
    with pytest.raises(ValueError, match="No such file or directory"):
        load(tmp_path / "none")
