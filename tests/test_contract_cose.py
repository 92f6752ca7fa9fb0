"""The container: an independent library verifies ours, and what it lets pass in other forms is refused here."""

import hashlib
import sys
import types

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import cbor, cose, keys
from contract.errors import BadSignature, Inadmissible, Malformed

# cwt pulls in an X.509 path checker that gives up on OpenSSL 3.0.10 and later; no certificate is used here.
_NO_X509 = types.ModuleType("certvalidator")
_NO_X509.CertificateValidator = _NO_X509.ValidationContext = None  # type: ignore[attr-defined] - a stand-in
sys.modules.setdefault("certvalidator", _NO_X509)
import cwt  # noqa: E402 - after the stand-in

PAYLOAD = b"hello"
SITE = "plant-1"
AAD = b"metertrail/v1/entry/plant-1"
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(7, ec.SECP256R1())
BOTH = pytest.mark.parametrize("key", [ED25519, P256], ids=["Ed25519", "ES256"])


def by_cwt(data: bytes, key: keys.PrivateKey, aad: bytes = AAD) -> bytes:
    """What a lenient CBOR parser and cwt make of a container. Raises whatever they raise."""
    tagged = cbor2.loads(data)
    protected, unprotected, payload, signature = tagged.value
    loose = cbor2.CBORTag(tagged.tag, [protected, dict(unprotected), payload, signature])
    known = cwt.COSEKey.from_pem(keys.public_to_pem(key.public_key()).decode(), kid=keys.thumbprint(key.public_key()))
    return cwt.COSE.new().decode(loose, known, external_aad=aad)


def protected_of(key: keys.PrivateKey) -> bytes:
    """{1: algorithm, 4: thumbprint} by hand."""
    return b"\xa2\x01" + cbor2.dumps(keys.algorithm_of(key)) + b"\x04\x58\x20" + keys.thumbprint(key.public_key())


def signature_over(protected: bytes, key: keys.PrivateKey) -> bytes:
    return keys.sign(key, cbor2.dumps(["Signature1", protected, AAD, PAYLOAD]))


def around(
    protected: bytes, key: keys.PrivateKey, *, unprotected: bytes = b"\xa0", payload: bytes = b"\x45hello"
) -> bytes:
    """A container whose signature is right, whatever its form."""
    return b"\xd2\x84" + cbor2.dumps(protected) + unprotected + payload + b"\x58\x40" + signature_over(protected, key)


def malleated(key: keys.PrivateKey) -> dict[str, bytes]:
    """Containers with a right signature by this key over the same payload, in every form but the one allowed."""
    good, protected = cose.sign(PAYLOAD, key, "entry", SITE), protected_of(key)
    algorithm, key_id = protected[1:3], protected[3:]
    return {
        "longer tag": b"\xd8\x12" + good[1:],
        "longest tag": b"\xdb" + (18).to_bytes(8, "big") + good[1:],
        "trailing byte": good + b"\0",
        "trailing container": good + good,
        "longer array length": b"\xd2\x98\x04" + good[2:],
        "array of indefinite length": b"\xd2\x9f" + good[2:] + b"\xff",
        "longer payload length": around(protected, key, payload=b"\x58\x05hello"),
        "payload in pieces": around(protected, key, payload=b"\x5f\x42he\x43llo\xff"),
        "unprotected member": around(protected, key, unprotected=b"\xa1\x18\x63\x01"),
        "key id in the unprotected map too": around(protected, key, unprotected=b"\xa1" + key_id),
        "key id only in the unprotected map": around(b"\xa1" + algorithm, key, unprotected=b"\xa1" + key_id),
        "algorithm only in the unprotected map": around(b"\xa1" + key_id, key, unprotected=b"\xa1" + algorithm),
        "unprotected map of indefinite length": around(protected, key, unprotected=b"\xbf\xff"),
        "longer map length": around(protected, key, unprotected=b"\xb8\x00"),
        "no key id": around(b"\xa1" + algorithm, key),
        "extra protected member": around(b"\xa3" + algorithm + b"\x03\x00" + key_id, key),
        "critical member": around(b"\xa3" + algorithm + b"\x02\x81\x04" + key_id, key),
        "members in the wrong order": around(b"\xa2" + key_id + algorithm, key),
        "member twice": around(b"\xa3" + algorithm * 2 + key_id, key),
        "longer member name": around(b"\xa2\x18" + algorithm + key_id, key),
        "protected map of indefinite length": around(b"\xbf" + algorithm + key_id + b"\xff", key),
        "trailing byte in the protected map": around(protected + b"\0", key),
    }  # fmt: skip


CASES = sorted(malleated(ED25519))


@BOTH
def test_an_independent_library_verifies_ours(key):
    container = cose.sign(PAYLOAD, key, "entry", SITE)
    assert by_cwt(container, key) == PAYLOAD
    with pytest.raises(cwt.VerifyError):
        by_cwt(container, key, b"metertrail/v1/receipt/plant-1")


@BOTH
def test_the_form_is_the_one_written_here_by_hand(key):
    parsed = cose.parse(around(protected_of(key), key))
    assert cose.verify(parsed, key.public_key(), "entry", SITE) == parsed.digest("entry", SITE)
    assert parsed.payload == PAYLOAD
    container = cose.sign(PAYLOAD, key, "entry", SITE)
    assert container[:-64] == around(protected_of(key), key)[:-64]


