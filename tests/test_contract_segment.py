"""Segments: round trips, an independent reader of the columns, one form only, and bounded cost."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import cbor, segment
from contract.errors import Inadmissible, Malformed
from contract.segment import Block, Column, MeterSegment

TICK = segment.TICK_NS
GOOD, UNCERTAIN, BAD_TIMEOUT = 0, 0x40000000, 0x800A0000


def column(draw: st.DrawFn, point: str, scans: int) -> Column:
    statuses = draw(
        st.lists(st.sampled_from([GOOD, GOOD, UNCERTAIN, BAD_TIMEOUT, 0xFFFFFFFF]), min_size=scans, max_size=scans)
    )
    raws = [None if status >= 2**31 else draw(st.integers(0, 2**64 - 1)) for status in statuses]
    sources = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=scans, max_size=scans)
    return Column(point, tuple(raws), tuple(statuses), draw(st.none() | sources.map(tuple)))


@st.composite
def segments(draw: st.DrawFn) -> MeterSegment:
    tick = draw(st.sampled_from([1, TICK, 1_000_000_000]))
    most = (2**63 - 1) // tick
    blocks = []
    for index in sorted(draw(st.sets(st.integers(0, 300), max_size=3))):
        scans = draw(st.integers(1, 8))
        times = st.lists(st.integers(-most, most), min_size=scans, max_size=scans)
        requested, answered = ([tick * n for n in draw(times)] for _ in range(2))
        points = draw(st.lists(st.text(min_size=1, max_size=8), max_size=3, unique=True))
        columns = tuple(column(draw, point, scans) for point in points)
        blocks.append(Block(index, tuple(requested), tuple(answered), columns))
    return MeterSegment(draw(st.text(min_size=1, max_size=8)), tick, tuple(blocks))


@given(segments())
@settings(deadline=None, max_examples=200)
def test_round_trip(made):
    written = segment.encode(made)
    assert segment.decode(written) == made
    assert segment.encode(segment.decode(written)) == written


def integers(data: bytes) -> list[int]:
    """Zigzag LEB128 read as another language would: no code of the module under test."""
    found, number, weight = [], 0, 1
    for byte in data:
        number += (byte % 128) * weight
        weight *= 128
        if byte < 128:
            found.append(number // 2 if number % 2 == 0 else -(number + 1) // 2)
            number, weight = 0, 1
    return found


def sums(numbers: list[int]) -> list[int]:
    out: list[int] = []
    for number in numbers:
        out.append(number + (out[-1] if out else 0))
    return out


def read_independently(part: bytes) -> MeterSegment:
    """A reader written from the specification alone (valid parts only)."""
    fields = cbor.decode(part)
    tick, blocks = fields["tick_ns"], []
    for block in fields["blocks"]:
        scans = block["n"]
        answered = sums([block["at"], *sums(integers(block["times"]))])
        trips = sums(integers(block["trips"]))
        requested = [a - t for a, t in zip(answered, trips, strict=True)]
        columns = []
        for point in block["points"]:
            statuses = [0] * scans
            for first, count, status in point.get("status", []):
                statuses[first : first + count] = [status] * count
            values = sums(integers(point["raw"]))
            raws = [None if status >= 1 << 31 else values.pop(0) for status in statuses]
            sources = None
            if "source" in point:
                gone = {i for first, count in point.get("sourceless", []) for i in range(first, first + count)}
                offsets = sums(integers(point["source"]))
                sources = tuple(None if i in gone else answered[i] * tick - offsets.pop(0) for i in range(scans))
                assert not offsets
            assert not values
            columns.append(Column(point["id"], tuple(raws), tuple(statuses), sources))
        times = (tuple(tick * n for n in requested), tuple(tick * n for n in answered))
        blocks.append(Block(block["i"], *times, tuple(columns)))
    return MeterSegment(fields["meter"], tick, tuple(blocks))


@given(segments())
@settings(deadline=None, max_examples=200)
def test_a_reader_written_from_the_specification_agrees(made):
    assert read_independently(segment.encode(made)) == made


def test_packed_integers():
    # The zigzag and LEB128 forms by hand: 300 -> 600 = 0b100_1011000.
    for number, written in {0: "00", -1: "01", 1: "02", -2: "03", 63: "7e", -64: "7f", 64: "8001", 300: "d804"}.items():
        assert segment.pack([number]).hex() == written
        assert segment.unpack(bytes.fromhex(written), 1) == [number]


@given(st.lists(st.integers(-(2**69) + 1, 2**69 - 1)))
@settings(deadline=None)
def test_packed_integers_round_trip(values):
    assert integers(segment.pack(values)) == values
    assert segment.unpack(segment.pack(values), len(values)) == values


@pytest.mark.parametrize(("data", "count"), [("", 1), ("00", 0), ("0000", 1), ("80", 1), ("0080", 1), ("8080", 2)])
def test_another_number_of_integers_is_refused(data, count):
    with pytest.raises(Malformed):
        segment.unpack(bytes.fromhex(data), count)


def plain(**changed: object) -> dict[str, object]:
    """A part's content as plain data: two scans, the second without an answer."""
    point = {"id": "energy", "raw": segment.pack([1000]), "status": [[1, 1, BAD_TIMEOUT]]}
    block = {"i": 0, "n": 2, "at": 50, "times": segment.pack([10]), "trips": segment.pack([1, 0]), "points": [point]}
    for key, value in changed.items():
        (point if key in {"id", "raw", "status", "source", "sourceless", "p"} else block)[key] = value
    return {"meter": "m1", "tick_ns": TICK, "blocks": [block]}


