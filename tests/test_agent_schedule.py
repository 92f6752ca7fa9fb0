"""Turns on a bus: slots kept in order, strangers once, lost meters only where their silence does no harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.schedule import NEVER_NS, NS, PAUSE_MOST_NS, Polled, answered, decide, lost, moved, next_tick, revived

MS = 1_000_000


def answering(name, due_ns, every_ns=NS, **more):
    return Polled(name, every_ns, due_ns, answers=True, asked_ns=0, **more)


def gone(name, due_ns, asked_ns):
    return Polled(name, NS, due_ns, asked_ns=asked_ns, lost_since_ns=asked_ns)


def turn(meters, now_ns, wanted=(), silence_ns=200 * MS):
    made = decide(meters, wanted, now_ns, lambda _: silence_ns)
    return made.kind, made.meter and made.meter.name


def test_the_slot_that_began_first_comes_first_and_then_the_order_of_the_configuration():
    meters = [answering("a", 5 * NS), answering("b", 4 * NS), answering("c", 4 * NS)]
    assert turn(meters, 5 * NS) == ("read", "b")
    meters[1].due_ns = 6 * NS
    assert turn(meters, 5 * NS) == ("read", "c")


def test_a_clock_that_jumps_misses_no_slot_and_cuts_no_pause_short():
    by_ns = 3600 * NS + 300 * MS
    kept, pausing = answering("a", 5 * NS, identity_ns=90 * NS), gone("b", 30 * NS, 4 * NS)
    for meter in (kept, pausing):
        moved(meter, by_ns, 5 * NS + by_ns)
    assert turn([kept, pausing], 5 * NS + by_ns)[0] == "rest"
    assert kept.due_ns == 3606 * NS, "slots begin at whole multiples of the rhythm"
    assert answered(kept, 3606 * NS, 3606 * NS + 10 * MS) == (0, 0)
    assert (kept.identity_ns - by_ns, pausing.due_ns - by_ns, pausing.asked_ns - by_ns) == (90 * NS, 30 * NS, 4 * NS)
    assert Polled("c", NS, identity_ns=NEVER_NS).identity_ns == NEVER_NS


def test_what_is_wanted_comes_before_all_slots_but_only_of_meters_that_answer():
    meters = [answering("a", 4 * NS), answering("b", 9 * NS), gone("c", 0, 0)]
    assert turn(meters, 5 * NS, wanted={"b", "c"}) == ("read", "b")
    assert turn(meters, 5 * NS, wanted={"c"}) == ("read", "a")


def test_a_stranger_comes_after_those_that_answer_and_needs_no_room():
    meters = [Polled("new", NS, 4 * NS), answering("a", 5 * NS)]
    assert turn(meters, 5 * NS) == ("read", "a")
    meters[1].due_ns = 6 * NS
    assert turn(meters, 5 * NS, silence_ns=60 * NS) == ("probe", "new")


@pytest.mark.parametrize(("now_ms", "expected"), [(5499, "rest"), (5500, "probe"), (5800, "probe"), (5801, "rest")])
def test_a_lost_meter_is_probed_only_if_its_silence_ends_before_the_next_slot(now_ms, expected):
    meters = [answering("a", 6 * NS), gone("dead", 5 * NS + 500 * MS, 3 * NS)]
    assert turn(meters, now_ms * MS)[0] == expected


@pytest.mark.parametrize(("pause_ns", "must_ns"), [(8 * NS, 48 * NS), (PAUSE_MOST_NS, 39 * NS + PAUSE_MOST_NS)])
def test_a_probe_that_never_fits_is_made_a_pause_later_at_most_a_longest_pause_and_marked(pause_ns, must_ns):
    meters = [answering("a", 100 * NS), gone("dead", 40 * NS, 39 * NS)]
    meters[1].pause_ns = pause_ns
    before = decide(meters, (), must_ns - 1, lambda _: 62 * NS)
    assert (before.kind, before.until_ns) == ("rest", 100 * NS)
    made = decide(meters, (), must_ns, lambda _: 62 * NS)
    assert (made.kind, made.forced) == ("probe", True)


def test_rest_ends_with_a_probe_that_will_fit_and_not_with_one_that_will_not():
    meters = [answering("a", 6 * NS), gone("dead", 5 * NS + 700 * MS, 3 * NS)]
    assert decide(meters, (), 5 * NS, lambda _: 300 * MS).until_ns == 5 * NS + 700 * MS
    assert decide(meters, (), 5 * NS, lambda _: 301 * MS).until_ns == 6 * NS


def test_where_nobody_answers_every_probe_fits_and_pauses_are_short():
    meters = [gone("a", 90 * NS, 3 * NS), gone("b", 7 * NS, 3 * NS)]
    assert decide(meters, (), 5 * NS, lambda _: 60 * NS).until_ns == 7 * NS
    assert turn(meters, 7 * NS, silence_ns=60 * NS) == ("probe", "b")
    meters[1].due_ns = 70 * NS
    assert decide(meters, (), 7 * NS, lambda _: 60 * NS).until_ns == 8 * NS  # asked at 3, and 5 s after
    assert turn(meters, 8 * NS, silence_ns=60 * NS) == ("probe", "a")


def test_the_first_back_on_a_silent_bus_makes_the_others_strangers_again():
    meters = [gone("a", 90 * NS, 30 * NS), gone("b", 70 * NS, 30 * NS), Polled("new", NS, 90 * NS)]
    revived(meters, 50 * NS)
    answered(meters[0], 49 * NS, 50 * NS)
    assert turn(meters, 50 * NS, silence_ns=60 * NS) == ("probe", "b")
    assert meters[1].lost_since_ns == 30 * NS
    lost(meters[1], 50 * NS, 51 * NS)
    assert meters[1].due_ns == 52 * NS
    revived(meters, 55 * NS)  # another answers: nothing begins anew
    assert meters[1].asked_ns == 50 * NS


def test_a_line_that_flickers_cannot_keep_a_bus_to_itself():
    meters = [answering("a", 9 * NS), answering("b", 9 * NS)]
    assert turn(meters, 5 * NS, wanted={"a"}) == ("read", "a")
    assert answered(meters[0], 5 * NS, 5 * NS + 9) == (0, 0)
    assert decide(meters, {"a"}, 5 * NS + 200 * MS, lambda _: 0).until_ns == 6 * NS
    assert turn(meters, 6 * NS, wanted={"a"}) == ("read", "a")


def test_an_identity_is_read_again_between_slots():
    meters = [answering("a", 6 * NS, identity_ns=4 * NS)]
    assert turn(meters, 5 * NS) == ("identify", "a")
    assert turn(meters, 5 * NS, silence_ns=2 * NS) == ("rest", None)
    assert turn(meters, 5 * NS) == ("identify", "a")
    meters[0].identity_ns = NEVER_NS
    assert turn(meters, 5 * NS) == ("rest", None)


def test_pauses_double_up_to_a_minute_and_only_the_first_silence_is_news():
    meter = answering("a", 0)
    pauses, news = [], []
    for _ in range(9):
        news.append(lost(meter, 3 * NS, 4 * NS))
        pauses.append((meter.due_ns - 4 * NS) // NS)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert news == [True] + [False] * 8
    assert (meter.answers, meter.lost_since_ns) == (False, 3 * NS)


def test_back_it_has_its_slots_and_its_patience_again():
    meter = gone("a", 5 * NS, 3 * NS)
    meter.pause_ns = 32 * NS
    assert answered(meter, 7 * NS, 7 * NS + 5) == (0, 0)
    assert (meter.answers, meter.due_ns, meter.pause_ns, meter.lost_since_ns) == (True, 8 * NS, NS, None)


def test_a_meter_is_not_read_twice_within_a_tick_of_evidence_whoever_asks():
    meter = answering("a", 5 * NS)
    answered(meter, 5 * NS, 5 * NS + MS // 2)
    assert turn([meter], 5 * NS + MS - 1, wanted={"a"}) == ("rest", None)
    assert decide([meter], {"a"}, 5 * NS + MS - 1, lambda _: 0).until_ns == 5 * NS + MS
    assert turn([meter], 5 * NS + MS, wanted={"a"}) == ("read", "a")
    meter.due_ns = 7 * NS + MS // 2  # a rhythm of no whole ticks
    answered(meter, 7 * NS + 1, 7 * NS + MS // 4)  # out of turn, and its slot begins in the same tick
    assert turn([meter], 7 * NS + MS - 1) == ("rest", None)
    assert turn([meter], 7 * NS + MS) == ("read", "a")


@pytest.mark.parametrize(
    ("asked_ms", "due_ms", "late_ms", "missed"),
    [(5000, 6000, 0, 0), (5300, 6000, 300, 0), (5999, 6000, 999, 0), (6000, 7000, 0, 1), (8250, 9000, 250, 3)],
)
def test_a_slot_is_kept_until_it_is_over(asked_ms, due_ms, late_ms, missed):
    meter = answering("a", 5 * NS)
    assert answered(meter, asked_ms * MS, asked_ms * MS + 7) == (late_ms * MS, missed)
    assert (meter.due_ns, meter.missed) == (due_ms * MS, missed)


def test_what_is_read_out_of_turn_moves_no_slot():
    meter = answering("a", 5 * NS)
    assert answered(meter, 5 * NS - 1, 5 * NS + 3) == (0, 0)
    assert meter.due_ns == 5 * NS


@given(st.integers(0, 2**62), st.integers(1, 2**40))
def test_a_tick_is_the_next_whole_multiple(at_ns, every_ns):
    tick_ns = next_tick(at_ns, every_ns)
    assert tick_ns % every_ns == 0
    assert 0 < tick_ns - at_ns <= every_ns


@given(
    st.lists(
        st.builds(
            Polled, st.sampled_from("abc"), st.just(NS), st.integers(0, 9), answers=st.booleans(),
            asked_ns=st.none() | st.integers(0, 9), identity_ns=st.integers(0, 9) | st.just(NEVER_NS),
        ),
        min_size=1, max_size=5,
    ),
    st.integers(0, 9),
)  # fmt: skip
def test_a_turn_is_due_and_a_rest_is_not_over(meters, now_ns):
    made = decide(meters, (), now_ns, lambda _: 2)
    if made.kind == "rest":
        assert made.until_ns > now_ns
    elif made.kind != "identify":
        assert made.meter.due_ns <= now_ns
