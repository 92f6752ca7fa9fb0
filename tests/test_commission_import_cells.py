"""Cells as Excel and people write them: taken exactly, or refused with a reason."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commission.import_cells import UNCALCULATED, read, trimmed


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("  a b ", "a b"),
        ("\u3000甲\u3000", "甲"),
        ("\ufeffa\u200b", "a"),
        (" \u00a0", None),
        ("", None),
        (None, None),
        (3, 3),
    ],
)
def test_spaces_around_are_no_part_of_a_cell(given_, kept):
    assert trimmed(given_) == kept


@pytest.mark.parametrize(
    ("value", "form", "wanted"),
    [
        ("cabinet 3", "text", "cabinet 3"), (20431177, "text", "20431177"), (1.0, "text", "1"), (0.5, "text", "0.5"),
        (123456789012, "text", "123456789012"), (100000000000, "text", None), ("12E34", "text", "12E34"),
        (3, "whole", 3), (3.0, "whole", 3), ("3.0", "whole", 3), ("-7", "whole", -7), ("３０", "whole", 30),
        (" 5 ", "whole", 5),
        (0.01, "decimal", "0.01"), ("0.010", "decimal", "0.01"), (1e-05, "decimal", "0.00001"), (1, "decimal", "1"),
        (datetime(2026, 3, 2), "date", date(2026, 3, 2)), (date(2026, 3, 2), "date", date(2026, 3, 2)),  # noqa: DTZ001
        ("2026-3-2", "date", date(2026, 3, 2)), ("2026/03/02", "date", date(2026, 3, 2)),
        ("2026.3.2", "date", date(2026, 3, 2)), ("2026年3月2日", "date", date(2026, 3, 2)),
        ("a, b;c、d\ne", "list", ["a", "b", "c", "d", "e"]),
        ("power,energy_import", "list", ["power", "energy_import"]),
    ],
)  # fmt: skip
def test_what_is_taken(value, form, wanted):
    if wanted is None:
        with pytest.raises(ValueError, match="of which Excel kept 1"):
            read(value, form)
    else:
        assert read(value, form) == wanted


@pytest.mark.parametrize(
    ("value", "form", "told"),
    [
        ("1.23E+11", "text", "its digits are lost"),
        (1.23e11, "text", "is a number of 12 digits, of which Excel kept 3"),
        (1234567890123456, "text", "is a number of 16 digits"), (123457000000, "text", "kept 6"),
        (datetime(2026, 7, 3), "text", "Excel has made a date of it (2026-07-03"),  # noqa: DTZ001
        (time(3, 7), "text", "made a date of it"), (True, "text", "neither text nor a number"),
        (float("inf"), "text", "is no number"),
        (3.5, "whole", "3.5 is not a whole number"), ("3.5", "whole", "'3.5' is not a whole number"),
        ("1,000", "whole", "not a whole number"), ("400/5", "whole", "not a whole number"),
        (True, "whole", "not a whole"),
        ("9" * 5000, "whole", "not a whole number"), (1e300, "whole", "not a whole number"),
        (date(2026, 1, 1), "whole", "2026"),
        ("abc", "decimal", "not a decimal number"), ("NaN", "decimal", "not a decimal"),
        ("1e999999", "decimal", "not a"),
        ("0,01", "decimal", "not a decimal number"), (True, "decimal", "not a decimal number"),
        ("02/03/2026", "date", "not a date: write year-month-day"), (46083, "date", "46083 is not a date"),
        ("2026-02-30", "date", "not a date"), (datetime(2026, 3, 2, 8), "date", "has a time of day"),  # noqa: DTZ001
        (UNCALCULATED, "whole", "a formula without a result"), (UNCALCULATED, "text", "a formula without a result"),
    ],
)  # fmt: skip
def test_what_is_refused(value, form, told):
    with pytest.raises(ValueError) as refused:
        read(value, form)
    assert told in str(refused.value)
    assert ": " in str(refused.value)  # a problem and a hint


@given(number=st.integers(0, 10**11 - 1))
def test_a_serial_number_of_up_to_eleven_digits_keeps_them_all(number):
    assert read(number, "text") == read(float(number), "text") == str(number)


@given(number=st.integers(-(10**15) + 1, 10**15 - 1))
def test_whole_numbers_come_back_however_they_are_written(number):
    assert read(number, "whole") == read(str(number), "whole") == read(f"{number}.0", "whole") == number


@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=10**6))
def test_decimals_keep_their_value_and_have_no_exponent(number):
    text = read(str(number), "decimal")
    assert "E" not in text
    assert type(number)(text) == number
