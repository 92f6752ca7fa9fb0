"""Stretches of registers, whatever meter they belong to, in the words of the driver interface.

In: a table, a first address and a count. Out: a profile a driver can read them by, and the words of its answer. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent.drivers import GOOD, Scan
from agent.drivers.profile import Profile, parse

WORDS_MAX = 125  # of one answer (Modbus Application Protocol V1.1b3, 6.3)
BITS = ("coil", "discrete")
HEAD = 'make = "any"\nmodel = "any"\nmedium = "any"\ngrade = "bronze"\nsources = ["the request itself"]\n'


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """`count` registers (or bits) of a table from `address` on; one request holds at most `WORDS_MAX`."""

    table: str
    address: int
    count: int

    def __str__(self) -> str:
        last = self.address + self.count - 1
        return f"{self.table} {self.address:#06x}" + (f"..{last:#06x}" if self.count > 1 else "")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came for a span. Nothing at all: no `words`, and `why` says so; refused registers are None."""

    words: tuple[int | None, ...]
    status: int = GOOD  # of the first register without a value
    why: str = ""
    pieces: int = 1  # requests it took: more than one where the driver went around refused registers

    @property
    def whole(self) -> tuple[int, ...] | None:
        """The words, if every one came."""
        words = tuple(word for word in self.words if word is not None)
        return words if words and len(words) == len(self.words) else None


@lru_cache(maxsize=1024)
def profile(span: Span, *, single: bool = False) -> Profile:
    """A profile that reads the span in one request.

    `single` makes each register a point, so that a driver may go around those a device refuses; otherwise registers
    are taken four at a time, and few requests are spent on a span that does not exist.
    """
    tables = []
    offset = 0
    while offset < span.count:
        width = 1 if single or span.table in BITS else max(w for w in (1, 2, 4) if w <= span.count - offset)
        kind = "bool" if span.table in BITS else f"uint{16 * width}"
        tables.append(
            f'[[point]]\nid = "at_{offset}"\nquantity = "any"\nunit = "1"\nkind = "gauge"\n'
            f'table = "{span.table}"\naddress = {span.address + offset}\ntype = "{kind}"\n'
        )
        offset += width
    return parse((HEAD + "\n".join(tables)).encode())


def reply(span: Span, scans: Sequence[Scan], *, single: bool = False) -> Reply:
    """Put what came for a `profile` back into words; a value is preferred to a refusal of the same register."""
    places = {point.id: (point.address - span.address, point.length) for point in profile(span, single=single).points}
    words: list[int | None] = [None] * span.count
    status = GOOD
    for reading in (reading for scan in scans for reading in scan.readings):
        offset, width = places[reading.point]
        if reading.raw is None:
            status = status or reading.status
            continue
        for place in range(width):
            words[offset + place] = reading.raw >> 16 * (width - 1 - place) & 0xFFFF
    return Reply(tuple(words), status if None in words else GOOD, pieces=len(scans))
