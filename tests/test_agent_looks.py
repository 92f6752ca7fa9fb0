"""A look needs all three tags; the time it tells is that of the later change."""

import pytest
from plant_in_memory import plc_scan

from agent.batches import Look
from agent.config import Line
from agent.drivers import Reading, Scan
from agent.drivers.point import Point
from agent.looks import NAME_CHARACTERS_MAX, look, shown, tags, together

LINE = Line(name="press", source="press-plc", energy=("press.energy",))
BAD = 0x800A0000


def scan(batch=("A", 0, 5), product=("coil", 0, 6), running=(1, 0, 7)):
    return Scan(
        0, 10, 20,
        (
            Reading("batch_id", None, batch[1], batch[2], batch[0]),
            Reading("product", None, product[1], product[2], product[0]),
            Reading("running", running[0], running[1], running[2]),
        ),
    )  # fmt: skip


def test_what_runs_and_when_it_changed():
    seen = look(LINE, scan())
    assert (seen.batch, seen.product) == ("A", "coil")
    assert (seen.seen.requested_ns, seen.seen.answered_ns, seen.seen.source_ns) == (10, 20, 7)


@pytest.mark.parametrize("torn", [{"running": (0, 0, 7)}, {"batch": ("", 0, 5)}, {"batch": (None, 0, 5)}])
def test_nothing_runs_without_a_name_or_while_the_tag_says_so(torn):
    assert look(LINE, scan(**torn)).batch is None


@pytest.mark.parametrize(
    "bad", [{"batch": (None, BAD, None)}, {"product": (None, BAD, None)}, {"running": (None, BAD, None)}]
)
def test_a_bad_tag_is_no_look_at_all(bad):
    assert look(LINE, scan(**bad)) is None


def test_a_tag_whose_value_is_not_of_now_is_no_look():
    assert look(LINE, scan(running=(1, 0x40900000, 7))) is None
    assert look(LINE, scan(running=(1, 0x480, 7))) is not None  # good, samples before it were lost


def test_a_scan_of_other_points_is_no_look():
    assert look(LINE, Scan(1, 10, 20, (Reading("produced", 3, 0),))) is None


def test_without_both_times_there_is_none():
    assert look(LINE, scan(batch=("A", 0, None))).seen.source_ns is None


def test_a_tag_full_of_garbage_still_makes_a_record_possible():
    assert len(look(LINE, scan(batch=("x" * 5000, 0, 5))).batch) == NAME_CHARACTERS_MAX


def test_the_plant_s_own_scans_are_looks():
    assert look(LINE, plc_scan(3, "A")[1]).batch == "A"


def point(name, kind="uint16", **more):
    return Point(id=name, quantity="state", type=kind, unit="1", kind="gauge", table="holding", **more)


POINTS = {
    one.id: one
    for one in (
        point("state"), point("batch_id", "uint32", words="low_first"), point("product", "int16"), point("number"),
        point("running", "bool"),
    )
}  # fmt: skip


def of(told_by, **more):
    return Line(name="press", told_by=told_by, source="plc", energy=("press.energy",), **more)


def seen(line, last=None, at=0, **raws):
    return look(line, Scan(0, at + 10, at + 20, tuple(Reading(n, raw, 0, 5) for n, raw in raws.items())), POINTS, last)


def test_numbers_are_names_in_decimal_by_their_profile():
    told = seen(of("tags"), batch_id=0x0002_0001, product=0xFFFF, running=1)
    assert (told.batch, told.product) == ("65538", "-1")
    assert seen(of("tags"), batch_id=0, product=7, running=1).batch is None  # 0 is no name


@pytest.mark.parametrize(("state", "batch"), [(6, "7"), (11, "7"), (4, None), (17, None)])
def test_a_packml_state_says_whether_a_batch_runs(state, batch):
    told = seen(of("packml", makes="milk"), state=state, batch_id=7 << 16)
    assert (told.batch, told.product) == (batch, "milk")


