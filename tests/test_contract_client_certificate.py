"""A certificate and its key: what can serve a client, and what is said of the rest."""

import certificates
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from contract.client_certificate import fault, validity_ns

AUTHORITY = certificates.Authority()
CLIENT, KEY = AUTHORITY.issue("edge-1")
DAY_NS = 86_400_000_000_000


@pytest.mark.parametrize("usage", [True, False], ids=["for clients", "for anything"])
def test_what_fits_serves(usage):
    assert fault(*AUTHORITY.issue("edge-1", usage=usage)) is None


def test_a_chain_may_follow_the_certificate():
    assert fault(CLIENT + AUTHORITY.pem, KEY) is None


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        (b"junk", KEY, "the certificate is not PEM"),
        (CLIENT, b"junk", "the key is not a private key"),
        (CLIENT, certificates.pem(ec.generate_private_key(ec.SECP256R1()), b"pass"), "without a passphrase"),
        (CLIENT, AUTHORITY.issue("edge-1")[1], "is not the certificate's"),
        (*AUTHORITY.issue("broker", client=False), "not for a client"),
    ],
)
def test_what_does_not_is_told(certificate, key, words):
    assert words in fault(certificate, key)


def test_from_when_to_when():
    first, last = validity_ns(AUTHORITY.issue("edge-1", days=5)[0])
    assert last - first == 7 * DAY_NS
    with pytest.raises(ValueError):
        validity_ns(b"junk")
