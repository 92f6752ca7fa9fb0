"""What the agents read, ordered for recomputation: which manifest is in force where, and each counter's readings.

In: a trail. Out: `Evidence`, and findings on manifests and segments that do not fit each other. Values stay raw words
here; agent.aggregation.replay turns them into amounts.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from agent.aggregation import replay
from agent.aggregation.replay import Counter, Earlier, Readings
from agent.drivers import profile as profiles
from contract import records, segment
from contract.errors import Malformed
from contract.late_records import LatePart
from contract.segment import MeterSegment
from verifier.finding import Finding
from verifier.trail import GATEWAY, Entries, Item, records_of

Counters = Mapping[tuple[str, str], Counter]
NO_END = 2**63  # of a chain


@dataclass(frozen=True, slots=True)
class Stated:
    """A manifest in its place in the ledger, and (`order`) in its author's chain.

    Its hash and when it begins; its parts after the author's; point widths in bits by meter; lines; counters.
    """

    index: int
    hash: bytes
    from_ns: int
    parts: tuple[bytes, ...]
    bits: Mapping[str, Mapping[str, int]]
    lines: Mapping[str, records.LinePart]
    counters: Counters
    order: int


@dataclass(slots=True)
class Said:
    """What one meter said, in the order of its agent's chain: in which entries, under which manifests, last answers."""

    indices: list[int] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    manifests: list[Stated] = field(default_factory=list)
    segments: list[MeterSegment] = field(default_factory=list)
    last_ns: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`manifests` by ledger index of the entry they are in force for; `said` by (author, meter); `stated` by author.

    `unstated` by ledger index of the entry: the manifest in force, where that is withheld in whole or in part.
    """

    manifests: Mapping[int, Stated]
    said: Mapping[tuple[str, str], Said]
    stated: Mapping[str, list[Stated]]
    unstated: Mapping[int, Item] = field(default_factory=dict)
    _readings: dict[tuple[str, str, str, tuple[int, ...]], Readings] = field(default_factory=dict)

    def hidden(self, trail: Entries) -> tuple[Item, ...]:
        """The segments that are withheld in whole or in part, or whose manifest is."""
        return tuple(one for one in trail.of("segment") if one.whole() is None or one.index in self.unstated)

    def lacks(self, segment: Item, meters: Iterable[str]) -> bool:
        """Whether one of these meters may have spoken in this segment, one of the hidden, without being heard.

        Of a part that is withheld nothing tells whose it is; a meter has one in an entry, but for the largest.
        """
        if segment.parts is None:
            return True
        return any(not self._shows(segment, meter) for meter in meters)

    def _shows(self, segment: Item, meter: str) -> bool:
        said = self.said.get((segment.header.author, meter))
        at = 0 if said is None else bisect_left(said.orders, segment.order)
        return said is not None and at < len(said.indices) and said.indices[at] == segment.index

    def latest(self, author: str, meter: str, point: str) -> Counter | None:
        """The counter as it was last described, for who asks from outside the author's chain."""
        said = self.said.get((author, meter))
        return None if said is None else said.manifests[-1].counters.get((meter, point))

    def sealed_before(self, item: Item, counter: Counter) -> Readings:
        """What a batch record may rest on: readings sealed before it, taken while `counter` was described as now.

        And only those since it last may have counted elsewhere.
        """
        said = self.said.get((item.header.author, counter.meter), Said())
        alike = self._described_as(item.header.author, counter, item.order)
        known = self._with_earlier(
            item.header.author, counter, self._known(item.header.author, counter, alike), item.order
        )
        # Segments of one meter follow each other in time (a check of its own), so what was sealed by then is a prefix.
        sealed = [said.last_ns[n] for n in alike if said.orders[n] < item.order]
        rows = int(np.searchsorted(known.answered_ns, max(sealed), side="right")) if sealed else 0
        return known.cut(0, rows)

    def around(self, author: str, counter: Counter, stated: Stated, size: int) -> Readings:
        """What a late batch may rest on: readings in the first `size` entries, under manifests around `stated`.

        Those describe the counter so, and none between them has it elsewhere.
        """
        place = (counter.meter, counter.point)
        told = [one for one in self.stated.get(author, []) if one.index < size]
        elsewhere = [one.order for one in told if not replay.counts_on(counter, one.counters.get(place))]
        after = max((order for order in elsewhere if order < stated.order), default=-1)
        before = min((order for order in elsewhere if order > stated.order), default=NO_END)
        said = self.said.get((author, counter.meter), Said())
        alike = [
            n
            for n, one in enumerate(said.manifests)
            if after < one.order < before and said.indices[n] < size and one.counters.get(place) == counter
        ]
        known = self._known(author, counter, alike)
        return self._with_earlier(author, counter, known, stated.order + 1, size)

    def all_of(self, author: str, counter: Counter) -> Readings:
        """Every reading taken while the meter was described as `counter` is, the last time that it was for a while.

        Another ratio gives other energies, and in another place other energies are counted.
        """
        said = self.said.get((author, counter.meter), Said())
        place = (counter.meter, counter.point)
        last = next((one.order for one in reversed(said.manifests) if one.counters.get(place) == counter), 0)
        known = self._known(author, counter, self._described_as(author, counter, last))
        return self._with_earlier(author, counter, known, last + 1)

    def _described_as(self, author: str, counter: Counter, before: int) -> list[int]:
        """Which segments of the meter were sealed while the counter was described so, and not elsewhere since."""
        place = (counter.meter, counter.point)
        told = (one for one in reversed(self.stated.get(author, [])) if one.order < before)
        gone = next((one.order for one in told if not replay.counts_on(counter, one.counters.get(place))), -1)
        said = self.said.get((author, counter.meter), Said())
        return [n for n, one in enumerate(said.manifests) if one.order > gone and one.counters.get(place) == counter]

    def _with_earlier(
        self, author: str, counter: Counter, known: Readings, before: int, size: int | None = None
    ) -> Readings:
        """With the readings of the instrument that `counter`'s took the place of, if hand-over readings were noted.

        Those in the first `size` entries, and under manifests before the last that lets it count elsewhere, up to
        `before`.
        """
        if counter.handover is None:
            return known
        place = (counter.meter, counter.point)
        told = [one for one in self.stated.get(author, []) if one.order < before]
        while told and replay.counts_on(counter, told[-1].counters.get(place)):
            told.pop()
        found = replay.earlier(counter, [one.counters.get(place) for one in told])
        if found is None:
            return known
        old, numbers = found
        indices = {told[number].index for number in numbers}
        said = self.said.get((author, counter.meter), Said())
        alike = [
            n
            for n, one in enumerate(said.manifests)
            if one.index in indices and (size is None or said.indices[n] < size)
        ]
        return replace(known, earlier=Earlier(old, self._known(author, old, alike)))

    def _known(self, author: str, counter: Counter, alike: list[int]) -> Readings:
        key = (author, counter.meter, counter.point, tuple(alike))
        if key not in self._readings:
            said = self.said.get((author, counter.meter), Said())
            self._readings[key] = replay.readings(counter, [said.segments[n] for n in alike])
        return self._readings[key]


