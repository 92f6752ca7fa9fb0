"""Read requests against exhaustive search, and readings against words written by hand."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import BAD_DATA_UNAVAILABLE, BAD_DECODING_ERROR, BAD_NO_DATA, GOOD, Reading, blocks, registers
from agent.drivers.profile import Point


def point(**keys):
    given = {"id": "p", "quantity": "active_energy_import", "type": "uint32", "unit": "kWh", "kind": "counter"}
    return Point.model_validate(given | {"table": "holding", "address": 0} | keys)


def layout(spans):
    """Points of one or more registers from (gap, type) pairs, one after the other."""
    address, points = 0, []
    for number, (gap, kind) in enumerate(spans):
        points.append(point(id=f"p{number}", address=address + gap, type=kind))
        address = points[-1].end
    return points


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["uint16", "float32", "int64"])), min_size=1, max_size=9),
    st.integers(4, 14),
    st.integers(0, 5),
)
def test_a_plan_is_the_shortest_there_is(spans, registers_max, hole_max):
    points = layout(spans)
    planned = blocks.plan(reversed(points), registers_max, hole_max)
    assert [p.id for b in planned for p in b.points] == [p.id for p in points]
    for b in planned:
        assert b.count <= registers_max
        assert b.address == b.points[0].address
        assert b.address + b.count == b.points[-1].end
        assert all(after.address - before.end <= hole_max for before, after in itertools.pairwise(b.points))

    def fits(first, last):
        holes = [b.address - a.end for a, b in itertools.pairwise(points[first:last])]
        return points[last - 1].end - points[first].address <= registers_max and max(holes, default=0) <= hole_max

    def allowed(cuts):
        edges = [0, *cuts, len(points)]
        return all(fits(a, b) for a, b in itertools.pairwise(edges))

    inner = range(1, len(points))
    fewest = next(n for n in range(len(points)) if any(allowed(c) for c in itertools.combinations(inner, n)))
    assert len(planned) == fewest + 1


def test_a_point_shares_its_request_with_its_scale():
    points = [
        point(id="a", address=0, type="int16", scale_point="s"),
        point(id="lone", address=1, type="int16"),
        point(id="s", address=40, type="int16"),
    ]
    (block,) = blocks.plan(points, 50, 4)
    assert (block.address, block.count, len(block.points)) == (0, 41, 3)
    with pytest.raises(ValueError, match="spans 41 registers, allowed 40"):
        blocks.plan(points, 40, 4)


def test_tables_are_never_mixed():
    points = [point(id="a", table="input"), point(id="b", table="holding", address=2)]
    assert [(b.table, b.address, b.count) for b in blocks.plan(points, 125, 125)] == [
        ("holding", 2, 2),
        ("input", 0, 2),
    ]


def test_raws_keep_the_order_of_the_wire():
    (block,) = blocks.plan(
        [point(id="a", address=5, words="low_first"), point(id="b", address=8, type="uint16")], 10, 1
    )
    assert blocks.raws(block, [0x0A11, 0x42C5, 0xFFFF, 7]) == {"a": 0x0A1142C5, "b": 7}
    for words in ([1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, 0x10000]):
        with pytest.raises(ValueError):
            blocks.raws(block, words)


def test_a_point_without_a_usable_scale_has_no_value():
    points = [
        point(id="a", address=0, type="uint16", scale_point="s", invalid=[0]),
        point(id="s", address=1, type="int16", invalid=[0x8000]),
    ]
    (block,) = blocks.plan(points, 10, 0)
    for words, expected in [
        ([5, 0xFFFE], [(5, GOOD), (0xFFFE, GOOD)]),
        ([0, 0xFFFE], [(None, BAD_NO_DATA), (0xFFFE, GOOD)]),
        ([5, 0x8000], [(None, BAD_NO_DATA), (None, BAD_NO_DATA)]),
        ([5, 0x0064], [(None, BAD_DECODING_ERROR), (0x0064, GOOD)]),
    ]:
        assert [(r.raw, r.status) for r in blocks.readings(block, words)] == expected


def composite(*places, **keys):
    parts = [{"address": address, "type": kind, "scale": scale} for address, kind, scale in places]
    given = {"id": "c", "quantity": "active_energy_import", "type": "composite", "unit": "kWh", "kind": "counter"}
    return Point.model_validate(given | {"table": "holding", "parts": parts} | keys)


def text(name, address, length, **keys):
    keys = {"type": "text", "unit": "1", "kind": "gauge", "quantity": "serial", "length": length} | keys
    return point(id=name, address=address, **keys)


def test_text_is_told_as_text():
    (block,) = blocks.plan([text("t", 4, 3), text("s", 7, 2, bytes="low_first"), point(id="n", address=9)], 10, 0)
    words = [0x4142, 0x4320, 0x0000, 0x3130, 0xFF32, 0x0001, 0x0002]
    assert blocks.readings(block, words) == (
        Reading("t", None, GOOD, None, "ABC"),
        Reading("s", None, GOOD, None, "012"),
        Reading("n", 0x10002, GOOD),
    )
    assert blocks.raws(block, words) == {"n": 0x10002}
    assert blocks.readings(block, [0xC328, *words[1:]])[0] == Reading("t", None, BAD_DECODING_ERROR)


def test_fields_share_their_word():
    points = [
        point(id="alarm", type="bool", bit=3, kind="gauge", unit="1", quantity="alarm", address=5),
        point(id="tariff", type="uint16", bits=[0, 2], kind="gauge", unit="1", quantity="tariff", address=5),
        point(id="next", type="uint16", address=6),
    ]
    (block,) = blocks.plan(points, 10, 0)
    assert (block.address, block.count) == (5, 2)
    found = {reading.point: reading.raw for reading in blocks.readings(block, [0x000D, 7])}
    assert found == {"alarm": 13, "tariff": 13, "next": 7}
    assert [registers.scaled(p, found[p.id], 1) for p in points[:2]] == [1000, 5000]


@pytest.mark.parametrize("order", ["high_first", "low_first"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 1e38, 0.0, -1.5])
def test_a_float_that_is_no_number_is_left_out_in_either_order(number, order):
    (block,) = blocks.plan([point(type="float32", words=order)], 10, 0)
    pair = struct.unpack(">HH", struct.pack(">f", number))[:: 1 if order == "high_first" else -1]
    (reading,) = blocks.readings(block, pair)
    good = number in {1e38, 0.0, -1.5}
    assert (reading.raw, reading.status) == ((pair[0] << 16 | pair[1], GOOD) if good else (None, BAD_NO_DATA))


def test_digits_that_are_none_have_no_value():
    (block,) = blocks.plan([point(type="bcd32"), point(id="m", address=2, type="mod10k32")], 10, 0)
    assert [(r.raw, r.status) for r in blocks.readings(block, [0x1234, 0x567A, 1, 10000])] == [
        (None, BAD_DECODING_ERROR)
    ] * 2
    assert [r.raw for r in blocks.readings(block, [0x1234, 0x5678, 1, 9999])] == [0x12345678, 0x1270F]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["uint16", "float32", "int64"])), min_size=1, max_size=8),
    st.randoms(),
)
def test_what_the_fast_way_reads_is_what_status_and_raws_say(spans, rng):
    points = layout(spans)
    (block,) = blocks.plan(points, 125, 3)
    words = [rng.choice([0, 0x7F80, 0x7FF0, 0xFFFF, rng.randrange(0x10000)]) for _ in range(block.count)]
    raw = blocks.raws(block, words)
    for reading, p in zip(blocks.readings(block, words), block.points, strict=True):
        assert reading.status == registers.status_of(p, raw[p.id])
        assert reading == Reading(p.id, raw[p.id] if reading.status == GOOD else None, reading.status)


def test_a_composite_shares_one_request_where_it_can():
    (block,) = blocks.plan([composite((100, "uint16", -3), (10, "uint32", 0)), point(id="x", address=50)], 125, 0)
    assert block.requests == ((10, 91),)
    words = [0] * 91
    words[0:2], words[40:42], words[90] = [7, 8], [1, 2], 9
    assert {r.point: r.raw for r in blocks.readings(block, words)} == {"c": 9 << 32 | 7 << 16 | 8, "x": 1 << 16 | 2}


def test_a_composite_too_wide_for_a_request_is_read_high_low_high():
    torn = composite((300, "uint16", 0), (10, "uint32", -6))
    before, block = blocks.plan([torn, point(id="x", address=50)], 125, 0)
    assert before.requests == ((50, 2),)
    assert (block.requests, block.count) == (((300, 1), (10, 2), (300, 1)), 4)
    (reading,) = blocks.readings(block, [7, 0x000F, 0x423F, 7])
    assert reading == Reading("c", 7 << 32 | 999_999, GOOD)
    assert registers.scaled(torn, reading.raw, 1) == 7_999_999
    assert blocks.readings(block, [7, 0, 0, 8]) == (Reading("c", None, BAD_DATA_UNAVAILABLE),)
    assert blocks.split(block) is None


@given(st.integers(0, 10**9), st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_a_torn_read_is_never_admitted(start, steps):
    """A counter of whole and thousandths that moves on between the three requests: what is admitted was shown."""
    (block,) = blocks.plan([composite((300, "uint32", 0), (10, "uint16", -3))], 125, 0)
    shown = [start + sum(steps[: i + 1]) for i in range(3)]  # thousandths at the time of each request
    high = [(value // 1000 >> 16, value // 1000 & 0xFFFF) for value in shown]
    (reading,) = blocks.readings(block, [*high[0], shown[1] % 1000, *high[2]])
    if reading.status == GOOD:
        assert registers.scaled(block.points[0], reading.raw, 1) == shown[1] * 1000
    else:
        assert reading == Reading("c", None, BAD_DATA_UNAVAILABLE)
        assert high[0] != high[2]


def test_more_than_two_requests_for_one_value_are_refused():
    with pytest.raises(ValueError, match="c: .* spans 502 registers, allowed 125"):
        blocks.plan([composite((0, "uint16", 0), (250, "uint16", 0), (500, "uint32", 0))], 125, 0)


def test_what_is_answered_only_as_a_whole_is_asked_for_as_a_whole():
    points = [text("model", 64002, 10, within=[64001, 27]), text("serial", 64012, 8, within=[64001, 27])]
    (block,) = blocks.plan([point(id="x", address=1), *points], 125, 0)[1:]
    assert block.requests == ((64001, 27),)
    words = [0x2A, *([0x4141] * 10), *([0x4242] * 8), *([0] * 8)]
    assert [r.text for r in blocks.readings(block, words)] == ["A" * 20, "B" * 16]
    assert blocks.split(block) is None


def test_a_refused_block_is_cut_at_its_widest_hole():
    points = [point(id=f"p{a}", address=a) for a in (0, 2, 6, 8, 20, 24)]
    (block,) = blocks.plan(points, 125, 20)
    low, high = blocks.split(block)
    assert ([p.id for p in low.points], [p.id for p in high.points]) == (["p0", "p2", "p6", "p8"], ["p20", "p24"])
    assert (low.address, low.count, high.address, high.count) == (0, 10, 20, 6)
    assert [p.id for p in blocks.split(low)[0].points] == ["p0", "p2"]


def test_a_block_without_holes_is_cut_in_its_middle():
    (block,) = blocks.plan([point(id=f"p{i}", address=2 * i) for i in range(8)], 125, 0)
    low, high = blocks.split(block)
    assert (low.count, high.count) == (8, 8)
    assert blocks.split(blocks.plan([point()], 125, 0)[0]) is None


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["uint16", "float32"])), min_size=1, max_size=9), st.data()
)
def test_cutting_ends_with_every_point_by_itself_or_with_what_belongs_to_it(spans, data):
    points = layout(spans)
    points += [point(id="s", address=points[-1].end, type="int16")]
    scaled = data.draw(st.sets(st.sampled_from([p.id for p in points[:-1]])))
    points = [p.model_copy(update={"scale_point": "s"}) if p.id in scaled else p for p in points]
    (block,) = blocks.plan(points, 125, 6)
    pieces, whole = [block], []
    while pieces:
        piece = pieces.pop()
        halves = blocks.split(piece)
        if halves is None:
            whole.append(piece)
        else:
            assert halves[0].address + halves[0].count <= halves[1].address
            pieces += halves
    assert sorted(p.id for piece in whole for p in piece.points) == sorted(p.id for p in points)
    together = [{p.id for p in piece.points} for piece in whole]
    assert any(scaled | {"s"} <= ids for ids in together)
    assert sum(len(ids) > 1 for ids in together) <= 1
