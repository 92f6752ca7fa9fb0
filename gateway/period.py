"""Accounting periods: which day, week or month of local time an instant lies in.

In: the site's offset from UTC, the kind of period, an instant (ns UTC). Out: [from_ns, to_ns). Never: the clock.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

NS = 10**9


def period_of(at_ns: int, offset_ns: int, kind: Literal["day", "week", "month"]) -> tuple[int, int]:
    """The period around an instant. Weeks begin on Monday."""
    local = datetime.fromtimestamp((at_ns + offset_ns) // NS, tz=UTC)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    match kind:
        case "day":
            end = start + timedelta(days=1)
        case "week":
            start -= timedelta(days=start.weekday())
            end = start + timedelta(days=7)
        case "month":
            start = start.replace(day=1)
            end = (start + timedelta(days=32)).replace(day=1)
    return int(start.timestamp()) * NS - offset_ns, int(end.timestamp()) * NS - offset_ns
