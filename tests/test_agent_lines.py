"""All lines at once: what is told, what is remembered, how far back edges may still lie."""

from dataclasses import replace

from message_plant import message
from plant_in_memory import S, at_ns, meter_scan, plc_scan

from agent import lines
from agent.batches import Source
from agent.config import Line
from agent.manifest import Stated
from agent.rows import Lines
from contract.records import LinePart

LINE = Line(name="press", source="press-plc", energy=("press.energy",), lag_ms=10)
SOURCES = {"press": Source(10_000_000, None)}
NOTHING = Lines({}, [])


def part(source, **more):
    return LinePart(line="press", source=source, edge_time="observed", energy=[], good=None, scrap=None, **more)


def stated(*parts):
    return Stated((), {}, {one.line: one for one in parts}, frozenset())


def after(*batches, start=NOTHING):
    scans = [plc_scan(k, batch) for k, batch in enumerate(batches)]
    return lines.observed(start, [LINE], scans, SOURCES)


def test_edges_are_told_with_all_that_they_rest_on():
    state, events = after(None, "A", "A", None)
    assert [(event.event, event.about, event.detail["batch"]) for event in events] == [
        ("batch_started", "press", "A"), ("batch_ended", "press", "A"),
    ]  # fmt: skip
    ((name, ended),) = state.closing
    assert name == "press"
    assert events[1].detail["edge"] == ended.end.model_dump()
    assert events[1].at_ns == ended.end.latest_ns


def test_a_batch_joined_late_is_told_once():
    state, events = after("A", "A", None)
    assert [(event.event, event.detail) for event in events] == [("batch_joined_late", {"batch": "A"})]
    assert state.closing == []


def test_scans_of_other_meters_change_nothing():
    start, _ = after(None, "A")
    assert lines.observed(start, [LINE], [meter_scan(9)], SOURCES) == (start, [])
    assert lines.observed(start, [LINE], [meter_scan(9)], SOURCES)[0] is start


def test_edges_may_still_lie_as_far_back_as_a_batch_s_start_or_the_last_look():
    late_ns = at_ns(1000)
    assert lines.needed_ns(NOTHING, [LINE], late_ns) == late_ns
    idle, _ = after(None, None)
    assert lines.needed_ns(idle, [LINE], late_ns) == at_ns(1) + S // 2 - 10_000_000
    running, _ = after(None, None, "A", "A", "A")
    assert lines.needed_ns(running, [LINE], late_ns) == at_ns(1) + S // 2 - 10_000_000
    closing, _ = after(None, None, "A", None, None, None)
    assert lines.needed_ns(closing, [LINE], late_ns) == at_ns(1) + S // 2 - 10_000_000


def test_only_lines_told_by_the_same_source_are_carried_over():
    running, _ = after(None, "A")
    old = stated(part("press-plc"))
    same, told = lines.carried_over(running, old, stated(part("press-plc")), 7)
    assert (same, told) == (running, [])
    for new in (stated(), stated(part("other-plc")), stated(part("press-plc", told_by="counter"))):
        left, told = lines.carried_over(running, old, new, 7)
        assert left == NOTHING
        assert [(event.event, event.about, event.at_ns, event.detail) for event in told] == [
            ("batch_abandoned", "press", 7, {"batch": "A"})
        ]


def test_every_batch_of_several_is_abandoned_that_is_not_carried_over():
    running, _ = after(None, "A")
    (state,) = running.states.values()
    several = Lines({"press": replace(state, beside=(replace(state.running, batch="B"),))}, [])
    _, told = lines.carried_over(several, stated(part("press-plc")), stated(), 7)
    assert [event.detail["batch"] for event in told] == ["A", "B"]


MESSAGED = LINE.model_copy(update={"told_by": "message", "clock_tolerance_ms": 1000})


def test_a_line_is_told_by_messages():
    scans = [message("started", "A", 1), meter_scan(2), message("ended", "A", 5), message("ended", "B", 6)]
    state, events = lines.observed(NOTHING, [MESSAGED], scans, SOURCES)
    assert [(event.event, event.about) for event in events] == [
        ("batch_message", "press"), ("batch_started", "press"), ("batch_message", "press"), ("batch_ended", "press"),
        ("message_refused", "press-plc"),
    ]  # fmt: skip
    ((name, ended),) = state.closing
    assert (name, ended.running.batch) == ("press", "A")
    assert events[3].detail["edge"] == ended.end.model_dump()


def test_lots_that_come_after_the_end_reach_the_batch_that_waits():
    ended, _ = lines.observed(NOTHING, [MESSAGED], [message("started", "A", 1), message("ended", "A", 5)], SOURCES)
    more = message("ended", "A", 5, 9, outputs=[])
    state, _ = lines.observed(ended, [MESSAGED], [more], SOURCES)
    assert [one.running.outputs for _, one in state.closing] == [()]
    assert state.states["press"].running is None


def test_of_a_line_told_by_messages_a_minute_is_remembered_and_a_batch_from_its_start():
    begun, _ = lines.observed(NOTHING, [MESSAGED], [message("started", "A", 100)], SOURCES)
    ended, _ = lines.observed(begun, [MESSAGED], [message("ended", "A", 200)], SOURCES)
    idle = Lines(ended.states, [])
    assert lines.needed_ns(idle, [MESSAGED], at_ns(1000)) == at_ns(940)
    assert lines.needed_ns(begun, [MESSAGED], at_ns(1000)) == begun.states["press"].running.start.earliest_ns


def test_a_batch_is_not_carried_over_from_tags_to_messages():
    running, _ = after(None, "A")
    new = part("press-plc").model_copy(update={"told_by": "message"})
    left, events = lines.carried_over(running, stated(part("press-plc")), stated(new), 7)
    assert (left, [event.event for event in events]) == (NOTHING, ["batch_abandoned"])


def test_a_batch_whose_readings_are_gone_is_told_and_later_ones_stay():
    running, _ = after(None, "A", None, "B")
    begun = {running.closing[0][1].running.batch: running.closing[0][1].running.start.earliest_ns}
    begun["B"] = running.states["press"].running.start.earliest_ns
    assert lines.bereft(running, begun["A"] - 1, 7) == (running, [])
    left, told = lines.bereft(running, begun["A"], 7)
    assert (left.closing, left.states) == ([], running.states)
    assert [(e.event, e.about, e.at_ns, e.detail["batch"]) for e in told] == [("batch_abandoned", "press", 7, "A")]
    left, told = lines.bereft(running, begun["B"], 7)
    assert (left.closing, left.states) == ([], {})
    assert sorted(event.detail["batch"] for event in told) == ["A", "B"]
