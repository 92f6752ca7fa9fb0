"""From evidence to amounts: a manifest's parts and a meter's segments in, what a counter counted over windows out.

Agent, gateway and verifier all compute by this one path, so the same evidence gives the same digits in each. An amount
is a function of the readings from the last one answered before its start to the first one requested after its end (and
the register's age), and of nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from agent.aggregation import derive
from agent.aggregation.chain import Chain, chain_of
from agent.aggregation.counter import Stretches, stretches
from agent.aggregation.derive import Derivation
from agent.aggregation.record import Columns, Edges, Parameters, PointEnergy, point_energy
from agent.aggregation.window import INTERPOLATED
from agent.drivers import profile as profiles
from agent.drivers.registers import limit_of, scaled, scaled_column, slack, unit_of
from contract import derived_records, records
from contract.budget import Budget, Corrected
from contract.errors import Malformed
from contract.segment import Column, MeterSegment, is_good

NS_PER_MS = 1_000_000
NO_TIMES = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter as a manifest describes it; `age_ns` is -1 where nobody states the register's age.

    `spec` is the point that is counted; with a `derivation` it is that of the counter it is derived from.

    Registers of two instruments, or of one at two places, are never read as one: `installation` and `serial` are part
    of what a counter is.
    """

    meter: str
    point: str
    quantity: str
    unit: str
    spec: profiles.Point
    ratio: Fraction
    age_ns: int
    instrument: Chain | None
    installation: str = ""
    serial: str = ""
    power_max_w: int | None = None
    derivation: Derivation | None = None

    @property
    def points(self) -> tuple[str, ...]:
        """What has to be read for it."""
        return (self.spec.id, *(p.id for p in self.derivation.conditions)) if self.derivation else (self.spec.id,)


@dataclass(frozen=True, slots=True)
class Readings:
    """A counter's readings that have a value, in the order of their answers.

    `scale_raws` is empty without a scale, `conditions` but for a derived counter: what was read beside each.
    """

    requested_ns: NDArray[np.int64]
    answered_ns: NDArray[np.int64]
    raws: tuple[int, ...]
    scale_raws: tuple[int, ...]
    conditions: tuple[tuple[int, ...], ...] = ()

    def cut(self, first: int, last: int | None = None) -> "Readings":
        """Readings `first` to `last` - 1, in arrays of their own."""
        some = slice(first, last)
        times = (self.requested_ns[some].copy(), self.answered_ns[some].copy())
        return Readings(*times, self.raws[some], self.scale_raws[some], self.conditions[some])

    def where(self, chosen: NDArray[np.bool_]) -> "Readings":
        """The chosen readings."""
        rows = np.flatnonzero(chosen).tolist()
        raws, scales = (tuple(column[n] for n in rows) if column else () for column in (self.raws, self.scale_raws))
        beside = tuple(self.conditions[n] for n in rows) if self.conditions else ()
        return Readings(self.requested_ns[chosen], self.answered_ns[chosen], raws, scales, beside)


@dataclass(frozen=True, slots=True)
class Amount:
    """What was counted in a window, in canonical units; None where nothing can be claimed."""

    amount: int | None
    lower: int | None
    upper: int | None
    u95: int | None
    interpolated_ppm: int
    anomalies: tuple[str, ...]
    uncertainty: Budget | None = None
    corrected: Corrected | None = None


def known_profiles(parts: Sequence[bytes]) -> dict[bytes, profiles.Profile]:
    """The profiles that a manifest's parts carry, by hash. Raises Malformed."""
    known: dict[bytes, profiles.Profile] = {}
    for part in parts:
        if records.kind_of(part) == "profile":
            toml = records.read(part, records.ProfilePart).toml
            try:
                known[profiles.profile_hash(toml)] = profiles.parse(toml)
            except ValueError as error:
                raise Malformed(f"manifest: {error}") from None
    return known


def counters(parts: Sequence[bytes]) -> dict[tuple[str, str], Counter]:
    """Every counter of every meter in a manifest's parts, by (meter, point). Raises Malformed."""
    known = known_profiles(parts)
    meters = [records.read(part, records.MeterPart) for part in parts if records.kind_of(part) == "meter"]
    found: dict[tuple[str, str], Counter] = {}
    for meter in meters:
        if meter.profile not in known:
            raise Malformed(f"manifest: meter {meter.meter}: its profile {meter.profile.hex()[:16]} is not in it")
        for point in known[meter.profile].points:
            if point.kind == "counter" and point.type != "text":
                try:
                    found[meter.meter, point.id] = _counter(meter, point)
                except (ValueError, ArithmeticError) as error:  # an unknown class, a step that is no number
                    raise Malformed(f"manifest: meter {meter.meter}, {point.id}: {error}") from None
    for part in (records.read(p, derived_records.DerivedPart) for p in parts if records.kind_of(p) == "derived"):
        base = found.get((part.meter, part.counts))
        meter_of = next((meter for meter in meters if meter.meter == part.meter), None)
        if base is None or meter_of is None or (part.meter, part.point) in found:
            raise Malformed(
                f"manifest: derived {part.meter}, {part.point}: there is no such counter, or it is one itself"
            )
        try:
            found[part.meter, part.point] = _derived(base, part, known[meter_of.profile])
        except (ValueError, ArithmeticError) as error:
            raise Malformed(f"manifest: derived {part.meter}, {part.point}: {error}") from None
    return found


