"""What the kernels are held against: a bare sum of the same bytes, and data frames that do a simpler thing.

In: the same readings and windows. Out: for each peer that is installed, a function to be timed. The peers interpolate
the counter between the two readings around an edge and take differences: no wraps, no resets, no qualities, no bounds,
and 64-bit products that may overflow.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import config, njit, prange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.aggregation.bulk import Points, Windows

Energies = Callable[[], "NDArray[np.int64]"]
FRAMES = ("polars", "pandas", "duckdb")
SQL = """
with e as (select row_number() over () - 1 as n, meter, twice from edges),
     b as (select e.n, e.twice, r.twice as t0, r.counter as c0
           from e asof join r on e.meter = r.meter and e.twice >= r.twice),
     a as (select e.n, r.twice as t1, r.counter as c1
           from e asof join r on e.meter = r.meter and e.twice < r.twice)
select c0 + (c1 - c0) * (b.twice - t0) // (t1 - t0) as value from b join a using (n) order by n
"""


def _sum(
    requested_ns: NDArray[np.int64], answered_ns: NDArray[np.int64], counter: NDArray[np.int64],
    status: NDArray[np.uint32],
) -> int:  # fmt: skip
    total = 0
    for i in range(counter.size):
        total += requested_ns[i] + answered_ns[i] + counter[i] + status[i]
    return total


def _sum_in_threads(
    requested_ns: NDArray[np.int64], answered_ns: NDArray[np.int64], counter: NDArray[np.int64],
    status: NDArray[np.uint32],
) -> int:  # fmt: skip
    total = 0
    for i in prange(counter.size):
        total += requested_ns[i] + answered_ns[i] + counter[i] + status[i]
    return total


def threads_most() -> int:
    """As many threads as numba was started with."""
    return int(config.NUMBA_NUM_THREADS)


def sums(points: Points) -> tuple[Callable[[], int], Callable[[], int]]:
    """The sum of every byte that the kernels read, on one thread and on numba's; compiled."""
    columns = points[1:]
    one, several = njit(_sum), njit(parallel=True)(_sum_in_threads)
    one(*columns)
    several(*columns)
    return lambda: one(*columns), lambda: several(*columns)


def frames(points: Points, asked: Windows) -> dict[str, Energies]:
    """By name, the peers that are installed; each has the readings in its own form already."""
    meter = np.repeat(np.arange(points.first.size - 1), np.diff(points.first))
    twice = points.requested_ns + points.answered_ns
    edge_meter = np.repeat(np.arange(points.first.size - 1), np.diff(asked.first_edge))
    readings = {"meter": meter, "twice": twice, "counter": points.counter}
    edges = {"meter": edge_meter, "twice": asked.earliest_ns + asked.latest_ns}
    first = np.repeat(asked.first_edge[:-1], np.diff(asked.first))
    start, end = first + asked.between[:, 0], first + asked.between[:, 1]
    makers = {"polars": _polars, "pandas": _pandas, "duckdb": _duckdb}
    found: dict[str, Energies] = {}
    for name in FRAMES:
        if find_spec(name) is not None:
            at_edges = makers[name](importlib.import_module(name), readings, edges)
            found[name] = _differences(at_edges, start, end)
    return found


def _differences(at_edges: Energies, start: NDArray[np.int64], end: NDArray[np.int64]) -> Energies:
    def energies() -> NDArray[np.int64]:
        value = at_edges()
        return value[end] - value[start]

    return energies


def _polars(polars: Any, readings: dict[str, Any], edges: dict[str, Any]) -> Energies:  # noqa: ANN401 - may be absent
    r = polars.DataFrame(readings).set_sorted("twice")
    e = polars.DataFrame(edges)
    column = polars.col

    def at_edges() -> NDArray[np.int64]:
        before = e.join_asof(r.with_columns(t0=column("twice")), on="twice", by="meter", check_sortedness=False)
        both = before.join_asof(
            r.select("meter", "twice", t1=column("twice"), c1=column("counter")), on="twice", by="meter",
            strategy="forward", allow_exact_matches=False, check_sortedness=False,
        )  # fmt: skip
        rise = (column("c1") - column("counter")) * (column("twice") - column("t0"))
        values = both.select(value=column("counter") + rise // (column("t1") - column("t0")))
        result: NDArray[np.int64] = values["value"].to_numpy()
        return result

    return at_edges


def _pandas(pandas: Any, readings: dict[str, Any], edges: dict[str, Any]) -> Energies:  # noqa: ANN401 - may be absent
    # merge_asof wants the key sorted over all meters: that much is done beforehand
    r = pandas.DataFrame(readings).sort_values("twice", kind="stable").reset_index(drop=True)
    r["t0"] = r["twice"]
    e = pandas.DataFrame(edges).sort_values("twice", kind="stable")
    later = r.rename(columns={"t0": "t1", "counter": "c1"})
    order = np.argsort(e.index.to_numpy(), kind="stable")

    def at_edges() -> NDArray[np.int64]:
        before = pandas.merge_asof(e, r, on="twice", by="meter")
        both = pandas.merge_asof(before, later, on="twice", by="meter", direction="forward", allow_exact_matches=False)
        rise = (both["c1"] - both["counter"]) * (both["twice"] - both["t0"])
        result: NDArray[np.int64] = (both["counter"] + rise // (both["t1"] - both["t0"])).to_numpy()[order]
        return result

    return at_edges


def _duckdb(duckdb: Any, readings: dict[str, Any], edges: dict[str, Any]) -> Energies:  # noqa: ANN401 - may be absent
    connection = duckdb.connect()
    for name, columns in (("r", readings), ("edges", edges)):
        connection.register(f"{name}_columns", columns)
        connection.table(f"{name}_columns").create(name)

    def at_edges() -> NDArray[np.int64]:
        result: NDArray[np.int64] = connection.execute(SQL).fetchnumpy()["value"]
        return result

    return at_edges
