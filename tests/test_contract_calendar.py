"""Days and shifts against the wall clocks of zones that change them; expected instants worked out by hand in UTC."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import calendar
from contract.calendar import Calendar, Shift, Worked

NS, HOUR_NS = 10**9, 3600 * 10**9
BERLIN, SYDNEY, SANTIAGO, SHANGHAI, LORD_HOWE, APIA = (
    ZoneInfo(name)
    for name in (
        "Europe/Berlin", "Australia/Sydney", "America/Santiago", "Asia/Shanghai", "Australia/Lord_Howe", "Pacific/Apia",
    )
)  # fmt: skip
ZONES = [BERLIN, SYDNEY, SANTIAGO, SHANGHAI, LORD_HOWE, APIA]
EARLY, LATE, NIGHT = Shift("early", 360, 840), Shift("late", 840, 1320), Shift("night", 1320, 360)
THREE = Calendar(360, (EARLY, LATE, NIGHT))


def utc(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp()) * NS


def hours(span):
    return (span[1] - span[0]) / HOUR_NS


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        (SHANGHAI, (2026, 3, 1), utc(2026, 2, 28, 16)),
        (SHANGHAI, (1986, 5, 4, 2, 30), utc(1986, 5, 3, 18)),  # 02:00 became 03:00
        (SHANGHAI, (1986, 9, 14, 1, 30), utc(1986, 9, 13, 16, 30)),  # 02:00 became 01:00: the first of two
        (BERLIN, (2026, 3, 29, 2, 0), utc(2026, 3, 29, 1)),
        (BERLIN, (2026, 3, 29, 2, 30), utc(2026, 3, 29, 1)),
        (BERLIN, (2026, 3, 29, 3, 0), utc(2026, 3, 29, 1)),
        (BERLIN, (2026, 10, 25, 2, 30), utc(2026, 10, 25, 0, 30)),
        (BERLIN, (2026, 10, 25, 3, 0), utc(2026, 10, 25, 2)),
        (SANTIAGO, (2026, 9, 6), utc(2026, 9, 6, 4)),  # there is no midnight
        (SANTIAGO, (2026, 4, 5), utc(2026, 4, 5, 4)),  # at the first midnight clocks show 23:00 again
        (APIA, (2011, 12, 30, 12), utc(2011, 12, 30, 10)),  # a day that was left out
    ],
)
def test_a_wall_time_is_the_first_instant_that_shows_it_or_a_later_one(zone, wall, instant):
    assert calendar.instant_ns(datetime(*wall), zone) == instant  # noqa: DTZ001 - wall time


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        (BERLIN, date(2026, 3, 29), 23), (BERLIN, date(2026, 10, 25), 25), (BERLIN, date(2026, 7, 1), 24),
        (SYDNEY, date(2026, 10, 4), 23), (SYDNEY, date(2026, 4, 5), 25), (SANTIAGO, date(2026, 9, 6), 23),
        (SANTIAGO, date(2026, 4, 4), 25), (LORD_HOWE, date(2026, 4, 5), 24.5), (SHANGHAI, date(1986, 5, 4), 23),
        (SHANGHAI, date(1991, 9, 15), 25), (SHANGHAI, date(2026, 5, 4), 24), (APIA, date(2011, 12, 30), 0),
    ],
)  # fmt: skip
def test_days_are_as_long_as_clocks_make_them(zone, day, length):
    assert hours(calendar.day_edges(day, zone, Calendar())) == length


@pytest.mark.parametrize(
    ("zone", "day", "from_ns", "length"),
    [
        (BERLIN, date(2026, 3, 28), utc(2026, 3, 28, 21), 7),
        (BERLIN, date(2026, 10, 24), utc(2026, 10, 24, 20), 9),
        (BERLIN, date(2026, 10, 25), utc(2026, 10, 25, 21), 8),
        (SYDNEY, date(2026, 10, 3), utc(2026, 10, 3, 12), 7),
        (SYDNEY, date(2026, 4, 4), utc(2026, 4, 4, 11), 9),
        (SHANGHAI, date(1986, 9, 13), utc(1986, 9, 13, 13), 9),
        (SHANGHAI, date(2026, 9, 13), utc(2026, 9, 13, 14), 8),
    ],
)
def test_a_night_shift_is_as_long_as_its_night(zone, day, from_ns, length):
    night = calendar.shifts_of(day, zone, THREE)[-1]
    assert (night.name, night.on, night.from_ns) == ("night", day, from_ns)
    assert hours((night.from_ns, night.to_ns)) == length
    assert calendar.shift_of(night.to_ns - 1, zone, THREE) == night
    assert calendar.shift_of(night.to_ns, zone, THREE).name == "early"


def test_before_six_it_is_still_yesterday():
    six = utc(2026, 3, 1, 22)  # 06:00 on 2 March in Shanghai
    assert calendar.day_of(six - 1, SHANGHAI, THREE) == date(2026, 3, 1)
    assert calendar.day_of(six, SHANGHAI, THREE) == date(2026, 3, 2)


def test_a_day_that_began_goes_on_though_clocks_show_the_hour_before_it_again():
    calendar_ = Calendar(day_start_min=150)
    began = utc(2026, 10, 25, 0, 30)  # 02:30, the first one
    assert calendar.day_of(began, BERLIN, calendar_) == date(2026, 10, 25)
    assert calendar.day_of(utc(2026, 10, 25, 1, 15), BERLIN, calendar_) == date(2026, 10, 25)  # 02:15, the second one


def test_holidays_and_weekdays_have_no_shift():
    weekdays = Calendar(0, (Shift("day", 480, 960, frozenset(range(5))),), ((date(2026, 10, 1), "National Day"),))
    thursday, friday, saturday = (utc(2026, 10, day, 4) for day in (1, 2, 3))
    assert calendar.shift_of(thursday, SHANGHAI, weekdays) is None
    assert calendar.shift_of(friday, SHANGHAI, weekdays) == Worked(
        "day", date(2026, 10, 2), utc(2026, 10, 2), utc(2026, 10, 2, 8)
    )
    assert calendar.shift_of(saturday, SHANGHAI, weekdays) is None
    assert calendar.shift_of(utc(2026, 10, 2, 8), SHANGHAI, weekdays) is None


def test_a_shift_that_clocks_skip_does_not_take_place():
    short = Calendar(0, (Shift("short", 125, 170),))
    assert calendar.shifts_of(date(2026, 3, 29), BERLIN, short) == []
    assert len(calendar.shifts_of(date(2026, 3, 30), BERLIN, short)) == 1


def test_weeks_months_and_years_run_from_production_day_to_production_day():
    day = date(2026, 12, 31)
    assert calendar.week_edges(day, BERLIN, THREE) == (utc(2026, 12, 28, 5), utc(2027, 1, 4, 5))
    assert calendar.month_edges(day, BERLIN, THREE) == (utc(2026, 12, 1, 5), utc(2027, 1, 1, 5))
    assert calendar.year_edges(day, BERLIN, THREE) == (utc(2026, 1, 1, 5), utc(2027, 1, 1, 5))
    assert hours(calendar.month_edges(date(2026, 3, 3), BERLIN, THREE)) == 31 * 24 - 1
    assert hours(calendar.month_edges(date(2026, 10, 3), SYDNEY, Calendar())) == 31 * 24 - 1


def test_shifts_between_two_instants_are_those_that_touch_it():
    found = calendar.shifts_between(utc(2026, 3, 28, 21), utc(2026, 3, 29, 4), BERLIN, THREE)
    assert [(one.name, one.on.day) for one in found] == [("night", 28), ("early", 29)]


@pytest.mark.parametrize(
    ("shifts", "found"),
    [
        ((EARLY, LATE, NIGHT), None),
        ((EARLY, Shift("b", 839, 900)), ("early", "b")),
        ((Shift("whole", 0, 0),), None),
        ((Shift("long", 600, 599), Shift("b", 598, 599)), ("long", "b")),
        ((Shift("sunday", 1320, 360, frozenset({6})), Shift("monday", 300, 480, frozenset({0}))), ("sunday", "monday")),
        ((Shift("a", 600, 720, frozenset({0})), Shift("b", 600, 720, frozenset({1}))), None),
    ],
)
def test_shifts_that_overlap_are_found(shifts, found):
    assert calendar.overlapping(Calendar(0, shifts)) == found


INSTANTS = st.integers(utc(1980, 1, 1), utc(2037, 12, 1))


@given(INSTANTS, st.sampled_from(ZONES), st.integers(0, 1439))
def test_every_instant_is_of_one_day_and_days_meet(at_ns, zone, start_min):
    made = Calendar(start_min)
    day = calendar.day_of(at_ns, zone, made)
    from_ns, to_ns = calendar.day_edges(day, zone, made)
    assert from_ns <= at_ns < to_ns
    assert calendar.day_edges(day + timedelta(days=1), zone, made)[0] == to_ns
    assert calendar.day_of(from_ns, zone, made) == day
    assert calendar.day_of(to_ns - 1, zone, made) == day
    for edges in (calendar.week_edges, calendar.month_edges, calendar.year_edges):
        first, after = edges(day, zone, made)
        assert first <= from_ns < to_ns <= after


@given(INSTANTS, st.sampled_from(ZONES))
def test_three_shifts_without_a_break_partition_time(at_ns, zone):
    now = calendar.shift_of(at_ns, zone, THREE)
    assert now.from_ns <= at_ns < now.to_ns
    assert calendar.shift_of(now.to_ns, zone, THREE).from_ns == now.to_ns
    assert calendar.shift_of(now.from_ns - 1, zone, THREE).to_ns == now.from_ns


@given(st.integers(0, 1_800_000_000), st.integers(0, 200_000), st.sampled_from(ZONES))
def test_a_later_wall_time_is_never_an_earlier_instant(at_s, seconds, zone):
    wall = calendar.EPOCH + timedelta(days=3653, seconds=at_s)
    earlier, later = (calendar.instant_ns(one, zone) for one in (wall, wall + timedelta(seconds=seconds)))
    assert earlier <= later
    assert calendar.wall_of(earlier, zone) >= wall
    assert calendar.wall_of(earlier - NS, zone) < wall


@given(INSTANTS, st.sampled_from(ZONES))
def test_an_offset_is_what_the_zone_says(at_ns, zone):
    offset = datetime.fromtimestamp(at_ns // NS, zone).utcoffset()
    assert calendar.offset_ns(at_ns, zone) == offset / timedelta(seconds=1) * NS
