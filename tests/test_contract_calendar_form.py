"""What is written is what is meant; what does not hang together is told by its path."""

from datetime import date

import pytest

from contract.calendar import Calendar, Shift
from contract.calendar_form import ZonedCalendarForm
from contract.problems import Problems, parse_toml

TOML = """
zone = "Asia/Shanghai"
day_start = "06:00"
[[shift]]
name = "day"
start = "06:00"
end = "18:00"
[[shift]]
name = "night"
start = "18:00"
end = "06:00"
weekdays = ["mon", "fri"]
[[holiday]]
date = 2026-10-01
name = "National Day"
"""
MEANT = Calendar(
    360,
    (Shift("day", 360, 1080), Shift("night", 1080, 360, frozenset({0, 4}))),
    ((date(2026, 10, 1), "National Day"),),
)


def read(text):
    return parse_toml(text.encode(), ZonedCalendarForm)


def test_what_is_written_is_what_is_meant():
    assert read(TOML).calendar == MEANT
    assert read('zone = "UTC"').calendar == Calendar()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('zone = "Asia/Shanghai"', "", "zone: missing: add it"),
        ("06:00", "6:00", "day_start: '6:00': write a time of day such as \"06:00\""),
        ('start = "18:00"', 'start = "24:00"', "shift.night.start: '24:00': write a time of day"),
        ('"mon"', '"monday"', "shift.night.weekdays.0: 'monday': did you mean mon?"),
        ('["mon", "fri"]', "[]", "shift.night.weekdays"),
        ("2026-10-01", '"1 October"', "holiday.National Day.date"),
        ("[[holiday]]", "[[holidays]]", "holidays: unknown key: did you mean holiday?"),
        ('"night"', '"day"', "shift 'day' is named twice: give every shift its own name"),
        ('end = "18:00"', 'end = "18:30"', "shifts 'day' and 'night' overlap: let one end when the next starts"),
    ],
)
def test_a_mistake_is_told(old, new, told):
    assert old in TOML
    with pytest.raises(Problems) as raised:
        read(TOML.replace(old, new, 1))
    assert told in str(raised.value)
    assert len(raised.value.lines) == 1
