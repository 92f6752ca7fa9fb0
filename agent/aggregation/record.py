"""Energy of one counter point: numpy columns, parameters and edges in, frozen records of Python ints out.

`point_energy` is the one function that agent, gateway and verifier call, so that the same readings give the same digits
in each. It refuses unsound columns and never sorts, drops or fills a reading.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from agent.aggregation.bounds import MISSING
from agent.aggregation.chain import Chain, Window, instrument_at
from agent.aggregation.counter import COUNTER_MOST, Anomaly, IntArray, Stretches, stretches
from agent.aggregation.energy import WindowEnergy, has_no_length, window_energy
from agent.aggregation.frozen import without_frozen
from agent.aggregation.odd_steps import Rules
from agent.aggregation.uncertainty import EdgeBounds, Instrument, Uncertainty, u95
from agent.aggregation.window import Boundaries, boundaries

# Kernels double times and add an age: both must stay below 2^62 ns (the year 2116) together. 2^56 ns is over two years.
AGE_MOST_NS = 2**56
TIME_MOST_NS = 2**62 - AGE_MOST_NS - 1


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings that have a value: int64 columns of one length, in the order of their answers.

    requested_ns <= answered_ns in each row; answers strictly rise, requests never fall. `counter` is in canonical
    units. `power_w_milli` is the meter's own total power read beside it, MISSING where there is none.
    """

    requested_ns: IntArray
    answered_ns: IntArray
    counter: IntArray
    power_w_milli: IntArray | None = None

    def at(self, rows: IntArray | None) -> Columns:
        """Only these rows; None stands for all."""
        if rows is None:
            return self
        power = None if self.power_w_milli is None else self.power_w_milli[rows]
        return Columns(self.requested_ns[rows], self.answered_ns[rows], self.counter[rows], power)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is declared about the point, in the counter's canonical unit.

    `age_ns`: the largest age of the register, -1 unknown. `below`, `above`: slack of the indicated energy under and
    over what the register shows. `limit`: modulus at which it wraps, 0 none. `power_max_w`: the most the circuit can
    carry. `instrument`: limits of error, or the chain whose limits depend on a window's load. `clock_ns`: half-width of
    a clock error between edges and readings not yet inside the edges' intervals. `ones`: what the register shows with
    every bit set, -1 none. `net`: the register may fall. `tan_phi_milli`: the load's tan(phi) x 1000, if it was read.
    """

    age_ns: int
    below: int
    above: int
    limit: int = 0
    power_max_w: int | None = None
    instrument: Instrument | Chain | None = None
    clock_ns: int = 0
    ones: int = -1
    net: bool = False
    tan_phi_milli: int | None = None

    @property
    def rules(self) -> Rules:
        """What tells energy from an anomaly."""
        return Rules(self.limit, self.power_max_w, self.age_ns, self.below, self.above, self.ones, self.net)


@dataclass(frozen=True, slots=True)
class Edges:
    """Edge intervals [earliest, latest] as int64 columns, in any order; windows as (start, end) indices into them."""

    earliest_ns: IntArray
    latest_ns: IntArray
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PointEnergy:
    """Energy and uncertainty (None where the energy is not known) per window, in the order given; the anomalies."""

    windows: tuple[WindowEnergy, ...]
    uncertainties: tuple[Uncertainty | None, ...]
    anomalies: tuple[Anomaly, ...]


def point_energy(columns: Columns, parameters: Parameters, edges: Edges, seen: Stretches | None = None) -> PointEnergy:
    """Stretches, boundaries, window energies and uncertainties of one point.

    Readings that cannot be believed are set aside, each by name; what remains is computed as if they had not come.
    `seen` are the stretches where another column than the register's own tells them (derive.py).

    Raises ValueError, one line that says what is wrong and where, for columns of different lengths or not int64, times
    that are unsorted, duplicate or out of range, negative parameters, an edge or a window that ends before it starts.
    """
    _check_columns(columns)
    _check_parameters(parameters)
    _check_edges(edges)
    rules = parameters.rules
    if seen is None:
        seen = stretches(columns.requested_ns, columns.answered_ns, columns.counter, rules)
    rows = columns.at(seen.kept)
    if rows.power_w_milli is not None and not rules.net:
        seen = without_frozen(seen, rows.requested_ns, rows.answered_ns, rows.power_w_milli, rules)
        rows = columns.at(seen.kept)
    bounds = boundaries(
        rows.requested_ns,
        rows.answered_ns,
        seen.counter,
        seen.stretch,
        rules,
        edges.earliest_ns,
        edges.latest_ns,
        rows.power_w_milli,
    )
    windows = tuple(window_energy(bounds, start, end) for start, end in edges.windows)
    uncertainties = tuple(
        _uncertainty(bounds, parameters, start, end, window.energy)
        for (start, end), window in zip(edges.windows, windows, strict=True)
    )
    return PointEnergy(windows, uncertainties, seen.anomalies)


def compile_kernels() -> None:
    """Compile the kernels, or load them from their cache, so that the first batch does not wait for it."""
    ns = np.array([0, 10, 20], dtype=np.int64)
    edge = np.array([5, 15], dtype=np.int64)
    point_energy(Columns(ns, ns, ns), Parameters(0, 0, 1, power_max_w=10**12), Edges(edge, edge, ((0, 1),)))


def _uncertainty(b: Boundaries, p: Parameters, start: int, end: int, energy: int | None) -> Uncertainty | None:
    if energy is None:
        return None
    if has_no_length(b, start, end):
        return u95(0, _instrument(b, p, start, end, 0), 0, ())
    known = MISSING not in (b.lower[start], b.upper[start], b.lower[end], b.upper[end])
    edges = [EdgeBounds(int(b.estimate[e]), int(b.lower[e]), int(b.upper[e])) for e in (start, end)] if known else None
    twice_ns = int(b.earliest_ns[end] + b.latest_ns[end]) - int(b.earliest_ns[start] + b.latest_ns[start])
    # A clock error shifts an edge along the window's mean power; rounded up. Edges of one midpoint enclose no energy to
    # shift.
    clock = -(-2 * abs(energy) * p.clock_ns // twice_ns) if twice_ns else 0
    found = u95(abs(energy), _instrument(b, p, start, end, abs(energy)), p.below + p.above, edges, clock)
    if energy < 0 and found.corrected is not None:  # a register may fall; its error is a share of what it moved by
        return replace(found, corrected=-found.corrected)
    return found


def _instrument(b: Boundaries, p: Parameters, start: int, end: int, energy: int) -> Instrument | None:
    """Limits of error at the window's load; its times are the middles of its edges."""
    if not isinstance(p.instrument, Chain):
        return p.instrument
    start_ns, end_ns = (int(b.earliest_ns[edge] + b.latest_ns[edge]) // 2 for edge in (start, end))
    return instrument_at(p.instrument, Window(energy, start_ns, end_ns, p.tan_phi_milli))


def _check_columns(columns: Columns) -> None:
    requested, answered, counter = columns.requested_ns, columns.answered_ns, columns.counter
    power = {} if columns.power_w_milli is None else {"power_w_milli": columns.power_w_milli}
    _check_int64(requested_ns=requested, answered_ns=answered, counter=counter, **power)
    _refuse(
        answered[1:] <= answered[:-1],
        1,
        "reading",
        "answered no later than the one before it: sort, keep one of equals",
    )
    _refuse(requested[1:] < requested[:-1], 1, "reading", "requested earlier than the one before it: sort by time")
    _refuse(requested > answered, 0, "reading", "answered before it was requested: correct its times")
    if counter.size:
        _check_times(int(requested[0]), int(answered[-1]))
        if max(-int(counter.min()), int(counter.max())) >= COUNTER_MOST:
            raise ValueError("counter: a value reaches 2^62 canonical units: no register of a meter counts that far")


def _check_parameters(p: Parameters) -> None:
    if not -1 <= p.age_ns <= AGE_MOST_NS:
        raise ValueError(f"age_ns is {p.age_ns}: give -1 for unknown or 0 to 2^56 ns")
    if min(p.below, p.above, p.limit, p.clock_ns, p.power_max_w or 0) < 0:
        raise ValueError(f"{p}: only age_ns may be negative")
    if max(p.below, p.above) > COUNTER_MOST // 2:
        raise ValueError(f"below is {p.below}, above is {p.above}: give a slack of at most 2^61 canonical units")


def _check_edges(edges: Edges) -> None:
    earliest, latest = edges.earliest_ns, edges.latest_ns
    _check_int64(earliest_ns=earliest, latest_ns=latest)
    _refuse(latest < earliest, 0, "edge", "its latest instant is before its earliest: swap or correct them")
    if earliest.size:
        _check_times(int(earliest.min()), int(latest.max()))


def _check_int64(**columns: IntArray) -> None:
    for name, column in columns.items():
        if column.dtype != np.int64 or column.ndim != 1:
            raise ValueError(f"{name}: {column.ndim}-dimensional {column.dtype}: give a one-dimensional int64 column")
    sizes = {name: column.size for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"columns of different lengths {sizes}: give one row per element")


def _check_times(first_ns: int, last_ns: int) -> None:
    if first_ns < 0 or last_ns > TIME_MOST_NS:
        raise ValueError(f"times from {first_ns} to {last_ns}: give ns UTC between 0 and {TIME_MOST_NS}")


def _refuse(bad: npt.NDArray[np.bool_], offset: int, what: str, why: str) -> None:
    if bad.any():
        raise ValueError(f"{what} {int(bad.argmax()) + offset}: {why}")
