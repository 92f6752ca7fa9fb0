"""What is said of keys is read back as it was written, and what is left out leaves no trace."""

import pytest

from contract import cbor, records
from contract.errors import Malformed
from contract.key_records import Reenrolled, RevocationPart, RotationPart

SAID = {"by": "Li Wei", "reason": "laptop stolen", "entered_ns": 9}
REVOKED = {"author": "edge-1", "key_id": bytes(32), "since_ns": 5, "first_index": 7, **SAID}


@pytest.mark.parametrize(
    "record",
    [RotationPart(key=b"k", key_id=bytes(32), proof=b"p"), RevocationPart(**REVOKED), Reenrolled(**SAID)],
    ids=lambda record: type(record).__name__,
)
def test_records_are_read_back(record):
    assert records.read(records.write(record), type(record)) == record


@pytest.mark.parametrize(
    "wrong", [{"key_id": bytes(31)}, {"first_index": -1}, {"by": ""}, {"reason": "x" * 1001}, {"since_ns": "5"}]
)
def test_a_revocation_is_strict(wrong):
    with pytest.raises(Malformed):
        records.read(cbor.encode({"part": "revocation", **REVOKED, **wrong}), RevocationPart)


def test_an_enrolment_and_an_author_of_before_keep_their_bytes():
    enrolment = records.EnrolmentPart(author="a", key=b"k", key_id=bytes(32))
    assert cbor.decode(records.write(enrolment)) == {
        "part": "enrolment", "author": "a", "key": b"k", "key_id": bytes(32),
    }  # fmt: skip
    author = records.Author(parent=None, reason="r", software="s", config_hash=bytes(32), started_ns=1)
    assert "custody" not in cbor.decode(records.write(author))
    assert records.read(records.write(author.model_copy(update={"custody": "file"})), records.Author).custody == "file"


def test_custody_is_one_of_two_words():
    author = records.Author(parent=None, reason="r", software="s", config_hash=bytes(32), started_ns=1)
    with pytest.raises(Malformed, match="custody"):
        records.read(records.write(author.model_copy(update={"custody": "pocket"})), records.Author)
