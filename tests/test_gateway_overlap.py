"""Batches at once: parts that add up to what the line took, by the declared key alone; of what is unknown, none."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import archive_maker as maker
import pytest
from archive_maker import T0, S
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.aggregation import replay
from contract import records, segment
from contract.records import CounterRef, LinePart
from gateway.batch_facts import BatchFacts, Shared, Together, Told, distinct
from gateway.overlap import Part, overlapping, parted, shared, split, together

PLACE = ("line1", "energy_import")
COUNTER = replay.counters(maker.manifest_parts())[PLACE]
ALL_TIME = -(2**63), 2**63 - 1
READ_NS = tuple(T0 + 10 * n * S for n in range(120))


def declared(key="equal", manifest=b"m"):
    return Together(key, (PLACE,), manifest)


def edge(second):
    """Give or take a second, as all edges here."""
    return T0 + (second - 1) * S, T0 + (second + 1) * S


def batch(name, start, end, good=None, key="equal", **changes):
    known = BatchFacts(
        "edge-1", name, "line1", "coil", T0 + start * S, T0 + end * S, True, 123, 120, 130, 9, good, None,
        edges=(edge(start), edge(end)), together=None if key is None else declared(key),
    )  # fmt: skip
    return replace(known, **changes)


def column(steps):
    """A register that is read each 10 s and grows by these steps, Wh."""
    raws = [5000]
    for n in range(len(READ_NS) - 1):
        raws.append(raws[-1] + steps[n % len(steps)])
    made = segment.Column("energy_import", tuple(raws), (0,) * len(raws))
    answered = tuple(at + maker.TRIP_NS for at in READ_NS)
    block = segment.Block(0, READ_NS, answered, (made,))
    return replay.readings(COUNTER, [segment.MeterSegment("line1", segment.TICK_NS, (block,))])


def known(steps=(7,)):
    readings = column(steps)
    return lambda agent, manifest, place: (COUNTER, readings) if (agent, place) == ("edge-1", PLACE) else None


def by_name(batches):
    return {one.batch: one for one in batches}


def groups(batches):
    """Batches that hang together by overlaps, as (start, end) in seconds with how many there are."""
    found = []
    for one in sorted(batches, key=lambda b: b.start_ns):
        if found and one.start_ns < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], one.end_ns), [*found[-1][2], one.batch])
        else:
            found.append((one.start_ns, one.end_ns, [one.batch]))
    return found


RUNS = st.lists(st.tuples(st.integers(20, 900), st.integers(1, 250), st.integers(1, 9)), min_size=1, max_size=7)


@settings(deadline=None)  # the first window compiles kernels
@given(RUNS, st.sampled_from(["equal", "by_quantity"]), st.lists(st.integers(0, 50), min_size=1, max_size=9))
def test_all_parts_together_are_what_the_line_took_while_any_ran(runs, key, steps):
    told = [batch(f"B{n}", at, at + lasts, good, key) for n, (at, lasts, good) in enumerate(runs)]
    found = by_name(shared(told, known(steps), *ALL_TIME))
    for start_ns, end_ns, names in groups(told):
        mine = [found[name] for name in names]
        if len(mine) == 1:
            assert (mine[0].energy_wh_milli, mine[0].shared) == (123, None)
            continue
        edges = [(at - S, at + S) for at in (start_ns, end_ns)]
        (whole,) = replay.amounts(COUNTER, column(steps), edges, [(0, 1)])
        assert sum(one.energy_wh_milli for one in mine) == whole.amount
        assert sum(one.running_ns for one in mine) == end_ns - start_ns
        assert all(one.lower <= one.energy_wh_milli <= one.upper for one in mine)
        assert sum(one.lower for one in mine) <= whole.lower
        assert sum(one.upper for one in mine) >= whole.upper
        assert all(one.shared.why is None and one.shared.whole_wh_milli == 123 for one in mine)


def test_parts_worked_out_by_hand():
    # 700 mWh a second; A alone 100 s, with B 100 s, B alone 200 s
    equal = by_name(shared([batch("A", 100, 300), batch("B", 200, 500)], known(), *ALL_TIME))
    assert (equal["A"].energy_wh_milli, equal["B"].energy_wh_milli) == (105_000, 175_000)
    assert equal["A"].shared == Shared("equal", 1, 123, 150 * S, None)
    told = [batch("A", 100, 300, 1, "by_quantity"), batch("B", 200, 500, 3, "by_quantity")]
    quantity = by_name(shared(told, known(), *ALL_TIME))
    assert (quantity["A"].energy_wh_milli, quantity["B"].energy_wh_milli) == (87_500, 192_500)
    assert (quantity["A"].running_ns, quantity["B"].running_ns) == (125 * S, 275 * S)
    pieces = [replace(one, good_g_milli=None, good_one_milli=one.good_g_milli * 1000) for one in told]
    counted = by_name(shared(pieces, known(), *ALL_TIME))
    assert (counted["A"].energy_wh_milli, counted["B"].energy_wh_milli) == (87_500, 192_500)
    assert quantity["A"].errors == ()  # its parts' uncertainties add linearly
    assert parted(Part(10, 9, 12, 7), [1, 2]) == [Part(3, 3, 4, 3), Part(7, 6, 8, 5)]


def test_three_at_once_and_the_rest_of_a_division_goes_to_the_earlier():
    told = [batch(name, 100, 110) for name in "ABC"]
    found = shared(told, known((10,)), *ALL_TIME)
    assert [one.energy_wh_milli for one in found] == [3334, 3333, 3333]  # 10 Wh


def test_only_batches_of_the_period_get_a_part_and_their_neighbours_count():
    told = [batch("A", 100, 300), batch("B", 200, 500)]
    found = by_name(shared(told, known(), T0 + 400 * S, T0 + 600 * S))
    assert (found["A"].energy_wh_milli, found["A"].shared) == (123, None)
    assert found["B"].energy_wh_milli == 175_000


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([batch("A", 100, 300, 1, "by_quantity"), batch("B", 200, 500, None, "by_quantity")],
         "good output of B, which shares its time, is not known"),
        ([batch("A", 100, 300, 0, "by_quantity"), batch("B", 200, 500, 0, "by_quantity")],
         "of the batches that share a time none has good output"),
        ([batch("A", 100, 300, 1, "by_quantity"), batch("B", 200, 500, None, "by_quantity", good_one_milli=1)],
         "of the batches that share a time some are told by mass and some in pieces"),
        ([batch("A", 100, 300), batch("B", 200, 5000)], None),
        ([batch("A", 100, 300), batch("B", 200, 500, edges=((T0 + 90 * S, T0 + 310 * S), edge(500)))],
         "edges are told so roughly that one lies within another"),
        ([batch("A", 100, 300, beside=("B", "X")), batch("B", 200, 500)], "X ran beside it and has no record"),
        ([batch("A", 100, 300, beside=("X",))], "X ran beside it and has no record"),
    ],
    ids=["no-quantity", "all-zero", "two-units", "beyond-readings", "rough", "one-unrecorded", "alone-unrecorded"],
)  # fmt: skip
def test_what_is_not_known_has_no_part_and_says_why(told, why):
    found = by_name(shared(told, known(), *ALL_TIME))
    if why is None:  # A's own time is read
        assert (found["A"].energy_wh_milli, found["B"].energy_wh_milli) == (105_000, None)
        assert found["B"].shared.why.startswith("line1/energy_import: ")
    else:
        one = found["A"]
        assert (one.energy_wh_milli, one.lower, one.upper, one.u95, one.shared.why) == (None,) * 4 + (why,)
    assert sum(one.running_ns for one in found.values()) == max(one.end_ns for one in told) - T0 - 100 * S


def test_without_readings_nothing_of_a_shared_time_is_known():
    found = by_name(shared([batch("A", 100, 300), batch("B", 200, 500), batch("C", 500, 600)], None, *ALL_TIME))
    assert [found[name].energy_wh_milli for name in "ABC"] == [None, None, 123]
    gone = shared([batch("A", 100, 300), batch("B", 200, 500)], lambda *_: None, *ALL_TIME)
    assert gone[0].shared.why == "no reading of line1/energy_import counts"


def test_one_at_a_time_is_left_as_it_is():
    told = [batch("A", 100, 300, key=None), batch("B", 200, 500, key=None)]
    assert shared(told, known(), *ALL_TIME) == told
    assert overlapping(told) == {1}


def line(**changes):
    given = {
        "line": "line1", "source": "mes", "edge_time": "observed", "good": None, "scrap": None, "overlap": "equal",
        "energy": [CounterRef(meter="line1", point="energy_import")],
    }  # fmt: skip
    return LinePart(**given | changes)


def test_what_a_line_declares():
    assert together(line(), b"m") == declared()
    scale = CounterRef(meter="scale1", point="good")
    for changes in ({"overlap": None}, {"good": scale}, {"scrap": scale}, {"media": [scale]}):
        assert together(line(**changes), b"m") is None
    assert "overlap" not in line(overlap=None).model_dump()  # so that older bytes stand
    assert records.read(records.write(line()), LinePart) == line()


MIXED = st.lists(
    st.builds(
        lambda name, at, lasts, key, late: batch(
            name, at, at + lasts, key=key, late=Told("Li", "why", 0) if late else None
        ),
        st.sampled_from("ABCD"),
        st.integers(0, 60),
        st.integers(0, 30),
        st.sampled_from([None, "equal", "equal", "by_quantity"]),
        st.booleans(),
    ),
    max_size=9,
)


@given(MIXED)
def test_what_overlaps_is_what_no_key_allows(told):
    batches = distinct(told)
    out = overlapping(batches)
    kept = [n for n in range(len(batches)) if n not in out]

    def collide(one, other):
        apart = one.end_ns <= other.start_ns or other.end_ns <= one.start_ns
        return not apart and (one.batch == other.batch or one.together is None or one.together != other.together)

    assert not any(collide(batches[n], batches[m]) for n, m in combinations(kept, 2))
    order = sorted(range(len(batches)), key=lambda n: batches[n].late is not None)
    for n in out:  # and none is left out for nothing
        before = [m for m in order[: order.index(n)] if m in kept]
        assert any(collide(batches[n], batches[m]) for m in before)


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**18), max_size=30))
def test_a_split_adds_up_and_is_never_off_by_a_whole_unit(total, weights):
    parts = split(total, weights)
    whole = sum(weights)
    assert sum(parts) == (total if whole else 0)
    assert all(abs(part - Fraction(total * w, whole or 1)) < 1 for part, w in zip(parts, weights, strict=True))


def test_a_split_gives_the_rest_to_the_earlier_of_equals():
    assert split(2, [1, 1, 1]) == [1, 1, 0]
    assert split(5, [0, 3]) == [0, 5]
    with pytest.raises(ValueError, match="negative"):
        split(-1, [1])
