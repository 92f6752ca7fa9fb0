"""What was noted when an instrument was exchanged: the old one's last reading and the new one's first.

In and out: a map in a manifest's `meter`, under the new instrument (README section 9). Values are decimal numbers as
the displays showed them, in the point's unit.
"""

from typing import Annotated

from annotated_types import Ge, Le, Len
from pydantic import BaseModel, Field

from contract.entry import RECORD, Name

DECIMAL = r"^-?[0-9]{1,18}(\.[0-9]{1,9})?$"
DAY_NS = 24 * 3600 * 10**9

Decimal = Annotated[str, Field(pattern=DECIMAL)]


class Handover(BaseModel):
    """One counter across one exchange, which happened at some instant from `at_ns` - `within_ns` to + `within_ns`."""

    model_config = RECORD
    point: Name
    before: Decimal
    after: Decimal
    at_ns: Annotated[int, Ge(2 * DAY_NS), Le(2**61)]
    within_ns: Annotated[int, Ge(0), Le(DAY_NS)]
    serial_before: Annotated[str, Len(1, 1000)]
    source: Annotated[str, Len(1, 1000)]

    @property
    def first_ns(self) -> int:
        """The earliest instant at which it can have happened."""
        return self.at_ns - self.within_ns

    @property
    def last_ns(self) -> int:
        """The latest."""
        return self.at_ns + self.within_ns
