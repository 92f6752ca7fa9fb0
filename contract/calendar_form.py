"""A calendar as people write it in a TOML file, and as a manifest states it.

In: a `[calendar]` table, or a part's bytes. Out: a checked `Calendar`. The table's words are kept in the part as they
stand, so that both are read by the same model.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contract.calendar import WEEKDAYS, Calendar, Shift, Weekday, overlapping
from contract.entry import RECORD
from contract.zone import ZoneName

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _time(text: str) -> str:
    if not TIME.fullmatch(text):
        raise ValueError('write a time of day such as "06:00" or "22:30"')
    return text


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _date(text: str) -> str:
    if not DATE.fullmatch(text):
        raise ValueError("write a date such as 2026-10-01")
    date.fromisoformat(text)
    return text


TimeOfDay = Annotated[str, AfterValidator(_time)]
DateText = Annotated[str, AfterValidator(_date)]
Text = Annotated[str, Len(1, 200)]


class ShiftForm(BaseModel):
    """A shift: its wall times, and the weekdays it starts on. One that ends no later than it starts ends a day later."""

    model_config = STRICT
    name: Annotated[str, Len(1, 64)]
    start: TimeOfDay
    end: TimeOfDay
    weekdays: Annotated[tuple[Weekday, ...], Len(1)] = Field(default=WEEKDAYS, strict=False)


class HolidayForm(BaseModel):
    """A date on which no shift starts."""

    model_config = STRICT
    date: date
    name: Text


class CalendarForm(BaseModel):
    """The `[calendar]` of a site. Shifts may not overlap: one instant is of one shift."""

    model_config = STRICT
    day_start: TimeOfDay = "00:00"
    shifts: tuple[ShiftForm, ...] = Field(alias="shift", default=(), strict=False)
    holidays: tuple[HolidayForm, ...] = Field(alias="holiday", default=(), strict=False)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        names = [shift.name for shift in self.shifts]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"shift {min(twice)!r} is named twice: give every shift its own name")
        if found := overlapping(self.calendar):
            raise ValueError(f"shifts {found[0]!r} and {found[1]!r} overlap: let one end when the next starts")
        return self

    @property
    def calendar(self) -> Calendar:
        """What it says, for computing."""
        return _calendar(self.day_start, self.shifts, [(holiday.date, holiday.name) for holiday in self.holidays])


class ZonedCalendarForm(CalendarForm):
    """The `[calendar]` of a file that names the zone nowhere else."""

    zone: ZoneName


class ShiftStated(BaseModel):
    """A shift, as a manifest states it."""

    model_config = RECORD
    name: Annotated[str, Len(1, 64)]
    start: TimeOfDay
    end: TimeOfDay
    weekdays: list[Weekday]


class HolidayStated(BaseModel):
    """A holiday, as a manifest states it."""

    model_config = RECORD
    date: DateText
    name: Text


class CalendarPart(BaseModel):
    """The site's calendar, by which lines told by a schedule are told."""

    model_config = RECORD
    part: Literal["calendar"] = "calendar"
    zone: ZoneName
    day_start: TimeOfDay
    shifts: list[ShiftStated]
    holidays: list[HolidayStated]

    @property
    def calendar(self) -> Calendar:
        """What it says, for computing."""
        holidays = [(date.fromisoformat(holiday.date), holiday.name) for holiday in self.holidays]
        return _calendar(self.day_start, self.shifts, holidays)


def stated(form: ZonedCalendarForm) -> CalendarPart:
    """A calendar as a manifest states it."""
    return CalendarPart(
        zone=form.zone,
        day_start=form.day_start,
        shifts=[ShiftStated(name=s.name, start=s.start, end=s.end, weekdays=list(s.weekdays)) for s in form.shifts],
        holidays=[HolidayStated(date=h.date.isoformat(), name=h.name) for h in form.holidays],
    )


def _calendar(
    day_start: str, shifts: Sequence[ShiftForm | ShiftStated], holidays: Sequence[tuple[date, str]]
) -> Calendar:
    made = [
        Shift(s.name, _minutes(s.start), _minutes(s.end), frozenset(map(WEEKDAYS.index, s.weekdays))) for s in shifts
    ]
    return Calendar(_minutes(day_start), tuple(made), tuple(holidays))
