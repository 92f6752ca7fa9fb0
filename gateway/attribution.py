"""From batches and utilities to products: who used how much electricity, and what that emitted.

In: the site model, the factors, the batches' own records, the utilities' metered energy. Out: a `Statement`. Every sum
is of integers and closes exactly: what a utility's meter counted is allocated to batches or stays unallocated, nothing
else. Never: zero for a missing value, a share that no stated key explains, an incomplete batch in an intensity.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gateway import media
from gateway.batch_facts import NO_BRANCH, BatchFacts, OutputUnit, Shared, Told, distinct, facts, known_sum, late_facts
from gateway.factors import UNITS, Factor, grams_micro
from gateway.overlap import overlapping, split
from gateway.site_model import Product, SiteModel, Utility
from gateway.statement import (
    DECLARED,
    FORM,
    LABEL,
    LACKING,
    Excluded,
    FactorUsed,
    Late,
    ProductResult,
    Share,
    SharedTime,
    Statement,
    UtilityResult,
    canonical_json,
)
from gateway.summed import u95_of

__all__ = [
    "BatchFacts",
    "Told",
    "UtilityUse",
    "attribute",
    "canonical_json",
    "check_factors",
    "distinct",
    "exclusions",
    "facts",
    "late_facts",
    "split",
    "weight",
]

FOOTPRINT = "electricity-footprint"
PPM = 1_000_000
M3_MICRO = 1_000_000
INCOMPLETE, OVERLAP, NO_LINE = "incomplete", "overlaps another batch of its line", "line not in the site model"
UNSHARED = "its part of a shared time is not known"
NO_GOOD, NOT_PIECES = "good output not known", "good output is a mass, the product is declared by the piece"
NOT_MASS = "good output is in pieces, the product is declared by mass"
ASIDE, LOST = "told on a branch that is set aside", "the manifest it needs is lost"
NOT_RUN = (
    OVERLAP,
    NO_LINE,
    ASIDE,
    LOST,
)  # such a batch has no share in a utility: nothing says it ran beside the others


@dataclass(frozen=True, slots=True)
class UtilityUse:
    """A utility's own metered energy and volume over the period; None: not known."""

    utility: str
    energy_wh_milli: int | None
    volume_m3_micro: int | None


def check_factors(site: SiteModel, factors: Mapping[str, Factor]) -> list[str]:
    """What is wrong with the factor a site names: lines `key.path: problem: hint`, none if it will do."""
    factor = factors.get(site.factor)
    if factor is None:
        return [f"factor: {site.factor!r} is not among the factors given: name one of {', '.join(sorted(factors))}"]
    if factor.kind != FOOTPRINT:
        return [f"factor: {factor.id} is in {factor.unit}: a product needs a footprint factor ({UNITS[FOOTPRINT]})"]
    return list(media.problems(site, factors))


