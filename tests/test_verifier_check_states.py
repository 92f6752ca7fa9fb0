"""States of lines from the controller's numbers to the verifier, and every way in which an event can say otherwise."""

import pytest
import told_lines
from archive_maker import AGENT
from plant_in_memory import at_ns

from contract import records
from contract.records import EventPart

PACKML = 'source = "press-plc"\ntold_by = "packml"'
SEQUENCE = {0: 4, 5: 15, 8: 4, 10: 3, 11: 6, 20: 10, 21: 11, 25: 12, 26: 6, 30: 16, 31: 17, 40: 0}


def number(k):
    return SEQUENCE[max(since for since in SEQUENCE if since <= k)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    site = told_lines.site(tmp_path_factory.mktemp("plant"), 'source = "press-plc"', PACKML)
    return told_lines.run(site, range(60), lambda k: {"state": number(k), "batch_id": "B1", "product": "coil"})


def test_a_packml_batch_runs_from_starting_to_complete_and_its_states_are_told(made):
    ((head, amounts),) = made.history().batches()
    assert (head.batch, head.closed) == ("B1", "complete")
    # looks half a second after rounds 9 and 10, 30 and 31
    assert (head.start.earliest_ns, head.end.latest_ns) == (at_ns(9) + 500_000_000, at_ns(31) + 512_345_678)
    assert amounts[0].amount == 21 * 7 * 1000
    told = [event.detail["state"] for event in made.history().events() if event.event == "line_state"]
    assert told == [
        "idle", "setup", "idle", "start_up", "produce", "idle", "start_up", "produce", "idle", None,
    ]  # fmt: skip
    found = told_lines.findings(told_lines.ledger(made))
    assert [one.line() for one in found if not one.ok] == []
    assert "10 states of lines follow from what their state points showed" in [one.text for one in found]


def states(made):
    return [event for event in made.history().events() if event.event == "line_state"]


def told_of(made, event):
    """What the verifier says once this event is sealed too."""
    factory = told_lines.ledger(made)
    factory.add(AGENT, "event", [records.write(event)], event.at_ns, event.at_ns)
    return " ".join(line for line in told_lines.failures(factory) if line.startswith("FAIL state"))


def again(made, nth=-2, **detail):
    """An event of the plant once more, with other details; it stands after the last one."""
    event = states(made)[nth]
    return event.model_copy(update={"detail": event.detail | detail})


@pytest.mark.parametrize(
    ("nth", "detail", "told"),
    [
        (-2, {}, "it was told earlier than the state before it"),
        (-2, {}, "it is said to have been produce; the state told before it is None"),
        (-2, {"state": "off"}, "number 17 is idle, not off"),
        (-2, {"number": 9}, "number 9 is maintenance, not idle"),
        (-2, {"number": 4}, "told as 4, though press-plc/state showed 17"),
        (-2, {"was_number": 6}, "told as 6, though press-plc/state showed 16"),
        (-2, {"was_number": 3}, "it was produce by number 3, and is idle"),
        (-2, {"edge": 7}, "Edge"),
        (0, {"seen": {"requested_ns": 1, "answered_ns": 2, "source_ns": None}}, "no reading of press-plc/state"),
        (0, {"seen": {}}, "Seen"),
        (0, {"number": "4"}, "number 4 is None, not idle"),
    ],
)  # fmt: skip
def test_an_event_that_says_otherwise(made, nth, detail, told):
    assert told in told_of(made, again(made, nth, **detail))


def test_an_edge_that_does_not_follow_from_its_looks(made):
    edge = states(made)[-2].detail["edge"]
    assert "its edge does not follow" in told_of(made, again(made, edge=edge | {"earliest_ns": edge["latest_ns"]}))


def test_a_line_without_states_and_an_event_without_anything(made):
    assert "no manifest in force states a line" in told_of(made, again(made).model_copy(update={"about": "saw"}))
    assert "'state'" in told_of(made, EventPart(event="line_state", about="press", at_ns=at_ns(100), detail={}))


def test_what_is_withheld_is_not_held_against_the_agent(made):
    factory = told_lines.ledger(made)
    for pair, stored in zip(factory.ledger[-len(made.entries()) :], made.entries(), strict=True):
        if stored.type == "segment":
            pair[1] = None
    assert not [line for line in told_lines.failures(factory) if line.startswith("FAIL state")]
