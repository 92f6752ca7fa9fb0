"""The storm would notice a wrong value, and knows what no frame can show."""

import pytest

from agent.drivers import BAD_TIMEOUT, Reading, Scan
from simulators.storm_tally import Asked, Tally


def value(unit, address, number):
    return unit << 56 | address << 40 | number


def scan(from_ns, to_ns, *values):
    readings = tuple(Reading(f"p{address}", raw, 0 if raw is not None else BAD_TIMEOUT) for address, raw in values)
    return Scan(0, from_ns, to_ns, readings)


ASKED = [
    Asked(100, 1, 0, 4, "late"),
    Asked(200, 1, 0, 4, "none"),
    Asked(300, 2, 0, 4, "duplicate"),
    Asked(400, 1, 8, 4, "late"),
    Asked(500, 1, 0, 8, "none"),
]
VERDICTS = [
    (scan(190, 210, (0, value(1, 0, 1))), ("admitted", "none")),
    (scan(190, 210, (0, value(1, 0, 0))), ("alike", "late")),  # the same request, earlier
    (scan(490, 510, (0, value(1, 8, 3))), ("alike", "late")),  # other registers, as many
    (scan(490, 510, (0, value(1, 0, 1)), (4, None)), ("wrong", "none")),  # fewer words than were asked for
    (scan(290, 310, (0, value(2, 0, 2))), ("wrong", "duplicate")),  # another unit
    (scan(490, 510, (0, value(1, 4, 4)), (4, None)), ("wrong", "none")),  # a word from its neighbour's place
    (scan(190, 210, (0, value(1, 0, 77))), ("wrong", "none")),  # no answer to anything
]


@pytest.mark.parametrize(("heard", "verdict"), VERDICTS)
def test_the_storm_notices(heard, verdict):
    tally = Tally(False, ASKED)
    tally.judge(1, heard)
    found = [(kind, name) for kind in ("admitted", "wrong", "alike", "merged") for name in getattr(tally, kind)]
    assert found == [verdict]
    assert tally.holds == (verdict[0] == "admitted")


def test_what_is_refused_is_not_judged():
    tally = Tally(False, ASKED)
    tally.judge(1, scan(190, 210, (0, None)))
    assert not tally.admitted + tally.wrong + tally.alike


def test_only_an_exact_fit_is_merged():
    for missing, verdict in ((17, "merged"), (16, "wrong")):
        tally = Tally(False, [Asked(100, 1, 0, 12, "truncated", missing)])
        tally.judge(1, scan(90, 110, (0, 0xBAD), (4, 0xBAD), (8, None)))
        assert [name for name in ("admitted", "wrong", "alike", "merged") if getattr(tally, name)] == [verdict]
        assert tally.holds == (verdict == "merged")


def test_alike_beyond_the_timeout_is_no_breach():
    tally = Tally(True, ASKED)
    tally.judge(1, scan(190, 210, (0, value(1, 0, 0))))
    assert tally.alike
    assert tally.holds


def test_tallies_add_up():
    sum_of, one = Tally(False), Tally(False, ASKED)
    one.judge(1, scan(190, 210, (0, value(1, 0, 1))))
    one.judge(1, scan(190, 210, (0, value(1, 0, 0))))
    sum_of.add(one)
    sum_of.add(one)
    assert (dict(sum_of.admitted), dict(sum_of.alike)) == ({"none": 2}, {"late": 2})
    assert not sum_of.holds
