"""A signing key in a PKCS#11 token: made there, used there, never out of it.

In: the module of the token's maker, the token's label, the key's, and a file with the PIN. Out: a key that signs like
any other, or ValueError with one line that says what is wrong and what to do. Ed25519 or P-256, as the token has it.
The library comes with the extra `pkcs11`. A token that was taken out is looked for again whenever it is to sign.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from agent.config import Token
from agent.private_file import read_private
from contract import keys

ED25519_CURVE = bytes.fromhex("06032b6570")  # RFC 8410: 1.3.101.112, as DER
ED25519_NAME = b"\x13\x0cedwards25519"  # PKCS#11 v3.0, section 2.3.5: the curve's name, as DER
OCTET_STRING = 0x04


@dataclass(slots=True)
class TokenKey:
    """A key in a token, as the contract's `Signer`. One thread at a time, as the library's sessions want it."""

    _token: Token
    _public: keys.PublicKey
    _private: Any  # the library's own; None after a failure, and looked for again each time

    def public_key(self) -> keys.PublicKey:
        """The public half, which the token gives out."""
        return self._public

    def sign(self, data: bytes, /) -> bytes:
        """64 bytes. Raises keys.Unavailable."""
        pkcs11 = _library()
        ed = isinstance(self._public, ed25519.Ed25519PublicKey)
        given = data if ed else hashlib.sha256(data).digest()
        try:
            private = self._private or self._again()
            self._private = None
            signature = bytes(private.sign(given, mechanism=getattr(pkcs11.Mechanism, "EDDSA" if ed else "ECDSA")))
        except (pkcs11.PKCS11Error, ValueError) as error:
            raise keys.Unavailable(f"{self._token.label}: {_named(error)}") from None
        self._private = private
        return signature

    def _again(self) -> Any:  # noqa: ANN401 - the library is not typed
        public, private = _pair(self._token)
        if keys.thumbprint(public) != keys.thumbprint(self._public):
            raise ValueError("another key is in its place")
        return private


def open_key(token: Token) -> TokenKey:
    """The key named in a configuration. Raises ValueError."""
    return TokenKey(token, *_pair(token))


def _pair(token: Token) -> tuple[keys.PublicKey, Any]:
    pkcs11 = _library()
    session = _session(token, writing=False)
    asked = {"label": token.object}
    try:
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, **asked)
        public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, **asked)
        point, curve = public[pkcs11.Attribute.EC_POINT], public[pkcs11.Attribute.EC_PARAMS]
    except pkcs11.NoSuchKey:
        hint = "make one with `metertrail keygen --token`"
        raise ValueError(f"{token.label}: there is no key pair {token.object!r} in the token: {hint}") from None
    except pkcs11.PKCS11Error as error:
        raise ValueError(f"{token.label}: {token.object!r}: {_named(error)}: one pair of this name is needed") from None
    return _public_key(bytes(curve), bytes(point)), private


def create(token: Token, algorithm: int) -> keys.PublicKey:
    """Make a key pair in the token; it cannot be taken out. Raises ValueError; an existing one is never replaced."""
    pkcs11 = _library()
    session = _session(token, writing=True)
    ed = algorithm == keys.EDDSA
    kind = pkcs11.KeyType.EC_EDWARDS if ed else pkcs11.KeyType.EC
    curve = ED25519_CURVE if ed else bytes.fromhex("06082a8648ce3d030107")  # RFC 5480: secp256r1
    mechanism = pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN if ed else pkcs11.Mechanism.EC_KEY_PAIR_GEN
    try:
        if any(True for _ in session.get_objects({pkcs11.Attribute.LABEL: token.object})):
            raise ValueError(f"{token.label}: {token.object!r} exists already: a key is never replaced, choose a name")
        made = session.create_domain_parameters(kind, {pkcs11.Attribute.EC_PARAMS: curve}, local=True)
        made.generate_keypair(mechanism=mechanism, store=True, label=token.object)
    except pkcs11.PKCS11Error as error:
        hint = "--es256 may be what it can" if ed else "ask its maker"
        raise ValueError(f"{token.label}: makes no such key: {_named(error)}: {hint}") from None
    finally:
        session.close()
    return open_key(token).public_key()


def _session(token: Token, *, writing: bool) -> Any:  # noqa: ANN401 - the library is not typed
    pkcs11 = _library()
    pin = read_private(token.pin_file, "write the token's PIN into it", "PIN").decode(errors="replace").strip()
    try:
        found = pkcs11.lib(str(token.module)).get_token(token_label=token.label)
        return found.open(rw=writing, user_pin=pin)
    except pkcs11.NoSuchToken:
        raise ValueError(f"{token.module}: there is no token {token.label!r}: plug it in, or correct label") from None
    except pkcs11.UserAlreadyLoggedIn:
        return found.open(rw=writing)
    except (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinLocked, pkcs11.PinInvalid) as error:
        raise ValueError(f"{token.pin_file}: {_named(error)}: a few more tries may lock the token") from None
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise ValueError(f"{token.module}: {_named(error)}: name the module of the token's maker") from None


def _public_key(curve: bytes, point: bytes) -> keys.PublicKey:
    """From a token's CKA_EC_PARAMS and CKA_EC_POINT, which is an OCTET STRING. Raises ValueError."""
    if point[:1] == bytes([OCTET_STRING]) and len(point) == 2 + point[1]:
        point = point[2:]
    if curve in (ED25519_CURVE, ED25519_NAME):
        return ed25519.Ed25519PublicKey.from_public_bytes(point)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def _named(error: Exception) -> str:
    """The library's errors often have a name and no words."""
    return f"{type(error).__name__} {error}".strip()


def _library() -> Any:  # noqa: ANN401 - the library is not typed
    try:
        import pkcs11  # noqa: PLC0415 - an extra: only where a token is used
    except ImportError:
        raise ValueError("python-pkcs11 is not installed: pip install 'metertrail[pkcs11]'") from None
    return pkcs11
