"""Values, statuses and times as a server sent them."""

from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua

from agent.drivers import profile
from agent.drivers.opcua_values import moment_of, ns_of, overflowed, reading

MOMENT = datetime(2026, 11, 20, 8, 30, 15, 123456, tzinfo=UTC)
MOMENT_NS = 1_795_163_415_123_456_000  # by `date -d 2026-11-20T08:30:15Z +%s`, and the fraction
HEAD = 'make="m"\nmodel="m"\nmedium="production"\ngrade="bronze"\nsources=["s"]\n'


def point(kind):
    text = f'[[point]]\nid="b"\nquantity="batch"\nnode="ns=1;s=b"\ntype="{kind}"\nunit="1"\nkind="gauge"\n'
    return profile.parse((HEAD + text).encode()).points[0]


def test_moment_ns_is_what_the_calendar_says():
    days = (MOMENT.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days
    seconds = days * 86_400 + timedelta(hours=8, minutes=30, seconds=15).seconds
    assert seconds * 10**9 + 123_456_000 == MOMENT_NS == ns_of(MOMENT) == ns_of(MOMENT.replace(tzinfo=None))
    assert moment_of(MOMENT_NS) == MOMENT


@pytest.mark.parametrize(
    ("text", "status", "kept"),
    [
        ("批次1", 0, "批次1"),
        ("批次1".encode("gbk").decode("utf-8", "surrogateescape"), 0x80070000, None),  # how asyncua hands on GBK
        ("x" * 201, 0x803C0000, None),
        ("x" * 200, 0, "x" * 200),
    ],
)
def test_a_text_that_is_none_has_no_value(text, status, kept):
    made = reading(point("text"), ua.DataValue(ua.Variant(text, ua.VariantType.String)))
    assert (made.status, made.text, made.raw) == (status, kept, None)


@pytest.mark.parametrize("year", [1600, 1650, 2300, 9999])
def test_a_time_beyond_64_bits_is_none(year):
    assert ns_of(datetime(year, 12, 31, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("status", "ran_over"), [(0x480, True), (0x400, False), (0, False), (0x80, False), (0x40000480, True)]
)
def test_the_overflow_bit_is_kept_and_told(status, ran_over):
    made = reading(point("float64"), ua.DataValue(ua.Variant(1.0, ua.VariantType.Double), ua.StatusCode(status)))
    assert (made.status, made.raw) == (status, 0x3FF0000000000000)
    assert overflowed(made.status) is ran_over
