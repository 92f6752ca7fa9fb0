"""Uncertainty of a sum of metered energies: what each amount's record says of its errors in, one U95 out.

One meter's limit of error is the same error in all its batches and registers, so it adds linearly; so do its
transformers' and its certificate's. Neighbouring batches share an edge, whose error is added to the one and taken from
the other: inside the sum it is gone. Everything else, and other meters, are independent. Never: a known part for an
unknown one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.aggregation.convolve import half_width_95
from agent.aggregation.uncertainty import root_up
from contract.budget import Budget
from contract.records import AmountPart, BatchPart

LINEAR = ("meter", "ct", "pt", "phase")
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MeterError:
    """What is known of one energy amount's error: its edges, U95 and budget; None: not known, or not stated."""

    agent: str
    meter: str
    point: str
    start_ns: Interval
    end_ns: Interval
    u95: int | None
    budget: Budget | None


def meter_error(agent: str, batch: BatchPart, amount: AmountPart) -> MeterError:
    """The error of an amount, as its record states it."""
    start, end = ((edge.earliest_ns, edge.latest_ns) for edge in (batch.start, batch.end))
    return MeterError(agent, amount.meter, amount.point, start, end, amount.u95, amount.uncertainty)


def u95_of(errors: Sequence[MeterError]) -> int | None:
    """U95 of the sum of the amounts; None for nothing at all, or if one of them is not known.

    Amounts whose records do not state their parts add linearly to whatever the others come to.
    """
    known = [one.u95 for one in errors if one.u95 is not None]
    if not errors or len(known) < len(errors):
        return None
    if len(errors) == 1:
        return known[0]
    linear = sum(one.u95 or 0 for one in errors if one.budget is None)
    meters: dict[tuple[str, str], list[MeterError]] = {}
    counters: dict[tuple[str, str, str], list[MeterError]] = {}
    for one in errors:
        if one.budget is not None:
            meters.setdefault((one.agent, one.meter), []).append(one)
            counters.setdefault((one.agent, one.meter, one.point), []).append(one)
    widths = [width for mine in meters.values() for width in _linear(mine)]
    widths += [width for mine in counters.values() for width in (*_edges(mine), *_clocks(mine))]
    sigmas = [sum(_known(one.budget.certificate) for one in mine if one.budget) for mine in meters.values()]
    offset = sum(_known(one.budget.offset) for one in errors if one.budget)
    return linear + half_width_95(widths, sigmas, offset)


def _linear(mine: Iterable[MeterError]) -> list[int]:
    """Widths of the errors that are one through all batches of a meter."""
    budgets = [one.budget for one in mine]
    sums = [sum(_known(getattr(budget, part)) for budget in budgets) for part in LINEAR]
    return [root_up(12 * total * total, 1) for total in sums]


def _edges(mine: Iterable[MeterError]) -> list[int]:
    """Widths of the counter's errors at the edges, by how often each is added less how often it is taken away.

    A rectangle's width squared is twelve times its variance: the edge's own, and half of the resolution of both edges.
    """
    counts: dict[Interval, int] = {}
    squares: dict[Interval, int] = {}
    for one in mine:
        if one.budget is None:
            continue
        step = 6 * one.budget.resolution**2
        for edge, own, sign in ((one.start_ns, one.budget.start, -1), (one.end_ns, one.budget.end, 1)):
            counts[edge] = counts.get(edge, 0) + sign
            squares[edge] = max(squares.get(edge, 0), 12 * _known(own) ** 2 + step)
    return [root_up(counts[edge] ** 2 * squares[edge], 1) for edge in counts if counts[edge]]


def _clocks(mine: Iterable[MeterError]) -> list[int]:
    """Two rectangles for each batch."""
    found = [one.budget.clock for one in mine if one.budget is not None and one.budget.clock]
    return [width for clock in found for width in [root_up(6 * clock * clock, 1)] * 2]


def _known(part: int | None) -> int:
    """A part of a budget whose U95 is known, and with it every part."""
    return part or 0
