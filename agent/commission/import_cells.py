"""What a cell of a meter list says: Excel's and people's ways of writing, read exactly or refused.

In: a cell's value as the file holds it and the form its column asks for. Out: a value for a TOML file. Raises
ValueError, `problem: hint`. Nothing is guessed: a number whose digits are lost, or a text that became a date, is
refused. Pure.
"""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation

Value = str | int | date | list[str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row's number as the program that made the file shows it, and its cells from the first column on."""

    number: int
    cells: tuple[object, ...]


class Uncalculated:
    """Stands for a formula whose result the file does not hold."""


UNCALCULATED = Uncalculated()
AS_TEXT = "format the column as text and type it again"
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
NUMBER_DIGITS_MAX = 15  # what a number in Excel keeps (its documented limit of precision)
SHOWN_DIGITS = 6  # what Excel shows, and saves as text, of a number of 12 digits and more
WHOLE = re.compile(r"[+-]?\d{1,15}(\.0*)?")
POWER_OF_TEN = re.compile(r"[+-]?\d+(\.\d+)?[eE]\+\d+")
DATES = (
    re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"),
    re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})"),
    re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})"),
    re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日"),
)


def trimmed(value: object) -> object:
    """The value without surrounding spaces, full-width ones included; None for an empty cell."""
    if isinstance(value, str):
        return value.translate(INVISIBLE).strip() or None
    return value


def read(value: object, form: str) -> Value:
    """A cell, not empty, in the form its column asks for. Raises ValueError."""
    if isinstance(value, Uncalculated):
        raise ValueError("a formula without a result: open the file in Excel and save it, or paste values")  # noqa: TRY004 - told to people, like every other fault
    return FORMS[form](value)


def text(value: object) -> str:
    """Text as it stands. A number is taken only if all its digits are there."""
    if isinstance(value, str):
        if POWER_OF_TEN.fullmatch(value):
            raise ValueError(f"{value!r} is a number Excel has shortened: its digits are lost: {AS_TEXT}")
        return value
    if isinstance(value, (datetime, date, time)):
        raise ValueError(f"Excel has made a date of it ({value}): {AS_TEXT}")  # noqa: TRY004 - as above
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r} is neither text nor a number: {AS_TEXT}")  # noqa: TRY004 - as above
    number = _exact(value)
    if number == number.to_integral_value():
        digits = str(abs(int(number)))
        kept = len(digits.rstrip("0"))
        if len(digits) > NUMBER_DIGITS_MAX or (len(digits) > 11 and kept <= SHOWN_DIGITS):
            shown = f"{number:.5E}"
            raise ValueError(f"{shown} is a number of {len(digits)} digits, of which Excel kept {kept}: {AS_TEXT}")
    return _plain(number)


def whole(value: object) -> int:
    """A whole number, also as Excel writes it: 3.0."""
    number = trimmed(unicodedata.normalize("NFKC", value)) if isinstance(value, str) else value
    if isinstance(number, str) and WHOLE.fullmatch(number):
        return int(number.split(".")[0])
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        exact = _exact(number)
        if exact == exact.to_integral_value() and abs(exact) < 10**NUMBER_DIGITS_MAX:
            return int(exact)
    raise ValueError(f"{_shown(value)} is not a whole number: write digits only, such as 400")


def decimal(value: object) -> str:
    """A decimal number, as the text a configuration writes it in."""
    given = trimmed(unicodedata.normalize("NFKC", value)) if isinstance(value, str) else value
    try:
        number = Decimal("NaN" if isinstance(given, bool) else str(given))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > NUMBER_DIGITS_MAX:
        raise ValueError(f"{_shown(value)} is not a decimal number: write one such as 0.01")
    return _plain(number)


def day(value: object) -> date:
    """A day: a date cell, or text in which the year comes first."""
    if isinstance(value, datetime):
        if value.time() != time():
            raise ValueError(f"{value} has a time of day: write the date alone, such as 2026-03-02")
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        for pattern in DATES:
            if found := pattern.fullmatch(unicodedata.normalize("NFKC", value).replace(" ", "")):
                try:
                    return date(*map(int, found.groups()))
                except ValueError:
                    break
    raise ValueError(f"{_shown(value)} is not a date: write year-month-day, such as 2026-03-02")


def words(value: object) -> list[str]:
    """Words separated by commas, semicolons or spaces."""
    return [word for word in re.split(r"[\s,;,;、]+", text(value)) if word]


FORMS: dict[str, Callable[[object], Value]] = {
    "text": text,
    "whole": whole,
    "decimal": decimal,
    "date": day,
    "list": words,
}


def _exact(value: float) -> Decimal:
    """The number as it would be typed: the shortest decimal that gives this float."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number: {AS_TEXT}")
    return Decimal(str(value))


def _plain(number: Decimal) -> str:
    """Without exponent and without a trailing `.0`."""
    written = format(number, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def _shown(value: object) -> str:
    return str(value) if isinstance(value, (datetime, date, time)) else repr(value)
