"""Counters that no register holds: normal volume of gas, or heat of steam or water, out of a meter's own readings.

In and out: the record of a `derived` part of a manifest. Amounts of such a counter follow from the raw readings of the
points named here by the formulation named here, and from nothing else (README section 10).
"""

from typing import Literal

from pydantic import BaseModel

from contract.entry import RECORD, Count, Hash, Name
from contract.records import Positive, Text

Kind = Literal["gas", "steam", "saturated_steam", "water"]


class DerivedPart(BaseModel):
    """One derived counter of a meter, known by `point` like its others. None is what its kind has no use for."""

    model_config = RECORD
    part: Literal["derived"] = "derived"
    meter: Name
    point: Name
    kind: Kind
    counts: Name
    pressure: Name
    pressure_is: Literal["absolute", "gauge"]
    atmosphere_pa: Positive | None
    temperature: Name | None
    reference_k_milli: Positive | None
    compressibility: Text | None
    dryness: Text | None
    reference_j_per_kg: Count | None
    apart_ns: Positive
    formulation: Text
    formulation_hash: Hash
