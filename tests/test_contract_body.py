"""Bodies: the root by a calculation of its own, and redaction that never changes it."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import body, cbor
from contract.errors import Inadmissible, Malformed, TooLarge

SEED = bytes(range(32))
PARTS = st.lists(st.binary(max_size=60), max_size=9)


def root_by_definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, over hashed leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + root_by_definition(leaves[:k]) + root_by_definition(leaves[k:])).digest()


def leaves_by_definition(seed: bytes, parts: list[bytes]) -> list[bytes]:
    salts = [hmac.new(seed, i.to_bytes(4, "big"), "sha256").digest()[:16] for i in range(len(parts))]
    return [hashlib.sha256(b"\x00" + salt + part).digest() for salt, part in zip(salts, parts, strict=True)]


@given(PARTS, st.binary(min_size=32, max_size=32))
@settings(deadline=None)
def test_a_full_body_leads_to_the_defined_root(parts, seed):
    packed = body.pack(seed, parts)
    assert cbor.decode(packed) == [seed, parts]
    unpacked = body.unpack(packed)
    assert list(unpacked.parts) == parts
    assert list(unpacked.leaves) == leaves_by_definition(seed, parts)
    assert unpacked.root() == root_by_definition(leaves_by_definition(seed, parts))


@given(PARTS, st.sets(st.integers(0, 8)), st.sets(st.integers(0, 8)))
@settings(deadline=None)
def test_withholding_keeps_the_root_and_shows_only_what_is_kept(parts, first, second):
    full = body.pack(SEED, parts)
    once = body.redact(full, first)
    twice = body.redact(once, second)
    assert body.unpack(once).root() == body.unpack(twice).root() == body.unpack(full).root()
    assert body.unpack(once).parts == tuple(p if i in first else None for i, p in enumerate(parts))
    assert body.unpack(twice).parts == tuple(p if i in first & second else None for i, p in enumerate(parts))
    assert body.redact(once, range(9)) == once  # what was withheld stays so


def test_a_redacted_body_holds_neither_the_seed_nor_a_withheld_salt():
    parts = [b"shown", b"secret"]
    redacted = body.redact(body.pack(SEED, parts), {0})
    salts = [hmac.new(SEED, bytes([0, 0, 0, i]), "sha256").digest()[:16] for i in range(2)]
    leaf = hashlib.sha256(b"\x00" + salts[1] + b"secret").digest()
    assert cbor.decode(redacted) == [None, [[salts[0], b"shown"], leaf]]
    assert SEED not in redacted
    assert salts[1] not in redacted


@given(PARTS.filter(bool), st.data())
@settings(deadline=None)
def test_a_changed_byte_changes_the_root_or_is_refused(parts, data):
    full = body.pack(SEED, parts)
    for packed in (full, body.redact(full, {0})):
        changed = bytearray(packed)
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
        try:
            root = body.unpack(bytes(changed)).root()
        except (Malformed, TooLarge):
            continue
        assert root != body.unpack(packed).root()


def test_parts_in_another_order_have_another_root():
    assert body.unpack(body.pack(SEED, [b"a", b"b"])).root() != body.unpack(body.pack(SEED, [b"b", b"a"])).root()


@pytest.mark.parametrize(
    "value",
    [None, [], [None], [SEED], [SEED[:31], []], [SEED, [None]], [SEED, [[bytes(16), b""]]], [SEED, {}], [SEED, [], []],
     [None, [None]], [None, [b""]], [None, [bytes(31)]], [None, [[bytes(15), b""]]], [None, [[bytes(16)]]],
     [None, [[bytes(16), "text"]]], [0, []], [True, []]],
)  # fmt: skip
def test_other_content_is_refused(value):
    for read in (body.unpack, lambda data: body.redact(data, {0})):
        with pytest.raises(Malformed):
            read(cbor.encode(value))


def test_a_seed_of_another_length_is_not_used():
    with pytest.raises(ValueError, match="32"):
        body.pack(SEED[:31], [])


def test_more_parts_than_the_limit_are_refused_before_they_are_hashed():
    most = body.PARTS_MAX
    assert len(body.unpack(body.pack(SEED, [b""] * most)).leaves) == most
    with pytest.raises(TooLarge):
        body.pack(SEED, [b""] * (most + 1))
    for value in ([SEED, [b""] * (most + 1)], [None, [bytes(32)] * (most + 1)]):
        with pytest.raises(TooLarge):
            body.unpack(cbor.encode(value))


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=500)
def test_any_bytes_are_read_or_refused(data):
    for read in (body.unpack, lambda data: body.redact(data, {0})):
        try:
            read(data)
        except Inadmissible as error:
            assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not
