"""A site's zone as people write it: an IANA name, or a fixed offset from UTC.

In: text such as "Asia/Shanghai" or "+08:00". Out: a `tzinfo`. Never: the machine's own zone, a guess. The rules behind
a name are data that comes with the platform or the package `tzdata`, read once like a module.
"""

import re
from datetime import timedelta, timezone, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from contract.problems import suggest

OFFSET = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)")


def zone_of(text: str) -> tzinfo:
    """The zone of that name or offset. Raises ValueError."""
    if given := OFFSET.fullmatch(text):
        offset = timedelta(hours=int(given[2]), minutes=int(given[3]))
        return timezone(-offset if given[1] == "-" else offset)
    try:
        if not _is_name(text):
            raise ValueError(text)  # noqa: TRY301 - told below like a name that is not there
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        hint = 'write a name such as "Asia/Shanghai", or an offset from UTC such as "+08:00"'
        near = suggest(text, [name for name in available_timezones() if _is_name(name)])
        raise ValueError(f"not a zone: {near if near.startswith('did you') else hint}") from None


def _is_name(text: str) -> bool:
    """Whether it is no file of the platform's own, such as "localtime", or of clocks that count leap seconds."""
    return text == "UTC" or ("/" in text and not text.startswith(("right/", "posix/")))


def check_zone(text: str) -> str:
    """For models: the text as it is. Raises ValueError if it names no zone."""
    zone_of(text)
    return text


ZoneName = Annotated[str, AfterValidator(check_zone)]
