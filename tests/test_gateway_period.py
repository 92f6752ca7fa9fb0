"""Accounting periods against the calendar."""

from datetime import UTC, datetime

import pytest

from gateway.period import period_of

NS = 10**9
EIGHT_HOURS = 8 * 3600 * NS


def utc(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp()) * NS


@pytest.mark.parametrize(
    ("kind", "first", "after"),
    [
        ("day", utc(2026, 2, 27, 16), utc(2026, 2, 28, 16)),
        ("week", utc(2026, 2, 22, 16), utc(2026, 3, 1, 16)),
        ("month", utc(2026, 1, 31, 16), utc(2026, 2, 28, 16)),
    ],
)
def test_a_period_is_of_local_time(kind, first, after):
    # 2026-02-28 07:30 in Shanghai, a Saturday
    assert period_of(utc(2026, 2, 27, 23, 30), EIGHT_HOURS, kind) == (first, after)
    assert period_of(first, EIGHT_HOURS, kind) == (first, after)
    assert period_of(after - 1, EIGHT_HOURS, kind) == (first, after)
    assert period_of(after, EIGHT_HOURS, kind)[0] == after


def test_december_is_followed_by_january():
    assert period_of(utc(2026, 12, 31, 12), 0, "month") == (utc(2026, 12, 1), utc(2027, 1, 1))
