"""Carriers other than electricity in a statement: who used how much gas, steam, heat, water or fuel, and its emissions.

In: the site model, the factors, what batches' records say of their media. Out: rows of a `ProductResult`, and by name
what a result lacks. Pure. Only footprint factors enter a product's emissions. Where there is none the amount stands
without emissions and the statement says so; a CO2 factor never stands in, and no basis is converted into another.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.aggregation.gas import REFERENCES_K_MILLI
from agent.aggregation.replay import Counter
from contract.records import AmountPart
from gateway.factors import UNITS, Factor, medium_grams_micro
from gateway.site_model import Medium, SiteModel
from gateway.statement import MediumResult, MediumShare

BASES = {"m3": ("reference_degc",), "GJ": ("heating_value", "heating_value_degc")}
BASES["kWh"] = BASES["GJ"]


@dataclass(frozen=True, slots=True)
class MediumAmount:
    """What one counter counted for a batch, in its canonical unit; None: not known."""

    agent: str
    meter: str
    point: str
    unit: str
    amount: int | None
    lower: int | None
    upper: int | None
    u95: int | None

    @property
    def name(self) -> str:
        """What it is called where the site model does not name its medium."""
        return f"{self.agent}/{self.meter}/{self.point}"


def of_batch(agent: str, amounts: Iterable[AmountPart]) -> tuple[MediumAmount, ...]:
    """The media among a batch's amounts."""
    return tuple(
        MediumAmount(agent, one.meter, one.point, one.unit, one.amount, one.lower, one.upper, one.u95)
        for one in amounts
        if one.role == "medium"
    )


def problems(site: SiteModel, factors: Mapping[str, Factor]) -> Iterator[str]:
    """What is wrong with the factors of a site's media: lines `key.path: problem: hint`."""
    for medium in site.media:
        if medium.factor is None:
            continue
        at, factor = f"medium.{medium.id}.factor", factors.get(medium.factor)
        if factor is None:
            yield f"{at}: {medium.factor!r} is not among the factors given: name one of {', '.join(sorted(factors))}"
        elif factor.kind in UNITS:
            yield f"{at}: {factor.id} is of electricity: name one of a fuel, of heat or of supply"
        elif factor.kind == "fuel-footprint":
            for key in BASES.get(factor.per, ()):
                counted, meant = getattr(medium, key), getattr(factor, key)
                if counted != meant:
                    yield (
                        f"{at}: {factor.id} is per {factor.per} with {key} = {meant!r}, the medium says {counted!r}:"
                        f" state by what it counts in medium.{medium.id}.{key}, and name a factor of that basis"
                    )


def mixed(site: SiteModel, stated: Iterable[tuple[str, Counter]]) -> Iterator[str]:
    """Where an agent counts gas at other reference conditions than its medium declares; `stated` in order of time.

    A register of which no profile says anything is taken for what the site model declares.
    """
    last = {(agent, counter.meter, counter.point): _reference_degc(counter) for agent, counter in stated}
    for medium in site.media:
        for ref in medium.counters:
            counted = last.get((ref.agent, ref.meter, ref.point))
            if None not in (counted, medium.reference_degc) and counted != medium.reference_degc:
                yield (
                    f"medium.{medium.id}.reference_degc: {medium.reference_degc}: {ref.agent} counts {ref.meter}."
                    f"{ref.point} at {counted} degC: make them agree"
                )


def _reference_degc(counter: Counter) -> int | None:
    """The temperature a counter's cubic metres are at, if anybody says; a derived counter's formulation does."""
    if counter.derivation is None:
        return counter.spec.reference_degc
    kelvin_milli = counter.derivation.part.reference_k_milli
    return next((degc for degc, known in REFERENCES_K_MILLI.items() if known == kelvin_milli), None)


def results(
    site: SiteModel, factors: Mapping[str, Factor], batches: Sequence[Sequence[MediumAmount]]
) -> tuple[MediumResult, ...]:
    """One row for each medium and unit that the batches counted: those of the site model in its order, then others."""
    rows: dict[tuple[int, str, str], list[list[MediumAmount]]] = {}
    for batch in batches:
        mine: dict[tuple[int, str, str], list[MediumAmount]] = {}
        for one in batch:
            place, name = _placed(site, one)
            mine.setdefault((place, name, one.unit), []).append(one)
        for key, amounts in mine.items():
            rows.setdefault(key, []).append(amounts)
    return tuple(_row(site, factors, key, rows[key]) for key in sorted(rows))


def shares(site: SiteModel, amounts: Iterable[MediumAmount]) -> tuple[MediumShare, ...]:
    """What a batch that no product counts used."""
    return tuple(MediumShare(_placed(site, one)[1], one.unit, one.amount) for one in amounts)


def lacking(site: SiteModel, factors: Mapping[str, Factor], rows: Sequence[MediumResult]) -> tuple[str, ...]:
    """By name, every medium that the results' emissions are without, and why."""
    told = [f"{row.medium}: {_why(site, factors, row)}" for row in rows if row.factor is None]
    counted = {row.medium for row in rows}
    told += [f"{medium.id}: counted in no batch" for medium in site.media if medium.id not in counted]
    return tuple(dict.fromkeys(told))


def factors_used(rows: Iterable[MediumResult]) -> tuple[str, ...]:
    """The factors behind the rows, each once, in their order."""
    return tuple(dict.fromkeys(row.factor for row in rows if row.factor is not None))


def _placed(site: SiteModel, one: MediumAmount) -> tuple[int, str]:
    for place, medium in enumerate(site.media):
        if any((ref.agent, ref.meter, ref.point) == (one.agent, one.meter, one.point) for ref in medium.counters):
            return place, medium.id
    return len(site.media), one.name


def _row(
    site: SiteModel, factors: Mapping[str, Factor], key: tuple[int, str, str], batches: Sequence[Sequence[MediumAmount]]
) -> MediumResult:
    place, name, unit = key
    amounts = [one for batch in batches for one in batch]
    amount = _sum(one.amount for one in amounts)
    factor = _factor(site.media[place], factors) if place < len(site.media) else None
    if factor is not None and medium_grams_micro(0, unit, factor) is None:
        factor = None
    return MediumResult(
        name,
        unit,
        len(batches),
        amount,
        _sum(one.lower for one in amounts),
        _sum(one.upper for one in amounts),
        _sum(one.u95 for one in amounts),
        None if factor is None else factor.id,
        None if factor is None or amount is None else medium_grams_micro(amount, unit, factor),
    )


def _factor(medium: Medium, factors: Mapping[str, Factor]) -> Factor | None:
    """The medium's factor, if it may enter a footprint."""
    factor = None if medium.factor is None else factors[medium.factor]
    return factor if factor is not None and factor.is_footprint else None


def _why(site: SiteModel, factors: Mapping[str, Factor], row: MediumResult) -> str:
    medium = next((one for one in site.media if one.id == row.medium), None)
    if medium is None or medium.factor is None:
        return "no footprint factor"
    factor = factors[medium.factor]
    if not factor.is_footprint:
        return f"no footprint factor, {factor.id} is CO2 only"
    return f"no footprint factor, {factor.id} is per {factor.per} and this is in {row.unit}"


def _sum(values: Iterable[int | None]) -> int | None:
    """The sum; None if one of the values is not known."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)
