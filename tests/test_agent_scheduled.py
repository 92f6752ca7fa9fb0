"""Shifts begin and end as time passes: exactly, once, also over a stop of the agent and a change of clocks."""

from datetime import UTC, datetime

import pytest

from agent.config import Line
from agent.rows import Lines, read_lines, write_lines
from agent.scheduled import jumped, passed
from contract.calendar_form import ZonedCalendarForm
from contract.calendar_records import stated
from contract.records import Edge

NS, HOUR_NS = 10**9, 3600 * 10**9
LINE = Line(name="oven", told_by="schedule", makes="brick", energy=("oven.energy",))
TAGS = Line(name="press", source="plc", energy=("press.energy",))
CALENDAR = stated(
    ZonedCalendarForm.model_validate(
        {
            "zone": "Europe/Berlin",
            "shift": [
                {"name": "day", "start": "06:00", "end": "18:00"}, {"name": "night", "start": "22:00", "end": "06:00"},
            ],
        }
    )
)  # fmt: skip


def utc(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp()) * NS


def run(*instants, lines=None):
    lines, told = lines or Lines({}, []), []
    for at_ns in instants:
        lines, events = passed(read_lines(write_lines(lines)), [TAGS, LINE], CALENDAR, at_ns)
        told += [(one.event, one.detail["batch"], one.at_ns) for one in events]
    return lines, told


def test_a_night_in_which_clocks_are_set_forward_has_seven_hours():
    six, ten, morning = utc(2026, 3, 28, 17), utc(2026, 3, 28, 21), utc(2026, 3, 29, 4)
    lines, told = run(six + NS, ten - 1, ten, ten + NS, morning - 1, morning)
    assert told == [
        ("batch_started", "oven-2026-03-28-night", ten),
        ("batch_ended", "oven-2026-03-28-night", morning),
        ("batch_started", "oven-2026-03-29-day", morning),
    ]  # fmt: skip
    ((name, ended),) = lines.closing
    assert (name, ended.running.product) == ("oven", "brick")
    assert (ended.running.start.earliest_ns, ended.end.latest_ns) == (ten, morning)
    assert (ended.end.policy, ended.end.shift, ended.end.on) == ("schedule", "night", "2026-03-28")
    assert ended.end.latest_ns - ended.running.start.latest_ns == 7 * HOUR_NS


def test_a_shift_that_was_under_way_at_the_first_look_has_no_record():
    lines, told = run(utc(2026, 7, 1, 10), utc(2026, 7, 1, 16))
    assert told == [("batch_joined_late", "oven-2026-07-01-day", utc(2026, 7, 1, 10))]
    assert lines.closing == []
    assert run(utc(2026, 7, 1, 17), lines=lines)[1] == []


def test_shifts_that_passed_while_the_agent_stood_are_told_when_it_is_back():
    lines, _ = run(utc(2026, 7, 1, 17))
    lines, told = run(utc(2026, 7, 3, 5), lines=lines)
    assert [one[:2] for one in told] == [
        ("batch_started", "oven-2026-07-01-night"), ("batch_ended", "oven-2026-07-01-night"),
        ("batch_started", "oven-2026-07-02-day"), ("batch_ended", "oven-2026-07-02-day"),
        ("batch_started", "oven-2026-07-02-night"), ("batch_ended", "oven-2026-07-02-night"),
        ("batch_started", "oven-2026-07-03-day"),
    ]  # fmt: skip
    assert len(lines.closing) == 3


def test_a_silence_of_years_makes_up_no_shifts():
    """A machine that booted in 1970 and was started again with the right time."""
    lines, _ = run(utc(1970, 1, 1, 3), utc(1970, 1, 1, 6))
    assert lines.states["oven"].running.batch == "oven-1970-01-01-day"
    lines, told = run(utc(2026, 7, 1, 10), lines=lines)
    assert told == [
        ("batch_abandoned", "oven-1970-01-01-day", utc(2026, 7, 1, 10)),
        ("batch_joined_late", "oven-2026-07-01-day", utc(2026, 7, 1, 10)),
    ]
    assert lines.closing == []
    assert run(utc(2026, 7, 1, 15), lines=lines)[1] == []


def test_a_jump_between_shifts_changes_nothing_and_other_lines_are_left_alone():
    lines, _ = run(utc(2026, 7, 1, 17))
    jump = utc(2026, 7, 1, 17, 1), utc(2026, 7, 1, 18)
    after, events = jumped(lines, [TAGS, LINE], CALENDAR, 0, jump)
    assert events == []
    assert after.states["oven"].last.seen.answered_ns == utc(2026, 7, 1, 18)
    assert jumped(lines, [TAGS], CALENDAR, 0, jump) == (lines, [])
    assert jumped(lines, [LINE], None, 0, (0, 1)) == (lines, [])


@pytest.mark.parametrize(("since", "goes_on"), [(utc(2026, 7, 1, 20) + 1, True), (utc(2026, 7, 1, 20), False)])
def test_a_shift_whose_start_was_told_by_the_clock_that_was_behind_has_no_record(since, goes_on):
    lines, _ = run(utc(2026, 7, 1, 17), utc(2026, 7, 1, 21))
    jump = utc(2026, 7, 1, 22), utc(2026, 7, 1, 23)
    after, events = jumped(lines, [LINE], CALENDAR, since, jump)
    assert (after.states["oven"].running is not None) == goes_on
    assert [event.detail.get("reason") for event in events] == (
        [] if goes_on else ["the clock was behind at its start", None]
    )
    closing = run(utc(2026, 7, 2, 5), lines=after)[0].closing
    assert [ended.running.batch for _, ended in closing] == (["oven-2026-07-01-night"] if goes_on else [])


def test_a_clock_that_is_set_back_tells_nothing_twice():
    ten = utc(2026, 7, 1, 20)
    lines, _ = run(ten - NS, ten)
    assert run(ten - NS, ten, ten + 1, lines=lines) == (lines, [])


def test_other_lines_and_no_calendar_change_nothing():
    empty = Lines({}, [])
    assert passed(empty, [TAGS], CALENDAR, 0)[0] is empty
    assert passed(empty, [LINE], None, 0)[0] is empty


@pytest.mark.parametrize("policy", ["schedule", "observed"])
def test_edges_of_either_kind_survive_a_restart(policy):
    ten = utc(2026, 7, 1, 20)
    lines, _ = run(ten - NS, ten)
    state = lines.states["oven"]
    if policy == "observed":
        seen = state.last.seen
        edge = Edge(earliest_ns=1, latest_ns=2, policy=policy, lag_ns=0, offset=None, before=seen, after=seen)
        object.__setattr__(state.running, "start", edge)
    assert read_lines(write_lines(lines)) == lines
    assert lines.states["oven"].running.start.policy == policy