def read(trail: Entries) -> tuple[Evidence, list[Finding]]:
    """Read manifests and segments in the order of each author's chain."""
    findings: list[Finding] = []
    hidden: dict[tuple[str, bytes], Item] = {}
    unstated: dict[int, Item] = {}
    in_force: dict[tuple[str, bytes], Stated] = {}  # an epoch's name is its author's own: two may choose the same
    manifests: dict[int, Stated] = {}
    said: dict[tuple[str, str], Said] = {}
    stated: dict[str, list[Stated]] = {}
    profiles_seen: set[bytes] = set()
    count = 0
    for item in trail.of("manifest", "segment", "batch", "event"):
        epoch = item.header.author, item.header.epoch
        try:
            if item.header.type == "manifest":
                in_force.pop(epoch, None)
                hidden.pop(epoch, None)
                if item.whole() is None:
                    hidden[epoch] = item
                    continue
                in_force[epoch] = _stated(item, profiles_seen)
                stated.setdefault(item.header.author, []).append(in_force[epoch])
            elif epoch in in_force:
                manifests[item.index] = in_force[epoch]
            elif epoch in hidden:
                unstated[item.index] = hidden[epoch]
                continue  # its form is nothing without the profiles'
            if item.header.type == "segment" and item.parts is not None:
                for part in item.shown():
                    _add(said, item, segment.decode(part), in_force.get(epoch))
                count += 1
        except (Malformed, ArithmeticError, RecursionError) as error:
            findings.append(Finding(_room(item), ok=False, text=f"{item.index} {item.where}: {error}"))
    manifests |= dict(_of_late(trail, stated))
    unstated |= dict(_of_late_hidden(trail))
    if not findings:
        findings.append(Finding("profile", ok=True, text=f"{len(profiles_seen)} profiles are those their hashes name"))
        findings.append(
            Finding("segment", ok=True, text=f"{count} segments decoded, every point as its manifest has it")
        )
    return Evidence(manifests, said, stated, unstated), findings


