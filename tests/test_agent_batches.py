"""Batches from looks: begun and ended by changes of the batch's name alone, never invented, torn tags borne."""

from hypothesis import given
from hypothesis import strategies as st

from agent.batches import LineState, Look, Source, observe
from contract.records import Seen

SOURCE = Source(0, None)
S = 1_000_000_000


def look(k, batch, product="coil"):
    return Look(Seen(requested_ns=k * S, answered_ns=k * S + 20, source_ns=None), batch, product)


def run(looks):
    state, told = LineState(), []
    for one in looks:
        state, ended, started = observe(state, one, SOURCE)
        if ended:
            told.append(("ended", ended.running.batch, ended.running.product, ended.running.start, ended.end))
        if started:
            told.append(("started", started.batch, started.product, started.start, None))
    return state, told


def names(looks):
    return [(kind, batch) for kind, batch, *_ in run(looks)[1]]


def test_a_batch_is_between_the_look_before_it_and_the_look_after_it():
    _, told = run([look(0, None), look(1, "A"), look(2, "A"), look(3, None)])
    ((_, _, _, start, _), (kind, batch, product, again, end)) = told
    assert (kind, batch, product) == ("ended", "A", "coil")
    assert (start.earliest_ns, start.latest_ns) == (0, S + 20)
    assert (again, end.earliest_ns, end.latest_ns) == (start, 2 * S, 3 * S + 20)


def test_back_to_back_batches_share_their_edge():
    _, told = run([look(0, None), look(1, "A"), look(2, "B"), look(3, None)])
    assert [one[:2] for one in told] == [("started", "A"), ("ended", "A"), ("started", "B"), ("ended", "B")]
    assert told[1][4] == told[2][3]


def test_a_batch_whose_start_was_not_seen_has_no_record():
    state, told = run([look(0, "A"), look(1, "A")])
    assert (state.joined_late, told) == ("A", [])
    assert names([look(0, "A"), look(1, "A"), look(2, "B"), look(3, None)]) == [("started", "B"), ("ended", "B")]


def test_a_batch_interrupted_and_taken_up_again_is_two_runs():
    assert names([look(0, None), look(1, "A"), look(2, None), look(3, "A"), look(4, None)]) == [
        ("started", "A"), ("ended", "A"), ("started", "A"), ("ended", "A"),
    ]  # fmt: skip


def products(*told):
    looks = [look(0, None), *(look(k + 1, "A", product) for k, product in enumerate(told)), look(99, None)]
    return run(looks)[1][-1][2]


def test_a_product_torn_at_the_start_is_put_right_and_one_torn_at_the_end_is_not_taken():
    assert products("old", "coil", "coil") == "coil"
    assert products("coil", "coil", "coil", "next") == "coil"
    assert products("old", "coil", "coil", "next") == "coil"


@given(st.lists(st.sampled_from([None, "A", "B", "C"]), max_size=30))
def test_batches_alternate_and_only_what_started_ends(told):
    found = names([look(k, batch) for k, batch in enumerate(told)])
    running = None
    for kind, batch in found:
        assert running == (batch if kind == "ended" else None)
        running = None if kind == "ended" else batch
    if told and running is not None:
        assert told[-1] == running
