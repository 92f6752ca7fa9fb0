"""The uncertainty budget of an amount, and the amount as the meter's certificate corrects it: members of its record.

In and out: a map of integers in the amount's canonical unit, each rounded up. None is not known, never zero; zero says
that there is no such part.
"""

from pydantic import BaseModel

from contract.entry import RECORD, Count, Integer


class Budget(BaseModel):
    """What makes up an amount's u95.

    `meter`, `ct`, `pt`, `phase` are one error all through a meter's batches, `certificate` as well; `start` and `end`
    belong to an edge, which neighbouring batches share with opposite signs; `resolution` and `clock` are two of a kind,
    one at each edge. `offset` is known: how far the middle of what is possible lies above the amount.
    """

    model_config = RECORD
    meter: Count | None
    certificate: Count | None
    ct: Count | None
    pt: Count | None
    phase: Count | None
    resolution: Count
    start: Count | None
    end: Count | None
    clock: Count
    offset: Integer | None


class Corrected(BaseModel):
    """The amount less the error that the meter's certificate states, beside the indicated one."""

    model_config = RECORD
    amount: Integer
    u95: Count | None
    error_ppm: Integer
