"""A line told by messages: what begins and ends, what waits, what is refused, and that nothing harms twice."""

import itertools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.batches import LineState
from agent.config import Line
from agent.drivers import Reading, Scan
from agent.messages import HEARD_MAX, RUNS_MAX, take
from contract.lots import Lot

S = 1_000_000_000
T0 = 1_700_000_000 * S
LINE = Line(name="press", source="mes", told_by="message", clock_tolerance_ms=2000, energy=("press.energy",))


def scan(state, batch, at_s, came_s=None, **members):
    """A message of a batch's state at T0 + at_s, which came `came_s` after T0; half a second after it by default."""
    at = datetime.fromtimestamp(T0 // S + at_s, UTC).isoformat()
    told = {"schema": "metertrail/batch/v1", "line": "press", "batch": batch, "product": "coil", "state": state}
    came_ns = T0 + int((at_s + 0.5 if came_s is None else came_s) * S)
    return Scan(0, came_ns, came_ns, (Reading("message", None, 0, None, json.dumps(told | {"at": at} | members)),))


def lots(kilograms, kind=None):
    told = {"lot": "L", "quantity": kilograms, "unit": "kg"}
    return [told if kind is None else told | {"kind": kind}]


def read(kilograms, kind=None):
    return (Lot(lot="L", quantity=kilograms * 10**6, unit="g_milli", source="reported", kind=kind),)


def run(*scans, line=LINE, state=LineState(), waiting=()):  # noqa: B008 - frozen
    """(state, waiting batches, events) after scans, as lines.observed has them."""
    events = []
    for one in scans:
        taken = take(line, state, waiting, one)
        state, waiting = taken.state, taken.waiting
        events += [(event.event, event.detail.get("reason")) for event in taken.events]
        if taken.started:
            events.append(("started", taken.started.batch))
        if taken.ended:
            events.append(("ended", taken.ended.running.batch))
            waiting = (*waiting, (line.name, taken.ended))
    return state, waiting, events


def names(events):
    return [name for name, _ in events]


def test_the_first_message_may_begin_a_batch_and_edges_are_the_times_stated():
    _, ((name, ended),), events = run(scan("started", "A", 100), scan("ended", "A", 200, 900))
    assert names(events) == ["batch_message", "started", "batch_message", "ended"]
    assert (name, ended.running.batch, ended.running.product) == ("press", "A", "coil")
    start, end = ended.running.start, ended.end
    assert (start.earliest_ns, start.latest_ns) == (T0 + 98 * S, T0 + 100 * S + S // 2)  # not later than it came
    assert (end.earliest_ns, end.latest_ns) == (T0 + 198 * S, T0 + 202 * S)  # however late it came
    assert (start.policy, start.tolerance_ns, start.before) == ("reported", 2 * S, start.after)
    assert end.before == start.after


def test_a_message_is_recorded_verbatim():
    one = scan("started", "A", 100)
    (event,) = take(LINE, LineState(), (), one).events
    assert (event.event, event.about, event.at_ns) == ("batch_message", "press", one.answered_ns)
    assert event.detail == {"payload": one.readings[0].text}


def test_the_same_message_again_does_no_harm():
    begun, end = scan("started", "A", 100), scan("ended", "A", 200)
    again = [begun, begun, end, end, scan("started", "B", 300), begun, end]
    state, waiting, events = run(*again)
    assert names(events) == ["batch_message", "started", "batch_message", "ended", "batch_message", "started"]
    assert (state.running.batch, len(waiting)) == ("B", 1)


def test_only_so_many_messages_are_remembered():
    state, _, _ = run(*(scan("started", f"B-{k}", k) for k in range(HEARD_MAX + 5)))
    assert len(state.heard) == HEARD_MAX


def test_lots_come_with_any_message_and_the_last_word_stands():
    told = [
        scan("started", "A", 100, inputs=lots(5)), scan("started", "A", 101, inputs=lots(6)),
        scan("ended", "A", 200), scan("ended", "A", 200, 230, outputs=lots(4, "good")),
        scan("started", "B", 210, 240), scan("ended", "A", 200, 250, outputs=lots(3, "good"), product="strip"),
    ]  # fmt: skip
    state, ((_, ended),), events = run(*told)
    assert (ended.running.inputs, ended.running.outputs) == (read(6), read(3, "good"))
    assert ended.running.product == "strip"
    assert ended.end.after.source_ns == T0 + 200 * S
    assert ended.running.start.after.source_ns == T0 + 100 * S
    assert state.running.batch == "B"
    assert "message_refused" not in names(events)


def test_what_went_in_may_be_told_after_the_end_and_another_start_is_another_run():
    told = [scan("started", "A", 100), scan("ended", "A", 200), scan("started", "A", 100, 210, inputs=lots(5))]
    state, ((_, ended),), _ = run(*told)
    assert (state.running, ended.running.inputs) == (None, read(5))
    state, ((_, ended),), events = run(*told, scan("started", "A", 220, inputs=lots(7)))
    assert (state.running.batch, state.running.inputs, ended.running.inputs) == ("A", read(7), read(5))
    assert "message_refused" not in names(events)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([scan("ended", "A", 100)], "A does not run: its start was not told, or its record is made"),
        ([scan("started", "A", 100), scan("ended", "A", 99)], "A ended 1000 ms before what was told last"),
        ([scan("started", "A", 100), scan("started", "B", 90)], "B started 10000 ms before what was told last"),
        ([scan("started", "A", 100, 97.9)], "reports what happens 2100 ms after it came: set the clock"),
        ([scan("started", "", 100)], "batch: ''"),
        ([scan("started", "A", 100, outputs=[{"lot": "L", "quantity": 1, "kind": "good"}])], "outputs.0.unit: missing"),
    ],
)
def test_what_cannot_be_followed_changes_nothing_and_is_told_why(told, reason):
    before, waiting_before, _ = run(*told[:-1])
    state, waiting, events = run(told[-1], state=before, waiting=waiting_before)
    assert (state.last, state.running, waiting) == (before.last, before.running, waiting_before)
    ((name, why),) = events
    assert name == "message_refused"
    assert reason in why
    assert "\n" not in why


