"""A counter across an exchange: exact sums over any partition, bounds that hold, old readings by description."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plant_in_memory import CONFIG, S, Site

from agent import manifest
from agent.aggregation import handover, replay
from contract.handovers import Handover

T0 = 1_790_000_000 * S
AT = 100  # the exchange, in seconds
RATIO = 80
MWH = RATIO * 1000  # mWh for each Wh that the register shows


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    ct = 'ct = {primary = 400, secondary = 5, accuracy_class = "0.5"}'
    given = f'installation = "1"\nserial = "1001"\naccuracy_class = "1"\n{ct}'
    plan = Site.at(tmp_path_factory.mktemp("plant"), CONFIG.replace('installation = "1"', given)).plan
    return replay.counters(manifest.parts(plan.meters, plan.config.line))["press", "energy"]


def at(seconds):
    return T0 + round(seconds * S)


def noted(before, after, within_s=5, serial="1001"):
    return Handover(
        point="energy", before=before, after=after, at_ns=at(AT), within_ns=within_s * S, serial_before=serial,
        source="fitter's sheet",
    )  # fmt: skip


def renewed(counter, over):
    return replace(counter, serial="2002", installation="2", handover=over)


def read(rows, earlier=None):
    """Readings at (seconds, Wh), each answered a hundredth of a second later."""
    asked = np.array([at(second) for second, _ in rows], dtype=np.int64)
    return replay.Readings(asked, asked + S // 100, tuple(raw for _, raw in rows), (), earlier=earlier)


def over_exchange(counter, old, new):
    return read(new, replay.Earlier(counter, read(old)))


def amount(counter, known, *window):
    return replay.amounts(counter, known, [(at(cut), at(cut)) for cut in window], [(0, 1)])[0]


OLD = [(k, 70_000 + 7 * k) for k in range(0, 94, 3)]  # the last at 93: 70 651
NEW = [(k, 7 * (k - AT) + 20) for k in range(107, 200, 3)]  # the first at 107: 69


def test_a_window_worked_out_by_hand(counter):
    new = renewed(counter, noted("70695", "20"))
    found = amount(new, over_exchange(counter, OLD, NEW), 50, 150)
    # at 50: the 350 Wh of 50 s, between two readings; at 150: 370 Wh; both instruments moved on to and from the sheet
    assert found.amount == pytest.approx((70_695 - 70_350 + 370 - 20) * MWH, abs=MWH)
    assert found.anomalies == ("exchange",)
    # at 50 between the readings of 48 and 51; at 150 between 149 and 152; the register hides a step at either end
    assert found.lower == (70_695 - (70_000 + 7 * 51) + 49 * 7) * MWH - 2 * MWH
    assert found.upper == (70_695 - (70_000 + 7 * 48) + 52 * 7) * MWH + 2 * MWH
    assert found.lower <= found.amount <= found.upper
    assert found.u95 is not None


def test_without_what_was_noted_nothing_is_known_across(counter):
    known = over_exchange(counter, OLD, NEW)
    assert amount(renewed(counter, None), known, 50, 150).amount is None
    new = renewed(counter, noted("70695", "20"))
    assert amount(new, replace(known, earlier=None), 50, 150).amount is None


def test_what_was_noted_of_others_joins_nothing(counter):
    """The table was left as it is when a third meter came: its register has nothing to do with what was noted."""
    third = replace(renewed(counter, noted("70695", "20")), serial="3003")
    assert amount(third, read(NEW), 103, 150).amount is None
    assert amount(third, read(NEW, replay.Earlier(counter, replay.NOTHING)), 106, 150).amount is not None


def test_a_window_of_one_instrument_is_as_ever(counter):
    new = renewed(counter, noted("70695", "20"))
    known = over_exchange(counter, OLD, NEW)
    assert amount(new, known, 10, 80) == amount(counter, read(OLD), 10, 80)
    assert amount(new, known, 120, 180) == amount(renewed(counter, None), read(NEW), 120, 180)


@settings(max_examples=60)
@given(data=st.data())
def test_any_partition_over_an_exchange_adds_up_to_what_both_registers_moved_by(counter, data):
    within = data.draw(st.integers(0, 40))
    steps = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50)), min_size=2, max_size=20)
    old, shown, second = [(0, 70_000)], 70_000, 0
    for apart, rise in data.draw(steps):
        shown, second = shown + rise, second + apart
        if second < AT - within:
            old.append((second, shown))
    before = old[-1][1] + data.draw(st.integers(0, 99))
    after = data.draw(st.integers(0, 500))
    new, shown, second = [], after, AT + within
    for apart, rise in data.draw(steps):
        shown, second = shown + rise, second + apart
        new.append((second, shown))
    described = renewed(counter, noted(str(before), str(after), within))
    known = over_exchange(counter, old, new)
    inner = data.draw(st.lists(st.tuples(st.integers(0, new[-1][0] * 100), st.integers(0, 3 * S)), max_size=6))
    first, last = replay.ends_of(described, known)
    cuts = sorted((at(hundredths / 100), at(hundredths / 100) + wide) for hundredths, wide in inner)
    edges = [first]
    for cut in [*cuts, last]:
        if cut[0] >= edges[-1][0] and edges[-1][1] <= cut[1] <= last[1] and cut[0] <= last[0]:
            edges.append(cut)
    pieces = replay.amounts(described, known, edges, [(n, n + 1) for n in range(len(edges) - 1)])
    whole = (before - old[0][1]) + (new[-1][1] - after)
    assert sum(piece.amount for piece in pieces) == whole * MWH == replay.moved(described, known)
    assert all(one.lower is None or one.lower <= one.amount for one in pieces)
    assert all(one.upper is None or one.amount <= one.upper for one in pieces)


@settings(max_examples=60)
@given(data=st.data())
def test_bounds_hold_wherever_in_its_interval_the_exchange_was(counter, data):
    """Truth: both registers run at their own pace, the old one until some instant of the interval, then the new one."""
    within, hundredths = data.draw(st.integers(0, 30)), st.integers(0, 100)
    exchanged = Fraction(data.draw(hundredths), 100) * 2 * within + AT - within
    old_pace, new_pace, after = (Fraction(data.draw(st.integers(0, 60)), 3) for _ in range(3))

    def old_at(second):
        return 70_000 + old_pace * min(Fraction(second), exchanged)

    def new_at(second):
        return after + new_pace * max(Fraction(0), Fraction(second) - exchanged)

    old = [(second, int(old_at(second))) for second in range(0, AT + within + 60, data.draw(st.integers(1, 9)))]
    new = [(second, int(new_at(second))) for second in range(AT + within, 260, data.draw(st.integers(1, 9)))]
    described = renewed(counter, noted(str(int(old_at(AT + within))), str(int(after)), within))
    known = over_exchange(counter, old, new)
    start = data.draw(st.integers(10, 230))
    end = data.draw(st.integers(start, 230))
    found = amount(described, known, start, end)
    truth = (old_at(end) - old_at(start) + new_at(end) - new_at(start)) * MWH
    assert found.amount is not None
    assert found.lower is None or found.lower <= truth
    assert found.upper is None or truth <= found.upper


def test_a_window_without_length_at_the_very_instant_holds_nothing(counter):
    described = renewed(counter, noted(str(OLD[-1][1]), str(NEW[0][1]), 0))
    assert amount(described, over_exchange(counter, OLD, NEW), AT, AT).amount == 0


def test_a_reading_that_cannot_be_joins_nothing(counter):
    new = renewed(counter, noted("7069", "20"))  # a digit was forgotten
    found = amount(new, over_exchange(counter, OLD, NEW), 50, 150)
    assert found.amount is None
    assert found.anomalies[0] == "exchange"
    assert len(found.anomalies) > 1


def test_a_display_with_fewer_digits_says_less(counter):
    """In kWh to a tenth, the old register stands at 70 651 Wh when 70.6 is noted: its own reading says more."""
    coarse = replace(counter, spec=counter.spec.model_copy(update={"unit": "kWh", "scale": -3}))
    new = renewed(coarse, noted("70.6", "0.0"))
    known = over_exchange(coarse, OLD, NEW)
    found = amount(new, known, 90, 150)
    assert handover.noted(new.handover, coarse, read(OLD), leads=False) == (70_651 * MWH, 100 * MWH)
    assert found.amount == pytest.approx((70_651 - 70_630 + 370) * MWH, abs=MWH)
    fine = renewed(coarse, noted("70.651", "0.000"))
    finer = amount(fine, over_exchange(coarse, OLD, NEW), 90, 150)
    assert finer.upper - finer.lower < found.upper - found.lower


def test_the_old_instrument_is_the_one_that_was_noted(counter):
    new = renewed(counter, noted("70695", "20", serial="00 1001"))
    interim = replace(new, installation="1+2002", handover=None)
    other = replace(counter, serial="3003")
    unnamed, elsewhere = replace(counter, serial=""), replace(counter, installation="9")
    assert handover.earlier(new, [counter, counter, interim]) == (counter, {0, 1})
    assert handover.earlier(new, [counter, elsewhere, counter]) == (counter, {2})
    assert handover.earlier(new, [unnamed, interim]) == (unnamed, {0})
    assert handover.earlier(new, [counter, other]) is None
    assert handover.earlier(new, [counter, None]) is None
    assert handover.earlier(new, []) is None
    assert handover.earlier(replace(new, handover=None), [counter]) is None
    assert handover.earlier(new, [replace(counter, unit="m3_micro")]) is None


def test_what_was_noted_does_not_change_what_a_counter_is(counter):
    assert renewed(counter, noted("1", "0")) == renewed(counter, None)
