"""A site's calendar as a manifest states it: what lines told by a schedule are told by.

In and out: records. The words are those of the configuration; what they mean is the same there and here.
"""

import re
from datetime import date
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import AfterValidator, BaseModel

from contract import calendar
from contract.calendar import Weekday
from contract.calendar_form import TimeOfDay, ZonedCalendarForm, meant, minutes
from contract.entry import RECORD, Listed, Name
from contract.zone import ZoneName

DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _date(text: str) -> str:
    if not DATE.fullmatch(text):
        raise ValueError("write a date such as 2026-10-01")
    date.fromisoformat(text)
    return text


DateText = Annotated[str, AfterValidator(_date)]


class Shift(BaseModel):
    """A shift by its wall times, and the weekdays on which it starts."""

    model_config = RECORD
    name: Name
    start: TimeOfDay
    end: TimeOfDay
    weekdays: Listed[Weekday]


class Holiday(BaseModel):
    """A date on which no shift starts."""

    model_config = RECORD
    date: DateText
    name: Annotated[str, Len(0, 1000)]


class CalendarPart(BaseModel):
    """The site's zone, production days, shifts and holidays."""

    model_config = RECORD
    part: Literal["calendar"] = "calendar"
    zone: ZoneName
    day_start: TimeOfDay
    shifts: Listed[Shift]
    holidays: Listed[Holiday]

    @property
    def calendar(self) -> calendar.Calendar:
        """What it says, for computing."""
        return calendar.Calendar(
            minutes(self.day_start),
            tuple(meant(one.name, one.start, one.end, one.weekdays) for one in self.shifts),
            tuple((date.fromisoformat(holiday.date), holiday.name) for holiday in self.holidays),
        )


def stated(form: ZonedCalendarForm) -> CalendarPart:
    """A calendar as a manifest states it."""
    return CalendarPart(
        zone=form.zone,
        day_start=form.day_start,
        shifts=[Shift(name=s.name, start=s.start, end=s.end, weekdays=list(s.weekdays)) for s in form.shifts],
        holidays=[Holiday(date=h.date.isoformat(), name=h.name) for h in form.holidays],
    )
