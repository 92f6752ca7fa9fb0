"""Events and status codes in words: who, what, and what to do; and when a meter's answers hold nothing."""

import pytest

from agent import told
from agent.drivers import BAD_DECODING_ERROR, BAD_OUT_OF_RANGE, BAD_TIMEOUT, Reading, Scan
from contract.records import EventPart


def event(name, about="press", **detail):
    return told.event(EventPart(event=name, about=about, at_ns=1, detail=detail))


def test_an_event_names_the_meter_and_what_to_do():
    assert event("meter_is_another", expected="7", found="9") == (
        "meter=press meter_is_another expected=7 found=9: no energy is computed across; after an exchange enter the"
        " new serial and what was noted"
    )
    assert event("slots_missed", "serial", missed=3).startswith("bus=serial slots_missed missed=3: ")


def test_an_event_that_nobody_knows_is_told_as_it_is():
    assert event("something_new", x=1) == "meter=press something_new x=1"


def test_a_name_from_the_plant_adds_no_line_to_the_log():
    assert event("batch_started", batch="B1\nmeter=press back\x1b[2J") == (
        "meter=press batch_started batch=B1?meter=press back?[2J"
    )


def test_what_the_session_tells_itself_is_not_told_twice():
    assert event("certificate_made") is None


def scan(*statuses):
    return Scan(0, 1, 2, tuple(Reading(f"p{n}", None if s else 5, s) for n, s in enumerate(statuses)))


@pytest.mark.parametrize(
    ("scans", "why"),
    [
        ([scan(0, BAD_TIMEOUT)], None),
        ([scan(BAD_TIMEOUT), scan(0)], None),
        ([scan()], None),
        ([scan(BAD_DECODING_ERROR, BAD_DECODING_ERROR)], "answer does not fit the request or the type"),
        ([scan(BAD_OUT_OF_RANGE), scan(BAD_TIMEOUT)], "refused: no such register, no answer in time"),
    ],
)
def test_why_no_reading_has_a_value(scans, why):
    assert told.valueless(scans) == why


def test_every_status_has_words():
    assert told.quality(0x80890000) == "bad 0x80890000"
    assert told.quality(0x40000000) == "uncertain 0x40000000"
    assert told.quality(0) == "good"


@pytest.mark.parametrize(
    ("why", "more"),
    [
        ("x unit 1: cannot open the port: no such port: is it plugged in?", ""),
        ("x unit 1: no connection: Connection refused", ": check address, port and cable"),
        ("x unit 1: no connection: the server's certificate is not accepted: expired: name its authority", ""),
        ("x meter 1: nothing but broken frames came: check baud and parity", ""),
        ("x unit 1: no answer within 9 ms", ": look"),
    ],
)
def test_advice_is_about_what_went_wrong(why, more):
    assert told.advised(why, "look") == why + more
