"""Which keys an author has follows from what the gateway said, in order."""

from functools import partial

import pytest
from authors import Author, enrolment_part

from contract import cbor, keys, records
from contract.errors import Malformed
from contract.key_records import Reenrolled, RevocationPart
from gateway.enrolments import after, enrolled_key, owners

FIRST, SECOND, THIRD = 0, 1, 2
PUBLIC = [Author("edge-1").public for _ in range(3)]
ID = [keys.thumbprint(key) for key in PUBLIC]
PLACE = records.Parent(epoch=bytes(16), seq=1, hash=bytes(32))
WHY = Reenrolled(by="Li Wei", reason="disk died", entered_ns=1)


def enrolled(key: int, **more: object) -> bytes:
    part = records.read(enrolment_part("edge-1", PUBLIC[key]), records.EnrolmentPart)
    return records.write(part.model_copy(update=more))


def revoked(key: int) -> bytes:
    part = partial(RevocationPart, author="edge-1", since_ns=0, first_index=0, by="Li Wei", reason="", entered_ns=1)
    return records.write(part(key_id=ID[key]))


def states(*parts: bytes) -> str:
    """`current retired revoked`, each key by its number."""
    known = after(parts)["edge-1"]
    number = {key_id: str(n) for n, key_id in enumerate(ID, 1)}
    assert (known.current is None) == (known.current_id is None)
    current = number[known.current_id] if known.current_id else "-"
    return f"{current} {''.join(map(number.get, known.retired))} {''.join(map(number.get, known.revoked))}"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([enrolled(FIRST)], "1  "),
        ([enrolled(FIRST), enrolled(FIRST)], "1  "),
        ([enrolled(FIRST), enrolled(SECOND, rotation=PLACE)], "2 1 "),
        ([enrolled(FIRST), enrolled(SECOND, rotation=PLACE), enrolled(THIRD, rotation=PLACE)], "3 12 "),
        ([enrolled(FIRST), enrolled(SECOND, reenrolled=WHY)], "2  1"),
        ([enrolled(FIRST), enrolled(SECOND, rotation=PLACE), enrolled(THIRD, reenrolled=WHY)], "3  12"),
        ([enrolled(FIRST), enrolled(SECOND)], "2  1"),
        ([enrolled(FIRST), enrolled(SECOND), enrolled(FIRST)], "1  2"),
        ([enrolled(FIRST), revoked(FIRST)], "-  1"),
        ([enrolled(FIRST), enrolled(SECOND, rotation=PLACE), revoked(FIRST)], "2  1"),
        ([enrolled(FIRST), enrolled(SECOND, rotation=PLACE), revoked(SECOND)], "- 1 2"),
        ([enrolled(FIRST), revoked(FIRST), enrolled(SECOND, reenrolled=WHY)], "2  1"),
    ],
)
def test_a_key_is_in_force_retired_or_revoked(parts, expected):
    assert states(*parts) == expected


def test_every_key_that_was_is_found_and_has_one_owner():
    ring = after([enrolled(FIRST), enrolled(SECOND, rotation=PLACE), revoked(FIRST)])
    assert [owners(ring).get(ID[key]) for key in (FIRST, SECOND, THIRD)] == ["edge-1", "edge-1", None]
    assert ring["edge-1"].find(ID[FIRST]) is not None
    assert ring["edge-1"].is_known


def test_a_key_that_never_was_cannot_be_revoked():
    with pytest.raises(Malformed, match="never enrolled"):
        after([enrolled(FIRST), revoked(SECOND)])
    with pytest.raises(Malformed, match="never enrolled"):
        after([revoked(FIRST)])


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256])
def test_an_enrolled_key_is_the_key(algorithm):
    author = Author("edge-1", keys.generate(algorithm))
    part = records.read(enrolment_part("edge-1", author.public), records.EnrolmentPart)
    assert keys.cose_key(enrolled_key(part)) == keys.cose_key(author.public)


@pytest.mark.parametrize(
    ("key", "key_id"),
    [
        (keys.cose_key(PUBLIC[FIRST]), bytes(32)),
        (cbor.encode({1: 1, -1: 6, -2: bytes(31)}), bytes(32)),
        (b"", bytes(32)),
    ],
    ids=["another key's", "short", "nothing"],
)
def test_an_enrolment_that_is_not_of_its_key_is_malformed(key, key_id):
    with pytest.raises(Malformed, match="enrolment"):
        enrolled_key(records.EnrolmentPart(author="edge-1", key=key, key_id=key_id))
