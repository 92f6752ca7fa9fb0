"""A unit that shows what was once read from a real meter.

In: the bytes of a dump (JSON), as the agent's command of that name writes it. Out: register words, always the same.
Never: a register that was not dumped; asking for one is refused, as by the meter.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.problems import explain

Word = Annotated[int, Field(ge=0, le=0xFFFF)]
Address = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,4})$")]


class _File(BaseModel):
    """What is in the file; the profile is named for people, the unit is where it was read."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    profile: str | None = None
    unit: int = Field(default=1, ge=0, le=255)
    taken_ns: int = 0
    tables: dict[Literal["holding", "input", "coil", "discrete"], dict[Address, Word]]


@dataclass(frozen=True, slots=True)
class Dump:
    """Register words by (table, address)."""

    image: Mapping[tuple[str, int], int]

    def words(self, table: str, address: int, count: int, _at_ns: int) -> list[int] | None:
        """Return the words of a request; None if one of them was not dumped."""
        found = [self.image.get((table, place)) for place in range(address, address + count)]
        return None if None in found else [word for word in found if word is not None]


def parse(data: bytes, name: str) -> Dump:
    """Read a dump. Raises ValueError whose lines each read `file: key.path: problem: hint`."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not readable as JSON: {error}") from error
    try:
        file = _File.model_validate(document)
    except ValidationError as error:
        raise ValueError("\n".join(f"{name}: {line}" for line in explain(error, _File, document))) from None
    return Dump(
        {
            (table, int(address)): word
            for table, registers in file.tables.items()
            for address, word in registers.items()
            if table in {"holding", "input"}
        }
    )
