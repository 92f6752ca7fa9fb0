"""From evidence to amounts: by hand, in any cutting of the columns, with whatever a register may hold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plant_in_memory import at_ns, energy
from press import PLACE, amount, instant, segments

from agent import columns
from agent.aggregation import replay
from agent.aggregation.bounds import MISSING
from agent.aggregation.bulk import Points, Windows, energies
from agent.aggregation.record import Parameters
from agent.drivers import Reading, Scan
from agent.drivers.profile import profile_hash
from contract import records
from contract.segment import TICK_NS, Block, Column, MeterSegment


def test_the_last_value_that_was_to_be_had_is_no_reading_of_now(counter):
    stale = 0x40900000  # UncertainLastUsableValue (OPC 10000-6 annex A): it has a value, of an instant unknown
    told = [("press", Scan(0, at_ns(k), at_ns(k) + 1, (Reading("energy", energy(raw), status),)))
            for k, raw, status in ((1, 1, 0), (2, 1, stale), (3, 1, stale), (4, 4, 0x480))]  # fmt: skip
    known = replay.readings(counter, columns.segments(told, ()))
    assert known.raws == (energy(1), energy(4))
    result = amount(counter, known, instant(1.5), instant(2.1))
    assert result.upper >= 80 * (energy(2) - energy(1))


def test_a_window_worked_out_by_hand(counter):
    known = replay.readings(counter, segments(range(1, 31)))
    found = amount(counter, known, instant(10.25), instant(20.75))
    # 7 Wh a second times 80; a step of 80 Wh; readings 10 and 22 (21 is no older than 20.5), 12 and 20
    assert found.amount == pytest.approx(10.5 * 7 * 80_000, abs=2)
    assert (found.lower, found.upper) == ((20 - 11) * 560_000 - 80_000, (22 - 10) * 560_000 + 80_000)
    assert found.u95 is not None
    assert found.anomalies == ()


@given(data=st.data())
def test_any_partition_adds_up_to_the_last_digit(counter, data):
    rounds = sorted(data.draw(st.sets(st.integers(0, 60), min_size=5)))
    cuts = sorted(data.draw(st.lists(st.integers(rounds[0] * 1000 + 100, rounds[-1] * 1000), min_size=2, max_size=8)))
    known = replay.readings(counter, segments(rounds))
    edges = [instant(cut / 1000) for cut in cuts]
    pieces = replay.amounts(counter, known, edges, [(i, i + 1) for i in range(len(edges) - 1)])
    (whole,) = replay.amounts(counter, known, edges, [(0, len(edges) - 1)])
    assert sum(piece.amount for piece in pieces) == whole.amount
    assert whole.lower is None or whole.lower <= whole.amount
    assert whole.upper is None or whole.amount <= whole.upper


EMPTY = replay.Readings(replay.NO_TIMES, replay.NO_TIMES, (), ())


@given(st.sets(st.integers(1, 60), max_size=30), st.integers(0, 60_000), st.integers(0, 20_000), st.integers(0, 20_000))
def test_only_what_an_edge_can_rest_on_matters(counter, rounds, at_ms, later_ms, length_ms):
    known = replay.readings(counter, segments(sorted(rounds)))
    kept = replay.since(known, instant(at_ms / 1000)[0])
    start, end = instant((at_ms + later_ms) / 1000), instant((at_ms + later_ms + length_ms) / 1000)
    assert amount(counter, kept, start, end) == amount(counter, known, start, end)


def block(raws, at=None, trip_ns=TICK_NS):
    at = at or [at_ns(k) for k in range(len(raws))]
    column = Column("energy", tuple(raws), (0,) * len(raws))
    made = Block(0, tuple(at), tuple(one + trip_ns for one in at), (column,))
    return [MeterSegment("press", TICK_NS, (made,))]


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ([], "no readings"),
        (block([1, 2, 3, 2**63]), "readings beyond computing"),
        (block([2**64 - 1] * 5), "readings beyond computing"),
        (block([1, 2, 3], [at_ns(1), at_ns(2), at_ns(2)]), "readings out of order"),
    ],
)
def test_whatever_a_register_holds_there_is_an_answer_and_no_number(counter, known, why):
    found = amount(counter, replay.readings(counter, known), instant(0.5), instant(2.5))
    assert (found.amount, found.lower, found.upper, found.anomalies) == (None, None, None, (why,))


def test_a_counter_that_fell_back_is_named_and_not_bridged(counter):
    known = replay.readings(counter, block([5000, 5007, 3, 10]))
    found = amount(counter, known, instant(0.5), instant(2.5))
    assert found.amount is None
    assert found.anomalies == ("reset",)


def test_a_window_that_begins_while_zeros_are_answered_claims_nothing_of_what_was_counted_before(counter):
    known = replay.readings(counter, block([4 * 10**6, 0, 0, 0, 4 * 10**6 + 7, 4 * 10**6 + 14, 4 * 10**6 + 21]))
    found = amount(counter, known, instant(2.5), instant(4.5))
    assert (found.amount, found.lower, found.upper) == (None, None, None)
    assert "jump" in found.anomalies
    assert amount(counter, known, instant(4.5), instant(5.5)).amount == 7 * 80_000


@pytest.mark.parametrize(("last", "is_open"), [(70_021, False), (70_014 + 7_001, True)])
def test_a_last_reading_far_above_all_before_waits_for_the_next(counter, last, is_open):
    known = replay.readings(counter, block([70_000, 70_007, 70_014, last]))
    assert replay.ends_open(counter, known) is is_open
    assert not replay.ends_open(counter, replay.readings(counter, block([70_000, 70_007, 70_014, last, last + 7])))


def test_a_window_that_ends_before_it_starts_is_our_own_mistake(counter):
    with pytest.raises(ValueError, match="ends before it starts"):
        amount(counter, EMPTY, instant(2), instant(1))


SCALED = """make = "Test"
model = "scaled"
medium = "electricity"
grade = "bronze"
sources = ["made up"]
[[point]]
id = "energy"
quantity = "active_energy_import"
table = "input"
address = 0
type = "uint32"
unit = "Wh"
kind = "counter"
scale_point = "scale"
[[point]]
id = "scale"
quantity = "scale"
table = "input"
address = 2
type = "int16"
unit = "1"
kind = "gauge"
"""


def test_a_scale_that_changes_is_not_computed_across(parts):
    toml = SCALED.encode()
    meter = records.read(parts[2], records.MeterPart)
    pinned = meter.model_copy(update={"profile": profile_hash(toml)})
    stated = [records.write(records.ProfilePart(name="scaled", toml=toml)), records.write(pinned)]
    counter = replay.counters(stated)[PLACE]

    def known(*scales):
        scans = [
            ("press", Scan(0, at_ns(k), at_ns(k) + 5, (Reading("energy", 10 + k, 0), Reading("scale", scale, 0))))
            for k, scale in enumerate(scales)
        ]
        return replay.readings(counter, columns.segments(scans, ()))

    steady = amount(counter, known(1, 1, 1, 1), instant(0.5), instant(2.5))
    assert steady.amount == 2 * 10 * 80 * 1000
    assert steady.lower is None  # nobody states how old this register may be
    changed = amount(counter, known(1, 1, 0, 0), instant(0.5), instant(2.5))
    assert (changed.amount, changed.anomalies) == (None, ("scale changed",))
    later = np.array([2]).tolist()
    assert amount(counter, known(0, 1, 1, 1), instant(1.5), instant(later[0])).amount is not None


def test_a_jump_within_a_window_leaves_nothing_to_claim(parts):
    """An exchange nobody declared: 80 x 100 Wh in a second, 28.8 MW, on top of 2 MW, on a circuit of 3 MW."""
    meter = records.read(parts[2], records.MeterPart).model_copy(update={"power_max_w": 3_000_000})
    counter = replay.counters([*parts[:2], records.write(meter)])[PLACE]
    before = replay.readings(counter, segments(range(10)))
    raws = tuple(raw + (100 if n >= 5 else 0) for n, raw in enumerate(before.raws))
    jumped = replay.Readings(before.requested_ns, before.answered_ns, raws, ())
    assert amount(counter, before, instant(2), instant(7)).amount is not None
    found = amount(counter, jumped, instant(2), instant(7))
    assert (found.amount, found.lower, found.upper, found.anomalies) == (None, None, None, ("jump",))


ONES = 2**32 - 1
GLITCHES = st.sampled_from([0, ONES, 3, 2 * 10**9])


@st.composite
def registers(draw):
    """What a counter of a meter showed in 12 to 40 rounds: rises, and single wrong readings at least 3 rounds apart."""
    shown = [draw(st.integers(10**6, 10**7))]
    for _ in range(draw(st.integers(11, 39))):
        shown.append(shown[-1] + draw(st.integers(0, 14)))
    for at in range(draw(st.integers(3, 6)), len(shown) - 3, draw(st.integers(3, 9))):
        shown[at] = draw(GLITCHES)
    return shown


@given(registers(), st.data(), st.sampled_from([None, 14 * 80 * 3600]))
def test_windows_from_their_own_readings_have_the_digits_of_all_readings_at_once(counter, shown, data, power_max_w):
    """What agent and verifier take from the readings around a window, and a kernel from a whole column."""
    counter = replace(counter, power_max_w=power_max_w)
    known = replay.readings(counter, block(shown, trip_ns=50_000_000))
    cuts = sorted(data.draw(st.lists(st.integers(2_500, 1000 * len(shown) - 2_500), min_size=3, max_size=3)))
    edges = [instant(cut / 1000) for cut in cuts]
    windows = [(0, 1), (1, 2), (0, 2)]
    found = replay.amounts(counter, known, edges, windows)
    counted = np.array(shown, np.int64) * 80_000
    points = Points(
        np.array([0, counted.size]), known.requested_ns, known.answered_ns, counted, np.zeros(counted.size, np.uint32)
    )
    earliest_ns, latest_ns = (np.array([edge[n] for edge in edges]) for n in (0, 1))
    asked = Windows(np.array([0, 3]), earliest_ns, latest_ns, np.array([0, 3]), np.array(windows))
    declared = Parameters(counter.age_ns, 0, 80_000, 0, power_max_w, ones=ONES * 80_000)
    whole = energies(points, [declared], asked)
    for one, *figures in zip(found, whole.energy, whole.lower, whole.upper, strict=True):
        told = [None if figure == MISSING else int(figure) for figure in figures]
        assert [one.amount, one.lower, one.upper] == told
    first, second, both = (one.amount for one in found)
    assert None not in (first, second, both)
    assert first + second == both
