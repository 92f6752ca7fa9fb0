"""Scans to columns and back: nothing lost, times widened and never narrowed, entries of a size that readers take."""

import itertools

import pytest
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


def parts_of(portions):
    return [segment.decode(part) for portion in portions for part in portion.parts]


@given(st.integers(2, 9), st.integers(1, 4000))
def test_whole_meters_share_an_entry_until_it_has_its_size(meters, entry_bytes):
    scans = [(f"m{n}", Scan(0, 10**18, 10**18, (Reading("a", n, 0),))) for n in range(meters)]
    made = columns.segments(scans, ())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columns, "ENTRY_BYTES", entry_bytes)
        portions = list(columns.portions(made))
    assert parts_of(portions) == made == [one for portion in portions for one in portion.segments]
    for portion, after in itertools.pairwise(portions):
        assert sum(map(len, portion.parts)) + len(after.parts[0]) > entry_bytes
    assert all(len(p.parts) == 1 or sum(map(len, p.parts)) <= entry_bytes for p in portions)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 1, 2])), min_size=2, max_size=60))
def test_parts_of_a_meter_follow_each_other_however_much_faster_one_of_its_blocks_is(made):
    scans, at = [], 10**18
    for step, block in made:  # as an OPC UA server's samples and reads, or its memory of an outage
        at += step * segment.TICK_NS
        scans.append(("m", Scan(block, at, at, (Reading(f"p{block}", 1, 0),))))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columns, "READINGS_MAX", 6)
        parts = parts_of(columns.portions(columns.segments(scans, ())))
    found = [(b.index, at_ns) for part in parts for b in part.blocks for at_ns in b.answered_ns]
    assert sorted(found) == sorted((scan.block, scan.answered_ns) for _, scan in scans)
    assert all(sum(len(block.answered_ns) for block in part.blocks) <= 6 for part in parts)
    for before, after in itertools.pairwise(parts):
        last_ns = max(block.answered_ns[-1] for block in before.blocks)
        assert all(block.answered_ns[0] >= last_ns for block in after.blocks)


@given(st.lists(steps, min_size=1, max_size=20), st.sampled_from(["PART_BYTES_MAX", "READINGS_MAX", "SCANS_MAX"]))
def test_a_part_too_large_for_a_reader_is_cut_in_time(made, limit):
    scans = scans_of(made)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columns, limit, {"PART_BYTES_MAX": 200, "READINGS_MAX": 6, "SCANS_MAX": 3}[limit])
        parts = parts_of(columns.portions(columns.segments(scans, ())))
    blocks = [block for part in parts for block in part.blocks]
    assert [at for block in blocks for at in block.requested_ns] == [columns.requested_ns(scan) for _, scan in scans]
    assert [raw for block in blocks for raw in block.columns[1].raws] == [scan.readings[1].raw for _, scan in scans]
    if limit != "PART_BYTES_MAX":
        assert max(len(block.answered_ns) for block in blocks) <= 3
    else:
        assert all(len(segment.encode(part)) <= 200 or len(part.blocks[0].answered_ns) == 1 for part in parts)


def test_parts_are_cut_into_runs_of_an_entry_s_size():
    parts = [bytes(columns.ENTRY_BYTES // 2)] * 5 + [bytes(2 * columns.ENTRY_BYTES)]
    assert [len(run) for run in columns.cut(parts)] == [2, 2, 1, 1]
    assert list(columns.cut([])) == []


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
