r"""A spot check (抽查): which readings or batches to look at, drawn so that nobody could choose them.

In: a trail, the SHA-256 of the archive's file, a public seed, how many. Out: what was drawn, with its proof and what
the raw words say. The draw is arithmetic that can be done by hand: try k (1, 2, ...) gives number

    SHA-256("metertrail sample v1\n" + ARCHIVE + "\n" + KIND + "\n" + SEED + "\n" + k + "\n")  mod  POPULATION

where ARCHIVE is the file's SHA-256 in lower case hexadecimal, KIND `readings` or `batches`, the digest one big-endian
integer; a number that came before is passed over. A population is below 2^64, so no number is more likely than another
by more than 2^-192.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from agent.aggregation.replay import Counter, Readings
from agent.drivers import profile as profiles
from agent.drivers.registers import scaled, unit_of, value
from contract import merkle, records, segment
from contract.records import AmountPart, MeterPart
from contract.segment import Block, Column, MeterSegment
from gateway.metering import decimal
from verifier import check_batches
from verifier.check_batches import Batch
from verifier.evidence import Evidence
from verifier.trail import Item, Trail

Kind = Literal["readings", "batches"]
KINDS: tuple[Kind, ...] = ("readings", "batches")
COUNT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one point. `raw` is hexadecimal, as wide as the point; `value` in `unit` as the meter shows it."""

    meter: str
    point: str
    kind: str
    requested_ns: int
    answered_ns: int
    source_ns: int | None
    raw: str
    status: int
    serial: str
    address: str
    profile: str
    profile_line: str
    value: str
    unit: str
    ratio: str
    canonical: int | None
    canonical_unit: str


@dataclass(frozen=True, slots=True)
class Recount:
    """One amount of a batch, signed and recomputed, between the readings before its start and after its end."""

    meter: str
    point: str
    unit: str
    signed: int | None
    recomputed: int | None
    fault: str | None
    before: Reading | None
    after: Reading | None