def test_an_end_that_was_not_told_is_not_made_up():
    state, waiting, events = run(scan("started", "A", 100), scan("started", "B", 200), scan("ended", "A", 210))
    assert (state.running.batch, waiting) == ("B", ())
    assert ("batch_abandoned", "its end was not told before B started") in events
    assert events[-1][0] == "message_refused"


def test_both_edges_of_a_batch_are_as_wide_as_when_it_began():
    begun, _, _ = run(scan("started", "A", 100))
    narrow = LINE.model_copy(update={"clock_tolerance_ms": 1})
    _, ((_, ended),), _ = run(scan("ended", "A", 101, 200), line=narrow, state=begun)
    assert ended.end.tolerance_ns == ended.running.start.tolerance_ns == 2 * S


def test_edges_are_wider_by_what_our_time_is_ahead_of_the_clock_that_the_sender_follows():
    """The machine's clock was set back by an hour and ours went on: what the MES calls 100 s is 3700 s here."""
    hour_ns = 3600 * S
    first = take(LINE, LineState(), (), scan("started", "A", 100, 3700), hour_ns)
    start = first.started.start
    assert start.earliest_ns <= T0 + 3700 * S <= start.latest_ns
    assert (start.tolerance_ns, start.earliest_ns) == (3602 * S, T0 - 3502 * S)
    last = take(LINE, first.state, (), scan("ended", "A", 200, 3800))  # the clock has caught up by now
    assert last.ended.end.tolerance_ns == 3602 * S


def test_a_clock_set_back_while_a_batch_runs_widens_its_end_alone():
    first = take(LINE, LineState(), (), scan("started", "A", 100))
    assert first.started.start.tolerance_ns == 2 * S
    last = take(LINE, first.state, (), scan("ended", "A", 200, 3800), 3600 * S)
    assert last.ended.end.tolerance_ns == 3602 * S
    assert last.ended.end.earliest_ns <= T0 + 3800 * S <= last.ended.end.latest_ns


