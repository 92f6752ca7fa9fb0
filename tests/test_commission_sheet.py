"""Sheets: signed as such and as nothing else, read back whole, refused in every other form."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sheets import STEPS, made

from agent.commission import sheet
from agent.commission.sheet import Step, read, sheet_hash, signed_by, write
from contract import cbor, cose, keys
from contract.errors import BadSignature, Inadmissible, Malformed, TooLarge

KEYS = {algorithm: keys.generate(algorithm) for algorithm in (keys.EDDSA, keys.ES256)}
KEY = KEYS[keys.EDDSA]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_what_was_signed_is_read_back(key):
    data = write(made(), key)
    assert read(data, key.public_key()) == made()
    assert sheet_hash(data) == hashlib.sha256(data).digest()
    assert signed_by(data) == keys.thumbprint(key.public_key())


def test_the_form_is_that_of_the_contract():
    data = write(made(), KEY)
    signed = cose.parse(data)
    structure = cbor.encode(["Signature1", signed.protected, b"metertrail/v1/sheet/works", signed.payload])
    KEY.public_key().verify(signed.signature, structure)
    members = cbor.decode(signed.payload)
    assert members["v"] == 1
    assert members["ct"]["primary"] == 400
    assert members["looks"][0]["seen"][0]["raw"] == 2**64 - 1
    assert not [value for value in _values(members) if isinstance(value, float)]


def _values(value):
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner)
    else:
        yield value


def signed(members, kind="sheet", site="works"):
    return cose.sign(cbor.encode(members), KEY, kind, site)


def test_a_signature_for_something_else_is_none_for_a_sheet():
    members = made().model_dump()
    with pytest.raises(BadSignature):
        read(signed(members, kind="entry"), KEY.public_key())
    with pytest.raises(BadSignature):
        read(signed(members, site="other"), KEY.public_key())
    with pytest.raises(BadSignature):
        read(signed(members), KEYS[keys.ES256].public_key())
    assert read(signed(members), KEY.public_key()) == made()


@pytest.mark.parametrize("member", sorted(made().model_dump().keys() - {"v"}))
def test_a_missing_member_is_malformed(member):
    members = made().model_dump()
    del members[member]
    with pytest.raises(Malformed):
        read(signed(members), KEY.public_key())


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"person": ""}, {"started_ns": "now"}, {"profile_hash": b"short"}, {"steps": [{"step": "a"}]},
     {"steps": [{"step": "a", "verdict": "fine", "line": ""}]}, {"looks": {}}],
)  # fmt: skip
def test_members_of_another_type_are_malformed(change):
    with pytest.raises(Malformed, match="sheet: "):
        read(signed(made().model_dump() | change), KEY.public_key())


def test_members_of_a_later_version_are_kept():
    assert read(signed(made().model_dump() | {"weather": "rain"}), KEY.public_key()).model_extra == {"weather": "rain"}


@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_way(data):
    with pytest.raises(Inadmissible):
        read(data, KEY.public_key())


@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_never_goes_through(at, bit):
    data = bytearray(DATA)
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(Inadmissible):
        read(bytes(data), KEY.public_key())


DATA = write(made(), KEY)


def test_sizes_are_bounded_in_both_directions():
    huge = made(steps=[Step(step="load", verdict="failed", line="x" * 1000)] * 300)
    with pytest.raises(TooLarge):
        write(huge, KEY)
    with pytest.raises(TooLarge):
        read(bytes(sheet.SHEET_BYTES_MAX + 1), KEY.public_key())


@pytest.mark.parametrize(
    ("verdicts", "wanted"),
    [((), "passed"), (("passed",), "passed"), (("passed", "skipped"), "incomplete"), (("skipped", "failed"), "failed")],
)
def test_the_verdict_of_the_whole(verdicts, wanted):
    steps = [Step(step="a", verdict=verdict, line="") for verdict in verdicts]
    assert made(steps=steps).verdict == wanted
    assert made().verdict == ("failed" if any(verdict == "failed" for _, verdict, _ in STEPS) else "")
