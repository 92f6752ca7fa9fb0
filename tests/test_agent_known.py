"""What is remembered of counters: exactly what an edge can rest on, and it says when that is not enough."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from plant_in_memory import S, Site, at_ns, meter_scan

from agent import columns, manifest
from agent.aggregation.replay import Earlier, amounts, readings
from agent.known import Known
from contract.handovers import Handover

PLACE = ("press", "energy")
ROUNDS = st.sets(st.integers(1, 60), max_size=40).map(sorted)


def stated(tmp_path_factory):
    plan = Site.at(tmp_path_factory.mktemp("plant")).plan
    return manifest.read(manifest.parts(plan.meters, plan.config.line))


def sealed(rounds):
    return columns.segments([meter_scan(k) for k in rounds], ())


def known_of(counters, *portions):
    known = Known(counters, [PLACE])
    for portion in portions:
        known.add(sealed(portion))
    return known


def test_what_is_added_bit_by_bit_is_what_would_be_read_at_once(tmp_path_factory):
    counters = stated(tmp_path_factory).counters
    bit_by_bit = known_of(counters, [1, 2], [], [3], [5, 8]).columns[PLACE]
    at_once = known_of(counters, [1, 2, 3, 5, 8]).columns[PLACE]
    assert bit_by_bit.raws == at_once.raws
    assert bit_by_bit.answered_ns.tolist() == at_once.answered_ns.tolist()


def test_it_reaches_back_to_its_second_reading_unless_nothing_older_exists(tmp_path_factory):
    known = known_of(stated(tmp_path_factory).counters, [4, 5])
    assert known.reaches(PLACE, at_ns(6))
    assert not known.reaches(PLACE, at_ns(5))  # asked for then, answered later
    known.replace(PLACE, known.columns[PLACE], whole=True)
    assert known.reaches(PLACE, at_ns(1))
    known.forget(at_ns(6))
    assert known.reaches(PLACE, at_ns(6))  # nothing was dropped: 4 and 5 are still the last two before it
    known.add(sealed([7, 8]))
    known.forget(at_ns(9))
    assert not known.reaches(PLACE, at_ns(1))


def test_forgetting_never_changes_what_a_later_window_holds(tmp_path_factory):
    stated_ = stated(tmp_path_factory)
    counter = stated_.counters[PLACE]

    @given(ROUNDS, st.integers(0, 61_000), st.integers(0, 30_000), st.integers(0, 30_000))
    def holds(rounds, before_ms, later_ms, length_ms):
        whole, partly = known_of(stated_.counters, rounds), known_of(stated_.counters, rounds)
        before_ns = at_ns(0) + before_ms * 1_000_000
        partly.forget(before_ns)
        start = before_ns + later_ms * 1_000_000
        edges = [(start, start + 5), (start + length_ms * 1_000_000, start + length_ms * 1_000_000 + 5)]
        assert amounts(counter, partly.columns[PLACE], edges, [(0, 1)]) == amounts(
            counter, whole.columns[PLACE], edges, [(0, 1)]
        )

    holds()


def test_an_edge_before_an_exchange_rests_on_the_instrument_before(tmp_path_factory):
    counters = stated(tmp_path_factory).counters
    over = Handover(
        point="energy", before="1", after="0", at_ns=at_ns(10), within_ns=S, serial_before="1", source="sheet"
    )
    old, new = counters[PLACE], replace(counters[PLACE], serial="2", handover=over)
    known = known_of({**counters, PLACE: new}, [12, 13])
    column = known.columns[PLACE]
    before = replace(column, earlier=Earlier(old, readings(old, sealed([4, 5, 6]))))
    known.replace(PLACE, column, whole=True)
    assert not known.reaches(PLACE, at_ns(11))  # there may have been one before
    assert known.reaches(PLACE, at_ns(14))
    assert not known.reaches(PLACE, at_ns(8))
    known.replace(PLACE, before, whole=True)
    assert known.reaches(PLACE, at_ns(8))
    assert not known.reaches(PLACE, at_ns(4))
    known.replace(PLACE, before, whole=True, whole_before=True)
    assert known.reaches(PLACE, at_ns(4))
    known.add(sealed([14]))
    assert known.columns[PLACE].earlier is not None
    known.forget(at_ns(9))
    assert known.reaches(PLACE, at_ns(9))
    known.forget(at_ns(12))
    assert known.columns[PLACE].earlier.known.raws == ()
    assert not known.reaches(PLACE, at_ns(9))
    assert known.reaches(PLACE, at_ns(12))


def test_an_edge_rests_on_the_last_two_readings_before_it(tmp_path_factory):
    known = known_of(stated(tmp_path_factory).counters, [1, 2, 5, 8])
    assert known.rests_from_ns(at_ns(6)) == at_ns(2)
    assert known.rests_from_ns(at_ns(20)) == at_ns(5)
    assert known_of(known.counters).rests_from_ns(at_ns(6)) == at_ns(6), "nothing is read yet"
    known.columns[PLACE] = replace(known.columns[PLACE], earlier=Earlier(None, known.columns[PLACE].cut(0, 1)))
    assert known.rests_from_ns(at_ns(20)) == at_ns(1), "the instrument before it counts as well"
