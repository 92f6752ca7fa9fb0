"""A site's calendar: production days, shifts, months and years as instants, right across daylight saving.

In: a calendar, the zone's rules (`tzinfo`), instants (ns UTC) or dates. Out: spans [from_ns, to_ns). Never: the clock,
or a day of 24 h taken for granted.

One rule turns wall time into an instant: it is the first instant at which the zone's clocks show that time or a later
one. A time that exists twice is so its first occurrence, and one that clocks skip is the instant at which they skip it;
a later wall time is never an earlier instant, so spans that meet on the wall meet in time. The rule holds to the
second, where zones change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

NS = 10**9
MINUTES_PER_DAY = 24 * 60
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time is naive here throughout; the zone stands beside it
DAY = timedelta(days=1)
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift by its wall times, in minutes after midnight; one that ends no later than it starts ends the next day.

    `weekdays`, Monday is 0, are those of the date on which it starts.
    """

    name: str
    start_min: int
    end_min: int
    weekdays: frozenset[int] = frozenset(range(7))

    @property
    def wall_min(self) -> int:
        """Its length on the wall: that in time differs where clocks change meanwhile."""
        return (self.end_min - self.start_min - 1) % MINUTES_PER_DAY + 1


@dataclass(frozen=True, slots=True)
class Calendar:
    """When production days begin (minutes after midnight), the shifts, and dates on which none starts, with why."""

    day_start_min: int = 0
    shifts: tuple[Shift, ...] = ()
    holidays: tuple[tuple[date, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Worked:
    """A shift that takes place: the date it starts on, and when it is."""

    name: str
    on: date
    from_ns: int
    to_ns: int


def instant_ns(wall: datetime, zone: tzinfo) -> int:
    """The first instant at which the zone's clocks show `wall` (naive, whole seconds) or a later time."""
    first_s, second_s = (_seconds(wall.replace(fold=fold), zone) for fold in (0, 1))
    if _wall(first_s, zone) == wall:
        return first_s * NS
    # a skipped time: read by the offset after the gap it lies before the change, by that before the gap after it
    before_s, after_s = min(first_s, second_s) - 1, max(first_s, second_s)
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        before_s, after_s = (before_s, middle_s) if _wall(middle_s, zone) >= wall else (middle_s, after_s)
    return after_s * NS


def wall_of(at_ns: int, zone: tzinfo) -> datetime:
    """What the zone's clocks show at an instant, to the second, naive."""
    return _wall(at_ns // NS, zone)


def offset_ns(at_ns: int, zone: tzinfo) -> int:
    """Local time less UTC at an instant."""
    return (wall_of(at_ns, zone) - EPOCH) // timedelta(seconds=1) * NS - at_ns // NS * NS


def day_of(at_ns: int, zone: tzinfo, calendar: Calendar) -> date:
    """The production day of an instant, by the date on which it begins."""
    day = (wall_of(at_ns, zone) - timedelta(minutes=calendar.day_start_min)).date()
    while at_ns < day_edges(day, zone, calendar)[0]:
        day -= DAY
    while at_ns >= day_edges(day, zone, calendar)[1]:  # clocks that went back show the hour before its start again
        day += DAY
    return day


def day_edges(day: date, zone: tzinfo, calendar: Calendar) -> tuple[int, int]:
    """A production day."""
    return _start_ns(day, zone, calendar), _start_ns(day + DAY, zone, calendar)


def month_edges(day: date, zone: tzinfo, calendar: Calendar) -> tuple[int, int]:
    """The month that a production day belongs to, from production day to production day."""
    first = day.replace(day=1)
    return _start_ns(first, zone, calendar), _start_ns((first + 32 * DAY).replace(day=1), zone, calendar)


def week_edges(day: date, zone: tzinfo, calendar: Calendar) -> tuple[int, int]:
    """The week that a production day belongs to. Weeks begin on Monday."""
    monday = day - day.weekday() * DAY
    return _start_ns(monday, zone, calendar), _start_ns(monday + 7 * DAY, zone, calendar)


def year_edges(day: date, zone: tzinfo, calendar: Calendar) -> tuple[int, int]:
    """The year that a production day belongs to."""
    first = day.replace(month=1, day=1)
    return _start_ns(first, zone, calendar), _start_ns(first.replace(year=day.year + 1), zone, calendar)


def shifts_of(day: date, zone: tzinfo, calendar: Calendar) -> list[Worked]:
    """The shifts that start on a date, in order; on a holiday none. One that clocks skip whole does not take place."""
    if day in {holiday for holiday, _ in calendar.holidays}:
        return []
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - naive wall time
    found = []
    for shift in calendar.shifts:
        start = midnight + timedelta(minutes=shift.start_min)
        from_ns = instant_ns(start, zone)
        to_ns = instant_ns(start + timedelta(minutes=shift.wall_min), zone)
        if day.weekday() in shift.weekdays and from_ns < to_ns:
            found.append(Worked(shift.name, day, from_ns, to_ns))
    return sorted(found, key=lambda worked: worked.from_ns)


def shift_of(at_ns: int, zone: tzinfo, calendar: Calendar) -> Worked | None:
    """The shift of an instant; None between shifts."""
    day = wall_of(at_ns, zone).date()
    worked = (one for on in (day - DAY, day, day + DAY) for one in shifts_of(on, zone, calendar))
    return next((one for one in worked if one.from_ns <= at_ns < one.to_ns), None)


def shifts_between(from_ns: int, to_ns: int, zone: tzinfo, calendar: Calendar) -> Iterator[Worked]:
    """Every shift that has begun by `to_ns` and ends after `from_ns`, in order."""
    day, last = wall_of(from_ns, zone).date() - 2 * DAY, wall_of(to_ns, zone).date() + DAY
    while day <= last:
        yield from (one for one in shifts_of(day, zone, calendar) if one.from_ns <= to_ns and one.to_ns > from_ns)
        day += DAY


def overlapping(calendar: Calendar) -> tuple[str, str] | None:
    """Two shifts, or one twice, that overlap on the wall in a week without holidays; None if none do."""
    runs = sorted(
        ((weekday * MINUTES_PER_DAY + shift.start_min), shift.wall_min, shift.name)
        for shift in calendar.shifts
        for weekday in shift.weekdays
    )
    week = 7 * MINUTES_PER_DAY
    following = [*runs[1:], *((start + week, length, name) for start, length, name in runs[:1])]
    for (start, length, name), (then, _, other) in zip(runs, following, strict=True):
        if start + length > then:
            return name, other
    return None


def _start_ns(day: date, zone: tzinfo, calendar: Calendar) -> int:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - naive wall time
    return instant_ns(midnight + timedelta(minutes=calendar.day_start_min), zone)


def _seconds(wall: datetime, zone: tzinfo) -> int:
    """Seconds since 1970 UTC; `fold` tells which of two."""
    return (wall.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None) - EPOCH) // timedelta(seconds=1)


def _wall(at_s: int, zone: tzinfo) -> datetime:
    return (EPOCH + timedelta(seconds=at_s)).replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None, fold=0)
