"""Admission: one verdict by name for everything the world can send, and nothing else."""

from dataclasses import replace

import pytest
import zstandard
from authors import SITE, Author, admitted, author_part, enrolling, event_part, header, nonce, wire
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import body, cbor, cose, entry, keys, message, receipt, topics
from contract.chain import Head
from contract.receipt import Wanted
from gateway import trust as trusts
from gateway.admit import Name, Verdict, admit

AT_NS = 1_700_000_000_000_000_000


class Gate:
    """A gateway reduced to its judgement: what is admitted is accepted."""

    def __init__(self, *authors: Author) -> None:
        self.trust = trusts.rebuild(SITE, enrolling(*authors), [], {})

    def judge(self, author: Author, sealed: entry.Sealed) -> Verdict:
        """Judge an entry as its author would send it."""
        return self.judge_bytes(author.topic, wire(sealed))

    def judge_bytes(self, topic: topics.Topic, data: bytes) -> Verdict:
        """Judge a message and act on the verdict."""
        verdict = admit(self.trust, topic, data, AT_NS)
        if verdict.entry:
            self.trust.accept(verdict.entry)
        if verdict.name == "fork":
            self.trust.stop(topic.agent, verdict.refusal.epoch)
        return verdict

    def admit(self, author: Author, *sealed: entry.Sealed) -> None:
        """Judge entries that must all be admitted."""
        assert [self.judge(author, one).name for one in sealed] == ["admitted"] * len(sealed)


@pytest.fixture
def edge():
    return Author("edge-1")


@pytest.fixture
def gate(edge):
    return Gate(edge)


def resigned(author: Author, sealed: entry.Sealed, **changes) -> entry.Sealed:
    """The same entry with header members changed, truly signed by its author."""
    fields = header(sealed).model_dump() | changes
    signed = cose.sign(cbor.encode(fields), author.key, "entry", author.writer.site)
    return entry.Sealed(signed, sealed.body, cose.parse(signed).digest("entry", author.writer.site))


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256])
def test_a_chain_is_admitted_in_order_and_kept_verbatim(algorithm):
    edge = Author("edge-1", keys.generate(algorithm))
    gate = Gate(edge)
    first, second = edge.begin(), edge.say()
    verdicts = [gate.judge(edge, first), gate.judge(edge, second)]
    assert [v.name for v in verdicts] == ["admitted", "admitted"]
    assert verdicts[1].entry == replace(admitted(second), admitted_ns=AT_NS)
    assert gate.trust.standing("edge-1").latest == edge.head


def test_the_same_entry_again_is_a_duplicate_even_in_a_stopped_epoch(gate, edge):
    first, second = edge.begin(), edge.say()
    gate.admit(edge, first, second)
    gate.trust.stop("edge-1", edge.head.epoch)
    assert [gate.judge(edge, first).name, gate.judge(edge, second).name] == ["duplicate", "duplicate"]


def test_an_entry_after_a_hole_is_held_and_names_the_hole(gate, edge):
    gate.admit(edge, edge.begin())
    skipped, late = [edge.say(), edge.say()], edge.say()
    verdict = gate.judge(edge, late)
    assert (verdict.name, verdict.wanted) == ("held", Wanted(epoch=nonce("first"), first=1, last=2))
    gate.admit(edge, *skipped, late)


def test_an_unknown_epoch_is_held_from_its_beginning(gate, edge):
    edge.begin()
    verdict = gate.judge(edge, edge.say())
    assert (verdict.name, verdict.wanted) == ("held", Wanted(epoch=nonce("first"), first=0, last=0))


def test_another_entry_in_the_same_place_is_a_fork_and_its_epoch_stops(gate, edge):
    gate.admit(edge, edge.begin())
    other = edge.copy()
    gate.admit(edge, edge.say())
    second = other.say("event", [event_part(7)])
    verdict = gate.judge(edge, second)
    assert verdict.name == "fork"
    assert (verdict.refusal.epoch, verdict.refusal.seq, verdict.refusal.hash) == (nonce("first"), 1, second.hash)
    assert gate.judge(edge, edge.say()).name == "stopped"
    assert gate.judge(edge, second).name == "stopped"
    gate.admit(edge, edge.begin("second", parent=edge.head))


