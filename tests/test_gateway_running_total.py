"""A utility's running total against the counter it follows."""

from dataclasses import replace

import web_plant

from agent.aggregation.replay import counters
from contract import body, segment
from contract.handovers import Handover
from gateway.running_total import MARGIN_NS, SEGMENTS_MAX, RunningTotal, added, described, restarted

NS = 10**9
T0 = web_plant.START_NS
COUNTER = counters(body.unpack(web_plant.manifest().body).parts)["compressor", "energy_import"]


def piece(index, *, start=1_000_000, rate=10):
    """A minute of the compressor's counter: `rate` Wh a second, from `start` Wh at T0."""
    made = web_plant.utility_segment(T0 + 60 * index * NS, 60, rate, 0, wh_start=start + 60 * rate * index)
    return segment.decode(body.unpack(made.body).parts[0])


def fed(total, pieces):
    for one in pieces:
        total = added(total, one)
    return total


def begun(from_ns=T0 - 3600 * NS):
    return described(RunningTotal(from_ns), COUNTER)


def test_it_follows_the_counter():
    total = fed(begun(), [piece(index) for index in range(10)])
    assert total.since_ns == T0
    assert total.until_ns == T0 + 599 * NS - MARGIN_NS  # half a minute before the last reading
    assert total.amount == 569 * 10_000  # 569 s of 10 Wh, in mWh
    assert len(total.tail) < 4


def test_pieces_lost_on_the_way_cost_nothing():
    total = fed(begun(), [piece(index) for index in (0, 1, 5, 9)])
    assert total.amount == 569 * 10_000


def test_a_period_begins_at_its_edge():
    total = fed(begun(T0 + 100 * NS), [piece(index) for index in range(5)])
    assert (total.since_ns, total.amount) == (T0 + 100 * NS, (299 - 30 - 100) * 10_000)


def test_a_new_period_starts_again_without_a_gap():
    total = fed(begun(), [piece(index) for index in range(5)])
    again = fed(restarted(total, T0 + 280 * NS), [piece(index) for index in range(5, 8)])
    assert (again.since_ns, again.amount) == (T0 + 280 * NS, (479 - 30 - 280) * 10_000)


def test_a_counter_that_starts_anew_breaks_the_total_and_says_why():
    total = fed(begun(), [piece(index) for index in range(3)])
    reset = [piece(index, start=-1_700) for index in range(3, 3 + SEGMENTS_MAX)]
    total = fed(total, reset)
    assert (total.amount, total.broken) == (None, "reset")
    assert len(total.tail) <= SEGMENTS_MAX
    assert restarted(total, total.from_ns).broken is None


def test_another_meter_breaks_the_total():
    total = fed(begun(), [piece(index) for index in range(3)])
    assert described(total, COUNTER) is total
    other = described(total, replace(COUNTER, age_ns=1))
    assert other.broken == "meter or its description changed"
    assert other.amount is None


def test_without_a_description_nothing_is_counted():
    assert added(RunningTotal(T0), piece(0)) == RunningTotal(T0)


def test_a_meter_that_was_not_there_for_a_while_breaks_the_total():
    total = fed(begun(), (piece(n) for n in range(10)))
    assert total.amount is not None
    back = described(described(total, None), total.counter)
    assert (back.counter, back.amount, back.broken) == (total.counter, None, "meter or its description changed")


def test_it_goes_on_over_an_exchange_that_was_noted():
    """The old meter stands at 1 002 000 Wh when it is taken out at 200 s; the new one starts at 30 at that instant."""
    total = fed(begun(), [piece(index) for index in range(3)])
    noted = Handover(
        point="energy_import", before=kwh(1_002_000), after=kwh(30), at_ns=T0 + 200 * NS, within_ns=2 * NS,
        serial_before=COUNTER.serial or "1", source="sheet",
    )  # fmt: skip
    new = replace(COUNTER, serial="other", handover=noted)
    later = [piece(index, start=30 - 2000) for index in range(4, 8)]
    total = fed(described(total, new), later)
    assert (total.amount, total.broken, total.earlier) == (449 * 10_000, None, None)  # 479 s less the margin, as ever
    assert described(begun(), replace(new, handover=None)).counter == new


def test_a_total_broken_before_an_exchange_stays_broken():
    total = replace(fed(begun(), [piece(0)]), broken="reset")
    noted = Handover(
        point="energy_import", before="1", after="0", at_ns=T0, within_ns=0, serial_before="1", source="sheet"
    )
    assert described(total, replace(COUNTER, serial="other", handover=noted)).broken is not None


def kwh(wh):
    """A text in the point's unit, whichever it is."""
    return str(wh) if COUNTER.spec.unit == "Wh" else f"{wh // 1000}.{wh % 1000:03d}"
