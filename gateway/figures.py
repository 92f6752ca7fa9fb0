"""The figures of the moment, for pages and API alike, so that both show the same digits.

In: the live state, the site model, the factors, an instant. Out: frozen records of integers. Shares of utilities are
those of the period so far and provisional; where a rate is not known yet, a figure says it is direct energy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from gateway.attribution import NOT_RUN, BatchFacts, attribute, exclusions, weight
from gateway.factors import Factor, grams_micro
from gateway.live import LiveState
from gateway.live_message import MeterNow, RunningNow
from gateway.overlap import shared
from gateway.site_model import Line, SiteModel
from gateway.statement import DECLARED, Statement

NS = 10**9
ALL_TIME = -(2**63), 2**63 - 1
GOOD_NS, STALE_NS = 5 * NS, 60 * NS
BAD, BAD_NO_DATA = 0x80000000, 0x809B0000
SAME_PPM = 5_000  # smaller differences are "about the same", and so are those within a figure's uncertainty


@dataclass(frozen=True, slots=True)
class Intensity:
    """Per declared unit of good output: energy, emissions, and energy's relative expanded uncertainty if known.

    `utility_ppm` is the part that was allocated; None if no utility could be shared yet: direct energy only.
    """

    unit: str
    wh_milli_per_unit: int
    co2e_g_micro_per_unit: int
    utility_ppm: int | None
    u95_ppm: int | None


@dataclass(frozen=True, slots=True)
class BatchFigure:
    """A batch with its intensity, or the reason why it has none."""

    facts: BatchFacts
    intensity: Intensity | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class LineNow:
    """A line: what runs, its intensity so far, and the last good batch of the same product there to hold it against.

    `heard` is False if the agent told nothing lately: then nothing is known of what runs. `difference_ppm` is now
    against last, `same` if that is within what can be told apart; `last` is the newest batch that counts, of any
    product, while nothing runs.
    """

    line: Line
    heard: bool
    running: RunningNow | None
    now: Intensity | None
    last: BatchFigure | None
    difference_ppm: int | None
    same: bool
    batches: tuple[BatchFigure, ...]


@dataclass(frozen=True, slots=True)
class MeterSeal:
    """A meter and how far its data can be trusted now: good, stale, lost or unheard; `age_ns` None: never answered."""

    agent: str
    meter: str
    model: str
    serial: str
    serial_is: str
    seal: str
    age_ns: int | None
    power_w_milli: int | None
    status: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What follows from a state and does not change with every second: the statement and the utilities' rates.

    `rates` in mWh per unit of weight (cm3/min x ns); only utilities whose metered energy and batches are known.
    """

    statement: Statement
    rates: Mapping[str, Fraction]
    batches: tuple[BatchFigure, ...]


def figures(state: LiveState, site: SiteModel, factors: Mapping[str, Factor]) -> Figures:
    """The provisional statement of the current period, and every remembered batch with its intensity.

    What batches that ran at once took of their line only a statement says: no readings of lines are remembered here.
    """
    in_order = shared(state.batches, None, *ALL_TIME)
    statement = attribute(site, factors, in_order, state.uses(), state.from_ns, state.to_ns, provisional=True)
    reasons = exclusions(site, in_order)
    rates: dict[str, Fraction] = {}
    for utility, use in zip(site.utilities, statement.utilities, strict=True):
        whole = sum(
            weight(utility, b.line, b.running_ns)
            for b, reason in zip(in_order, reasons, strict=True)
            if reason not in NOT_RUN and state.from_ns <= b.end_ns < state.to_ns
        )
        if use.metered_wh_milli is not None and whole:
            rates[utility.id] = Fraction(use.metered_wh_milli, whole)
    factor = factors[site.factor]
    found = tuple(
        BatchFigure(b, None if reason else _of_batch(b, site, factor, rates), reason)
        for b, reason in zip(in_order, reasons, strict=True)
    )
    return Figures(statement, rates, found)


def lines_now(state: LiveState, given: Figures, site: SiteModel, factor: Factor, at_ns: int) -> tuple[LineNow, ...]:
    """Every line of the site at an instant, in the site's order."""
    return tuple(_line_now(state, given, site, factor, line, at_ns) for line in site.lines)


def seals(state: LiveState, at_ns: int) -> tuple[MeterSeal, ...]:
    """Every meter that a manifest names, by agent, in the manifest's order."""
    found: list[MeterSeal] = []
    for agent, manifest in sorted(state.manifests.items()):
        heard = state.heard.get(agent)
        told = {} if heard is None else {meter.meter: meter for meter in heard.message.meters}
        for kind in manifest.meters:
            now = told.get(kind.meter)
            age_ns = None
            if heard is not None and now is not None and now.answered_ns:
                age_ns = max(0, at_ns - heard.at_ns) + max(0, heard.message.at_ns - now.answered_ns)
            power = None if now is None or kind.power is None else now.values.get(kind.power)
            status = None if now is None else now.status
            seal = "unheard" if heard is None or now is None else _seal(now, age_ns)
            fresh = power if seal == "good" else None
            found.append(
                MeterSeal(agent, kind.meter, kind.model, kind.serial, kind.serial_is, seal, age_ns, fresh, status)
            )
    return tuple(found)