def attribute(
    site: SiteModel,
    factors: Mapping[str, Factor],
    batches: Iterable[BatchFacts],
    uses: Iterable[UtilityUse],
    from_ns: int,
    to_ns: int,
    *,
    provisional: bool,
) -> Statement:
    """Attribute the period [from_ns, to_ns). Raises ValueError if the factor will not do or a use has no utility."""
    if problems := check_factors(site, factors):
        raise ValueError("; ".join(problems))
    used = {use.utility: use for use in uses}
    if strangers := used.keys() - {utility.id for utility in site.utilities}:
        raise ValueError(f"utility {min(strangers)}: not in the site model")
    factor = factors[site.factor]
    ended = distinct(batch for batch in batches if from_ns <= batch.end_ns < to_ns)
    reasons = exclusions(site, ended)
    utilities, shares = [], []
    for utility in site.utilities:
        weights = [
            0 if reason in NOT_RUN else weight(utility, batch.line, batch.running_ns)
            for batch, reason in zip(ended, reasons, strict=True)
        ]
        result, parts = _allocate(utility, used.get(utility.id, UtilityUse(utility.id, None, None)), weights)
        utilities.append(result)
        shares.append(parts)
    rows = [
        (batch, reason, tuple(parts[index] for parts in shares))
        for index, (batch, reason) in enumerate(zip(ended, reasons, strict=True))
    ]
    products = tuple(_product(site, product, rows, factor, factors) for product in site.products)
    return Statement(
        FORM,
        site.site,
        LABEL,
        (*LACKING, *media.lacking(site, factors, [row for one in products for row in one.media])),
        provisional,
        from_ns,
        to_ns,
        _factor_used(factor),
        "not published",
        products,
        tuple(utilities),
        tuple(_excluded(site, batch, reason, parts) for batch, reason, parts in rows if reason is not None),
        tuple(_late(batch, batch.late) for batch in ended if batch.late is not None),
        tuple(row for batch in ended for row in batch.by_hand),
        tuple(_factor_used(factors[name]) for name in media.factors_used(row for one in products for row in one.media)),
        shared=tuple(_shared(batch, batch.shared) for batch in ended if batch.shared is not None),
    )


def exclusions(site: SiteModel, batches: Sequence[BatchFacts]) -> list[str | None]:
    """For each batch, in order of start, why it counts for no product, or None if it counts.

    A line runs one batch at a time, unless it declares how several share: one that begins before an earlier one has
    ended was told twice, as by a copied agent. What was told late never keeps out what an agent saw.
    """
    twice = overlapping(batches)
    return [_unfit(site, batch) or (OVERLAP if index in twice else None) for index, batch in enumerate(batches)]


def _unfit(site: SiteModel, batch: BatchFacts) -> str | None:
    if batch.branch in NO_BRANCH:
        return ASIDE if batch.branch == "aside" else LOST
    if site.line(batch.agent, batch.line) is None:
        return NO_LINE
    product = site.product(batch.product)
    if product is None:
        return "product not in the site model"
    if not batch.complete:
        return INCOMPLETE
    if batch.energy_wh_milli is None:
        return "energy not known" if batch.shared is None else UNSHARED
    return _unmeasured(batch, DECLARED[product.unit][0])


def _unmeasured(batch: BatchFacts, unit: OutputUnit) -> str | None:
    """Why a batch has no output in the unit of its product, or None if it has."""
    if batch.good(unit) is not None:
        return None
    if batch.good_one_milli is not None:
        return NOT_MASS
    return NO_GOOD if batch.good_g_milli is None else NOT_PIECES


def weight(utility: Utility, line: str, running_ns: int) -> int:
    """A batch's weight under the physical key: nominal demand of its line (cm3/min) x running time (ns)."""
    return utility.demand_m3_per_min.get(line, 0) * max(0, running_ns)


def _allocate(utility: Utility, use: UtilityUse, weights: Sequence[int]) -> tuple[UtilityResult, list[int | None]]:
    """Share a utility's energy over all batches that ran, counted or not. Without any, everything stays unallocated."""
    total, volume = use.energy_wh_milli, use.volume_m3_micro
    parts: list[int | None] = [None] * len(weights) if total is None else [*split(total, weights)]
    allocated = None if total is None else sum(part for part in parts if part is not None)
    result = UtilityResult(
        utility.id,
        utility.key,
        total,
        allocated,
        None if total is None or allocated is None else total - allocated,
        volume,
        None if total is None or not volume else _ratio(total, M3_MICRO, volume),
    )
    return result, parts


_Row = tuple[BatchFacts, str | None, tuple[int | None, ...]]


