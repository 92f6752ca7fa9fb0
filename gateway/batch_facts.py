"""What a batch entry says, read for a statement: edges, energy, output, and how its line shares what it takes.

In: a batch entry's parts. Out: `BatchFacts`, in one order and each once. Raises Malformed for parts the contract
refuses. Never: zero for a missing value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from contract import records
from contract.errors import Malformed
from contract.late_records import LatePart
from contract.lineage import Standing
from contract.lots import Lot, output
from contract.records import Overlap
from gateway import media
from gateway.media import MediumAmount
from gateway.statement import ByHand
from gateway.summed import MeterError, meter_error, u95_of

Interval = tuple[int, int]
Place = tuple[str, str]  # meter, point
OutputUnit = Literal["g_milli", "one_milli"]  # mass in mg, or thousandths of a piece
BRANCHES: tuple[Standing, ...] = ("before", "trunk", "aside", "lost")  # in the order in which they count
NO_BRANCH = ("aside", "lost")  # of batches that are in no figure
OUTPUTS: tuple[OutputUnit, ...] = ("g_milli", "one_milli")


@dataclass(frozen=True, slots=True)
class Told:
    """Who told a late batch, why, and when."""

    author: str
    reason: str
    told_ns: int


@dataclass(frozen=True, slots=True)
class Together:
    """What a line declared of batches that run at once: by which key they share the energy of these counters.

    `manifest` is the hash of the entry that declares it.
    """

    key: Overlap
    counters: tuple[Place, ...]
    manifest: bytes


@dataclass(frozen=True, slots=True)
class Shared:
    """How a batch came to its part of a line's energy: the key, and how many batches ran beside it at any time.

    `whole_wh_milli` is what the line took over its window, as its record says; `ran_ns` its part of the time. `why`
    says why its energy is not known, None where it is.
    """

    key: Overlap
    beside: int
    whole_wh_milli: int | None
    ran_ns: int
    why: str | None


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What a batch entry says, summed over its line's meters. Times are the midpoints of its edges; None: not known.

    `late` is None where the agent itself saw the batch; `by_hand` are the figures that a person gave (manual.py).
    `errors` are those of its energy's meters, for sums of several batches. `edges` are start and end as intervals;
    `together` is None where its line runs one batch at a time; `beside` are those that had not ended when it did. With
    `shared`, the energy is its part (overlap.py). `branch` says whether its entry is on its agent's trunk.
    """

    agent: str
    batch: str
    line: str
    product: str
    start_ns: int
    end_ns: int
    complete: bool
    energy_wh_milli: int | None
    lower: int | None
    upper: int | None
    u95: int | None
    good_g_milli: int | None
    scrap_g_milli: int | None
    late: Told | None = None
    by_hand: tuple[ByHand, ...] = ()
    errors: tuple[MeterError, ...] = ()
    media: tuple[MediumAmount, ...] = ()
    edges: tuple[Interval, Interval] | None = None
    together: Together | None = None
    beside: tuple[str, ...] = ()
    shared: Shared | None = None
    good_one_milli: int | None = None
    scrap_one_milli: int | None = None
    branch: Standing = "trunk"

    def good(self, unit: OutputUnit) -> int | None:
        """Good output in this unit."""
        return self.good_g_milli if unit == "g_milli" else self.good_one_milli

    def scrap(self, unit: OutputUnit) -> int | None:
        """Scrap in this unit."""
        return self.scrap_g_milli if unit == "g_milli" else self.scrap_one_milli

    @property
    def running_ns(self) -> int:
        """How long its line ran for it: of a time that several share, its part."""
        return self.end_ns - self.start_ns if self.shared is None else self.shared.ran_ns


def facts(agent: str, parts: Sequence[bytes]) -> BatchFacts:
    """Read a batch entry's parts. Raises Malformed.

    A figure of several meters is their sum, and not known if one of them is not; u95 by summed.py.
    """
    if not parts:
        raise Malformed("batch: an entry without a part")
    batch = records.read(parts[0], records.BatchPart)
    amounts = [records.read(part, records.AmountPart) for part in parts[1:]]
    energy = [amount for amount in amounts if (amount.role, amount.unit) == ("energy", "wh_milli")]
    errors = tuple(meter_error(agent, batch, amount) for amount in energy)
    start, end = ((edge.earliest_ns, edge.latest_ns) for edge in (batch.start, batch.end))
    return BatchFacts(
        agent,
        batch.batch,
        batch.line,
        batch.product,
        sum(start) // 2,
        sum(end) // 2,
        batch.closed == "complete",
        known_sum(a.amount for a in energy),
        known_sum(a.lower for a in energy),
        known_sum(a.upper for a in energy),
        u95_of(errors),
        _output("good", "g_milli", amounts, batch.outputs),
        _output("scrap", "g_milli", amounts, batch.outputs),
        errors=errors,
        media=media.of_batch(agent, amounts),
        edges=(start, end),
        beside=tuple(batch.beside or ()),
        good_one_milli=_output("good", "one_milli", amounts, batch.outputs),
        scrap_one_milli=_output("scrap", "one_milli", amounts, batch.outputs),
    )


def late_facts(parts: Sequence[bytes]) -> BatchFacts:
    """Read a late batch entry's parts: a batch of the agent that its first part names. Raises Malformed."""
    if not parts:
        raise Malformed("late batch: an entry without a part")
    late = records.read(parts[0], LatePart)
    return replace(facts(late.agent, parts[1:]), late=Told(late.author, late.reason, late.told_ns))


def distinct(batches: Iterable[BatchFacts]) -> list[BatchFacts]:
    """The batches in order of start, each once: an agent that crashed may seal the same record again in a new epoch.

    The first counts; but one that is set aside never stands for one that is not, and what an agent told before it went
    back to an earlier entry stands for what it told again, knowing less.
    """
    once: dict[tuple[int, int, str, str, str, bool], BatchFacts] = {}
    for batch in sorted(batches, key=lambda one: BRANCHES.index(one.branch)):
        once.setdefault(_order(batch), batch)
    return [once[key] for key in sorted(once)]


def known_sum(values: Iterable[int | None]) -> int | None:
    """The sum; None for nothing at all, or if one of the values is not known."""
    known = list(values)
    return sum(value for value in known if value is not None) if known and None not in known else None


def _output(
    kind: Literal["good", "scrap"],
    unit: OutputUnit,
    amounts: Sequence[records.AmountPart],
    outputs: Sequence[Lot] | None,
) -> int | None:
    """A kind's output: what the line's counter counted; where it has none, the lots that were stated."""
    counted = [amount for amount in amounts if amount.role == kind]
    return known_sum(a.amount for a in counted if a.unit == unit) if counted else output(outputs, kind, unit)


def _order(batch: BatchFacts) -> tuple[int, int, str, str, str, bool]:
    return (batch.start_ns, batch.end_ns, batch.agent, batch.line, batch.batch, batch.late is not None)
