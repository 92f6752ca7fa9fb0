"""Our certificate made once, the server's believed only if known."""

import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from agent.drivers.opcua_trust import Refused, check, own, read, server, thumbprint

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NOW_NS = 1_795_132_800 * 10**9  # date -d 2026-11-20 -u +%s
DAY = timedelta(days=1)


def issued(name, *, by=None, ca=False, until=NOW + 365 * DAY):
    """A certificate and its key, signed by itself or `by` another such pair."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = (by[0].subject, by[1]) if by else (subject, key)
    built = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(NOW - 900 * DAY).not_valid_after(until)
    built = built.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return built.sign(signing, SHA256()), key


def der(pair):
    return pair[0].public_bytes(Encoding.DER)


@pytest.mark.parametrize("suffix", ["der", "pem"])
def test_our_certificate_is_made_when_there_is_none_and_only_then(tmp_path, suffix):
    files = tmp_path / "own" / f"agent.{suffix}", tmp_path / "own" / "agent.key"
    told = own(*files, "urn:metertrail:agent", NOW_NS)
    made = read(files[0])
    assert (told.event, told.about) == ("certificate_made", str(files[0]))
    assert told.detail["thumbprint"] == thumbprint(made) == made.fingerprint(SHA1()).hex()
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:metertrail:agent"]
    assert len(names.get_values_for_type(x509.DNSName)) == 1
    key = load_pem_private_key(files[1].read_bytes(), None)
    assert key.key_size >= 2048
    assert key.public_key() == made.public_key()
    assert stat.S_IMODE(files[1].stat().st_mode) == 0o600
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc
    assert own(*files, "urn:metertrail:agent", NOW_NS) is None
    assert read(files[0]) == made


def test_half_a_pair_is_not_overwritten(tmp_path):
    files = tmp_path / "a.der", tmp_path / "a.key"
    own(*files, "urn:a", NOW_NS)
    files[1].unlink()
    with pytest.raises(Refused, match=r"a\.key: missing beside .*a\.der: restore it, or remove both"):
        own(*files, "urn:a", NOW_NS)
    assert not files[1].exists()


def test_no_certificate_is_none(tmp_path):
    (tmp_path / "x.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    with pytest.raises(Refused, match="not a certificate"):
        read(tmp_path / "x.pem")


def test_an_end_is_told_in_time_and_refused_after():
    assert check("our", issued("far")[0], NOW_NS) is None
    assert check("our", issued("far", until=NOW + 31 * DAY)[0], NOW_NS) is None
    soon = issued("soon", until=NOW + 29 * DAY)[0]
    told = check("our", soon, NOW_NS)
    assert (told.event, told.detail) == (
        "certificate_expires",
        {"thumbprint": thumbprint(soon), "until_ns": NOW_NS + 29 * 86_400 * 10**9},
    )
    with pytest.raises(Refused, match="the server's certificate expired on 2026-11-19: replace it"):
        check("the server's", issued("old", until=NOW - DAY)[0], NOW_NS)


def test_a_stranger_is_put_aside_and_welcome_once_moved(tmp_path):
    stranger = issued("plc")
    with pytest.raises(Refused) as caught:
        server(der(stranger), tmp_path / "trusted", NOW_NS)
    aside = tmp_path / "trusted" / "rejected" / f"{thumbprint(stranger[0])}.der"
    assert str(caught.value) == (
        f"the server's certificate is not trusted: if it is the right one, move {aside} to {tmp_path / 'trusted'}"
    )
    assert aside.read_bytes() == der(stranger)
    with pytest.raises(Refused):  # what was put aside is not trusted for lying there
        server(der(stranger), tmp_path / "trusted", NOW_NS)
    aside.rename(tmp_path / "trusted" / aside.name)
    assert server(der(stranger), tmp_path / "trusted", NOW_NS) == stranger[0]
    with pytest.raises(Refused):  # a name is no proof
        server(der(issued("plc")), tmp_path / "trusted", NOW_NS)


def test_an_authority_speaks_for_whom_it_signed(tmp_path):
    authority, clerk = issued("plant CA", ca=True), issued("no CA")
    ended = issued("old CA", ca=True, until=NOW - DAY)
    for name, (certificate, _) in {"ca.pem": authority, "clerk.pem": clerk, "old.crt": ended}.items():
        (tmp_path / name).write_bytes(certificate.public_bytes(Encoding.PEM))
    leaf = issued("plc", by=authority)
    assert server(der(leaf) + der(authority), tmp_path, NOW_NS) == leaf[0]  # as a chain in one piece
    for by in (clerk, ended, (authority[0], clerk[1])):
        with pytest.raises(Refused, match="not trusted"):
            server(der(issued("plc", by=by)), tmp_path, NOW_NS)


@pytest.mark.parametrize("sent", [b"", b"\x30\x82", b"nonsense", b"\x30\x82\x00\x05hello"])
def test_what_is_no_certificate_is_refused(tmp_path, sent):
    with pytest.raises(Refused, match="no certificate that can be read"):
        server(sent, tmp_path, NOW_NS)