def counts_on(counter: Counter, described: Counter | None) -> bool:
    """Whether a register described so counts what `counter` does: one instrument, one place, the same transformers.

    Where a manifest says otherwise, or nothing of it, the register may count elsewhere until a later manifest. Then
    readings of before and after are not joined, even if both describe it alike.
    """
    if described is None:
        return False
    now, then = ((one.installation, one.serial, one.ratio) for one in (counter, described))
    return now == then


def readings(counter: Counter, segments: Iterable[MeterSegment]) -> Readings:
    """The counter's good readings in the meter's segments, which are in order of time; an uncertain one is none."""
    rows: list[tuple[int, int, int, int, tuple[int, ...]]] = []
    for segment in segments:
        if segment.meter != counter.meter:
            continue
        beside = None if counter.derivation is None else derive.near(counter.derivation, segment)
        for block in segment.blocks:
            columns = {column.point: column for column in block.columns}
            raws = _good(columns.get(counter.spec.id))
            scales = (
                _good(columns.get(counter.spec.scale_point))
                if counter.spec.scale_point
                else (0,) * len(block.answered_ns)
            )
            if raws is None or scales is None:
                continue
            for requested, answered, raw, scale in zip(
                block.requested_ns, block.answered_ns, raws, scales, strict=True
            ):
                conditions = () if beside is None else beside(answered)
                if raw is not None and scale is not None and conditions is not None:
                    rows.append((requested, answered, raw, scale, conditions))
    rows.sort(key=lambda row: row[1])
    return Readings(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        tuple(row[2] for row in rows),
        tuple(row[3] for row in rows) if counter.spec.scale_point else (),
        tuple(row[4] for row in rows) if counter.derivation else (),
    )


def _good(column: Column | None) -> tuple[int | None, ...] | None:
    """A column's raw words without those that are not good."""
    if column is None or not any(column.statuses):
        return None if column is None else column.raws
    return tuple(raw if is_good(status) else None for raw, status in zip(column.raws, column.statuses, strict=True))


def joined(chunks: Sequence[Readings]) -> Readings:
    """The readings of one counter, sealed one after another, as `readings` gives them for all their segments."""
    if len(chunks) == 1:
        return chunks[0]
    requested_ns = np.concatenate([NO_TIMES, *(chunk.requested_ns for chunk in chunks)])
    answered_ns = np.concatenate([NO_TIMES, *(chunk.answered_ns for chunk in chunks)])
    raws = tuple(raw for chunk in chunks for raw in chunk.raws)
    scales = tuple(scale for chunk in chunks for scale in chunk.scale_raws)
    conditions = tuple(one for chunk in chunks for one in chunk.conditions)
    if (np.diff(answered_ns) < 0).any():
        order = np.argsort(answered_ns, kind="stable")
        requested_ns, answered_ns = requested_ns[order], answered_ns[order]
        raws, scales = tuple(raws[i] for i in order), tuple(scales[i] for i in order) if scales else ()
        conditions = tuple(conditions[i] for i in order) if conditions else ()
    return Readings(requested_ns, answered_ns, raws, scales, conditions)


def since(known: Readings, at_ns: int) -> Readings:
    """Only what an edge at or after `at_ns` can rest on: from the last reading answered by then onwards."""
    first = int(np.searchsorted(known.answered_ns, at_ns, side="right")) - 1
    return known if first <= 0 else known.cut(first)


def amounts(
    counter: Counter, known: Readings, edges: Sequence[tuple[int, int]], windows: Sequence[tuple[int, int]]
) -> list[Amount]:
    """What was counted in each window (start edge, end edge); edges are (earliest_ns, latest_ns).

    Windows that share an edge share its estimate, so amounts over any partition add up exactly. Readings that cannot be
    computed with, whatever a meter said, give no amount but an anomaly. Raises ValueError for a window that ends before
    it starts.
    """
    for start, end in windows:
        if edges[end][0] < edges[start][0] or edges[end][1] < edges[start][1]:
            raise ValueError(f"window {edges[start]} to {edges[end]} ends before it starts")
    return [_amount(counter, known, edges[start], edges[end]) for start, end in windows]


