"""Entries: what is sealed is read again, what is unknown survives, and what breaks a rule is refused."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import body, cbor, cose, entry, keys
from contract.errors import BadSignature, Inadmissible, Malformed, TooLarge, UnsupportedVersion

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(7, ec.SECP256R1())
SITE = "plant-1"
SEED = bytes(range(32, 64))
INT64 = st.integers(-(2**63), 2**63 - 1)
COUNTS = st.integers(0, 2**63 - 1)


def fields(**changed: object) -> dict[str, object]:
    """A header's members as plain data."""
    return {
        "v": 1,
        "type": "segment",
        "author": "agent-1",
        "epoch": bytes(range(16)),
        "seq": 7,
        "prev": b"p" * 32,
        "from_ns": 1_000,
        "to_ns": 2_000,
        "sealed_ns": 3_000,
        "clock": {"synchronised": True, "error_ns": 5, "boot": b"b" * 16, "monotonic_ns": 9},
        "checkpoint": {"size": 3, "root": b"r" * 32},
        "parts": 2,
        "body_root": b"o" * 32,
    } | changed


def header(**changed: object) -> entry.Header:
    return entry.Header.model_validate(fields(**changed))


def sealed(**changed: object) -> entry.Sealed:
    return entry.seal(header(**changed), [b"part 0", b"part 1"], SEED, KEY, SITE)


@pytest.mark.parametrize("key", [KEY, P256], ids=["Ed25519", "ES256"])
def test_what_is_sealed_is_read_verified_and_its_body_checked(key):
    made = entry.seal(header(), [b"part 0", b"part 1"], SEED, key, SITE)
    read = entry.read(made.signed)
    assert cose.verify(read.container, key.public_key(), "entry", SITE) == made.hash == read.hash(SITE)
    assert entry.check_body(read.header, made.body).parts == (b"part 0", b"part 1")
    assert (read.header.parts, read.header.seq, read.header.type) == (2, 7, "segment")


def test_the_hash_is_that_of_the_sig_structure_and_not_of_the_signature():
    made = sealed()
    protected, _, payload, _ = cbor.decode(made.signed[1:])
    structure = cbor.encode(["Signature1", protected, b"metertrail/v1/entry/plant-1", payload])
    assert made.hash == hashlib.sha256(structure).digest()
    first, second = (entry.seal(header(), [b""], SEED, P256, SITE) for _ in range(2))
    assert first.signed != second.signed
    assert first.hash == second.hash


def test_the_same_bytes_have_another_hash_at_another_site():
    read = entry.read(sealed().signed)
    assert read.hash("plant-1") != read.hash("plant-2")
    with pytest.raises(BadSignature):
        cose.verify(read.container, KEY.public_key(), "entry", "plant-2")


def test_the_payload_is_the_map_of_the_members():
    made = sealed()
    expected = fields(body_root=body.unpack(made.body).root())
    assert cbor.decode(cbor.decode(made.signed[1:])[2]) == expected


@given(
    seq=st.integers(1, 2**63 - 1),
    sealed_ns=INT64,
    span=st.tuples(INT64, INT64).map(sorted),
    clock=st.fixed_dictionaries(
        {
            "synchronised": st.none() | st.booleans(),
            "error_ns": st.none() | COUNTS,
            "boot": st.none() | st.binary(min_size=16, max_size=16),
            "monotonic_ns": st.none() | COUNTS,
        }
    ),
    checkpoint=st.none() | st.fixed_dictionaries({"size": COUNTS, "root": st.binary(min_size=32, max_size=32)}),
    extra=st.dictionaries(
        st.text(max_size=12), st.none() | st.integers(-9, 9) | st.binary(max_size=9) | st.lists(st.text(max_size=9))
    ),
)  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_every_member_known_or_not_survives(seq, sealed_ns, span, clock, checkpoint, extra):
    expected = extra | fields(
        seq=seq, sealed_ns=sealed_ns, from_ns=span[0], to_ns=span[1], clock=extra | clock, checkpoint=checkpoint
    )
    payload = cbor.encode(expected)
    read = entry.parse_header(payload)
    assert cbor.encode(read.model_dump()) == payload
    assert cbor.decode(payload) == expected


def test_an_unknown_type_is_read():
    assert entry.read(sealed(type="something-new").signed).header.type == "something-new"