def test_an_entry_that_follows_another_than_the_head_is_a_fork(gate, edge):
    gate.admit(edge, edge.begin())
    other = edge.copy()
    gate.admit(edge, edge.say())
    other.say("event", [event_part(7)])
    assert gate.judge(other, other.say()).name == "fork"


@pytest.mark.parametrize("grown", [1, 5])
def test_a_parent_behind_the_head_is_a_rollback(gate, edge, grown):
    gate.admit(edge, edge.begin())
    behind = edge.head
    gate.admit(edge, *(edge.say() for _ in range(grown)))
    verdict = gate.judge(edge, edge.begin("second", parent=behind))
    assert (verdict.name, verdict.entry.flags) == ("admitted", ("rollback",))


def test_a_second_child_of_one_parent_is_a_clone(gate, edge):
    gate.admit(edge, edge.begin())
    other, parent = edge.copy(), edge.head
    gate.admit(edge, edge.begin("second", parent=parent), edge.say())
    verdict = gate.judge(other, other.begin("third", parent=parent))
    assert (verdict.name, verdict.entry.flags) == ("admitted", ("clone",))


def test_an_epoch_that_follows_nothing_though_another_did_is_a_clone(gate, edge):
    gate.admit(edge, edge.begin(), edge.say())
    assert gate.judge(edge, edge.begin("second", parent=None)).entry.flags == ("clone",)


def test_a_parent_ahead_of_the_head_is_unlinked_and_wanted(gate, edge):
    gate.admit(edge, edge.begin())
    missing = [edge.say(), edge.say()]
    verdict = gate.judge(edge, edge.begin("second", parent=edge.head))
    assert (verdict.name, verdict.entry.flags) == ("admitted", ("unlinked",))
    assert verdict.wanted == Wanted(epoch=nonce("first"), first=1, last=2)
    gate.admit(edge, *missing)


def test_a_parent_in_an_unknown_epoch_is_wanted_from_the_beginning(gate, edge):
    verdict = gate.judge(edge, edge.begin("second", parent=Head(nonce("lost"), 4, bytes(32))))
    assert (verdict.entry.flags, verdict.wanted) == (
        ("unlinked",),
        Wanted(epoch=nonce("lost"), first=0, last=4),
    )


def test_following_the_last_entry_of_the_epoch_before_is_nothing_to_remark(gate, edge):
    gate.admit(edge, edge.begin(), edge.say())
    assert gate.judge(edge, edge.begin("second", parent=edge.head)).entry.flags == ()


def test_topics(gate, edge):
    data = wire(edge.begin())
    for topic in (topics.Topic("other", "edge-1", "entries"), topics.Topic(SITE, "edge-1", "live")):
        assert gate.judge_bytes(topic, data).name == "wrong_topic"
    assert gate.judge_bytes(topics.Topic(SITE, "edge-2", "entries"), data).name == "wrong_author"


def test_nobody_speaks_as_the_gateway_from_outside(gate, edge):
    gateway = Author("gateway", edge.key)
    assert gate.judge(gateway, gateway.begin()).name == "wrong_author"


def test_an_author_nobody_enrolled_and_a_key_nobody_enrolled(gate):
    stranger, impostor = Author("edge-9"), Author("edge-1")
    assert gate.judge(stranger, stranger.begin()).name == "unknown_key"
    assert gate.judge(impostor, impostor.begin()).name == "unknown_key"


def test_an_impostor_who_names_the_enrolled_key(gate, edge):
    impostor = Author("edge-1")
    true, false = cose.parse(edge.begin().signed), cose.parse(impostor.begin().signed)
    forged = bytes([cose.TAG_SIGN1]) + cbor.encode([true.protected, {}, true.payload, false.signature])
    assert gate.judge_bytes(edge.topic, message.pack(forged, edge.begin().body)).name == "bad_signature"


def test_an_entry_of_another_site_and_a_signature_for_another_purpose(gate, edge):
    elsewhere = Author("edge-1", edge.key, "other-plant")
    assert gate.judge_bytes(edge.topic, wire(elsewhere.begin())).name == "bad_signature"
    sealed = edge.begin()
    signed = cose.sign(cose.parse(sealed.signed).payload, edge.key, "receipt", SITE)
    assert gate.judge_bytes(edge.topic, message.pack(signed, sealed.body)).name == "bad_signature"