@pytest.mark.parametrize("told_by", ["packml", "job_order"])
def test_a_state_that_is_none_is_no_look(told_by):
    assert seen(of(told_by), state=0, batch_id=7, product=1) is None
    assert seen(of(told_by), batch_id=7, product=1) is None


def counted(line, *numbers, running=None):
    last, names = None, []
    for k, number in enumerate(numbers):
        raws = {"number": number} | ({} if running is None else {"running": running[k]})
        last = seen(line, last, k * 1_000_000_000, **raws)
        names.append(last.batch)
    return names


def test_a_batch_is_as_long_as_its_number():
    line = of("counter", batch="number", makes="coil")
    assert counted(line, 7, 7, 8, 1, 0) == ["press-7", "press-7", "press-8", "press-1", "press-0"]


def test_where_something_says_that_nothing_runs_the_same_number_is_another_batch():
    line = of("counter", batch="number", makes="coil", running="running", named_by="time")
    assert counted(line, 7, 7, 7, 7, running=[1, 1, 0, 1]) == [
        "press-19700101T000000Z", "press-19700101T000000Z", None, "press-19700101T000003Z",
    ]  # fmt: skip


def test_a_count_of_what_is_made_falls_when_a_batch_begins():
    line = of("counter", batch="number", makes="coil", ends_at="fall")
    first, second = "press-19700101T000000Z", "press-19700101T000003Z"
    assert counted(line, 40, 41, 41, 0, 1, 2) == [first, first, first, second, second, second]


def test_a_counter_without_a_number_is_no_look():
    line = of("counter", batch="number", makes="coil")
    bad = Scan(0, 10, 20, (Reading("number", None, 0x800A0000),))
    assert look(line, bad, POINTS) is None
    assert look(line, Scan(0, 10, 20, (Reading("number", None, 0, None, "text"),)), POINTS) is None


def test_a_state_of_its_own():
    line = of("tags", state="state", states={"1": "produce"})
    told = shown(line, Scan(0, 10, 20, (Reading("state", 1, 0, 5),)), POINTS)
    assert (told.number, told.seen.requested_ns, told.seen.answered_ns) == (1, 10, 20)
    assert shown(line, Scan(0, 10, 20, (Reading("state", 1, 0x40900000, 5),)), POINTS) is None
    assert shown(of("tags"), Scan(0, 10, 20, (Reading("state", 1, 0, 5),)), POINTS) is None


def test_a_shift_needs_no_look():
    line = of("schedule", makes="coil")
    assert tags(line) == set()
    assert look(line, scan(), POINTS) is None


def test_registers_in_several_blocks_are_one_look_each_time_they_are_read():
    scans = [
        Scan(0, 10, 20, (Reading("batch_id", 1 << 16, 0),)), Scan(1, 20, 30, (Reading("power", 5, 0),)),
        Scan(3, 30, 40, (Reading("product", 2, 0), Reading("running", 1, 0))),
        Scan(0, 110, 120, (Reading("batch_id", 9 << 16, 0),)),
    ]  # fmt: skip
    first, second = together(tags(of("tags")), scans, POINTS)
    told = look(of("tags"), first, POINTS)
    assert (told.batch, told.product, told.seen.requested_ns, told.seen.answered_ns) == ("1", "2", 10, 40)
    assert look(of("tags"), second, POINTS) is None


def test_samples_of_single_nodes_are_not_put_together():
    nodes = {name: one.model_copy(update={"table": None, "node": "n"}) for name, one in POINTS.items()}
    scans = [Scan(k, k, k, (Reading(name, 1, 0),)) for k, name in enumerate(("batch_id", "product", "running"), 1)]
    assert len(list(together(tags(of("tags")), scans, nodes))) == 3


def test_a_look_is_remembered_with_its_count():
    line = of("counter", batch="number", makes="coil")
    assert seen(line, number=7) == Look(seen(line, number=7).seen, "press-7", "coil", 7)
