"""State numbers against the standards that give them, and the events of a line that does something else."""

import pytest

from agent import line_states
from agent.config import Line
from agent.line_states import Shown, changed
from contract.records import Edge, Seen

S = 1_000_000_000
TAGS = Line(
    name="press", source="plc", energy=("press.energy",), state="mode", states={"1": "produce", "0": "off"}, lag_ms=10
)

# ISA-TR88.00.02, PackTags: Status.StateCurrent
PACKML = {
    "Clearing": 1, "Stopped": 2, "Starting": 3, "Idle": 4, "Suspended": 5, "Execute": 6, "Stopping": 7, "Aborting": 8,
    "Aborted": 9, "Holding": 10, "Held": 11, "Unholding": 12, "Suspending": 13, "Unsuspending": 14, "Resetting": 15,
    "Completing": 16, "Complete": 17,
}  # fmt: skip
# a batch is under way from Starting until the machine has completed or come to rest
UNDER_WAY = {
    "Starting", "Execute", "Completing", "Holding", "Held", "Unholding", "Suspending", "Suspended", "Unsuspending",
    "Stopping", "Aborting",
}  # fmt: skip
# OPC 10031-4 v2.00, table 14
JOB_ORDER = {"NotAllowedToStart": 1, "AllowedToStart": 2, "Running": 3, "Interrupted": 4, "Ended": 5, "Aborted": 6}


def line(told_by):
    return Line(name="press", told_by=told_by, source="plc", energy=("press.energy",))


@pytest.mark.parametrize(("state", "number"), PACKML.items())
def test_packml(state, number):
    assert line_states.runs(line("packml"), number) == (state in UNDER_WAY)
    word = line_states.words(line("packml"))[number]
    assert (word == "produce") == (state in {"Execute", "Completing"})
    assert (word == "setup") == (state == "Resetting")
    assert (word == "maintenance") == (state in {"Aborted", "Clearing"})


@pytest.mark.parametrize(("state", "number"), JOB_ORDER.items())
def test_a_job_order(state, number):
    assert line_states.runs(line("job_order"), number) == (state in {"Running", "Interrupted"})
    assert (line_states.words(line("job_order"))[number] == "produce") == (state == "Running")


@pytest.mark.parametrize(("told_by", "number"), [("packml", 0), ("packml", 18), ("job_order", 0), ("job_order", 7)])
def test_a_number_that_the_standard_does_not_know_means_nothing(told_by, number):
    assert line_states.runs(line(told_by), number) is None
    assert number not in line_states.words(line(told_by))


def at(k, number):
    return Shown(Seen(requested_ns=k * S, answered_ns=k * S + 20, source_ns=None), number)


def test_the_first_look_tells_the_state_and_no_edge():
    event = changed(TAGS, None, at(3, 1))
    assert (event.event, event.about, event.at_ns) == ("line_state", "press", 3 * S + 20)
    seen = {"requested_ns": 3 * S, "answered_ns": 3 * S + 20, "source_ns": None}
    assert event.detail == {"state": "produce", "was": None, "number": 1, "seen": seen}


def test_a_change_lies_between_two_looks():
    event = changed(TAGS, at(3, 1), at(4, 0))
    assert (event.detail["state"], event.detail["was"], event.detail["was_number"]) == ("off", "produce", 1)
    edge = Edge.model_validate(event.detail["edge"])
    assert (edge.earliest_ns, edge.latest_ns) == (3 * S - 10_000_000, 4 * S + 20)
    assert event.at_ns == edge.latest_ns


def test_a_number_without_a_word_is_told_as_none_and_the_same_word_not_again():
    assert changed(TAGS, at(3, 1), at(4, 7)).detail["state"] is None
    assert changed(TAGS, at(3, 7), at(4, 8)) is None
    assert changed(TAGS, at(3, 7), at(4, 1)).detail["was"] is None
    assert changed(line("packml"), at(3, 10), at(4, 11)) is None  # holding and held: idle both
