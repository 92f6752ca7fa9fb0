"""A counter's readings as evidence has them: a meter's segments in, columns of raw words out, as far back as needed.

Pure. An edge rests on the last two readings answered before it: the second tells whether the last may be believed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.aggregation import derive
from agent.aggregation.counters import Counter
from agent.aggregation.power_beside import beside
from contract.segment import Column, MeterSegment, is_good


@dataclass(frozen=True, slots=True)
class Readings:
    """A counter's readings that have a value, in the order of their answers.

    `scale_raws` is empty without a scale, `conditions` but for a derived counter: what was read beside each.
    `power_w_milli` is what the meter's power was read as at about the same time, MISSING where it was not; None if the
    counter has no power beside it. So `reactive_var_milli`. `earlier` is what the instrument before this one said,
    where a hand-over reading joins the two; whatever is done with these readings, it stays beside them.
    """

    requested_ns: NDArray[np.int64]
    answered_ns: NDArray[np.int64]
    raws: tuple[int, ...]
    scale_raws: tuple[int, ...]
    conditions: tuple[tuple[int, ...], ...] = ()
    power_w_milli: NDArray[np.int64] | None = None
    reactive_var_milli: NDArray[np.int64] | None = None
    earlier: "Earlier | None" = None

    def cut(self, first: int, last: int | None = None) -> "Readings":
        """Readings `first` to `last` - 1, in arrays of their own."""
        some = slice(first, last)
        times = (self.requested_ns[some].copy(), self.answered_ns[some].copy())
        power, reactive = (None if c is None else c[some].copy() for c in (self.power_w_milli, self.reactive_var_milli))
        words = self.raws[some], self.scale_raws[some]
        return Readings(*times, *words, self.conditions[some], power, reactive, self.earlier)

    def where(self, chosen: NDArray[np.bool_]) -> "Readings":
        """The chosen readings."""
        return self.at(np.flatnonzero(chosen).tolist())

    def at(self, rows: Sequence[int]) -> "Readings":
        """Only these rows."""
        index = np.array(rows, dtype=np.intp)
        return Readings(
            self.requested_ns[index],
            self.answered_ns[index],
            tuple(self.raws[row] for row in rows),
            tuple(self.scale_raws[row] for row in rows) if self.scale_raws else (),
            tuple(self.conditions[row] for row in rows) if self.conditions else (),
            None if self.power_w_milli is None else self.power_w_milli[index],
            None if self.reactive_var_milli is None else self.reactive_var_milli[index],
            self.earlier,
        )


@dataclass(frozen=True, slots=True)
class Earlier:
    """The counter of the instrument that was here before, and its readings."""

    counter: Counter
    known: Readings


NO_TIMES = np.empty(0, dtype=np.int64)
NOTHING = Readings(NO_TIMES, NO_TIMES, (), ())


def readings(counter: Counter, segments: Iterable[MeterSegment]) -> Readings:
    """The counter's good readings in the meter's segments, which are in order of time; an uncertain one is none."""
    return joined([_read(counter, segment) for segment in segments if segment.meter == counter.meter] or [NOTHING])


def _read(counter: Counter, segment: MeterSegment) -> Readings:
    rows: list[tuple[int, int, int, int, tuple[int, ...]]] = []
    near = None if counter.derivation is None else derive.near(counter.derivation, segment)
    for block in segment.blocks:
        columns = {column.point: column for column in block.columns}
        raws = _good(columns.get(counter.spec.id))
        scales = (
            _good(columns.get(counter.spec.scale_point)) if counter.spec.scale_point else (0,) * len(block.answered_ns)
        )
        if raws is None or scales is None:
            continue
        for requested, answered, raw, scale in zip(block.requested_ns, block.answered_ns, raws, scales, strict=True):
            conditions = () if near is None else near(answered)
            if raw is not None and scale is not None and conditions is not None:
                rows.append((requested, answered, raw, scale, conditions))
    rows.sort(key=lambda row: row[1])
    requested_ns, answered_ns = (np.array([row[at] for row in rows], dtype=np.int64) for at in (0, 1))
    return Readings(
        requested_ns,
        answered_ns,
        tuple(row[2] for row in rows),
        tuple(row[3] for row in rows) if counter.spec.scale_point else (),
        tuple(row[4] for row in rows) if counter.derivation else (),
        None if counter.power is None else beside(counter.power, counter.ratio, segment, answered_ns),
        None if counter.reactive is None else beside(counter.reactive, counter.ratio, segment, answered_ns),
    )


def _good(column: Column | None) -> tuple[int | None, ...] | None:
    """A column's raw words without those that are not good."""
    if column is None or not any(column.statuses):
        return None if column is None else column.raws
    return tuple(raw if is_good(status) else None for raw, status in zip(column.raws, column.statuses, strict=True))


def joined(chunks: Sequence[Readings]) -> Readings:
    """The readings of one counter, sealed one after another, as `readings` gives them for all their segments."""
    earlier = next((chunk.earlier for chunk in chunks if chunk.earlier is not None), None)
    chunks = [chunk for chunk in chunks if chunk.raws] or chunks[:1]
    if len(chunks) == 1:
        return chunks[0] if chunks[0].earlier is earlier else replace(chunks[0], earlier=earlier)
    powers = [chunk.power_w_milli for chunk in chunks if chunk.power_w_milli is not None]
    reactive = [chunk.reactive_var_milli for chunk in chunks if chunk.reactive_var_milli is not None]
    whole = Readings(
        np.concatenate([chunk.requested_ns for chunk in chunks]),
        np.concatenate([chunk.answered_ns for chunk in chunks]),
        tuple(raw for chunk in chunks for raw in chunk.raws),
        tuple(scale for chunk in chunks for scale in chunk.scale_raws),
        tuple(one for chunk in chunks for one in chunk.conditions),
        np.concatenate(powers) if powers else None,
        np.concatenate(reactive) if reactive else None,
        earlier,
    )
    if (np.diff(whole.answered_ns) < 0).any():
        return whole.at(np.argsort(whole.answered_ns, kind="stable").tolist())
    return whole


def rests_on(answered_ns: NDArray[np.int64], at_ns: int) -> int:
    """How many readings an edge at or after `at_ns` cannot rest on.

    It rests on the last one answered by then, and on the one before it, which tells whether that one may be believed.
    """
    return max(0, int(np.searchsorted(answered_ns, at_ns, side="right")) - 2)


def reaches(answered_ns: NDArray[np.int64], at_ns: int) -> bool:
    """Whether readings go back to all that an edge at or after `at_ns` can rest on."""
    return answered_ns.size > 1 and bool(answered_ns[1] <= at_ns)


def since(known: Readings, at_ns: int) -> Readings:
    """Only what an edge at or after `at_ns` can rest on."""
    first = rests_on(known.answered_ns, at_ns)
    return known.cut(first) if first else known
