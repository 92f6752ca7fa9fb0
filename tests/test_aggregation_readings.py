"""Readings out of segments: those with a value, in order, joined as they would be read at once."""

from hypothesis import given
from hypothesis import strategies as st
from plant_in_memory import at_ns, energy
from press import amount, instant, segments

from agent import columns
from agent.aggregation import readings
from agent.drivers import Reading, Scan


def test_the_last_value_that_was_to_be_had_is_no_reading_of_now(counter):
    stale = 0x40900000  # UncertainLastUsableValue (OPC 10000-6 annex A): it has a value, of an instant unknown
    told = [("press", Scan(0, at_ns(k), at_ns(k) + 1, (Reading("energy", energy(raw), status),)))
            for k, raw, status in ((1, 1, 0), (2, 1, stale), (3, 1, stale), (4, 4, 0x480))]  # fmt: skip
    known = readings.readings(counter, columns.segments(told, ()))
    assert known.raws == (energy(1), energy(4))
    result = amount(counter, known, instant(1.5), instant(2.1))
    assert result.upper >= 80 * (energy(2) - energy(1))


def test_readings_are_those_with_a_value_in_the_order_of_their_answers(counter):
    later, earlier = segments(range(5, 8), bad=[6]), segments(range(1, 3))
    known = readings.readings(counter, [*later, *earlier])
    assert known.raws == (energy(1), energy(2), energy(5), energy(7))
    assert known.requested_ns.tolist() == [at_ns(k) for k in (1, 2, 5, 7)]
    assert known.scale_raws == ()


@given(st.lists(st.sets(st.integers(1, 50), max_size=10), max_size=5), st.booleans())
def test_joined_is_what_reading_at_once_gives(counter, portions, shuffled):
    seen, cut = set(), []
    for portion in portions:
        cut.append(sorted(portion - seen))
        seen |= portion
    if not shuffled:
        every = sorted(seen)
        cut = [every[: len(every) // 2], every[len(every) // 2 :]]
    found = readings.joined([readings.readings(counter, segments(portion)) for portion in cut] or [readings.NOTHING])
    due = readings.readings(counter, segments(sorted(seen)))
    assert found.raws == due.raws
    assert found.requested_ns.tolist() == due.requested_ns.tolist()
    assert found.answered_ns.tolist() == due.answered_ns.tolist()


@given(st.sets(st.integers(1, 50), max_size=10), st.integers(0, 51))
def test_an_edge_rests_on_the_last_two_readings_before_it(counter, rounds, at):
    known = readings.readings(counter, segments(sorted(rounds)))
    answered = known.answered_ns.tolist()
    before = [at_ns_ for at_ns_ in answered if at_ns_ <= at_ns(at)]
    kept = readings.since(known, at_ns(at)).answered_ns.tolist()
    assert kept == answered[max(0, len(before) - 2) :]
    assert readings.reaches(known.answered_ns, at_ns(at)) == (len(before) > 1)


def test_power_stands_beside_a_counter_segment_by_segment(counter):
    known = readings.readings(counter, segments(range(1, 4)))
    assert known.power_w_milli is None or known.power_w_milli.size == 3
    parts = [known.cut(0, 1), known.cut(1)]
    again = readings.joined(parts)
    assert again.raws == known.raws
    assert known.at([2, 0]).raws == (known.raws[2], known.raws[0])
