"""Whether a database holds the ledger that its checkpoints know, and under which name it may be taken up if not.

In: the tree that its rows make, the last checkpoint inside it, the last of the copy outside, and what the ledger says
of earlier recoveries. Out: what is wrong, and the name of the ledger that would replace it. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from contract import body, checkpoint, records
from contract.checkpoint import Checkpoint
from contract.errors import Malformed
from contract.recover_records import RecoverPart
from gateway.trust import shown_parts

INSIDE, OUTSIDE = "the last checkpoint", "the copy of its checkpoints"
HINT = "give back the newer database, or see `metertrail ledger recover`"


@dataclass(frozen=True, slots=True)
class Replaced:
    """A ledger that is to be replaced: its name, what is known of it, and whether the entries here contradict that."""

    origin: str
    note: str | None
    rewritten: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A database: its entries' number, their root at the sizes of the checkpoints, the checkpoints, the recoveries."""

    site: str
    size: int
    roots: Mapping[int, bytes]
    inside: Checkpoint | None
    outside: Checkpoint | None
    told: tuple[RecoverPart, ...]

    @property
    def origin(self) -> str:
        """The name of the ledger in it."""
        return self.inside.origin if self.inside else checkpoint.origin(self.site)

    @property
    def foreign(self) -> bool:
        """Whether a checkpoint is of another site's ledger."""
        return any(_site(point) != self.site for point in (self.inside, self.outside) if point)

    @property
    def known(self) -> Checkpoint | None:
        """The newest of both checkpoints; the one outside where the entries contradict it."""
        if self._contradicts(self.outside):
            return self.outside
        points = [point for point in (self.outside, self.inside) if point]
        return max(points, key=_age, default=None)

    @property
    def contradictory(self) -> bool:
        """Whether the rows do not lead to the checkpoint beside them: then no name makes a ledger of them."""
        return self.inside is not None and self.roots.get(self.inside.size) != self.inside.root

    @property
    def rewritten(self) -> bool:
        """Whether the entries are not the first ones of what is known, rather than too few."""
        return self._contradicts(self.known)

    @property
    def successor(self) -> str:
        """The name of the ledger that replaces all those known."""
        numbers = [checkpoint.read_origin(point.origin)[1] for point in (self.outside, self.inside) if point]
        return checkpoint.origin(self.site, max(numbers, default=1) + 1)

    def faults(self) -> Iterator[str]:
        """What keeps this from being the ledger that is known."""
        signed = self.inside.size if self.inside else 0
        if signed != self.size:
            yield f"{self.size} entries where the last checkpoint signs {signed}: {HINT}"
        for where, point in ((INSIDE, self.inside), (OUTSIDE, self.outside)):
            if point is None or (point is self.outside and _explained(point, self.told)):
                continue
            if _site(point) != self.site:
                yield f"{where} is of {point.origin}, not of {checkpoint.origin(self.site)}"
            elif point.origin != self.origin:
                yield f"{where} is of {point.origin}, not of {self.origin}: {HINT}"
            elif point.size > self.size:
                yield f"{self.size} entries, but {where} knows of {point.size}: the database is older than it: {HINT}"
            elif self.roots[point.size] != point.root:
                yield f"the first {point.size} entries are not those that {where} signs: {HINT}"

    def _contradicts(self, point: Checkpoint | None) -> bool:
        return point is not None and self.roots.get(point.size, point.root) != point.root


def newer(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether one is of a later state of a site's ledgers than the other. Raises Malformed."""
    return _age(one) > _age(other)


def recoveries(bodies: Iterable[bytes]) -> Iterator[RecoverPart]:
    """The `recover` records in the bodies of the gateway's entries of type `acknowledgement`."""
    for data in bodies:
        for part in shown_parts(body.unpack(data)):
            try:
                if records.kind_of(part) == "recover":
                    yield records.read(part, RecoverPart)
            except Malformed:  # no record of this version's
                continue


def _age(point: Checkpoint) -> tuple[int, int]:
    return checkpoint.read_origin(point.origin)[1], point.size


def _explained(point: Checkpoint, told: Iterable[RecoverPart]) -> bool:
    """Whether this is of a ledger that was replaced, and no newer than what was known of it then."""
    of = (one for one in told if one.replaces == point.origin and one.known)
    return any(checkpoint.parse(one.known).size >= point.size for one in of)


def _site(point: Checkpoint) -> str | None:
    try:
        return checkpoint.read_origin(point.origin)[0]
    except Malformed:
        return None
