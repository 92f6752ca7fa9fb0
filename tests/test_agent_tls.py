"""What is shown to a broker: certificate and key go together, and one that ends soon is told before it does."""

import ssl

import certificates
import pytest

from agent import config, tls

AUTHORITY = certificates.Authority()
DAY_NS = 86_400_000_000_000


def settings(folder=None, **more):
    given = {"host": "broker.example.com", "username": "edge-1"}
    if folder is not None:
        given |= {"ca_file": folder / "ca.pem", "cert_file": folder / "c", "key_file": folder / "k"}
    return config.Mqtt.model_validate({**given, **more})


def files(folder, certificate, key, mode=0o600):
    for name, data in (("c", certificate), ("k", key), ("ca.pem", AUTHORITY.pem)):
        (folder / name).write_bytes(data)
        (folder / name).chmod(mode)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"password_file": "p"}, []),
        ({"cert_file": "c", "key_file": "k"}, []),
        ({}, ["mqtt.password_file"]),
        ({"cert_file": "c", "password_file": "p"}, ["mqtt.key_file"]),
        ({"key_file": "k", "password_file": "p"}, ["mqtt.cert_file"]),
        ({"cert_file": "c", "key_file": "k", "tls": False}, ["mqtt.cert_file"]),
    ],
)
def test_what_does_not_go_together(more, told):
    assert [line.split(": ")[0] for line in tls.faults(settings(**more))] == told


def test_a_certificate_is_shown(tmp_path):
    files(tmp_path, *AUTHORITY.issue("edge-1"))
    connection = tls.authority(tmp_path / "ca.pem")
    tls.show(settings(tmp_path), connection)
    assert connection.verify_mode is ssl.CERT_REQUIRED
    assert connection.check_hostname


def test_one_that_cannot_serve_is_one_line(tmp_path):
    connection = tls.authority(None)
    files(tmp_path, *AUTHORITY.issue("broker", client=False))
    with pytest.raises(ValueError, match="/c, .*/k: the certificate is not for a client"):
        tls.show(settings(tmp_path), connection)
    files(tmp_path, *AUTHORITY.issue("edge-1"), mode=0o640)
    with pytest.raises(ValueError, match="others can read this key"):
        tls.show(settings(tmp_path), connection)
    (tmp_path / "ca.pem").write_bytes(b"junk")
    with pytest.raises(ValueError, match="give the broker's CA certificate as PEM"):
        tls.authority(tmp_path / "ca.pem")


def test_an_end_is_told_in_time(tmp_path):
    files(tmp_path, *AUTHORITY.issue("edge-1", days=40))
    path = tmp_path / "c"
    first_ns, last_ns = tls.validity_ns(path.read_bytes())
    assert tls.remark(None, 0) is None
    assert tls.remark(path, first_ns) is None
    assert tls.remark(path, last_ns - 31 * DAY_NS) is None
    for at_ns, words in (
        (first_ns - 1, "not valid yet: set the machine's clock, if it is wrong"),
        (last_ns - 10 * DAY_NS, "ends in 10 days: have a new one made, with the same name"),
        (last_ns + 1, "has expired: have a new one made, with the same name"),
    ):
        assert tls.remark(path, at_ns) == f"mqtt.cert_file: {path}: {words}"