def test_an_author_no_longer_configured_is_revoked(gate, edge):
    gate.trust.revoked.add("edge-1")
    assert gate.judge(edge, edge.begin()).name == "revoked"


def test_versions_types_and_words(gate, edge):
    sealed = edge.begin()
    assert gate.judge(edge, resigned(edge, sealed, v=2)).name == "unsupported_version"
    gate.admit(edge, sealed)
    event = edge.copy().say()
    assert gate.judge(edge, resigned(edge, event, type="enrolment")).name == "wrong_author"
    assert gate.judge(edge, resigned(edge, event, type="a\x00b")).name == "malformed"
    assert gate.judge(edge, resigned(edge, event, type="thermogram", colour=1)).name == "admitted"


def test_sizes_are_checked_before_anything_is_unpacked(gate, edge):
    bomb = zstandard.ZstdCompressor().compress(bytes(message.PLAIN_BYTES_MAX + 1))
    assert len(bomb) < 1000
    for data in (bytes(message.MESSAGE_BYTES_MAX + 1), bomb, message.pack(bytes(entry.HEADER_BYTES_MAX + 257), b"")):
        assert gate.judge_bytes(edge.topic, data).name == "too_large"


def test_a_body_that_is_another_or_partly_withheld_is_malformed_and_blames_nobody(gate, edge):
    sealed = edge.begin()
    for other in (body.pack(bytes(32), [b"other"]), body.redact(sealed.body, []), b""):
        verdict = gate.judge_bytes(edge.topic, message.pack(sealed.signed, other))
        assert (verdict.name, verdict.refusal) == ("malformed", None)
    gate.admit(edge, sealed)


@pytest.mark.parametrize("parts", [[], [b""], [event_part(1)], [b"\xff"]])
def test_a_manifest_that_does_not_begin_with_its_author_is_refused_as_its_own_words(gate, edge, parts):
    edge.begin()
    bad = Author("edge-1", edge.key)
    bad.writer = replace(bad.writer, epoch=nonce("bad"))
    verdict = gate.judge(bad, bad.say("manifest", parts))
    assert (verdict.name, verdict.refusal.verdict, verdict.refusal.seq) == ("malformed", "malformed", 0)


def test_a_later_manifest_is_an_ordinary_entry(gate, edge):
    gate.admit(edge, edge.begin(), edge.say("manifest", [author_part()]))


EDGE = Author("edge-1", keys.private_from_pem(keys.private_to_pem(keys.generate())))
GOOD = wire(EDGE.begin())
VERDICTS = set(Name.__args__)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200) | st.builds(lambda at, xor: _flipped(GOOD, at, xor), st.integers(0), st.integers(1, 255))
)
def test_no_exception_leaves_whatever_is_sent(data):
    verdict = Gate(EDGE).judge_bytes(EDGE.topic, data)
    assert verdict.name in VERDICTS
    assert bool(verdict.reason) != bool(verdict.entry)  # a flip in the zstd frame alone need not change what it holds


@settings(max_examples=300, deadline=None)
@given(st.integers(0), st.integers(1, 255))
def test_no_flipped_byte_of_an_entry_is_admitted(at, xor):
    signed, packed = message.unpack(GOOD)
    plain = _flipped(cbor.encode([signed, packed]), at, xor)
    data = zstandard.ZstdCompressor().compress(plain)
    assert Gate(EDGE).judge_bytes(EDGE.topic, data).name != "admitted"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_truly_signed_nonsense_is_refused(payload):
    signed = cose.sign(payload, EDGE.key, "entry", SITE)
    verdict = Gate(EDGE).judge_bytes(EDGE.topic, message.pack(signed, b""))
    assert verdict.name in {"malformed", "unsupported_version", "too_large"}


def test_every_refusal_fits_a_receipt(gate, edge):
    gate.admit(edge, edge.begin())
    other = edge.copy()
    gate.admit(edge, edge.say())
    refusal = gate.judge(edge, other.say("event", [event_part(7)])).refusal
    assert receipt.Refusal.model_validate(refusal.model_dump()) == refusal


def _flipped(data: bytes, at: int, xor: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ xor]) + data[at + 1 :]
