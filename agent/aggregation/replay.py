"""From evidence to amounts: a manifest's parts and a meter's segments in, what a counter counted over windows out.

Agent, gateway and verifier all compute by this one path, so the same evidence gives the same digits in each. An amount
is a function of the readings from the last but one answered before its start to the second one requested after its end
(and the register's age), and of nothing else.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agent.aggregation import derive, handover
from agent.aggregation.amount import Amount, nothing, together
from agent.aggregation.bounds import MISSING
from agent.aggregation.by_power import POWER_DISAGREES, PowerEnergy, by_power
from agent.aggregation.counter import Stretches, stretches
from agent.aggregation.counters import Counter, counters, counts_on, known_profiles
from agent.aggregation.derive import Derivation
from agent.aggregation.handover import Side, Standing, earlier
from agent.aggregation.odd_steps import Reading, is_open
from agent.aggregation.power_factor import tan_phi_milli
from agent.aggregation.readings import NO_TIMES, NOTHING, Earlier, Readings, joined, reaches, readings, rests_on, since
from agent.aggregation.record import Columns, Edges, Parameters, PointEnergy, point_energy
from agent.aggregation.window import INTERPOLATED
from agent.drivers.registers import limit_of, ones_of, scaled, scaled_column, slack

__all__ = [
    "NOTHING", "NO_TIMES", "Amount", "Counter", "Earlier", "Readings", "amounts", "counters", "counts_on", "earlier",
    "ends_of", "ends_open", "joined", "known_profiles", "moved", "reaches", "readings", "rests_on", "since",
]  # fmt: skip

BEYOND = "readings beyond computing"


def ends_open(counter: Counter, known: Readings) -> bool:
    """Whether only one more reading can tell if the last one is to be believed."""
    if len(known.raws) < 2 or len(set(known.scale_raws[-2:])) > 1:
        return False
    last = known.cut(max(0, len(known.raws) - 3))
    if last.scale_raws and last.scale_raws[0] != last.scale_raws[-1]:
        last = last.cut(1)
    scale = last.scale_raws[0] if last.scale_raws else None
    try:
        shown = scaled_column(counter.spec, last.raws, counter.ratio, last.scale_raws or None)
        rules = _parameters(counter, max(last.raws), scale).rules
    except (ValueError, ArithmeticError):
        return False
    rows = [
        Reading(*row) for row in zip(*(c.tolist() for c in (last.requested_ns, last.answered_ns, shown)), strict=True)
    ]
    return is_open(rules, rows[0] if len(rows) > 2 else None, *rows[-2:])


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
        lives = handover.lives(counter, known)
        moved_by = _shown(*lives[-1], -1) - _shown(*lives[0], 0)
        if counter.handover is not None and len(lives) > 1:
            before, after = (handover.noted(counter.handover, *lives[n], leads=n > 0)[0] for n in (0, 1))
            moved_by += before - after
        return moved_by
    _, column = _derived_column(counter, counter.derivation, known)
    return int(column.counter[-1])


def ends_of(counter: Counter, known: Readings) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """When the first and the last reading of a count were asked for and answered; None of fewer than two."""
    lives = handover.lives(counter, known)
    if sum(len(life.raws) for _, life in lives) < 2:
        return None
    (_, first), (_, last) = lives[0], lives[-1]
    return (
        (int(first.requested_ns[0]), int(first.answered_ns[0])),
        (int(last.requested_ns[-1]), int(last.answered_ns[-1])),
    )


def _shown(counter: Counter, known: Readings, row: int) -> int:
    return scaled(counter.spec, known.raws[row], counter.ratio, known.scale_raws[row] if known.scale_raws else None)


def _derived_column(counter: Counter, derivation: Derivation, known: Readings) -> tuple[Readings, Stretches]:
    """The readings that count, and the derived column over them."""
    scale = known.scale_raws[0] if known.scale_raws else None
    counted = scaled_column(counter.spec, known.raws, counter.ratio, known.scale_raws or None)
    rules = _parameters(counter, known.raws[int(counted.argmax())], scale).rules
    seen = stretches(known.requested_ns, known.answered_ns, counted, rules)
    rows = known if seen.kept is None else known.at(seen.kept.tolist())
    return rows, derive.column(derivation, seen, rows.answered_ns, rows.conditions)


def _amount(counter: Counter, known: Readings, start: tuple[int, int], end: tuple[int, int]) -> Amount:
    try:
        found = [_of_side(side, start, end) for side in handover.sides(counter, known, start, end)]
    except (ValueError, ArithmeticError):
        return nothing(BEYOND)
    return together(*found) if len(found) > 1 else found[0]


def _of_side(side: Side, start: tuple[int, int], end: tuple[int, int]) -> Amount:
    counter, known = side.counter, side.known
    age_ns = max(0, counter.age_ns)
    first = rests_on(known.answered_ns, start[0])
    # one more than the first requested after the end: it tells whether that one may be believed
    last = int(np.searchsorted(known.requested_ns, end[1] + age_ns, side="left")) + 2
    rows = _of_one_scale(known.cut(first, last), start[0], end[1] + age_ns)
    if not rows.raws:
        return nothing("no readings")
    if (np.diff(rows.answered_ns) <= 0).any() or (np.diff(rows.requested_ns) < 0).any():
        return nothing("readings out of order")
    if len(set(rows.scale_raws)) > 1:
        return nothing("scale changed")
    try:
        return _computed(counter, rows, start, end, side.standing)
    except (ValueError, ArithmeticError):  # garbage in a register: a value beyond every counter, a scale that is none
        return nothing(BEYOND)


def _of_one_scale(used: Readings, start_ns: int, end_ns: int) -> Readings:
    """Without the outermost readings that are only there to compare with, where their scale is another."""
    scales = used.scale_raws
    first = int(len(scales) > 1 and scales[0] != scales[1] and int(used.answered_ns[1]) <= start_ns)
    last = len(scales)
    if last - first > 1 and scales[-1] != scales[-2] and int(used.requested_ns[-2]) >= end_ns:
        last -= 1
    return used.cut(first, last) if scales else used


def _computed(
    counter: Counter, known: Readings, start: tuple[int, int], end: tuple[int, int], standing: Standing | None
) -> Amount:
    edges = Edges(np.array([start[0], end[0]]), np.array([start[1], end[1]]), ((0, 1),))
    if counter.derivation is None:
        result = _of_register(counter, known, edges, standing)
    else:
        rows, seen = _derived_column(counter, counter.derivation, known)
        columns = Columns(rows.requested_ns, rows.answered_ns, seen.counter)
        result = point_energy(columns, Parameters(-1, 0, 0), edges, seen)
    window = result.windows[0]
    power = _by_power(counter, known, start, end)
    disagrees = (POWER_DISAGREES,) if power is not None and not power.agrees(window) else ()
    uncertainty = None if counter.derivation else result.uncertainties[0]  # nothing is known of its instruments
    return Amount(
        window.energy,
        window.lower,
        window.upper,
        None if uncertainty is None else uncertainty.u95,
        0 if window.method_share_ppm is None else window.method_share_ppm[INTERPOLATED],
        (*(anomaly.kind for anomaly in result.anomalies), *disagrees),
        None if uncertainty is None else uncertainty.budget(),
        None if uncertainty is None else uncertainty.correction(),
        None if power is None else power.energy_wh_milli,
        None if power is None else power.slack_wh_milli,
    )


def _by_power(counter: Counter, known: Readings, start: tuple[int, int], end: tuple[int, int]) -> PowerEnergy | None:
    if known.power_w_milli is None:
        return None
    return by_power(known.requested_ns, known.answered_ns, known.power_w_milli, start, end, counter.age_ns)


def _of_register(counter: Counter, known: Readings, edges: Edges, standing: Standing | None) -> PointEnergy:
    scale = known.scale_raws[0] if known.scale_raws else None
    counted = scaled_column(counter.spec, known.raws, counter.ratio, known.scale_raws or None)
    parameters = _parameters(counter, known.raws[int(counted.argmax())], scale)
    parameters = replace(parameters, tan_phi_milli=_tan_phi_milli(known, edges))
    columns = Columns(known.requested_ns, known.answered_ns, counted, known.power_w_milli)
    if standing is None or not standing.requested_ns.size:
        return point_energy(columns, parameters, edges)
    finest = standing.finest
    widened = replace(parameters, below=parameters.below + finest, above=parameters.above + finest)
    return point_energy(_beside(columns, standing), widened, edges)


def _beside(columns: Columns, standing: Standing) -> Columns:
    """The readings, and before or after them the rows at which the register stood still; no power was read there."""
    size, way = standing.requested_ns.size, 1 if standing.leads else -1
    shown, none = np.full(size, standing.shown, np.int64), np.full(size, MISSING, np.int64)
    power = columns.power_w_milli
    return Columns(
        np.concatenate([standing.requested_ns, columns.requested_ns][::way]),
        np.concatenate([standing.answered_ns, columns.answered_ns][::way]),
        np.concatenate([shown, columns.counter][::way]),
        None if power is None else np.concatenate([none, power][::way]),
    )


def _tan_phi_milli(known: Readings, edges: Edges) -> int | None:
    if known.power_w_milli is None or known.reactive_var_milli is None:
        return None
    start, end = zip(edges.earliest_ns.tolist(), edges.latest_ns.tolist(), strict=True)
    return tan_phi_milli(
        known.requested_ns, known.answered_ns, known.power_w_milli, known.reactive_var_milli, start, end
    )


def _parameters(counter: Counter, largest_raw: int, scale: int | None) -> Parameters:
    below, above = slack(counter.spec, largest_raw, counter.ratio, scale)
    return Parameters(
        counter.age_ns,
        below,
        above,
        limit_of(counter.spec, counter.ratio, scale),
        counter.power_max_w,
        counter.instrument,
        ones=ones_of(counter.spec, counter.ratio, scale),
        net=counter.net,
    )
