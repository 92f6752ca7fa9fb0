"""Energies of many points over whole columns at once: readings and windows in, columns of figures out.

For periods of a plant rather than single batches. One compiled pass per point finds whether its counter ever does what
a running counter never does; only then do the exact rules of `counter` take that point, so that every figure has the
digits that `record.point_energy` gives for the readings of good status. Unsound readings cost their own point its
figures and no other. No uncertainties: they are made per window, by `record`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agent.aggregation.counter import Anomaly, stretches
from agent.aggregation.record import Columns, Edges, Parameters, point_energy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.aggregation.counter import IntArray

_NONE = np.empty(0, np.int64)
_NO_READINGS, _NO_EDGES = Columns(_NONE, _NONE, _NONE), Edges(_NONE, _NONE, ())


class Points(NamedTuple):
    """Readings of points one after another: those of point p are first[p]:first[p + 1] of every column.

    As `record.Columns` has them, and the OPC UA status of each (uint32).
    """

    first: IntArray
    requested_ns: IntArray
    answered_ns: IntArray
    counter: IntArray
    status: NDArray[np.uint32]


class Windows(NamedTuple):
    """What is asked of the points, one after another.

    Edges of point p are first_edge[p]:first_edge[p + 1], its windows first[p]:first[p + 1]; `between` has a row per
    window: the numbers of its start and its end among the edges of its point.
    """

    first_edge: IntArray
    earliest_ns: IntArray
    latest_ns: IntArray
    first: IntArray
    between: IntArray


@dataclass(frozen=True, slots=True)
class Energies:
    """A row per window in every column, in the counters' canonical units; MISSING (of `window`) where nothing is known.

    As in `energy.WindowEnergy`; `measured_ppm` is -1 where the energy is not known. `anomalies` and `refused`, with the
    reason, hold the points that have any; `index` of an anomaly counts all readings of the point.
    """

    energy: IntArray
    lower: IntArray
    upper: IntArray
    measured_ppm: IntArray
    complete: IntArray
    anomalies: Mapping[int, tuple[Anomaly, ...]]
    refused: Mapping[int, str]


def energies(points: Points, declared: Sequence[Parameters], asked: Windows, threads: int = 1) -> Energies:
    """Energies, bounds, shares and anomalies of every point, `declared` each, over as many threads as are asked for.

    Raises ValueError as `record.point_energy` does for parameters, edges and windows, and for columns that are not
    int64 or do not fit together.
    """
    from agent.aggregation import kernels_bulk as kernels  # noqa: PLC0415 - numba is paid for when needed, as in `window`

    _check(points, declared, asked)
    rows = np.array([_row(p) for p in declared], np.int64).reshape(-1, kernels.DECLARED)
    out = np.empty((asked.between.shape[0], 5), np.int64)
    verdicts = np.empty(len(declared), np.int64)
    if threads == 1:
        kernels.each(points, rows, asked, out, verdicts)
    else:
        kernels.set_threads(threads)
        kernels.each_in_threads(points, rows, asked, out, verdicts)
    anomalies: dict[int, tuple[Anomaly, ...]] = {}
    refused: dict[int, str] = {}
    for at in np.flatnonzero(verdicts != kernels.CLEAN).tolist():
        edges = _edges(asked, at)
        if verdicts[at] == kernels.REFUSED:
            point_energy(_NO_READINGS, declared[at], edges)  # raises, and says why
        figures = out[asked.first[at] : asked.first[at + 1]]
        try:
            found = _exactly(points, at, declared[at], edges, figures)
        except ValueError as error:
            refused[at], figures[:] = str(error), kernels.NOTHING
            continue
        if found:
            anomalies[at] = found
    energy, lower, upper, measured_ppm, complete = out.T
    return Energies(energy, lower, upper, measured_ppm, complete, anomalies, refused)


def _exactly(points: Points, at: int, p: Parameters, edges: Edges, figures: IntArray) -> tuple[Anomaly, ...]:
    """Fill in the figures of one point as `record` makes them of its good readings; its anomalies.

    Raises ValueError: unsound readings.
    """
    from agent.aggregation import kernels_bulk as kernels  # noqa: PLC0415 - as above

    mine = slice(points.first[at], points.first[at + 1])
    requested_ns, answered_ns, counter = (column[mine] for column in points[1:4])
    good = np.flatnonzero(points.status[mine] <= kernels.GOOD_MOST)
    known = Columns(requested_ns, answered_ns, counter).at(good if good.size < counter.size else None)
    seen = stretches(known.requested_ns, known.answered_ns, known.counter, p.rules)
    point_energy(known, p, _NO_EDGES, seen)  # refuses what is unsound
    rows = known.at(seen.kept)
    readings = kernels.Readings(rows.requested_ns, rows.answered_ns, seen.counter, seen.stretch)
    between = np.array(edges.windows, np.int64).reshape(-1, 2)
    asked = kernels.Asked(edges.earliest_ns, edges.latest_ns, between)
    kernels.windows_of(readings, np.array(_row(p), np.int64), asked, figures)
    return tuple(replace(anomaly, index=int(good[anomaly.index])) for anomaly in seen.anomalies)


def _edges(asked: Windows, at: int) -> Edges:
    """What is asked of one point."""
    edges = slice(asked.first_edge[at], asked.first_edge[at + 1])
    between = asked.between[asked.first[at] : asked.first[at + 1]].tolist()
    return Edges(asked.earliest_ns[edges], asked.latest_ns[edges], tuple((start, end) for start, end in between))


def _row(p: Parameters) -> tuple[int, ...]:
    power_max_w = -1 if p.power_max_w is None else p.power_max_w
    return -1 if p.net else p.age_ns, p.below, p.above, power_max_w, p.limit, p.ones, p.net


def _check(points: Points, declared: Sequence[Parameters], asked: Windows) -> None:
    """Refuse what would make a kernel read beyond a column, or another number than what stands there."""
    for p in dict.fromkeys(declared):
        point_energy(_NO_READINGS, p, _NO_EDGES)
    for name, column in (points._asdict() | asked._asdict()).items():
        kind, shape = np.uint32 if name == "status" else np.int64, (2,) if name == "between" else ()
        if column.dtype != kind or column.ndim != 1 + len(shape) or column.shape[1:] != shape:
            raise ValueError(
                f"{name}: {column.ndim}-dimensional {column.dtype}: give {kind.__name__}, a row per element"
            )
    parts = ((points.first, points[1:]), (asked.first_edge, asked[1:3]), (asked.first, asked[4:]))
    for first, columns in parts:
        sizes = {column.shape[0] for column in columns}
        if first.size != len(declared) + 1 or first[0] != 0 or (np.diff(first) < 0).any() or sizes != {int(first[-1])}:
            raise ValueError(
                f"{len(declared)} points, columns of {sizes} rows, parts that begin at {first}: give every point a part"
            )
