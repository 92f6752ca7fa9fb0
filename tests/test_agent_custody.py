"""Key and password files: made once, private, and every fault told with its file and what to do."""

import stat
from types import SimpleNamespace

import pytest

from agent import custody
from contract import keys
from contract.problems import Problems


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256])
def test_a_key_pair_comes_back_and_is_never_overwritten(tmp_path, algorithm):
    thumbprint = custody.create(tmp_path / "edge-1", algorithm)
    key = custody.load_private(tmp_path / "edge-1.pem")
    assert keys.algorithm_of(key) == algorithm
    assert keys.thumbprint(key.public_key()) == thumbprint
    assert keys.thumbprint(custody.load_public(tmp_path / "edge-1.pub.pem")) == thumbprint
    assert stat.S_IMODE((tmp_path / "edge-1.pem").stat().st_mode) == 0o600
    before = (tmp_path / "edge-1.pem").read_bytes()
    with pytest.raises(ValueError, match="never overwritten"):
        custody.create(tmp_path / "edge-1", algorithm)
    assert (tmp_path / "edge-1.pem").read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none/edge-1\.pem: cannot be written"):
        custody.create(tmp_path / "none" / "edge-1", keys.EDDSA)
    (tmp_path / "edge-1.pub.pem").mkdir()
    with pytest.raises(ValueError, match=r"edge-1\.pub\.pem: exists already"):
        custody.create(tmp_path / "edge-1", keys.EDDSA)


def secret(path, data, mode=0o600):
    path.write_bytes(data)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("data", "mode", "words"),
    [
        (None, 0, "No such file"),
        (b"word\n", 0o644, "chmod 600"),
        (b"", 0o600, "first line"),
        (b"\xff\xfe\n", 0o600, "not UTF-8"),
    ],
)
def test_a_password_file_that_cannot_be_used(tmp_path, data, mode, words):
    path = tmp_path / "p" if data is None else secret(tmp_path / "p", data, mode)
    with pytest.raises(ValueError, match=words) as raised:
        custody.load_password(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_the_password_is_the_first_line(tmp_path):
    assert custody.load_password(secret(tmp_path / "p", "wört\r\nnot this\n".encode())) == "wört"


def test_keys_of_the_wrong_kind_or_for_every_eye_are_refused(tmp_path):
    custody.create(tmp_path / "a", keys.EDDSA)
    (tmp_path / "a.pem").chmod(0o640)
    with pytest.raises(ValueError, match="others can read this private key"):
        custody.load_private(tmp_path / "a.pem")
    with pytest.raises(ValueError, match="not an Ed25519"):
        custody.load_private(secret(tmp_path / "b", b"-----BEGIN NOTHING-----"))
    with pytest.raises(ValueError, match=r"a\.pem: "):
        custody.load_public(tmp_path / "a.pem")


def test_everything_that_is_missing_is_told_at_once_by_its_key(tmp_path):
    agent = SimpleNamespace(
        token=None,
        key=tmp_path / "k.pem",
        next_token=None,
        next_key=tmp_path / "n.pem",
        gateway_key=[tmp_path / "g.pem"],
    )
    mqtt = SimpleNamespace(password_file=tmp_path / "p", tls=True, ca_file=tmp_path / "ca.pem")
    with pytest.raises(Problems) as raised:
        custody.load(SimpleNamespace(agent=agent, mqtt=mqtt))
    assert [line.split(": ")[:2] for line in raised.value.lines] == [
        ["agent.key", str(agent.key)],
        ["agent.next_key", str(agent.next_key)],
        ["agent.gateway_key", str(agent.gateway_key[0])],
        ["mqtt.password_file", str(mqtt.password_file)],
        ["mqtt.ca_file", str(mqtt.ca_file)],
    ]


def test_all_in_order(tmp_path):
    custody.create(tmp_path / "a", keys.EDDSA)
    public = tmp_path / "a.pub.pem"
    agent = SimpleNamespace(
        token=None, key=tmp_path / "a.pem", next_token=None, next_key=None, gateway_key=[public, public]
    )
    password = secret(tmp_path / "p", b"word\n")
    for tls in (False, True):
        mqtt = SimpleNamespace(password_file=password, tls=tls, ca_file=None, cert_file=None, key_file=None)
        found = custody.load(SimpleNamespace(agent=agent, mqtt=mqtt))
        assert (found.password, found.tls is not None) == ("word", tls)
        assert (len(found.gateway_keys), found.next_key) == (2, None)
    if found.tls is not None:
        assert found.tls.check_hostname
