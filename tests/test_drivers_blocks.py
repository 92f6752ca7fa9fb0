"""Read requests against exhaustive search, and readings against words written by hand."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import BAD_DECODING_ERROR, BAD_NO_DATA, GOOD, blocks
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