def moved(counter: Counter, known: Readings) -> int:
    """What the counter moved by from the first to the last of at least two readings, taken straight from both.

    Of a derived counter: the sum over its intervals. Raises ValueError or ArithmeticError for what no counter shows.
    """
    if counter.derivation is None:
        scales = known.scale_raws or (None,) * len(known.raws)
        first, last = (scaled(counter.spec, known.raws[n], counter.ratio, scales[n]) for n in (0, -1))
        return last - first
    return int(_derived_column(counter, counter.derivation, known).counter[-1])


def _derived(base: Counter, part: derived_records.DerivedPart, profile: profiles.Profile) -> Counter:
    """A derived counter claims no bounds: what pressure and temperature were between readings is not known."""
    made = derive.derivation(part, {point.id: point for point in profile.points})
    return replace(
        base, point=part.point, quantity=part.kind, unit=derive.GIVES[part.kind], age_ns=-1, instrument=None,
        power_max_w=None, derivation=made,
    )  # fmt: skip


def _derived_column(counter: Counter, derivation: Derivation, known: Readings) -> Stretches:
    scales = known.scale_raws or None
    counted = scaled_column(counter.spec, known.raws, counter.ratio, scales)
    limit = limit_of(counter.spec, counter.ratio, scales[0] if scales else None)
    seen = stretches(known.requested_ns, known.answered_ns, counted, limit)
    return derive.column(derivation, seen, known.answered_ns, known.conditions)


def _counter(meter: records.MeterPart, point: profiles.Point) -> Counter:
    ratio = Fraction(1)
    for transformer in (meter.ct, meter.pt):
        if transformer is not None:
            ratio *= Fraction(transformer.primary, transformer.secondary)
    age_ns = -1 if point.age_ms is None else point.age_ms * NS_PER_MS
    for declared in meter.declared:
        if declared.point != point.id:
            continue
        if declared.age_ns is not None:
            age_ns = declared.age_ns
        if declared.step is not None:
            point = point.model_copy(update={"step": profiles.positive(declared.step)})
    is_energy = point.quantity.startswith("active_energy")  # what classes, ratings and power limits speak of
    return Counter(
        meter.meter, point.id, point.quantity, unit_of(point), point, ratio, age_ns,
        chain_of(meter) if is_energy else None, meter.installation, meter.serial,
        meter.power_max_w if is_energy else None,
    )  # fmt: skip


def _amount(counter: Counter, known: Readings, start: tuple[int, int], end: tuple[int, int]) -> Amount:
    age_ns = max(0, counter.age_ns)
    first = max(0, int(np.searchsorted(known.answered_ns, start[0], side="right")) - 1)
    last = int(np.searchsorted(known.requested_ns, end[1] + age_ns, side="left")) + 1
    rows = known.cut(first, last)
    if not rows.raws:
        return _nothing("no readings")
    if (np.diff(rows.answered_ns) <= 0).any() or (np.diff(rows.requested_ns) < 0).any():
        return _nothing("readings out of order")
    if len(set(rows.scale_raws)) > 1:
        return _nothing("scale changed")
    try:
        return _computed(counter, rows, start, end)
    except (ValueError, ArithmeticError):  # garbage in a register: a value beyond every counter, a scale that is none
        return _nothing("readings beyond computing")


def _nothing(why: str) -> Amount:
    return Amount(None, None, None, None, 0, (why,))


def _computed(counter: Counter, known: Readings, start: tuple[int, int], end: tuple[int, int]) -> Amount:
    edges = Edges(np.array([start[0], end[0]]), np.array([start[1], end[1]]), ((0, 1),))
    if counter.derivation is None:
        result = _of_register(counter, known, edges)
    else:
        seen = _derived_column(counter, counter.derivation, known)
        columns = Columns(known.requested_ns, known.answered_ns, seen.counter)
        result = point_energy(columns, Parameters(-1, 0, 0), edges, seen)
    window = result.windows[0]
    uncertainty = None if counter.derivation else result.uncertainties[0]  # nothing is known of its instruments
    return Amount(
        window.energy,
        window.lower,
        window.upper,
        None if uncertainty is None else uncertainty.u95,
        0 if window.method_share_ppm is None else window.method_share_ppm[INTERPOLATED],
        tuple(anomaly.kind for anomaly in result.anomalies),
        None if uncertainty is None else uncertainty.budget(),
        None if uncertainty is None else uncertainty.correction(),
    )


def _of_register(counter: Counter, known: Readings, edges: Edges) -> PointEnergy:
    scale = known.scale_raws[0] if known.scale_raws else None
    counted = scaled_column(counter.spec, known.raws, counter.ratio, known.scale_raws or None)
    below, above = slack(counter.spec, known.raws[int(counted.argmax())], counter.ratio, scale)
    limit = limit_of(counter.spec, counter.ratio, scale)
    parameters = Parameters(counter.age_ns, below, above, limit, counter.power_max_w, counter.instrument)
    return point_energy(Columns(known.requested_ns, known.answered_ns, counted), parameters, edges)