def test_the_plain_part_is_read():
    read = segment.decode(cbor.encode(plain()))
    assert read.blocks[0].answered_ns == (50 * TICK, 60 * TICK)
    assert read.blocks[0].requested_ns == (49 * TICK, 59 * TICK)
    assert read.blocks[0].columns[0].raws == (1000, None)


REFUSED = {
    "extra member in a block": {"x": 0},
    "extra member in a point": {"p": 0},
    "no scans": {"n": 0},
    "more scans than times": {"n": 3},
    "truth for the index": {"i": True},
    "negative index": {"i": -1},
    "truth for the number of scans": {"n": True, "times": b"", "trips": b"\0", "status": [], "raw": b"\0"},
    "text for a time": {"at": "50"},
    "time that is cut off": {"times": b"\x80"},
    "integer not in its shortest form": {"times": b"\x94\x00"},
    "integer of eleven bytes": {"times": b"\x80" * 10 + b"\x01"},
    "time beyond 64 bits": {"at": 2**63 // TICK},
    "raw beyond 64 bits": {"raw": segment.pack([2**64])},
    "negative raw": {"raw": segment.pack([-1])},
    "value where the status is bad": {"raw": segment.pack([1, 1])},
    "no value where the status is good": {"raw": b""},
    "status of nothing": {"status": None},
    "no runs but said": {"status": [], "raw": segment.pack([1, 1])},
    "run of good": {"status": [[0, 1, 0], [1, 1, BAD_TIMEOUT]]},
    "run of truth": {"status": [[1, 1, True]], "raw": segment.pack([1, 1])},
    "run of negative status": {"status": [[1, 1, -1]], "raw": segment.pack([1, 1])},
    "run of a long status": {"status": [[1, 1, 2**32]]},
    "run beyond the block": {"status": [[1, 2, BAD_TIMEOUT]]},
    "run before the block": {"status": [[-1, 3, BAD_TIMEOUT]]},
    "empty run": {"status": [[1, 0, 5], [1, 1, BAD_TIMEOUT]]},
    "runs that could be one": {"status": [[0, 1, BAD_TIMEOUT], [1, 1, BAD_TIMEOUT]], "raw": b""},
    "runs over one another": {"status": [[0, 2, 5], [1, 1, BAD_TIMEOUT]]},
    "runs out of order": {"status": [[1, 1, BAD_TIMEOUT], [0, 1, BAD_TIMEOUT]], "raw": b""},
    "run that is no list": {"status": [{"0": 1}]},
    "source that is no column": {"source": [1, 2]},
    "too few sources": {"source": segment.pack([1])},
    "source time beyond 64 bits": {"source": segment.pack([2**66, 0])},
    "sourceless without source": {"sourceless": [[0, 1]]},
    "sourceless with a status": {"source": segment.pack([1]), "sourceless": [[0, 1, 1]]},
    "no sourceless but said": {"source": segment.pack([1, 1]), "sourceless": []},
    "points that are no list": {"points": {}},
    "point that is no map": {"points": [1]},
    "point twice": {"points": [plain()["blocks"][0]["points"][0]] * 2},
    "point named by bytes": {"id": b"energy"},
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_refused(why):
    with pytest.raises(Malformed, match=r"^segment: "):
        segment.decode(cbor.encode(plain(**REFUSED[why])))


@pytest.mark.parametrize(
    "changed",
    [{"tick_ns": 0}, {"tick_ns": -1}, {"tick_ns": True}, {"tick_ns": None}, {"meter": None}, {"x": 1}, {"blocks": None},
     {"blocks": [1]}, {"blocks": plain()["blocks"] * 2}],
)  # fmt: skip
def test_refused_as_a_whole(changed):
    with pytest.raises(Malformed, match=r"^segment: "):
        segment.decode(cbor.encode(plain() | changed))


GOOD_COLUMN = Column("p", (1, 2), (0, 0))
TIMES = (0, TICK)


@pytest.mark.parametrize(
    "block",
    [
        Block(0, (), (), ()),
        Block(0, TIMES, (0,), (GOOD_COLUMN,)),
        Block(0, TIMES, TIMES, (Column("p", (1,), (0, 0)),)),
        Block(0, TIMES, TIMES, (Column("p", (1, 2), (0,)),)),
        Block(0, TIMES, TIMES, (Column("p", (1, 2), (0, 0), (0,)),)),
        Block(0, TIMES, TIMES, (Column("p", (1, None), (0, 0)),)),
        Block(0, TIMES, TIMES, (Column("p", (1, 2), (0, BAD_TIMEOUT)),)),
        Block(0, TIMES, TIMES, (Column("p", (1, -2), (0, 0)),)),
        Block(0, TIMES, TIMES, (Column("p", (1, 2**64), (0, 0)),)),
        Block(0, TIMES, TIMES, (Column("p", (1, 2), (0, 0), (0, 2**63)),)),
        Block(0, TIMES, TIMES, (GOOD_COLUMN, GOOD_COLUMN)),
        Block(-1, TIMES, TIMES, (GOOD_COLUMN,)),
        Block(0, (0, 1), TIMES, (GOOD_COLUMN,)),
        Block(0, TIMES, (0, TICK + 1), (GOOD_COLUMN,)),
    ],
)
def test_what_breaks_a_rule_is_not_written(block):
    with pytest.raises(ValueError, match=r"block|point"):
        segment.encode(MeterSegment("m1", TICK, (block,)))


def test_blocks_stand_in_the_order_of_their_indexes():
    blocks = tuple(Block(index, TIMES, TIMES, (GOOD_COLUMN,)) for index in (1, 0))
    with pytest.raises(ValueError, match="indexes"):
        segment.encode(MeterSegment("m1", TICK, blocks))
    assert segment.decode(segment.encode(MeterSegment("m1", TICK, blocks[::-1]))).blocks == blocks[::-1]


@pytest.mark.parametrize(("status", "bad"), [(0, False), (0x40920000, False), (0x80000000, True), (0xC0000000, True)])
def test_the_top_bits_of_a_status_say_whether_there_is_a_value(status, bad):
    assert segment.is_bad(status) is bad  # OPC 10000-4, section 7.39: severity is bits 30 and 31


def silent(scans: int, points: int) -> dict[str, object]:
    """Few bytes that stand for many readings without a value."""
    columns = [{"id": str(n), "raw": b"", "status": [[0, scans, BAD_TIMEOUT]]} for n in range(points)]
    times = {"times": bytes(scans - 1), "trips": bytes(scans)}
    return {"meter": "m", "tick_ns": 1, "blocks": [{"i": 0, "n": scans, "at": 0, "points": columns} | times]}


def test_readings_without_a_value_are_limited_too():
    assert len(segment.decode(cbor.encode(silent(512, 512))).blocks[0].columns) == 512
    data = cbor.encode(silent(512, 513))
    assert len(data) < 32 * 1024
    with pytest.raises(Malformed):
        segment.decode(data)
    many = cbor.encode(silent(512, 300) | {"blocks": [silent(512, 300)["blocks"][0] | {"i": i} for i in range(9)]})
    tracemalloc.start()
    with pytest.raises(Malformed):
        segment.decode(many)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.parametrize("column", [b"\x80" * 1_000_000, b"\xff" * 1_000_000, b"\xff" * 1_000_000 + b"\x01"])
def test_an_endless_integer_is_given_up_early(column):
    with pytest.raises(Malformed, match="more than 10 bytes|of 0 where 1"):
        segment.unpack(column, 1)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_refused(data):
    with pytest.raises(Inadmissible):
        segment.decode(data)


@given(segments(), st.data())
@settings(deadline=None, max_examples=200)
def test_a_changed_byte_gives_another_segment_or_is_refused(made, data):
    written = bytearray(segment.encode(made))
    written[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = segment.decode(bytes(written))
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not
    else:
        assert read != made
        assert segment.encode(read) == bytes(written)


MEMBERS = ["id", "raw", "status", "source", "sourceless", "i", "n", "at", "times", "trips", "points"]
PIECES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.integers(-3, 3) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(MEMBERS), PIECES, max_size=3), st.integers(1, 2**64 - 1))
@settings(deadline=None, max_examples=500)
def test_members_of_any_kind_are_read_in_one_form_or_refused(changed, tick):
    data = cbor.encode(plain(**changed) | {"tick_ns": tick})
    try:
        read = segment.decode(data)
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not
    else:
        assert segment.encode(read) == data
        assert read_independently(data) == read


@pytest.mark.parametrize(
    ("status", "usable"), [(0, True), (0x480, True), (0x3FFFFFFF, True), (0x40000000, False), (0x800A0000, False)]
)
def test_only_a_good_value_may_be_computed_with(status, usable):
    assert segment.is_good(status) is usable


def test_a_column_of_too_many_integers_is_refused_before_any_is_read():
    column = bytes(1 << 21)
    tracemalloc.start()
    with pytest.raises(Malformed, match="of 2097152 where 3"):
        segment.unpack(column, 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * len(column)
