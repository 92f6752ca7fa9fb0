"""A batch told by messages must follow from those on record, and from nothing else."""

from pathlib import Path
from tempfile import TemporaryDirectory

import archive_maker as maker
import overlap_plant
import pytest
from agent_archive import factory_of, first_changed, made_of, read
from archive_maker import AGENT, T0, failures, index_of
from hypothesis import given, settings
from hypothesis import strategies as st
from message_plant import lots, message, works
from plant_in_memory import KEY, meter_scan

from contract import records
from contract.lots import Lot
from verifier import check_batches, check_messages

ALL = check_batches.Period(0, 2**62)
MESSAGES = {
    5: [message("started", "A", 5, inputs=lots(5))],
    9: [message("started", "A", 5, 9, inputs=lots(6))],
    20: [message("ended", "A", 20)],
    21: [message("started", "A", 5, 21, inputs=lots(7))],
    22: [message("ended", "A", 20, 22, outputs=lots(4, "good"))],
    30: [message("started", "A", 30), message("ended", "A", 30, 30.2, outputs=[])],
}


@pytest.fixture(scope="module")
def works_ledger(tmp_path_factory):
    """The ledger of an agent that ran through the messages: two runs of one name, each with its own lots."""
    site = works(tmp_path_factory.mktemp("works"))
    site.start(0)
    for k in range(1, 50):
        site.take(k, [meter_scan(k), *MESSAGES.get(k, [])])
    return made_of(site)


@pytest.fixture
def made(works_ledger):
    return factory_of(works_ledger)


def checked(made, period=ALL, **changes):
    """What the check says; `changes` are to the first batch's head."""
    seen, known, batches = read(made)
    found = check_messages.messages(seen, known, first_changed(batches, changes), period)
    return [(finding.ok, finding.text) for finding in found]


def test_an_agent_s_own_records_hold(made):
    assert failures(made) == []
    assert checked(made) == [(True, "7 messages on record, 2 batches follow from theirs")]
    _, _, (first, second) = read(made)
    assert [lot.quantity for lot in first.head.inputs] == [7_000_000]
    assert [lot.quantity for lot in first.head.outputs] == [4_000_000]
    assert (second.head.inputs, second.head.outputs) == (None, [])


OTHER = Lot(lot="L", quantity=4_000_001, unit="g_milli", source="reported", kind="good")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outputs": [OTHER]}, "A: signed outputs L: 4000001 g_milli, its messages say L: 4000000 g_milli"),
        ({"outputs": None}, "A: signed outputs nothing, its messages say L: 4000000 g_milli"),
        ({"inputs": []}, "A: signed inputs none, its messages say L: 7000000 g_milli"),
        ({"product": "strip"}, "A: signed product strip, its messages say coil"),
        ({"batch": "B"}, "B: its start is not what a message on record tells"),
    ],
)
def test_what_no_message_says_is_named(made, changes, told):
    assert (False, told) in checked(made, **changes)


def test_an_edge_must_be_that_of_a_message(made):
    _, _, (first, second) = read(made)
    told = (False, "A: its end is not what a message on record tells")
    moved = first.head.end.after.model_copy(update={"source_ns": first.head.end.after.source_ns + 1})
    assert told in checked(made, end=first.head.end.model_copy(update={"after": moved}))
    assert told in checked(made, end=first.head.end.model_copy(update={"policy": "observed"}))
    assert told in checked(made, end=first.head.start)
    assert second.head.start.policy == "reported"


def test_a_reported_edge_is_recomputed(made):
    _, known, (first, _) = read(made)
    start = first.head.start
    wider = start.model_copy(update={"latest_ns": start.latest_ns + 1})
    ahead = start.model_copy(update={"tolerance_ns": 0, "after": start.after.model_copy(update={"source_ns": 2**62})})
    for bent, words in ((wider, "its start is signed as"), (ahead, "rests on a message that reports what happens")):
        batch = check_batches.Batch(first.item, first.head.model_copy(update={"start": bent}), ())
        assert any(words in finding.text for finding in check_batches.edges([batch], known))


def test_a_message_that_is_withheld_leaves_a_batch_of_the_period_unproved(made):
    made.ledger[index_of(made, AGENT, "event", 1)][1] = None
    assert any(not ok and "A: not recomputable: " in text and "is withheld" in text for ok, text in checked(made))
    ((ok, text),) = checked(made, check_batches.Period(T0 - 10, T0 - 5))
    assert ok
    assert "outside the period not shown" in text


def test_a_message_that_cannot_be_read_is_named(made):
    event = maker.records.EventPart(event="batch_message", about="press", at_ns=T0, detail={"payload": "{"})
    made.writers[AGENT] = maker.Writer(maker.SITE, AGENT, KEY, bytes(16))
    made.epoch(AGENT, [], T0, None)
    made.add(AGENT, "event", [maker.records.write(event)], T0, T0)
    assert any(not ok and "batch message: not JSON" in text for ok, text in checked(made))


def test_lots_and_reported_edges_need_a_line_that_is_told_by_messages():
    made = maker.factory()
    assert checked(made) == []
    assert checked(made, inputs=[]) == [(False, "L1-0001: states lots, but its line is not told by messages")]
    _, _, batches = read(made)
    reported = batches[0].head.start.model_copy(update={"policy": "reported"})
    ((ok, text),) = checked(made, start=reported)
    assert (ok, text) == (False, "L1-0001: has a reported edge, but its line is not told by messages")
    seen, known, _ = read(made)
    late = records.BatchPart.model_copy(batches[0].head, update={"outputs": []})
    told = check_batches.Batch(batches[0].item, late, (), late=records.BatchPart.model_construct())
    (finding,) = check_messages.messages(seen, known, [told], ALL)
    assert (finding.ok, finding.text) == (False, "L1-0001: states lots, but it was told late")


SENT = st.tuples(
    st.sampled_from(["started", "ended"]), st.sampled_from("AB"), st.integers(0, 25),
    st.sampled_from([{}, {"inputs": lots(5)}, {"outputs": []}, {"outputs": lots(4, "good"), "product": "strip"}]),
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), SENT), max_size=10))
def test_whatever_is_sent_an_agent_s_records_hold(sent):
    """Messages that come in any round, of any earlier one, in any order and more than once."""
    coming = {}
    for k, (state, batch, back, members) in sent:
        coming.setdefault(k, []).append(message(state, batch, max(0, k - back), k, **members))
    with TemporaryDirectory() as folder:
        site = works(Path(folder))
        site.start(0)
        for k in range(1, 45):
            site.take(k, [meter_scan(k), *coming.get(k, [])])
        entries = [[stored.sealed.signed, stored.sealed.body] for stored in site.entries()]
        site.stop()
    factory = maker.Factory()
    factory.private[AGENT] = KEY
    maker.opened(factory)
    factory.ledger += entries
    assert failures(factory) == []


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    return overlap_plant.factory(tmp_path_factory.mktemp("several"), "equal")


def test_a_record_that_hides_who_ran_on_beside_it_is_found(several):
    seen, known, batches = read(several)
    assert {one.name: one.head.beside for one in batches} == {"A": ["B"], "B": ["C"], "C": None, "D": None}
    assert all(finding.ok for finding in check_messages.messages(seen, known, batches, ALL))
    first, *others = batches
    bent = check_batches.Batch(first.item, first.head.model_copy(update={"beside": None}), first.amounts)
    found = [one.text for one in check_messages.messages(seen, known, [bent, *others], ALL) if not one.ok]
    assert found == ["A: does not name B, which ran on beside it"]
