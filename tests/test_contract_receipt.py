"""Receipts: signed for one site, refused in any other dress."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import cbor, cose, receipt
from contract.errors import BadSignature, Inadmissible, Malformed, TooLarge, UnsupportedVersion

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
PUBLIC = KEY.public_key()
SITE = "plant-1"
FIELDS = {
    "v": 1,
    "agent": "agent-1",
    "at_ns": 5,
    "heads": [{"epoch": b"e" * 16, "seq": 7, "hash": b"h" * 32}],
    "wanted": [{"epoch": b"e" * 16, "first": 8, "last": 9}],
    "refused": [{"epoch": b"f" * 16, "seq": 0, "hash": b"g" * 32, "verdict": "fork", "reason": "two entries"}],
    "checkpoint": {"size": 3, "root": b"r" * 32},
}


def signed(fields: object, kind: str = "receipt", site: str = SITE) -> bytes:
    return cose.sign(cbor.encode(fields), KEY, kind, site)


@given(st.builds(receipt.Receipt))
@settings(deadline=None)
def test_round_trip(made):
    assert receipt.verify(receipt.sign(made, KEY, SITE), PUBLIC, SITE) == made


def test_members_by_name():
    read = receipt.verify(signed(FIELDS), PUBLIC, SITE)
    assert read.model_dump() == FIELDS
    assert receipt.sign(read, KEY, SITE) == signed(FIELDS)


def test_unknown_members_are_kept():
    later = FIELDS | {"later": [1, {"more": b"x"}]}
    assert receipt.verify(signed(later), PUBLIC, SITE).model_dump() == later


@pytest.mark.parametrize(
    ("kind", "site", "key"), [("entry", SITE, PUBLIC), ("receipt", "plant-2", PUBLIC), ("receipt", SITE, OTHER)]
)
def test_another_kind_site_or_key_is_refused(kind, site, key):
    with pytest.raises(BadSignature):
        receipt.verify(signed(FIELDS, kind, site), key, SITE)


@pytest.mark.parametrize("version", [0, 2, True, "1", None, b"\n" * 500])
def test_another_version_is_refused(version):
    with pytest.raises(UnsupportedVersion) as caught:
        receipt.verify(signed(FIELDS | {"v": version}), PUBLIC, SITE)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    "changed",
    [
        {"agent": ""},
        {"at_ns": None},
        {"heads": None},
        {"heads": [{}]},
        {"wanted": [1]},
        {"refused": {}},
        {"checkpoint": None},
        {"heads": [{"epoch": b"e" * 15, "seq": 7, "hash": b"h" * 32}]},
        {"wanted": [{"epoch": b"e" * 16, "first": True, "last": 9}]},
    ],
)
def test_other_content_is_refused(changed):
    with pytest.raises(Malformed, match=r"^receipt: "):
        receipt.verify(signed(FIELDS | changed), PUBLIC, SITE)


@pytest.mark.parametrize("value", [None, [], 1, "receipt", {}])
def test_content_that_is_no_receipt_is_refused(value):
    with pytest.raises(Inadmissible):
        receipt.verify(signed(value), PUBLIC, SITE)


def test_too_many_bytes_are_refused_unread():
    with pytest.raises(TooLarge):
        receipt.verify(bytes(receipt.RECEIPT_BYTES_MAX + 1), PUBLIC, SITE)


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_no_changed_byte_is_believed(data):
    changed = bytearray(signed(FIELDS))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Inadmissible) as caught:
        receipt.verify(bytes(changed), PUBLIC, SITE)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300), st.booleans())
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_refused_whoever_signed_them(data, under_the_key):
    with pytest.raises(Inadmissible):
        receipt.verify(cose.sign(data, KEY, "receipt", SITE) if under_the_key else data, PUBLIC, SITE)
