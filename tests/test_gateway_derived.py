"""What a row must say follows from its bytes, and each column that does not is told."""

import pytest
from authors import SITE, Author, admitted

from contract import message
from contract.errors import Malformed
from gateway import derived

EDGE = Author()
FIRST, SECOND = EDGE.begin(), EDGE.say()
NAMES = ["author", "epoch", "seq", "hash", "type", "from_ns", "to_ns"]


def test_columns_are_those_admission_gave():
    for sealed in (FIRST, SECOND):
        entry = admitted(sealed)
        due = derived.columns(sealed.signed, message.pack(sealed.signed, sealed.body), SITE)
        assert due == {name: getattr(entry, name) for name in NAMES}
        assert list(derived.differences(due, due)) == []


def test_the_hash_is_the_sites_own():
    packed = message.pack(FIRST.signed, FIRST.body)
    due, elsewhere = (derived.columns(FIRST.signed, packed, site) for site in (SITE, "other"))
    (told,) = derived.differences(elsewhere, due)
    assert told == f"hash is {elsewhere['hash'].hex()[:16]} where the bytes say {FIRST.hash.hex()[:16]}"


@pytest.mark.parametrize(
    ("signed", "packed", "words"),
    [
        (FIRST.signed, message.pack(SECOND.signed, SECOND.body), "holds another header than the one kept beside it"),
        (FIRST.signed, message.pack(FIRST.signed, SECOND.body), "body: is not the one the header signs"),
        (b"\xa0", message.pack(b"\xa0", FIRST.body), "COSE_Sign1|cose|container"),
    ],
    ids=["another's", "another body", "no entry"],
)
def test_bytes_that_are_no_entry_are_refused(signed, packed, words):
    with pytest.raises(Malformed, match=words):
        derived.columns(signed, packed, SITE)
