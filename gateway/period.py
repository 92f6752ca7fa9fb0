"""Accounting periods: which day, week, month or year of the site an instant lies in.

In: the zone's rules, the site's calendar, the kind of period, an instant (ns UTC). Out: [from_ns, to_ns). Never: the
clock.
"""

from datetime import tzinfo
from typing import Literal

from contract.calendar import Calendar, day_edges, day_of, month_edges, week_edges, year_edges

EDGES = {"day": day_edges, "week": week_edges, "month": month_edges, "year": year_edges}


def period_of(
    at_ns: int, zone: tzinfo, calendar: Calendar, kind: Literal["day", "week", "month", "year"]
) -> tuple[int, int]:
    """The period around an instant: it begins and ends where production days do."""
    return EDGES[kind](day_of(at_ns, zone, calendar), zone, calendar)
