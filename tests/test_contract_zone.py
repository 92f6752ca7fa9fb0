"""A zone is a name of the database or an offset; anything else is told with what to write."""

from datetime import UTC, datetime, timedelta

import pytest

from contract.zone import check_zone, zone_of

SUMMER = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        ("+08:00", 480), ("-03:30", -210), ("+00:00", 0), ("+05:45", 345), ("UTC", 0), ("Asia/Shanghai", 480),
        ("Europe/Berlin", 120), ("America/Argentina/Ushuaia", -180),
    ],
)  # fmt: skip
def test_a_zone(name, minutes):
    assert SUMMER.astimezone(zone_of(name)).utcoffset() == timedelta(minutes=minutes)
    assert check_zone(name) == name


@pytest.mark.parametrize(
    "wrong",
    ["", "8", "+8:00", "+15:00", "localtime", "../etc/passwd", "/etc/localtime", "Mars/Base", "right/UTC", "posix/UTC"],
)
def test_what_is_none(wrong):
    with pytest.raises(ValueError, match=r"not a zone: write a name such as .Asia/Shanghai.|not a zone: did you mean"):
        zone_of(wrong)


@pytest.mark.parametrize("wrong", ["localtime", "Factory"])
def test_what_is_none_is_not_what_was_meant(wrong):
    with pytest.raises(ValueError, match=r"^not a zone: ") as found:
        zone_of(wrong)
    assert f"did you mean {wrong}?" not in str(found.value)


def test_the_one_that_was_meant():
    with pytest.raises(ValueError, match=r"^not a zone: did you mean Asia/Shanghai\?$"):
        check_zone("Asia/Shangai")