def _of_late(trail: Entries, stated: Mapping[str, list[Stated]]) -> Iterator[tuple[int, Stated]]:
    """The manifests that late batches name, by the late batches' indices."""
    for item in trail.of("late_batch", author=GATEWAY):
        try:
            (late,) = records_of(item, LatePart, "late")
        except (Malformed, ValueError):  # not one: a finding where batches are read
            continue
        yield from ((item.index, one) for one in stated.get(late.agent, []) if one.hash == late.manifest)


def _of_late_hidden(trail: Entries) -> Iterator[tuple[int, Item]]:
    """The same, of manifests that are withheld: an entry's hash needs no body."""
    by_hash = {item.hash: item for item in trail.of("manifest") if item.whole() is None}
    for item in trail.of("late_batch", author=GATEWAY) if by_hash else ():
        try:
            (late,) = records_of(item, LatePart, "late")
        except (Malformed, ValueError):
            continue
        if late.manifest in by_hash:
            yield item.index, by_hash[late.manifest]


def _room(item: Item) -> str:
    return "profile" if item.header.type == "manifest" else "segment"


def _stated(item: Item, seen: set[bytes]) -> Stated:
    """What a manifest says. Raises Malformed if a profile is not the one its meter names, or not readable."""
    points: dict[bytes, dict[str, int]] = {}
    for part in records_of(item, records.ProfilePart, "profile"):
        try:
            parsed = profiles.parse(part.toml)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise Malformed(f"profile {part.name}: {(str(error) or 'empty').splitlines()[0]}") from None
        points[profiles.profile_hash(part.toml)] = {point.id: point.bits for point in parsed.points}
    meters: dict[str, dict[str, int]] = {}
    for meter in records_of(item, records.MeterPart, "meter"):
        if meter.profile not in points:
            raise Malformed(f"meter {meter.meter}: no profile here has its hash {meter.profile.hex()[:16]}")
        meters[meter.meter] = points[meter.profile]
    seen.update(points)
    lines = {line.line: line for line in records_of(item, records.LinePart, "line")}
    try:
        counters = replay.counters(item.shown())
    except (
        ArithmeticError,
        LookupError,
        RecursionError,
        ValueError,
    ) as error:  # a ratio over nothing, a class nobody has a table for
        raise Malformed(f"a meter's ratio, step or class cannot be used: {error}") from None
    return Stated(
        item.index, item.hash, item.header.from_ns, tuple(item.shown()[1:]), meters, lines, counters, item.order
    )


def _add(said: dict[tuple[str, str], Said], item: Item, part: MeterSegment, stated: Stated | None) -> None:
    """File one meter's segment. Raises Malformed if it does not fit its manifest, its header or the segment before."""
    if stated is None:
        raise Malformed(f"{part.meter}: no readable manifest is in force")
    if part.meter not in stated.bits:
        raise Malformed(f"{part.meter}: the manifest in force has no such meter")
    mine = said.setdefault((item.header.author, part.meter), Said())
    for fault in _faults(item, part, stated.bits[part.meter], mine.last_ns[-1] if mine.last_ns else None):
        raise Malformed(f"{part.meter}: {fault}")
    mine.indices.append(item.index)
    mine.orders.append(item.order)
    mine.manifests.append(stated)
    mine.segments.append(part)
    mine.last_ns.append(max((b.answered_ns[-1] for b in part.blocks), default=mine.last_ns[-1] if mine.last_ns else 0))


def _faults(item: Item, part: MeterSegment, bits: Mapping[str, int], last_ns: int | None) -> Iterator[str]:
    for block in part.blocks:
        if unknown := {column.point for column in block.columns} - bits.keys():
            yield f"point {min(unknown)} is not in the meter's profile"
            return
        for column in block.columns:
            if any(raw is not None and raw >> bits[column.point] for raw in column.raws):
                yield f"point {column.point} holds a value wider than {bits[column.point]} bits"
        first, last = min(block.requested_ns), max(block.answered_ns)
        if first < item.header.from_ns or last > item.header.to_ns:
            yield f"block {block.index} was read outside the time the header signs"
        if any(r > a for r, a in zip(block.requested_ns, block.answered_ns, strict=True)):
            yield f"block {block.index} holds an answer before its request"
        if list(block.answered_ns) != sorted(block.answered_ns):
            yield f"block {block.index} is not in the order of its answers"
        if last_ns is not None and block.answered_ns[0] < last_ns:
            yield f"block {block.index} begins before the segment sealed earlier ends"
