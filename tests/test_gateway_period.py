"""Accounting periods against the calendar."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from contract.calendar import Calendar
from contract.zone import zone_of
from gateway.period import period_of

NS = 10**9
MIDNIGHT, SIX = Calendar(), Calendar(day_start_min=360)


def utc(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp()) * NS


@pytest.mark.parametrize(
    ("kind", "first", "after"),
    [
        ("day", utc(2026, 2, 27, 16), utc(2026, 2, 28, 16)),
        ("week", utc(2026, 2, 22, 16), utc(2026, 3, 1, 16)),
        ("month", utc(2026, 1, 31, 16), utc(2026, 2, 28, 16)),
        ("year", utc(2025, 12, 31, 16), utc(2026, 12, 31, 16)),
    ],
)
@pytest.mark.parametrize("zone", ["+08:00", "Asia/Shanghai"])
def test_a_period_is_of_local_time(zone, kind, first, after):
    # 2026-02-28 07:30 in Shanghai, a Saturday
    local = zone_of(zone)
    assert period_of(utc(2026, 2, 27, 23, 30), local, MIDNIGHT, kind) == (first, after)
    assert period_of(first, local, MIDNIGHT, kind) == (first, after)
    assert period_of(after - 1, local, MIDNIGHT, kind) == (first, after)
    assert period_of(after, local, MIDNIGHT, kind)[0] == after


def test_december_is_followed_by_january():
    assert period_of(utc(2026, 12, 31, 12), UTC, MIDNIGHT, "month") == (utc(2026, 12, 1), utc(2027, 1, 1))


def test_a_month_begins_with_its_first_production_day_and_may_lack_an_hour():
    berlin = ZoneInfo("Europe/Berlin")
    march = (utc(2026, 3, 1, 5), utc(2026, 4, 1, 4))
    assert period_of(utc(2026, 4, 1, 3, 59), berlin, SIX, "month") == march
    assert period_of(utc(2026, 3, 1, 4, 59), berlin, SIX, "month")[1] == march[0]
