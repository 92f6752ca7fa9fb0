"""Admission under fire: whatever is sent costs little, and ends in a verdict that admits nothing."""

import tracemalloc

import pytest
import zstandard
from authors import SITE, Author, admitted, enrolling, header, wire
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import body, cbor, cose, keys, message
from gateway import trust as trusts
from gateway.admit import Verdict, admit

EDGE = Author("edge-1")
FIRST = EDGE.begin()
GOOD = EDGE.say()
PLAIN = cbor.encode([GOOD.signed, GOOD.body])
N = message.PLAIN_BYTES_MAX
ROOM = N - 600  # for the header and the heads


def judged(data: bytes) -> Verdict:
    """The verdict on what comes after the author's first entry."""
    state = trusts.rebuild(SITE, [*enrolling(EDGE), admitted(FIRST)], [], {})
    return admit(state, EDGE.topic, data, 0)


def framed(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(plain)


def array(item: bytes, room: int) -> bytes:
    count = (room - 5) // len(item)
    return b"\x9a" + count.to_bytes(4, "big") + item * count


SMALL = {
    "empty arrays": b"\x80",
    "empty maps": b"\xa0",
    "deep arrays": b"\x81" * 14 + b"\x80",
    "numbers": b"\x00",
    "strings": b"\x40",
    "pairs": b"\x82\x40\x40",
    "tags": b"\xd8\x1c\x80",
}


def peak_of(data: bytes) -> tuple[Verdict, int]:
    """The verdict, and the most memory that judging took beyond what was there."""
    tracemalloc.start()
    verdict = judged(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return verdict, peak


def test_the_good_one_is_admitted():
    assert judged(wire(GOOD)).name == "admitted"


@pytest.mark.parametrize("what", SMALL)
def test_a_message_of_small_items_is_refused_before_any_is_built(what):
    verdict, peak = peak_of(framed(array(SMALL[what], N)))
    assert (verdict.name, verdict.refusal) == ("malformed", None)
    assert peak < 2 * N


@pytest.mark.parametrize("what", SMALL)
def test_a_body_of_small_items_is_not_looked_into_before_the_signature_holds(what):
    """And afterwards no more than its form allows: an enrolled author may have turned."""
    bodies = [
        b"\x82" + cbor.encode(bytes(32)) + array(SMALL[what], ROOM),
        b"\x82\xf6" + array(SMALL[what], ROOM),
        array(SMALL[what], ROOM),
    ]
    stranger = cose.sign(cose.parse(GOOD.signed).payload, keys.generate(), "entry", SITE)
    spoilt = GOOD.signed[:-1] + bytes([GOOD.signed[-1] ^ 1])
    for packed in bodies:
        for signed, names in (
            (stranger, {"unknown_key"}),
            (spoilt, {"bad_signature"}),
            (GOOD.signed, {"malformed", "too_large"}),
        ):
            verdict, peak = peak_of(framed(cbor.encode([signed, packed])))
            assert verdict.name in names
            assert peak < 4 * N


def test_as_many_parts_as_are_allowed_take_memory_in_proportion():
    """The most a true author can make a reader hold: empty parts, each with its leaf."""
    parts = [b""] * body.PARTS_MAX
    fields = header(GOOD).model_copy(update={"parts": len(parts)})
    packed = body.pack(bytes(32), parts)
    fields = fields.model_copy(update={"body_root": body.unpack(packed).root()})
    signed = cose.sign(cbor.encode(fields.model_dump()), EDGE.key, "entry", SITE)
    verdict, peak = peak_of(framed(cbor.encode([signed, packed])))
    assert verdict.name == "admitted"
    assert peak < 2 * N


@pytest.mark.parametrize("window", [0x00, 0x50, 0x88, 0xF8, 0xFF])
@pytest.mark.parametrize("size", [1, N, N + 1, 2**63, 2**64 - 3])
def test_a_frame_that_asks_for_a_huge_window_or_size_takes_no_memory(window, size):
    """RFC 8878, section 3.1.1: magic number, descriptor (8 bytes of content size), window, size; then one raw block.

    Window descriptor 0xff asks for 3.75 TiB, which the library refuses even before the size.
    """
    block = b"\x09\x00\x00" + b"\x80"  # the last one, raw, of one byte
    verdict, peak = peak_of(b"\x28\xb5\x2f\xfd\xc0" + bytes([window]) + size.to_bytes(8, "little") + block)
    assert verdict.name == ("too_large" if size > N and window < 0xF8 else "malformed")
    assert peak < 2 * N


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_pieces_cut_doubled_and_moved_are_never_admitted(data):
    at, to, where = (data.draw(st.integers(0, len(PLAIN))) for _ in range(3))
    first, last = min(at, to), max(at, to)
    rest = PLAIN[:first] + PLAIN[last:] if data.draw(st.booleans()) else PLAIN
    spliced = rest[:where] + PLAIN[first:last] + rest[where:] if data.draw(st.booleans()) else rest
    verdict = judged(framed(spliced or b"\0"))
    assert (verdict.name == "admitted") is (spliced == PLAIN)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    ),
    st.booleans(),
)
def test_any_value_as_message_or_as_body_is_refused(value, as_body):
    written = cbor.encode(value)
    verdict = judged(framed(cbor.encode([GOOD.signed, written]) if as_body else written))
    assert verdict.name in {"malformed", "too_large"}
