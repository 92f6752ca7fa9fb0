"""Running batches: the figures of every second are those of all readings so far, whatever the registers do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plant_in_memory import CONFIG, S, Site, at_ns

from agent import columns, manifest, so_far
from agent.aggregation import replay
from agent.batches import Running
from agent.drivers import BAD_TIMEOUT, Reading, Scan
from agent.drivers.profile import positive
from agent.so_far import SoFar
from contract.handovers import Handover
from contract.records import Edge, Seen

PLACES = (("press", "energy"), ("press-plc", "produced"))


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    rated = CONFIG.replace('installation = "1"', 'installation = "1"\npower_max_w = 40000')
    plan = Site.at(tmp_path_factory.mktemp("plant"), rated).plan
    made = manifest.read(manifest.parts(plan.meters, plan.config.line))
    counter = made.counters[PLACES[0]]
    wraps = replace(counter, spec=counter.spec.model_copy(update={"limit": positive(str(2**32))}))
    return replace(made, counters={**made.counters, PLACES[0]: wraps})


def running(start_ns):
    seen = Seen(requested_ns=start_ns - S, answered_ns=start_ns, source_ns=None)
    earliest_ns = start_ns - S // 3
    start = Edge(
        earliest_ns=earliest_ns, latest_ns=start_ns, policy="observed", lag_ns=0, offset=None, before=seen, after=seen
    )
    return Running("A", "coil", start)


def scan(place, at, raw, status=0, took=2_000_000):
    meter, point = place
    return meter, Scan(0, at, at + took, (Reading(point, None if status else raw, status),))


def read(stated, scans):
    made = columns.segments(scans, ())
    return {
        place: replay.readings(stated.counters[place], [m for m in made if m.meter == place[0]]) for place in PLACES
    }


def whole(stated, known, start_ns):
    """A batch that begins with everything there is."""
    return SoFar.of(running(start_ns), stated.lines["press"], stated.counters, known)


def figures(stated, known, start_ns):
    """The figures from everything at once."""
    start, found = (start_ns - S // 3, start_ns), {}
    for role, place in zip(("energy", "good"), PLACES, strict=True):
        counter, asked = stated.counters[place], known[place].requested_ns
        end = int(asked[-1]) - counter.age_ns if asked.size else 0
        if end >= start_ns:
            (one,) = replay.amounts(counter, known[place], [start, (end, end)], [(0, 1)])
            found[role] = {"amount": one.amount, "lower": one.lower, "upper": one.upper, "unit": counter.unit}
    return found


ODD = ["bad"] * 4 + [-2, -1000, 10**5]
STEPS = st.integers(0, 200).map(lambda n: ODD[n] if n < len(ODD) else n % 12)


@given(
    st.lists(st.tuples(st.integers(1, 40), STEPS, st.booleans()), min_size=60, max_size=120),
    st.integers(2, 12),
    st.integers(0, 60),
)
@settings(deadline=None, max_examples=40)
def test_the_figures_are_those_of_all_readings_at_every_second(stated, steps, began, joined):
    patch = pytest.MonkeyPatch()
    patch.setattr(so_far, "FORGET_ABOVE", 3)
    patch.setattr(so_far, "FORGET_AT_ONCE", 10)
    patch.setattr(so_far, "MARGIN", 2)
    start_ns = at_ns(began)
    known, shown, at = read(stated, []), [2**32 - 200, 10**9], at_ns(0)
    held = None
    try:
        for number, (tenths, step, second) in enumerate(steps):
            at += tenths * S // 10
            bad = step == "bad"
            shown[second] = (shown[second] + (0 if bad else step)) % 2**32
            newer = [scan(PLACES[second], at, shown[second], BAD_TIMEOUT if bad else 0)]
            known = {place: replay.joined([known[place], more]) for place, more in read(stated, newer).items()}
            if held is not None:
                held.add(columns.segments(newer, ()))
            elif number >= joined:
                held = whole(stated, known, start_ns)
            if held is not None:
                assert held.told() == figures(stated, known, start_ns)
    finally:
        patch.undo()


def steady(rounds, raw=lambda k: 7 * k):
    return [scan(PLACES[0], at_ns(k), raw(k)) for k in rounds] + [scan(PLACES[1], at_ns(k), k) for k in rounds]


def test_what_is_kept_does_not_grow_with_the_batch(stated):
    held = whole(stated, read(stated, steady(range(1, 10))), at_ns(5))
    for k in range(10, 2000):
        held.add(columns.segments(steady([k]), ()))
        told = held.told()
    assert max(len(trail.known.raws) for trail in held.trails.values()) < 200
    assert told == figures(stated, read(stated, steady(range(1, 2000))), at_ns(5))
    assert told["energy"]["amount"] is not None


def test_nor_where_power_is_read_beside_the_counter(stated):
    known = read(stated, steady(range(1, 3000)))
    asked = known[PLACES[0]].requested_ns
    power = np.array([3_000_000 + 1_000 * (n % 7) for n in range(asked.size)], dtype=np.int64)
    known[PLACES[0]] = replace(known[PLACES[0]], power_w_milli=power)
    held = whole(stated, known, at_ns(5))
    held.told()
    assert held.trails[PLACES[0]].known.requested_ns.size < asked.size // 10


@pytest.mark.parametrize(
    "raw", [lambda k: 7 * (k % 1500), lambda k: (2**32 - 7 * 1500 + 7 * k) % 2**32], ids=["reset", "wrap"]
)
def test_nor_after_a_reset_or_a_wrap_nor_when_begun_late(stated, raw):
    held = whole(stated, read(stated, steady(range(1, 5000), raw)), at_ns(5))
    for k in range(5000, 5200):
        held.add(columns.segments(steady([k], raw), ()))
        told = held.told()
    assert len(held.trails[PLACES[0]].known.raws) < 4500
    assert told == figures(stated, read(stated, steady(range(1, 5200), raw)), at_ns(5))


def test_a_time_of_standing_still_is_kept_as_a_whole_until_it_is_over(stated):
    held = whole(stated, read(stated, steady(range(1, 300))), at_ns(5))
    for k in range(300, 900):
        held.add(columns.segments(steady([k], lambda k: 2100), ()))
        held.told()
    trails = [held.trails[place].known for place in PLACES]
    assert trails[0].raws.count(2100) == 600
    assert len(trails[1].raws) < 200  # no power beside it could say that anything is amiss
    for k in range(900, 1200):
        held.add(columns.segments(steady([k], lambda k: 7 * (k - 600)), ()))
        told = held.told()
    assert len(held.trails[PLACES[0]].known.raws) < 200
    everything = steady(range(1, 1200), lambda k: 7 * k if k < 300 else max(2100, 7 * (k - 600)))
    assert told == figures(stated, read(stated, everything), at_ns(5))


def test_a_silent_counter_holds_the_others_up_and_costs_them_nothing(stated):
    begun = steady(range(1, 600))
    held = whole(stated, read(stated, begun), at_ns(5))
    more = [scan(PLACES[0], at_ns(k), 7 * k) for k in range(600, 1200)]
    for one in more:
        held.add(columns.segments([one], ()))
        told = held.told()
    assert told == figures(stated, read(stated, [*begun, *more]), at_ns(5))
    late = [scan(PLACES[1], at_ns(1200), 1200)]
    held.add(columns.segments(late, ()))
    assert held.told() == figures(stated, read(stated, [*begun, *more, *late]), at_ns(5))


def test_it_is_of_one_batch_and_one_start(stated):
    held = whole(stated, read(stated, steady(range(1, 10))), at_ns(5))
    assert held.is_of(running(at_ns(5)))
    assert not held.is_of(running(at_ns(6)))


@pytest.mark.parametrize("odd", [None, 700, 950], ids=["steady", "a reset on the way", "a reset at its end"])
def test_of_the_instrument_before_an_exchange_little_is_kept(stated, odd):
    """A thousand readings of the old meter, some of the new one: the figures are those of all of them."""
    place = PLACES[0]
    old = stated.counters[place]
    noted = Handover(
        point="energy", before="9000", after="5", at_ns=at_ns(1001), within_ns=S // 2, serial_before="1", source="s"
    )
    new = replace(old, serial="2", handover=noted)
    shown = [(k, k if odd is not None and k >= odd else 2000 + 7 * k) for k in range(1000)]
    earlier = read(stated, [scan(place, at_ns(k), raw) for k, raw in shown])[place]
    later = read(stated, [scan(place, at_ns(1002 + k), 6 + 7 * k) for k in range(20)])
    known = later | {place: replace(later[place], earlier=replay.Earlier(old, earlier))}
    counters = {**stated.counters, place: new}
    told = SoFar.of(running(at_ns(10)), stated.lines["press"], counters, known)
    kept = told.trails[place].known
    edges = [(at_ns(10) - S // 3, at_ns(10)), (at_ns(1015), at_ns(1015))]
    assert so_far._counted(replay.amounts(new, kept, edges, [(0, 1)])[0]) == so_far._counted(
        replay.amounts(new, known[place], edges, [(0, 1)])[0]
    )
    if odd is None:
        assert len(kept.earlier.known.raws) == 2 * so_far.FORGET_ABOVE
        assert told.told()["energy"]["amount"] is not None