@dataclass(frozen=True, slots=True)
class Told:
    """One batch as its record has it. Edges are intervals; `amounts` are those of its line's counters."""

    batch: str
    product: str
    line: str
    closed: str
    start_ns: tuple[int, int]
    end_ns: tuple[int, int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    amounts: tuple[Recount, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One of the sample: its number in the population, its entry in the ledger with the proof, and what it is."""

    number: int
    entry: int
    where: str
    leaf: str
    proof: tuple[str, ...]
    what: Reading | Told


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything drawn. `withheld` entries of this kind are not shown whole: what they hide could not be drawn."""

    archive: str
    kind: Kind
    seed: str
    population: int
    withheld: int
    size: int
    root: str
    drawn: tuple[Drawn, ...]


def draw(archive: str, kind: Kind, seed: str, population: int, count: int) -> list[int]:
    """Which numbers below `population`, in the order drawn; all of them if there are no more than `count`."""
    found: list[int] = []
    tried = 0
    while len(found) < min(count, population):
        tried += 1
        words = f"metertrail sample v1\n{archive}\n{kind}\n{seed}\n{tried}\n"
        number = int.from_bytes(hashlib.sha256(words.encode()).digest(), "big") % population
        if number not in found:
            found.append(number)
    return found


def sample(read: Trail, known: Evidence, archive: str, kind: Kind, seed: str, count: int) -> Sample:
    """Draw, and describe what was drawn."""
    leaves = [merkle.leaf_hash(kept.signed) for kept in read.archive.entries]
    population = _Readings(read, known) if kind == "readings" else _Batches(read, known)
    drawn = []
    for number in draw(archive, kind, seed, population.size, count):
        item, what = population.at(number)
        at = next(place for place, kept in enumerate(read.archive.entries) if kept.signed == item.signed)
        proof = tuple(one.hex() for one in merkle.inclusion_proof(leaves, at))
        drawn.append(Drawn(number, item.index, item.where, leaves[at].hex(), proof, what))
    types = ("segment",) if kind == "readings" else ("batch", "late_batch")
    withheld = sum(item.header.type in types and item.whole() is None for item in read.items)
    root = merkle.root(leaves).hex()
    return Sample(archive, kind, seed, population.size, withheld, len(leaves), root, tuple(drawn))


class _Readings:
    """Every value shown, in order of entry, part, block, column and scan; those without a value are none."""

    def __init__(self, read: Trail, known: Evidence) -> None:
        self._known = known
        self._parts: list[tuple[int, Item, bytes]] = []  # how many come before it
        self.size = 0
        for item in read.of("segment"):
            for part in item.shown() if item.index in known.manifests else ():
                self._parts.append((self.size, item, part))
                self.size += sum(1 for _ in _values(segment.decode(part)))

    def at(self, number: int) -> tuple[Item, Reading]:
        """The one of this number."""
        before, item, part = next(one for one in reversed(self._parts) if one[0] <= number)
        read = segment.decode(part)
        block, column, scan = next(one for n, one in enumerate(_values(read)) if n == number - before)
        parts = self._known.manifests[item.index].parts
        return item, _reading(parts, read.meter, block, column, scan)


def _values(read: MeterSegment) -> Iterator[tuple[Block, Column, int]]:
    for block in read.blocks:
        for column in block.columns:
            yield from ((block, column, scan) for scan, raw in enumerate(column.raws) if raw is not None)


class _Batches:
    """Every batch record shown, in order of the ledger."""

    def __init__(self, read: Trail, known: Evidence) -> None:
        self._known = known
        self._batches, _ = check_batches.read(read, None)
        self.size = len(self._batches)

    def at(self, number: int) -> tuple[Item, Told]:
        """The one of this number."""
        batch = self._batches[number]
        head = batch.head
        return batch.item, Told(
            head.batch,
            head.product,
            head.line,
            head.closed,
            (head.start.earliest_ns, head.start.latest_ns),
            (head.end.earliest_ns, head.end.latest_ns),
            tuple(f"{lot.lot}: {lot.quantity} {lot.unit}" for lot in head.inputs or ()),
            tuple(f"{lot.lot}: {lot.quantity} {lot.unit}" for lot in head.outputs or ()),
            tuple(_recounts(self._known, batch)),
        )


def _recounts(known: Evidence, batch: Batch) -> Iterator[Recount]:
    stated = known.manifests.get(batch.item.index)
    for signed in batch.amounts:
        counter = None if stated is None else stated.counters.get((signed.meter, signed.point))
        if stated is None or counter is None:
            fault = "the manifest in force is not shown, or has no such counter"
            yield Recount(signed.meter, signed.point, signed.unit, signed.amount, None, fault, None, None)
            continue
        due, why = _due(known, batch, signed)
        rows = check_batches.known_of(known, batch, counter)
        around = [_beside(stated.parts, counter, rows, row) for row in _around(batch, rows)]
        yield Recount(signed.meter, signed.point, signed.unit, signed.amount, due, why, *around)


def _due(known: Evidence, batch: Batch, signed: AmountPart) -> tuple[int | None, str | None]:
    """The amount that the readings give, or why they give none."""
    try:
        return check_batches.recomputed(known, batch, signed).amount, None
    except ValueError as error:
        return None, str(error)


def _around(batch: Batch, rows: Readings) -> tuple[int | None, int | None]:
    """The last reading answered before its start, and the first asked for after its end."""
    start_ns, end_ns = batch.head.start.earliest_ns, batch.head.end.latest_ns
    before = [row for row, at_ns in enumerate(rows.answered_ns) if at_ns <= start_ns]
    after = [row for row, at_ns in enumerate(rows.requested_ns) if at_ns >= end_ns]
    return (before[-1] if before else None, after[0] if after else None)


def _beside(parts: Sequence[bytes], counter: Counter, rows: Readings, row: int | None) -> Reading | None:
    if row is None:
        return None
    names = [counter.spec.id] + ([counter.spec.scale_point] if counter.spec.scale_point and rows.scale_raws else [])
    raws = [int(rows.raws[row])] + ([int(rows.scale_raws[row])] if len(names) > 1 else [])
    columns = tuple(Column(name, (raw,), (0,)) for name, raw in zip(names, raws, strict=True))
    block = Block(0, (int(rows.requested_ns[row]),), (int(rows.answered_ns[row]),), columns)
    return _reading(tuple(parts), counter.meter, block, columns[0], 0)


@lru_cache(maxsize=16)
def _declared(parts: tuple[bytes, ...]) -> tuple[dict[str, MeterPart], dict[bytes, tuple[str, profiles.Profile]]]:
    meters = [records.read(part, MeterPart) for part in parts if records.kind_of(part) == "meter"]
    files = [records.read(part, records.ProfilePart) for part in parts if records.kind_of(part) == "profile"]
    known = {profiles.profile_hash(one.toml): (one.name, profiles.parse(one.toml)) for one in files}
    return {one.meter: one for one in meters}, known


def _reading(parts: tuple[bytes, ...], meter: str, block: Block, column: Column, scan: int) -> Reading:
    meters, known = _declared(parts)
    declared = meters[meter]
    name, profile = known[declared.profile]
    point = next(one for one in profile.points if one.id == column.point)
    raw, ratio = column.raws[scan] or 0, _ratio(declared)
    scale = next((one.raws[scan] for one in block.columns if one.point == point.scale_point), None)
    try:
        shown, canonical = decimal(value(point, raw, scale)), scaled(point, raw, ratio, scale)
    except (ValueError, ArithmeticError) as error:
        shown, canonical = f"not a number: {error}", None
    return Reading(
        meter, point.id, point.kind, block.requested_ns[scan], block.answered_ns[scan],
        None if column.sources_ns is None else column.sources_ns[scan],
        f"{raw:0{-(-point.bits // 4)}x}", column.statuses[scan], declared.serial, declared.address,
        f"{name} {declared.profile.hex()}", _line(point), shown, point.unit, str(ratio), canonical, unit_of(point),
    )  # fmt: skip


def _ratio(declared: MeterPart) -> Fraction:
    """CT x PT."""
    ratio = Fraction(1)
    for one in (declared.ct, declared.pt):
        ratio *= Fraction(1) if one is None else Fraction(one.primary, one.secondary)
    return ratio


def _line(point: profiles.Point) -> str:
    """The profile's words on a point, without what it leaves at its default."""
    given = point.model_dump(exclude_defaults=True, by_alias=True, mode="json")
    return ", ".join(f"{key} = {text}" for key, text in given.items())