def test_a_scan_without_a_message_changes_nothing():
    state, waiting, events = run(Scan(0, T0, T0, (Reading("running", 1, 0),)))
    assert (state, waiting, events) == (LineState(), (), [])


STEP = st.tuples(st.sampled_from(["started", "ended"]), st.sampled_from("AB"), st.integers(0, 40), st.integers(-3, 60))


@given(st.lists(STEP, max_size=12))
def test_whatever_is_sent_batches_start_before_they_end_and_never_overlap(steps):
    came_s, scans = 0, []
    for state, batch, at_s, late_s in steps:
        came_s = max(came_s, at_s + late_s)
        scans.append(scan(state, batch, at_s, came_s))
    state, waiting, events = run(*scans)
    edges = [edge for _, one in waiting for edge in (one.running.start, one.end)]
    for earlier, later in itertools.pairwise(edges):
        assert earlier.earliest_ns <= later.earliest_ns
        assert earlier.latest_ns <= later.latest_ns
    assert all(edge.earliest_ns <= edge.latest_ns <= edge.after.answered_ns for edge in edges)
    again = run(*scans, state=state, waiting=waiting)
    assert (again[0], again[1]) == (state, waiting)
    assert names(events).count("ended") == len(waiting)


SEVERAL = LINE.model_copy(update={"overlap": "equal"})


def test_several_run_at_once_and_an_end_is_that_of_its_own_batch():
    begun = [scan("started", "A", 100), scan("started", "B", 200), scan("started", "C", 300)]
    told = [*begun, scan("started", "B", 200, 310, inputs=lots(6)), scan("ended", "B", 400)]
    state, ((_, ended),), events = run(*told, line=SEVERAL)
    assert "batch_abandoned" not in names(events)
    assert [one.batch for one in state.runs] == ["A", "C"]
    assert (ended.running.batch, ended.running.inputs, ended.beside) == ("B", read(6), ("A", "C"))
    assert (ended.running.start.after.source_ns, ended.end.after.source_ns) == (T0 + 200 * S, T0 + 400 * S)
    state, waiting, _ = run(
        scan("ended", "A", 500), scan("ended", "C", 600), line=SEVERAL, state=state, waiting=(("press", ended),)
    )
    assert (state.runs, state.running) == ((), None)
    assert [(one.running.batch, one.beside) for _, one in waiting] == [("B", ("A", "C")), ("A", ("C",)), ("C", ())]


def test_all_that_run_are_abandoned_where_one_at_a_time_is_declared_again():
    state, _, _ = run(scan("started", "A", 100), scan("started", "B", 200), line=SEVERAL)
    state, _, events = run(scan("started", "C", 300), state=state)
    assert [one.batch for one in state.runs] == ["C"]
    assert [reason for name, reason in events if name == "batch_abandoned"] == [
        "its end was not told before C started"
    ] * 2


def test_no_more_run_at_once_than_can_be_remembered():
    state, _, _ = run(*(scan("started", f"B-{k}", k) for k in range(RUNS_MAX)), line=SEVERAL)
    after, _, ((name, reason),) = run(scan("started", "one", 100), line=SEVERAL, state=state)
    assert (after.runs, name) == (state.runs, "message_refused")
    assert reason.startswith(f"one: {RUNS_MAX} batches run already: tell which")


@given(st.lists(STEP, max_size=20))
def test_whatever_is_sent_to_a_line_of_several_each_batch_starts_before_it_ends(steps):
    came_s, scans = 0, []
    for state, batch, at_s, late_s in steps:
        came_s = max(came_s, at_s + late_s)
        scans.append(scan(state, batch, at_s, came_s))
    state, waiting, events = run(*scans, line=SEVERAL)
    for _, one in waiting:
        assert one.running.start.earliest_ns <= one.end.earliest_ns
        assert one.running.start.latest_ns <= one.end.latest_ns
    assert "batch_abandoned" not in names(events)
    assert names(events).count("started") == len(waiting) + len(state.runs)
    starts = [one.start.earliest_ns for one in state.runs]
    assert starts == sorted(starts)
