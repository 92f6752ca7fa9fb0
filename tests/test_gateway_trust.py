"""The state that admission decides by follows from the entries alone."""

import pytest
from authors import SITE, Author, admitted, author_part, enrolling, enrolment_part, nonce

from contract import body, cbor, keys, records
from contract.chain import Head
from contract.errors import Malformed
from gateway.trust import GATEWAY, Trust, enrolled_key, parent_of, rebuild, shown_parts


def test_rebuilding_is_accepting_one_by_one():
    edge = Author("edge-1")
    entries = [*enrolling(edge), admitted(edge.begin()), admitted(edge.say())]
    parent = edge.head
    entries.append(admitted(edge.begin("second", parent=parent)))
    whole, trust = rebuild(SITE, entries, [("edge-1", nonce("first"))], {}), Trust(SITE)
    for entry in entries:
        trust.accept(entry)
    trust.stop("edge-1", nonce("first"))
    assert whole.past == trust.past == {(e.author, e.epoch, e.seq): e.hash for e in entries}
    for author in ("edge-1", GATEWAY):
        left, right = whole.standing(author), trust.standing(author)
        assert keys.thumbprint(left.key) == keys.thumbprint(right.key)
        assert (left.latest, left.epochs, left.children) == (right.latest, right.epochs, right.children)
    standing = whole.standing("edge-1")
    assert standing.latest == Head(nonce("second"), 0, entries[-1].hash)
    assert list(standing.children) == [None, parent]
    assert standing.stopped == {nonce("first")}


def test_epochs_stand_in_the_order_of_their_latest_admission():
    edge = Author("edge-1")
    trust = rebuild(SITE, [admitted(edge.begin("a")), admitted(edge.begin("b"))], [], {})
    assert list(trust.standing("edge-1").epochs) == [nonce("a"), nonce("b")]
    late = Author("edge-1", edge.key)
    late.begin("a")
    trust.accept(admitted(late.say()))
    assert list(trust.standing("edge-1").epochs) == [nonce("b"), nonce("a")]


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256])
def test_an_enrolled_key_is_the_key(algorithm):
    author = Author("edge-1", keys.generate(algorithm))
    part = records.read(enrolment_part("edge-1", author.public), records.EnrolmentPart)
    assert keys.cose_key(enrolled_key(part)) == keys.cose_key(author.public)


def test_a_later_enrolment_replaces_the_key():
    old, new = Author("edge-1"), Author("edge-1")
    trust = rebuild(SITE, enrolling(old, new), [], {})
    assert keys.thumbprint(trust.standing("edge-1").key) == keys.thumbprint(new.public)


def test_only_the_gateway_enrols():
    edge = Author("edge-1")
    entries = [admitted(edge.begin()), admitted(edge.say("enrolment", [enrolment_part("edge-1", edge.public)]))]
    assert rebuild(SITE, entries, [], {}).standing("edge-1").key is None


GOOD = keys.cose_key(Author().public)
POINT = {1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}  # not on the curve


@pytest.mark.parametrize(
    ("key", "key_id"),
    [
        (GOOD, bytes(32)),
        (cbor.encode(POINT), bytes(32)),
        (cbor.encode({1: 1, -1: 6, -2: bytes(31)}), bytes(32)),
        (cbor.encode(cbor.decode(GOOD) | {2: b"kid"}), bytes(32)),
        (b"\xa0", bytes(32)),
        (b"", bytes(32)),
    ],
    ids=["another key's", "off the curve", "short", "more than a key", "empty", "nothing"],
)
def test_an_enrolment_that_is_not_of_its_key_is_malformed(key, key_id):
    part = records.EnrolmentPart(author="edge-1", key=key, key_id=key_id)
    with pytest.raises(Malformed):
        enrolled_key(part)


def test_parents():
    parent = Head(nonce("a"), 4, bytes(32))
    assert parent_of([author_part(parent), b"more"]) == parent
    assert parent_of([author_part()]) is None
    for parts in ([], [b"\xa0"], [b"\xff"]):
        with pytest.raises(Malformed):
            parent_of(parts)


def test_withheld_parts_are_not_shown():
    whole = body.pack(bytes(32), [b"one", b"two"])
    assert shown_parts(body.unpack(whole)) == [b"one", b"two"]
    with pytest.raises(Malformed, match="withheld"):
        shown_parts(body.unpack(body.redact(whole, [1])))