def test_what_is_signed_is_the_sig_structure_of_the_rfc():
    # RFC 9052, section 4.4: ["Signature1", protected, external_aad, payload], written here by hand.
    protected = protected_of(ED25519)
    by_hand = (
        b"\x84\x6aSignature1\x58"
        + bytes([len(protected)])
        + protected
        + b"\x58"
        + bytes([len(AAD)])
        + AAD
        + b"\x45hello"
    )
    parsed = cose.parse(cose.sign(PAYLOAD, ED25519, "entry", SITE))
    assert parsed.to_be_signed("entry", SITE) == by_hand
    assert parsed.digest("entry", SITE) == hashlib.sha256(by_hand).digest()


def test_there_are_malleated_forms_to_refuse():
    assert len(CASES) == 22


@BOTH
@pytest.mark.parametrize("case", CASES)
def test_a_second_form_is_refused_although_others_accept_it(key, case):
    container = malleated(key)[case]
    assert by_cwt(container, key) == PAYLOAD  # the signature is right, and cwt takes the form
    with pytest.raises(Malformed):
        cose.parse(container)


def test_a_container_without_its_tag_is_refused():
    with pytest.raises(Malformed, match="tag 18"):
        cose.parse(cose.sign(PAYLOAD, ED25519, "entry", SITE)[1:])


def test_the_second_signature_that_follows_from_an_es256_one_is_refused():
    container = cose.sign(PAYLOAD, P256, "entry", SITE)
    mirrored = keys.P256_ORDER - int.from_bytes(container[-32:], "big")
    malleable = container[:-32] + mirrored.to_bytes(32, "big")
    assert by_cwt(malleable, P256) == PAYLOAD
    with pytest.raises(BadSignature):
        cose.verify(cose.parse(malleable), P256.public_key(), "entry", SITE)


def test_two_signatures_over_the_same_words_have_one_digest():
    first, second = (cose.parse(cose.sign(PAYLOAD, P256, "entry", SITE)) for _ in range(2))
    assert first.signature != second.signature
    assert first.digest("entry", SITE) == second.digest("entry", SITE)


@BOTH
@pytest.mark.parametrize(
    ("kind", "site"), [("receipt", SITE), ("checkpoint", SITE), ("dossier", SITE), ("entry", "plant-2")]
)
def test_a_signature_for_another_kind_or_site_is_refused(key, kind, site):
    parsed = cose.parse(cose.sign(PAYLOAD, key, kind, site))
    with pytest.raises(BadSignature):
        cose.verify(parsed, key.public_key(), "entry", SITE)
    cose.verify(parsed, key.public_key(), kind, site)


def test_kinds_and_sites_never_share_external_data():
    made = {cose.external_aad(kind, site) for kind in cose.KINDS for site in ("a", "b", "entry")}
    assert len(made) == len(cose.KINDS) * 3
    assert cose.external_aad("receipt", "a") == b"metertrail/v1/receipt/a"
    with pytest.raises(ValueError, match="kind"):
        cose.external_aad("manifest", "a")


def test_another_key_and_another_algorithm_are_refused():
    parsed = cose.parse(cose.sign(PAYLOAD, ED25519, "entry", SITE))
    with pytest.raises(BadSignature, match="algorithm"):
        cose.verify(parsed, P256.public_key(), "entry", SITE)
    with pytest.raises(BadSignature, match="another key"):
        cose.verify(parsed, keys.generate().public_key(), "entry", SITE)


def test_a_key_id_that_is_not_the_signers_is_refused():
    other = keys.thumbprint(keys.generate().public_key())
    protected = protected_of(ED25519)[:-32] + other
    with pytest.raises(BadSignature, match="another key"):
        cose.verify(cose.parse(around(protected, ED25519)), ED25519.public_key(), "entry", SITE)


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, b"", [b"", {}, b""], ["", {}, b"", b""], [b"", {}, None, b""], [b"", [], b"", b""],
        [b"", {}, b"", b""], [cbor.encode({1: True, 4: bytes(31)}), {}, b"", b""], [cbor.encode([1]), {}, b"", b""],
    ],
)  # fmt: skip
def test_other_content_under_the_tag_is_refused(value):
    with pytest.raises(Malformed):
        cose.parse(b"\xd2" + cbor.encode(value))


@given(
    payload=st.binary(max_size=200),
    site=st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True),
    kind=st.sampled_from(cose.KINDS),
)
@settings(deadline=None, max_examples=50)
def test_round_trip(payload, site, kind):
    parsed = cose.parse(cose.sign(payload, ED25519, kind, site))
    cose.verify(parsed, ED25519.public_key(), kind, site)
    assert (parsed.payload, parsed.algorithm, parsed.key_id) == (payload, -8, keys.thumbprint(ED25519.public_key()))


@BOTH
@given(st.data())
@settings(deadline=None, max_examples=150)
def test_no_changed_byte_is_accepted(key, data):
    container = bytearray(cose.sign(PAYLOAD, key, "entry", SITE))
    container[data.draw(st.integers(0, len(container) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Inadmissible):
        cose.verify(cose.parse(bytes(container)), key.public_key(), "entry", SITE)


@given(st.binary(max_size=200), st.booleans())
@settings(deadline=None, max_examples=500)
def test_any_bytes_are_refused(data, tagged):
    with pytest.raises(Inadmissible):
        cose.verify(cose.parse(b"\xd2" * tagged + data), ED25519.public_key(), "entry", SITE)
