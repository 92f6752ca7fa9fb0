"""A look needs all three tags; the time it tells is that of the later change."""

import pytest
from plant_in_memory import plc_scan

from agent.config import Line
from agent.drivers import Reading, Scan
from agent.looks import NAME_CHARACTERS_MAX, look

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
