"""Words become a filing: times in the site's zone, edges as wide as stated, every fault of all fields at once."""

from datetime import datetime
from decimal import Decimal

import pytest

from contract.problems import Problems
from contract.zone import zone_of
from gateway.late_told import Way, read

S = 1_000_000_000
WORDS = {
    "line": "line1", "batch": "B-1", "product": "coil", "start": "1970-01-02T08:00", "end": "1970-01-02T00:30:00Z",
    "author": "Li", "reason": "the controller was off",
}  # fmt: skip
WAY = Way("command", 10**18)
DAY_NS = 86_400 * S


def told(**changes):
    return read({**WORDS, **changes}, zone_of("Asia/Shanghai"), WAY)


def faults(**changes):
    with pytest.raises(Problems) as found:
        told(**changes)
    return list(found.value.lines)


def test_a_time_without_an_offset_is_the_sites_and_with_one_its_own():
    said = told()
    assert (said.start_ns, said.end_ns) == (DAY_NS, DAY_NS + 1800 * S)
    assert (said.edge_ns, said.way, said.told_ns, said.file) == (60 * S, "command", 10**18, None)
    assert told(start=datetime.fromisoformat("1970-01-02T08:00")).start_ns == DAY_NS


@pytest.mark.parametrize(
    ("given", "ns"), [("5", 5 * S), (5, 5 * S), (Decimal("0.2"), S // 5), ("0", 0), (None, 60 * S)]
)
def test_how_far_the_times_may_be_off(given, ns):
    assert told(edge_s=given).edge_ns == ns


def test_everything_wrong_is_told_at_once():
    assert faults(line=None, reason="", start="noon", edge_s="-1", lime="x") == [
        "lime: unknown: did you mean line?",
        "line: missing: give it",
        "reason: missing: give it",
        "start: 'noon' is not a time: write it as 2026-03-01T00:00 or 2026-03-01T00:00+08:00",
        "edge_s: '-1': write seconds from 0 to 86400, such as 60",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"end": "1970-01-02T08:00"}, "end: is not after its start: give a later time"),
        ({"end": "1973-01-01T00:00"}, "end: more than 31 days after its start: check the year and the month"),
        ({"start": "1970-01-02"}, "start: '1970-01-02' has no time of day: write it as 1970-01-02T08:30"),
        ({"batch": 7}, "batch: 7 is not text: write it in quotes"),
        ({"batch": ["B"]}, "batch: ['B'] is not text: write it in quotes"),
        ({"reason": "\ud800"}, "reason: holds half a character: write it anew"),
        ({"edge_s": True}, "edge_s: True: write seconds from 0 to 86400, such as 60"),
        ({"edge_s": "1e9999999"}, "edge_s: '1e9999999': write seconds from 0 to 86400, such as 60"),
        ({"edge_s": "9" * 99}, f"edge_s: '{'9' * 59}: write seconds from 0 to 86400, such as 60"),
        ({"edge_s": "1e-12"}, "edge_s: '1e-12': write seconds from 0 to 86400, such as 60"),
        ({"edge_s": float("nan")}, "edge_s: nan: write seconds from 0 to 86400, such as 60"),
    ],
)
def test_one_wrong_thing_is_one_line(changes, line):
    assert faults(**changes) == [line]


@pytest.mark.parametrize("start", ["2025-10-26T02:30", "2025-03-30T02:30"])
def test_a_time_that_the_clocks_show_twice_or_never_needs_its_offset(start):
    berlin = zone_of("Europe/Berlin")
    words = {**WORDS, "start": start, "end": f"{start[:10]}T12:00"}
    with pytest.raises(Problems) as found:
        read(words, berlin, Way("command", 2 * 10**18))
    assert list(found.value.lines) == [
        f"start: '{start}' is shown twice or never when the clocks change: write its offset, such as +02:00"
    ]
    said = read({**words, "start": f"{start}+02:00"}, berlin, Way("command", 2 * 10**18))
    assert said.start_ns == int(datetime.fromisoformat(f"{start}+02:00").timestamp()) * S


@pytest.mark.parametrize("changes", [{"line": "Line 1"}, {"batch": "x" * 201}, {"start": "1969-12-31T00:00"}])
def test_what_the_filing_refuses_is_told_by_the_words_own_field(changes):
    (line,) = faults(**changes)
    assert line.startswith(f"{next(iter(changes))}: ")


@pytest.mark.parametrize("start", ["0001-01-01T00:00", "9999-12-31T23:59", "9999-12-31T23:59+00:00"])
def test_times_beyond_every_clock_are_refused(start):
    assert faults(start=start)[0].startswith(("start: ", "end: "))
