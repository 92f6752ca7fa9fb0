"""Virtual meters: signed linear formulas of counters, such as what is left of an incomer without its sub-meters.

In: the site model's `[[virtual]]` tables. Out: for each, its counters with exact coefficients; and what is wrong with
them. Never: a float, a formula that leads back to itself.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Annotated

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator

from contract.topics import check_name

DECIMAL = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,9})?")
COEFFICIENT_MAX = 10**6

Place = tuple[str, str, str]  # agent, meter, point


def _coefficient(given: object) -> Fraction:
    if isinstance(given, float):
        raise ValueError('write it as a string such as "0.5": a decimal is exact, a float is not')  # noqa: TRY004 - pydantic collects ValueErrors only
    if not DECIMAL.fullmatch(given if isinstance(given, str) else repr(given)):
        raise ValueError('write an integer, or a decimal such as "-0.5"')
    value = Fraction(str(given))
    if value == 0 or abs(value) > COEFFICIENT_MAX:
        raise ValueError(f"must not be zero, nor beyond {COEFFICIENT_MAX}")
    return value


def _key(given: str) -> str:
    if not 1 <= len(given.split("/")) <= 3 or not all(given.split("/")):
        raise ValueError("write a meter, METER/POINT, AGENT/METER/POINT, or another virtual meter's id")
    return given


class Virtual(BaseModel):
    """A virtual meter: each key of `formula` names a counter, or another virtual meter by its id.

    A meter alone is one of `agent`, read at `point`; METER/POINT one of `agent`; AGENT/METER/POINT says it all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    id: Annotated[str, AfterValidator(check_name)]
    agent: Annotated[str, AfterValidator(check_name)]
    point: Annotated[str, Len(1, 64)]
    formula: Annotated[
        dict[Annotated[str, AfterValidator(_key)], Annotated[Fraction, PlainValidator(_coefficient)]], Len(1, 64)
    ]

    def place(self, key: str) -> Place:
        """The counter that a key names."""
        match key.split("/"):
            case [meter]:
                return self.agent, meter, self.point
            case [meter, point]:
                return self.agent, meter, point
            case words:
                return words[0], words[1], words[2]


def counters(virtuals: Sequence[Virtual], name: str) -> dict[Place, Fraction]:
    """A virtual meter's counters and what each counts for; one that cancels out is left out.

    Raises ValueError, one line that begins with the key's path, for a formula that leads back to itself.
    """
    return {place: times for place, times in _flat({one.id: one for one in virtuals}, name, ()).items() if times}


def problems(virtuals: Sequence[Virtual]) -> Iterator[str]:
    """Faults that one formula alone does not show."""
    for one in virtuals:
        try:
            if not counters(virtuals, one.id):
                yield f"virtual.{one.id}.formula: its counters cancel out: nothing is left to measure"
        except ValueError as error:
            yield str(error)


def _flat(known: Mapping[str, Virtual], name: str, above: tuple[str, ...]) -> dict[Place, Fraction]:
    one = known[name]
    found: dict[Place, Fraction] = {}
    for key, times in one.formula.items():
        if key in (*above, name):
            way = " -> ".join((*above, name, key))
            raise ValueError(f"virtual.{above[0] if above else name}.formula: leads back to itself: {way}")
        inner = _flat(known, key, (*above, name)) if key in known else {one.place(key): Fraction(1)}
        for place, share in inner.items():
            found[place] = found.get(place, Fraction(0)) + times * share
    return found
