"""Scans to columns and back: nothing lost, times widened and never narrowed, costs an upper bound."""

from hypothesis import given
from hypothesis import strategies as st

from agent import columns
from agent.drivers import Reading, Scan
from contract import segment

raws = st.integers(0, 2**64 - 1)
bad, good = st.integers(2**31, 2**32 - 1), st.integers(0, 2**31 - 1)
sources = st.none() | st.integers(0, 2**62)
readings = st.builds(lambda raw, status, s: Reading("", raw, status, s), raws, good, sources) | st.builds(
    lambda status: Reading("", None, status), bad
)
steps = st.tuples(st.integers(100_000, 10**10), st.integers(0, 10**9), st.tuples(readings, readings))


def scans_of(made):
    at, scans = 10**18, []
    for step, trip, (first, second) in made:
        at += step
        named = (
            Reading("a", first.raw, first.status, first.source_ns),
            Reading("b", second.raw, second.status, second.source_ns),
        )
        scans.append(("m", Scan(0, at, at + trip, named)))
        at += trip
    return scans


@given(st.lists(steps, min_size=1, max_size=20))
def test_every_reading_is_in_the_columns_and_its_times_only_widened(made):
    scans = scans_of(made)
    (part,) = columns.segments(scans, ())
    (block,) = segment.decode(segment.encode(part)).blocks
    for n, (_, scan) in enumerate(scans):
        assert 0 <= scan.requested_ns - block.requested_ns[n] < segment.TICK_NS
        assert 0 <= block.answered_ns[n] - scan.answered_ns < segment.TICK_NS
        assert columns.requested_ns(scan) == block.requested_ns[n]
        for column, reading in zip(block.columns, scan.readings, strict=True):
            assert (column.raws[n], column.statuses[n]) == (reading.raw, reading.status)
            assert (column.sources_ns or {n: None})[n] == reading.source_ns


@given(st.lists(steps, min_size=1, max_size=20))
def test_no_segment_takes_more_than_its_scans_cost(made):
    scans = scans_of(made)
    (part,) = columns.segments(scans, ())
    frame = len(segment.encode(segment.MeterSegment("m", segment.TICK_NS, ()))) + 60  # names and keys, once a block
    assert len(segment.encode(part)) <= frame + sum(columns.cost(scan) for _, scan in scans)


@given(st.lists(steps, max_size=20), st.integers(1, 1000))
def test_portions_keep_order_and_bound(made, bytes_max):
    scans = scans_of(made)
    cut = list(columns.portions(scans, bytes_max))
    assert [one for portion in cut for one in portion] == scans
    for portion in cut:
        assert len(portion) == 1 or sum(columns.cost(scan) for _, scan in portion) <= bytes_max


def test_meters_and_blocks_stay_apart_and_a_point_missing_in_a_scan_is_bad():
    first = Scan(1, 0, 10, (Reading("a", 1, 0),))
    second = Scan(1, 20_000_000, 20_000_010, (Reading("a", 2, 0), Reading("b", 3, 0)))
    parts = columns.segments([("m", first), ("n", first), ("m", second), ("m", Scan(0, 5, 6, first.readings))], ())
    assert [(part.meter, [block.index for block in part.blocks]) for part in parts] == [("m", [0, 1]), ("n", [1])]
    b = parts[0].blocks[1].columns[1]
    assert (b.point, b.raws, b.statuses) == ("b", (None, 3), (0x809B0000, 0))


def test_text_tags_are_left_out_and_a_scan_of_nothing_else_with_them():
    text = Reading("name", None, 0, None, "A")
    assert columns.segments([("m", Scan(0, 0, 1, (text,)))], {("m", "name")}) == []
    both = Scan(0, 0, 1, (text, Reading("a", 1, 0)))
    (part,) = columns.segments([("m", both)], {("m", "name")})
    assert [column.point for column in part.blocks[0].columns] == ["a"]