def _product(
    site: SiteModel, product: Product, rows: Sequence[_Row], factor: Factor, factors: Mapping[str, Factor]
) -> ProductResult:
    mine = [row for row in rows if row[0].product == product.id and site.line(row[0].agent, row[0].line) is not None]
    counted = [(batch, parts) for batch, reason, parts in mine if reason is None]
    batches = [batch for batch, _ in counted]
    direct = known_sum(batch.energy_wh_milli for batch in batches)
    shares = tuple(
        Share(utility.id, known_sum(parts[index] for _, parts in counted))
        for index, utility in enumerate(site.utilities)
    )
    energy = known_sum([direct, *(share.energy_wh_milli for share in shares)])
    unit, per = DECLARED[product.unit]
    good, scrap = known_sum(batch.good(unit) for batch in batches), known_sum(batch.scrap(unit) for batch in batches)
    electricity = None if energy is None else grams_micro(energy, factor)
    used = media.results(site, factors, [batch.media for batch in batches])
    emitted = known_sum([electricity, *(row.co2e_g_micro for row in used if row.factor is not None)])
    measured = None if energy is None or direct is None or energy == 0 else _ratio(direct, PPM, energy)
    return ProductResult(
        product=product.id,
        unit=product.unit,
        batches=len(counted),
        incomplete=sum(reason == INCOMPLETE for _, reason, _ in mine),
        excluded=len(mine) - len(counted),
        direct_wh_milli=direct,
        direct_lower_wh_milli=known_sum(batch.lower for batch in batches),
        direct_upper_wh_milli=known_sum(batch.upper for batch in batches),
        direct_u95_wh_milli=_u95(batches),
        utilities=shares,
        energy_wh_milli=energy,
        good_g_milli=good if unit == "g_milli" else None,
        scrap_g_milli=scrap if unit == "g_milli" else None,
        wh_milli_per_unit=_ratio(energy, per, good) if energy is not None and good else None,
        co2e_g_micro=emitted,
        co2e_g_micro_per_unit=_ratio(emitted, per, good) if emitted is not None and good else None,
        measured_ppm=measured,
        allocated_ppm=None if measured is None else PPM - measured,
        media=used,
        electricity_co2e_g_micro=electricity if used else None,
        good_one_milli=good if unit == "one_milli" else None,
        scrap_one_milli=scrap if unit == "one_milli" else None,
    )


def _excluded(site: SiteModel, batch: BatchFacts, reason: str, parts: Iterable[int | None]) -> Excluded:
    shares = tuple(Share(utility.id, part) for utility, part in zip(site.utilities, parts, strict=True))
    return Excluded(
        batch.agent,
        batch.line,
        batch.batch,
        batch.product,
        batch.start_ns,
        batch.end_ns,
        reason,
        batch.energy_wh_milli,
        shares,
        media.shares(site, batch.media),
    )


def _late(batch: BatchFacts, told: Told) -> Late:
    return Late(batch.agent, batch.line, batch.batch, told.author, told.reason, batch.end_ns, told.told_ns)


def _shared(batch: BatchFacts, how: Shared) -> SharedTime:
    return SharedTime(
        batch.agent,
        batch.line,
        batch.batch,
        batch.product,
        batch.start_ns,
        batch.end_ns,
        how.key,
        how.beside,
        how.whole_wh_milli,
        batch.energy_wh_milli,
        how.why,
    )


def _factor_used(factor: Factor) -> FactorUsed:
    source = factor.source
    words: Iterator[str | None] = iter((source.title, source.issuer, source.number, source.date.isoformat()))
    text = ", ".join(word for word in words if word)
    return FactorUsed(factor.id, factor.kind, factor.value, factor.unit, factor.region, factor.reference_period, text)


def _u95(batches: Sequence[BatchFacts]) -> int | None:
    """U95 of the batches' energies together: linear where one of them does not say what it rests on."""
    if not all(batch.errors for batch in batches):
        return known_sum(batch.u95 for batch in batches)
    return u95_of([error for batch in batches for error in batch.errors])


def _ratio(value: int, times: int, by: int) -> int:
    """Compute value x times / by, rounded half to even once."""
    return round(Fraction(value * times, by))
