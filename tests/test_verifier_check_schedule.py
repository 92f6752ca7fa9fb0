"""Shifts from the agent's clock to the verifier, and every way in which a record can say otherwise."""

import pytest
import told_lines
from archive_maker import AGENT, index_of
from plant_in_memory import S, at_ns

from contract import entry, records
from contract.records import BatchPart, ScheduledEdge
from verifier import archive, check_schedule, evidence, trail

SCHEDULED = 'told_by = "schedule"\nmakes = "coil"'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plant")
    site = told_lines.site(folder, 'source = "press-plc"', SCHEDULED, told_lines.SHIFTS)
    return told_lines.run(site, range(180), lambda k: {})


def stated_and_head(made):
    factory = told_lines.ledger(made)
    known, _ = evidence.read(trail.read(archive.read(factory.pack()))[0])
    at = index_of(factory, AGENT, "batch")
    return known.manifests[at], records.read(entry.check_body(
        entry.read(factory.ledger[at][0]).header, factory.ledger[at][1]).parts[0], BatchPart)  # fmt: skip


def test_shifts_become_records_that_the_verifier_recomputes(made):
    (one, energy), (two, _) = [(head, amounts[0]) for head, amounts in made.history().batches()]
    assert (one.batch, one.product, one.closed) == ("press-2023-11-14-one", "coil", "complete")
    # 22:14:00 and 22:15:00 UTC are 40 s and 100 s after the first round
    assert (one.start.earliest_ns, one.start.latest_ns) == (at_ns(40), at_ns(40))
    assert (one.end, two.start.earliest_ns) == (
        ScheduledEdge(earliest_ns=at_ns(100), latest_ns=at_ns(100), shift="one", on="2023-11-14"), at_ns(100),
    )  # fmt: skip
    assert energy.amount == 60 * 7 * 1000  # 7 Wh a second
    found = told_lines.findings(told_lines.ledger(made))
    assert [one.line() for one in found if not one.ok] == []
    assert any("4 edges of 2 batches" in one.text for one in found)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"product": "plate"}, "its product is signed as 'plate'; its line makes 'coil'"),
        ({"batch": "B1"}, "it is shift one of 2023-11-14, and named otherwise"),
        ({"shift": "three"}, "the calendar has no shift three on 2023-11-14"),
        ({"on": "yesterday"}, "its shift cannot be looked up"),
        ({"on": "2023-11-13"}, "its start is signed as"),
    ],
)
def test_a_record_that_is_not_the_calendar_s(made, change, told):
    stated, head = stated_and_head(made)
    assert list(check_schedule.faults(head, stated)) == []
    of_edge = {key: value for key, value in change.items() if key in ScheduledEdge.model_fields}
    bent = head.model_copy(update={key: value for key, value in change.items() if key not in of_edge})
    bent = bent.model_copy(update={name: getattr(head, name).model_copy(update=of_edge) for name in ("start", "end")})
    assert told in " ".join(check_schedule.faults(bent, stated))


def test_an_edge_moved_by_a_nanosecond(made):
    stated, head = stated_and_head(made)
    late = head.end.model_copy(update={"latest_ns": head.end.latest_ns + 1})
    (fault,) = check_schedule.faults(head.model_copy(update={"end": late}), stated)
    assert fault.startswith(f"its end is signed as {at_ns(100)}..{at_ns(100) + 1}; the calendar gives {at_ns(100)}")


def test_a_batch_over_two_shifts_and_edges_of_another_kind(made):
    stated, head = stated_and_head(made)
    other = head.end.model_copy(update={"shift": "two"})
    (fault,) = check_schedule.faults(head.model_copy(update={"end": other}), stated)
    assert fault == "it begins with shift one of 2023-11-14 and ends with shift two of 2023-11-14"
    seen = records.Seen(requested_ns=0, answered_ns=S, source_ns=None)
    looked = records.Edge(
        earliest_ns=0, latest_ns=S, policy="observed", lag_ns=0, offset=None, before=seen, after=seen
    )  # fmt: skip
    (fault,) = check_schedule.faults(head.model_copy(update={"end": looked}), stated)
    assert fault == "its line is told by the calendar, and its edges are no shift's"


def test_a_line_told_by_tags_has_no_shifts(made):
    stated, head = stated_and_head(made)
    object.__setattr__(stated.lines["press"], "told_by", None)
    (fault,) = check_schedule.faults(head, stated)
    assert fault == "it has a shift's edge, though its line is not told by the calendar"
