"""A certificate's error points, as members of a meter's certificate in a manifest.

In and out: maps of integers. Signs as on certificates: a positive error means that the meter counts too much.
"""

from typing import Annotated

from annotated_types import Ge, Le
from pydantic import BaseModel

from contract.entry import RECORD, Count

ErrorPpm = Annotated[int, Ge(-500_000), Le(500_000)]
PowerFactor = Annotated[int, Ge(1), Le(1000)]


class ErrorPoint(BaseModel):
    """The meter's error at one load, permille of rated current, and power factor x 1000; U is expanded with k = 2."""

    model_config = RECORD
    load_permille: Count
    power_factor_milli: PowerFactor
    error_ppm: ErrorPpm
    u_ppm: Count
