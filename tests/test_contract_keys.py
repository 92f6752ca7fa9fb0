"""Keys: thumbprints by the RFC's example, one form of a signature, and nothing but the two kinds from PEM."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import cbor, keys
from contract.errors import BadSignature, Malformed

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 8032, section 5.1
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(7, ec.SECP256R1())
BOTH = pytest.mark.parametrize("key", [ED25519, P256], ids=["Ed25519", "ES256"])


def pem(key: object) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_the_thumbprint_of_the_rfc():
    # RFC 9679, section 6.
    x = 0x65EDA5A12577C2BAE829437FE338701A10AAA375E1BB5B5DE108DE439C08551D
    y = 0x1E52ED75701163F7F9E40DDF9F341B3DC9BA860AF7E0CA7CA7E9EECD0084D19C
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    assert keys.thumbprint(key).hex() == "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"


def test_the_thumbprint_of_an_ed25519_key_covers_exactly_three_members():
    # RFC 8032, section 7.1, test 1; the COSE_Key by hand: kty OKP, crv Ed25519, x.
    key = ed25519.Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    ).public_key()
    x = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert keys.cose_key(key).hex() == "a3" + "0101" + "2006" + "215820" + x
    assert keys.thumbprint(key) == hashlib.sha256(bytes.fromhex("a3010120062158" + "20" + x)).digest()


def test_a_coordinate_keeps_its_leading_zeros():
    scalar = next(
        n for n in range(1, 5000) if ec.derive_private_key(n, ec.SECP256R1()).public_key().public_numbers().x < 2**248
    )
    written = keys.cose_key(ec.derive_private_key(scalar, ec.SECP256R1()).public_key())
    assert len(written) == 1 + 2 + 2 + 2 * (1 + 2 + 32)
    assert written[5:9].hex() == "21582000"


def test_the_order_of_the_curve():
    # n times the base point is the point at infinity, so n - 1 is the base point mirrored: same x, y negated modulo p.
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1  # FIPS 186-4, D.1.2.3
    first, last = (
        ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers() for k in (1, keys.P256_ORDER - 1)
    )
    assert (last.x, last.y) == (first.x, p - first.y)


@BOTH
@given(message=st.binary(max_size=300))
@settings(deadline=None, max_examples=25)
def test_signed_is_verified_and_nothing_else_is(key, message):
    signature = keys.sign(key, message)
    assert len(signature) == 64
    keys.verify(key.public_key(), signature, message)
    with pytest.raises(BadSignature):
        keys.verify(key.public_key(), signature, message + b"\0")
    with pytest.raises(BadSignature):
        keys.verify(keys.generate(keys.algorithm_of(key)).public_key(), signature, message)


@BOTH
@given(st.data())
@settings(deadline=None, max_examples=100)
def test_no_changed_bit_is_accepted(key, data):
    signature = bytearray(keys.sign(key, b"words"))
    signature[data.draw(st.integers(0, 63))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadSignature):
        keys.verify(key.public_key(), bytes(signature), b"words")


@BOTH
@given(st.binary(max_size=80))
@settings(deadline=None, max_examples=100)
def test_any_bytes_as_a_signature_are_refused(key, signature):
    with pytest.raises(BadSignature):
        keys.verify(key.public_key(), signature, b"words")


def test_es256_is_written_with_the_lower_s_and_the_higher_is_refused():
    for n in range(16):
        signature = keys.sign(P256, bytes([n]))
        s = int.from_bytes(signature[32:], "big")
        assert 0 < s <= (keys.P256_ORDER - 1) // 2
        higher = signature[:32] + (keys.P256_ORDER - s).to_bytes(32, "big")
        with pytest.raises(BadSignature, match="higher s"):
            keys.verify(P256.public_key(), higher, bytes([n]))


def test_another_librarys_es256_signature_is_accepted_once_its_s_is_the_lower():
    r, s = decode_dss_signature(P256.sign(b"words", ec.ECDSA(hashes.SHA256())))
    lower = r.to_bytes(32, "big") + min(s, keys.P256_ORDER - s).to_bytes(32, "big")
    keys.verify(P256.public_key(), lower, b"words")


@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), (keys.P256_ORDER, 1), (2**256 - 1, 1)])
def test_numbers_that_are_no_es256_signature(r, s):
    with pytest.raises(BadSignature):
        keys.verify(P256.public_key(), r.to_bytes(32, "big") + s.to_bytes(32, "big"), b"words")


def test_an_ed25519_signature_with_the_order_added_is_refused():
    # RFC 8032, section 5.1.7: S must be below the order, or every signature had a second form.
    signature = keys.sign(ED25519, b"words")
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    with pytest.raises(BadSignature):
        keys.verify(ED25519.public_key(), signature[:32] + s.to_bytes(32, "little"), b"words")


@BOTH
def test_pem_round_trip(key):
    assert pem(keys.private_from_pem(keys.private_to_pem(key))) == pem(key)
    assert keys.thumbprint(keys.public_from_pem(keys.public_to_pem(key.public_key()))) == keys.thumbprint(
        key.public_key()
    )


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256])
def test_a_generated_key_has_the_algorithm_asked_for(algorithm):
    key = keys.generate(algorithm)
    assert keys.algorithm_of(key) == keys.algorithm_of(key.public_key()) == algorithm
    assert keys.thumbprint(key.public_key()) != keys.thumbprint(keys.generate(algorithm).public_key())


OTHERS = {
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed448": ed448.Ed448PrivateKey.generate,
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_of_key_are_refused(kind):
    other = OTHERS[kind]()
    with pytest.raises(ValueError, match="Ed25519"):
        keys.private_from_pem(pem(other))
    with pytest.raises(ValueError, match="Ed25519"):
        keys.public_from_pem(
            other.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )


def test_a_key_under_a_passphrase_is_refused():
    locked = ED25519.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    with pytest.raises(ValueError, match="passphrase"):
        keys.private_from_pem(locked)


@pytest.mark.parametrize("data", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_pem_is_refused(data):
    with pytest.raises(ValueError):
        keys.public_from_pem(data)
    with pytest.raises(ValueError):
        keys.private_from_pem(data)


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256])
def test_a_cose_key_is_read_back(algorithm):
    public = keys.generate(algorithm).public_key()
    assert keys.public_to_pem(keys.from_cose_key(keys.cose_key(public))) == keys.public_to_pem(public)


@pytest.mark.parametrize(
    "data",
    [
        cbor.encode({1: 1, -1: 6, -2: bytes(31)}),
        cbor.encode({1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}),
        cbor.encode({1: 2, -1: 1, -2: bytes(33), -3: bytes(32)}),
        cbor.encode({1: 1, -1: 6, -2: bytes(32), 2: b"kid"}),
        b"\xa0",
        b"",
    ],
    ids=["short", "off the curve", "long", "more than a key", "empty", "nothing"],
)
def test_what_is_no_cose_key_is_malformed(data):
    with pytest.raises(Malformed):
        keys.from_cose_key(data)
