"""A calendar as people write it: the `[calendar]` table of a configuration or a site model.

In: a TOML table. Out: a checked form, and the `Calendar` it means. Never: a file, the clock, a guess.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Self

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contract.calendar import WEEKDAYS, Calendar, Shift, Weekday, overlapping
from contract.zone import ZoneName

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def _time(text: str) -> str:
    if not TIME.fullmatch(text):
        raise ValueError('write a time of day such as "06:00" or "22:30"')
    return text


def minutes(text: str) -> int:
    """Minutes after midnight of a time of day."""
    return int(text[:2]) * 60 + int(text[3:])


def meant(name: str, start: str, end: str, weekdays: Iterable[Weekday]) -> Shift:
    """The shift that these words mean."""
    return Shift(name, minutes(start), minutes(end), frozenset(map(WEEKDAYS.index, weekdays)))


TimeOfDay = Annotated[str, AfterValidator(_time)]
Text = Annotated[str, Len(1, 200)]


class ShiftForm(BaseModel):
    """A shift: its wall times, and the weekdays it starts on. One that ends before it starts ends a day later."""

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
        return Calendar(
            minutes(self.day_start),
            tuple(meant(one.name, one.start, one.end, one.weekdays) for one in self.shifts),
            tuple((holiday.date, holiday.name) for holiday in self.holidays),
        )


class ZonedCalendarForm(CalendarForm):
    """The `[calendar]` of a file that names the zone nowhere else."""

    zone: ZoneName