REFUSED = {
    "nothing for a number": {"seq": None},
    "truth for a number": {"seq": True},
    "negative seq": {"seq": -1},
    "seq beyond 63 bits": {"seq": 2**63},
    "time beyond 64 bits": {"to_ns": 2**63},
    "text for a time": {"sealed_ns": "3000"},
    "short epoch": {"epoch": bytes(15)},
    "text epoch": {"epoch": "0123456789abcdef"},
    "short prev": {"prev": b"p" * 31},
    "long body root": {"body_root": bytes(33)},
    "no author": {"author": ""},
    "long author": {"author": "a" * 65},
    "author in bytes": {"author": b"agent-1"},
    "no type": {"type": ""},
    "number for truth": {"clock": {"synchronised": 1, "error_ns": None, "boot": None, "monotonic_ns": None}},
    "clock member missing": {"clock": {"synchronised": True}},
    "no clock": {"clock": None},
    "negative error": {"clock": {"synchronised": True, "error_ns": -1, "boot": None, "monotonic_ns": None}},
    "checkpoint without root": {"checkpoint": {"size": 1}},
    "list for a map": {"checkpoint": [1, bytes(32)]},
    "span backwards": {"from_ns": 2_001},
    "first entry with a predecessor": {"seq": 0, "type": "manifest"},
    "later entry without one": {"prev": bytes(32)},
    "first entry that is no manifest": {"seq": 0, "prev": bytes(32), "type": "two\nlines"},
    "member named by a number": {5: 5},
}


@pytest.mark.parametrize("why", REFUSED)
def test_refused(why):
    with pytest.raises(Malformed, match=r"^header: .+\Z"):
        entry.parse_header(cbor.encode(fields() | REFUSED[why]))


@pytest.mark.parametrize("member", fields())
def test_every_member_is_due(member):
    with pytest.raises(Inadmissible):
        entry.parse_header(cbor.encode({key: value for key, value in fields().items() if key != member}))


@pytest.mark.parametrize("version", [0, 2, True, "1", None, [1], b"\n" * 500])
def test_another_version_is_refused_whatever_else_it_says(version):
    with pytest.raises(UnsupportedVersion) as caught:
        entry.parse_header(cbor.encode({"v": version, "something": "else"}))
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("value", [None, 1, [], "v", b"", [{"v": 1}]])
def test_a_payload_that_is_no_map_is_refused(value):
    with pytest.raises(Malformed):
        entry.parse_header(cbor.encode(value))


def test_first_entry_of_an_epoch():
    made = entry.seal(header(seq=0, prev=entry.NO_ENTRY, type="manifest"), [], SEED, KEY, SITE)
    read = entry.read(made.signed)
    assert read.header.parts == 0
    assert read.header.body_root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert entry.check_body(read.header, made.body).parts == ()


def test_a_header_above_the_limit_is_neither_written_nor_read():
    with pytest.raises(TooLarge):
        sealed(later_member=bytes(entry.HEADER_BYTES_MAX))
    with pytest.raises(TooLarge):
        entry.read(bytes(entry.HEADER_BYTES_MAX + 257))


def test_the_largest_header_is_read():
    spare = entry.HEADER_BYTES_MAX - len(cbor.encode(fields(later_member=bytes(300)))) + 300
    made = sealed(later_member=bytes(spare))
    assert len(entry.read(made.signed).container.payload) == entry.HEADER_BYTES_MAX
    assert len(made.signed) <= entry.HEADER_BYTES_MAX + 256
    with pytest.raises(TooLarge):
        sealed(later_member=bytes(spare + 1))


@pytest.mark.parametrize(
    "other", [[], [b"part 0"], [b"part 1", b"part 0"], [b"part 0", b"part 1", b""], [b"part 0", b"part 2"]]
)
def test_another_body_is_refused(other):
    read = entry.read(sealed().signed)
    with pytest.raises(Malformed):
        entry.check_body(read.header, body.pack(SEED, other))


def test_a_redacted_body_passes_for_the_full_one():
    made = sealed()
    read = entry.read(made.signed)
    assert entry.check_body(read.header, body.redact(made.body, {1})).parts == (None, b"part 1")
    assert entry.check_body(read.header, body.redact(made.body, {})).parts == (None, None)


def test_the_number_of_parts_is_signed_apart_from_the_root():
    # The root of one part whose leaf is an inner node's hash could otherwise stand for two parts.
    made = sealed()
    read = entry.read(made.signed)
    root = body.unpack(made.body).root()
    assert body.unpack(cbor.encode([None, [root]])).root() == root
    with pytest.raises(Malformed):
        entry.check_body(read.header, cbor.encode([None, [root]]))


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_no_changed_byte_is_believed(data):
    signed = bytearray(sealed().signed)
    signed[data.draw(st.integers(0, len(signed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Inadmissible) as caught:
        cose.verify(entry.read(bytes(signed)).container, KEY.public_key(), "entry", SITE)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_refused(data):
    with pytest.raises(Inadmissible):
        entry.read(data)
    with pytest.raises(Inadmissible):
        entry.parse_header(data)


PIECES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=33) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(fields())) | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(fields())), PIECES)
@settings(deadline=None, max_examples=500)
def test_a_member_of_any_kind_is_read_or_refused(member, value):
    payload = cbor.encode(fields() | {member: value})
    container = cose.sign(payload, KEY, "entry", SITE)
    try:
        read = entry.read(container)
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not
    else:
        assert cbor.encode(read.header.model_dump()) == payload


def test_keys_are_known_by_their_thumbprint():
    assert entry.read(sealed().signed).container.key_id == keys.thumbprint(KEY.public_key())