def intensity(
    site: SiteModel, factor: Factor, product: str, energy: tuple[int, int | None, int | None], good: tuple[int, str]
) -> Intensity | None:
    """Intensity of (direct energy, utilities' share, u95 of the direct energy) over good output in a canonical unit.

    None without good output, or where it is in another unit than the product's.
    """
    known = site.product(product)
    direct, share, u95 = energy
    if known is None or good[0] <= 0 or good[1] != DECLARED[known.unit][0] or direct < 0:
        return None
    total, per = direct + (share or 0), DECLARED[known.unit][1]
    return Intensity(
        known.unit,
        round(Fraction(total * per, good[0])),
        round(Fraction(grams_micro(total, factor) * per, good[0])),
        None if share is None else round(Fraction(share * 10**6, total)) if total else 0,
        None if u95 is None or not total else round(Fraction(u95 * 10**6, total)),
    )


def _of_batch(batch: BatchFacts, site: SiteModel, factor: Factor, rates: Mapping[str, Fraction]) -> Intensity | None:
    product = site.product(batch.product)
    unit = "g_milli" if product is None else DECLARED[product.unit][0]
    good = batch.good(unit)
    if batch.energy_wh_milli is None or good is None:
        return None
    share = _share(site, rates, batch.line, batch.running_ns)
    return intensity(site, factor, batch.product, (batch.energy_wh_milli, share, batch.u95), (good, unit))


def _share(site: SiteModel, rates: Mapping[str, Fraction], line: str, running_ns: int) -> int | None:
    """A batch's provisional part of all utilities; None if one that the line uses has no rate yet, or it uses none."""
    users = [utility for utility in site.utilities if utility.demand_m3_per_min.get(line)]
    if not users or any(utility.id not in rates for utility in users):
        return None
    return round(sum(rates[utility.id] * weight(utility, line, running_ns) for utility in users))


def _line_now(state: LiveState, given: Figures, site: SiteModel, factor: Factor, line: Line, at_ns: int) -> LineNow:
    heard = state.heard.get(line.agent)
    fresh = heard is not None and at_ns - heard.at_ns < STALE_NS
    told = heard.message.running if heard is not None and fresh else []
    running = next((one for one in told if one.line == line.id), None)
    mine = [one for one in given.batches if (one.facts.agent, one.facts.line) == (line.agent, line.id)]
    counting = [one for one in mine if one.intensity is not None]
    last = next((one for one in reversed(counting) if running is None or one.facts.product == running.product), None)
    now = None
    if running is not None and heard is not None:
        now = _of_running(running, site, factor, given.rates, heard.message.at_ns)
    difference = None
    if now is not None and last is not None and last.intensity is not None and last.intensity.co2e_g_micro_per_unit:
        before = last.intensity.co2e_g_micro_per_unit
        difference = round(Fraction((now.co2e_g_micro_per_unit - before) * 10**6, before))
    return LineNow(line, fresh, running, now, last, difference, _same(difference, now, last), tuple(mine))


def _same(difference_ppm: int | None, now: Intensity | None, last: BatchFigure | None) -> bool:
    blurs = [one.u95_ppm or 0 for one in (now, None if last is None else last.intensity) if one is not None]
    return difference_ppm is not None and abs(difference_ppm) <= max(SAME_PPM, *blurs, 0)


def _of_running(
    running: RunningNow, site: SiteModel, factor: Factor, rates: Mapping[str, Fraction], agent_ns: int
) -> Intensity | None:
    """Intensity so far, in the agent's own time: start and now are told by the same clock."""
    if running.energy is None or running.energy.amount is None or running.good is None or running.good.amount is None:
        return None
    if running.beside:
        return None  # what is counted is that of all that run
    share = _share(site, rates, running.line, agent_ns - running.start_ns)
    low, high = running.energy.lower, running.energy.upper
    half = None if low is None or high is None else max(0, high - low + 1) // 2
    good = (running.good.amount, running.good.unit or "g_milli")
    return intensity(site, factor, running.product, (running.energy.amount, share, half), good)


def _seal(now: MeterNow, age_ns: int | None) -> str:
    """A point that a meter says it does not have (BadNoData) takes nothing from the others."""
    bad = now.status >= BAD and not (now.status == BAD_NO_DATA and now.values)
    if age_ns is None or age_ns >= STALE_NS or (bad and not now.values):
        return "lost"
    return "good" if age_ns < GOOD_NS and not bad else "stale"
