"""A witness's configuration is strict, and its keys are read before anything is signed."""

import pytest
import witnesses
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from witness_folder import witness_toml

from contract import keys
from contract.problems import Problems
from witness import config

LEDGER = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()


def test_what_is_written_is_read(tmp_path):
    loaded = config.load(witness_toml(tmp_path, LEDGER))
    assert (loaded.name, loaded.memory, loaded.host) == (witnesses.NAME, tmp_path / "seen.json", "127.0.0.1")
    watched = loaded.ledger("metertrail/works")
    assert watched is not None
    assert watched.key.public_bytes_raw() == LEDGER.public_bytes_raw()
    assert loaded.ledger("metertrail/other") is None


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"w1.pem"', '"w2.pem"', "key: 'w2.pem': No such file or directory: name a file that can be read"),
        ('"ledger.pub.pem"', '"es.pub.pem"', "ledger.0.key: 'es.pub.pem': no Ed25519 key: ask the plant"),
        (witnesses.NAME, "two words", "name: 'two words': 'two words': write a name without spaces"),
        ("memory", "memori", "memori: unknown key: did you mean memory?"),
        (
            "[[ledger]]\n",
            '[[ledger]]\norigin = "metertrail/works"\nkey = "ledger.pub.pem"\n[[ledger]]\n',
            "stands twice",
        ),
    ],
)
def test_a_mistake_is_told_by_its_key(tmp_path, old, new, line):
    path = witness_toml(tmp_path, LEDGER)
    (tmp_path / "es.pub.pem").write_bytes(keys.public_to_pem(keys.generate(keys.ES256).public_key()))
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(Problems) as found:
        config.load(path)
    assert any(line in one and one.startswith(f"{path}: ") for one in found.value.lines), found.value.lines


def test_a_key_that_others_can_read_is_refused(tmp_path):
    path = witness_toml(tmp_path, LEDGER)
    (tmp_path / "w1.pem").chmod(0o644)
    with pytest.raises(Problems, match="others can read this"):
        config.load(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Problems, match=r"none.toml: No such file or directory: name a witness's configuration"):
        config.load(tmp_path / "none.toml")
