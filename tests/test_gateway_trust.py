"""The state that admission decides by follows from the entries alone."""

import pytest
from authors import SITE, Author, admitted, author_part, enrolling, enrolment_part, nonce, void_part

from contract import body, keys
from contract.chain import Head
from contract.errors import Malformed
from gateway.trust import GATEWAY, Standing, Trust, parent_of, rebuild, shown_parts


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


def test_a_later_enrolment_replaces_the_key():
    old, new = Author("edge-1"), Author("edge-1")
    trust = rebuild(SITE, enrolling(old, new), [], {})
    assert keys.thumbprint(trust.standing("edge-1").key) == keys.thumbprint(new.public)


def test_only_the_gateway_enrols():
    edge = Author("edge-1")
    entries = [admitted(edge.begin()), admitted(edge.say("enrolment", [enrolment_part("edge-1", edge.public)]))]
    assert rebuild(SITE, entries, [], {}).standing("edge-1").key is None


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


def test_a_void_of_many_ranges_is_taken_in_one_step_an_epoch(monkeypatch):
    """One signed message must not keep all other agents waiting: ranges are put in order once, not once a range."""
    edge, steps = Author("edge-1"), []
    parts = [void_part("other", k, k, bytes([k % 256]) * 32) for k in range(1000)]
    entries = [admitted(edge.begin()), admitted(edge.say("void", parts))]
    trust, before = Trust(SITE), Standing.reach
    monkeypatch.setattr(Standing, "reach", lambda of, *given: (steps.append(given), before(of, *given)))
    for entry in entries:
        trust.accept(entry)
    assert [epoch for epoch, _ in steps] == [nonce("first"), nonce("other"), nonce("first")]
    assert trust.standing("edge-1").epochs[nonce("other")] == Head(nonce("other"), 999, bytes([999 % 256]) * 32)


def test_what_is_missing_is_known_without_a_look_at_every_epoch_there_was():
    edge, trust = Author("edge-1"), Trust(SITE)
    for number in range(20):
        trust.accept(admitted(edge.begin(str(number), edge.head)))
    standing = trust.standing("edge-1")
    assert standing.missing == {}
    held = [edge.say(), edge.say()]
    trust.accept(admitted(edge.begin("next", edge.head)))
    assert standing.missing == {nonce("19"): 2}
    assert [standing.awaits(nonce("19"), seq) for seq in (0, 2, 3)] == [True, True, False]
    assert standing.awaits(nonce("7"), 0)
    assert not standing.awaits(nonce("next"), 0)
    trust.accept(admitted(held[0]))
    assert standing.missing == {nonce("19"): 2}
    trust.accept(admitted(held[1]))
    assert standing.missing == {}
