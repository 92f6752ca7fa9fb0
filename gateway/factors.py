"""Emission factors: immutable figures with their source, region, reference period, basis and validity.

In: the bytes of a publication's file (TOML: one `source`, any number of `[[factor]]`). Out: checked `Factor`s, and
emissions as integers. Never: a float, a factor without a source, or a sum over two bases. A life-cycle footprint
(kgCO2e) and a CO2 emission factor (kgCO2) are different kinds and never stand in for each other.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contract.problems import Problems, parse_toml
from contract.topics import check_name

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
UNITS = {"electricity-footprint": "kgCO2e/kWh", "electricity-co2": "kgCO2/kWh"}
# Of what else is counted. A fuel's footprint holds its burning and what lies upstream; `supply` is water, bought air.
MEDIA_UNITS = {
    "fuel-footprint": ("kgCO2e/m3", "kgCO2e/kg", "kgCO2e/GJ", "kgCO2e/kWh"),
    "fuel-co2": ("kgCO2/m3", "kgCO2/kg", "kgCO2/GJ", "kgCO2/kWh"),
    "heat-footprint": ("kgCO2e/GJ", "kgCO2e/kWh"),
    "heat-co2": ("kgCO2/GJ", "kgCO2/kWh"),
    "supply-footprint": ("kgCO2e/m3", "kgCO2e/kg"),
}
# unit of a factor's denominator -> canonical unit -> how many of them it is (1 kWh = 3.6 MJ)
PER: dict[str, dict[str, Fraction]] = {
    "m3": {"m3_micro": Fraction(10**6)},
    "kg": {"g_milli": Fraction(10**6)},
    "GJ": {"j": Fraction(10**9), "wh_milli": Fraction(10**12, 3600)},
    "kWh": {"j": Fraction(3_600_000), "wh_milli": Fraction(10**6)},
}
G_MICRO_PER_KG, WH_MILLI_PER_KWH = 10**9, 10**6


def _figure(text: str) -> str:
    if not all(part.isascii() and part.isdigit() for part in text.split(".")) or text.count(".") > 1:
        raise ValueError('write the figure as published, such as "0.5777"')
    if Decimal(text) <= 0:
        raise ValueError("must be greater than zero")
    return text


Text = Annotated[str, Len(1, 2000)]
Mix = Literal["grid average", "grid average without traded non-fossil", "fossil", "wind", "photovoltaic", "biomass"]
Kind = Literal[
    "electricity-footprint", "electricity-co2",
    "fuel-footprint", "fuel-co2", "heat-footprint", "heat-co2", "supply-footprint",
]  # fmt: skip
Unit = Literal[
    "kgCO2e/kWh", "kgCO2/kWh", "kgCO2e/m3", "kgCO2/m3", "kgCO2e/kg", "kgCO2/kg", "kgCO2e/GJ", "kgCO2/GJ"
]  # fmt: skip
Figure = Annotated[str, Len(1, 20), AfterValidator(_figure)]
Name = Annotated[str, AfterValidator(check_name)]


class Source(BaseModel):
    """Where figures were published, and by which carrier they were read; `number` is None where it was not read."""

    model_config = STRICT
    title: Text
    issuer: Text
    number: Text | None = None
    date: date
    carrier: Text
    url: Text | None = None


class Entry(BaseModel):
    """One figure as its publication's file states it.

    `mix` is electricity's. `reference_degc`: a cubic metre at this temperature and 101.325 kPa. `heating_value`: which
    one a fuel's energy is counted by, and the combustion's reference temperature. None: the publication does not say.
    """

    model_config = STRICT
    id: Name
    kind: Kind
    mix: Mix | None = None
    value: Figure
    unit: Unit
    reference_degc: Literal[0, 15, 20] | None = None
    heating_value: Literal["gross", "net"] | None = None
    heating_value_degc: Literal[0, 15, 20, 25] | None = None
    region: Text
    reference_period: Annotated[str, Field(pattern=r"^\d{4}$")]
    valid_from: date
    valid_to: date | None = None
    gwp_set: Text
    tier: Literal["public", "controlled", "confidential"]
    notes: str = ""

    @property
    def per(self) -> str:
        """What it is a figure for one of: m3, kg, GJ or kWh."""
        return self.unit.partition("/")[2]

    @property
    def is_footprint(self) -> bool:
        """Whether it may enter a product's footprint."""
        return self.kind.endswith("-footprint")


FIGURE = (
    "kind", "mix", "value", "unit", "region", "reference_period", "gwp_set",
    "reference_degc", "heating_value", "heating_value_degc",
)  # fmt: skip


class Factor(Entry):
    """A figure with its source. It may be used from the day `valid_from` to the day `valid_to` (None: open)."""

    source: Source


class Publication(BaseModel):
    """A file: one source and its figures."""

    model_config = STRICT
    source: Source
    factors: tuple[Entry, ...] = Field(alias="factor", min_length=1, strict=False)


def parse(data: bytes) -> tuple[Factor, ...]:
    """Read a publication's file.

    Raises Problems (a ValueError) whose lines each read `key.path: problem: hint`; all problems are listed.
    """
    found = parse_toml(data, Publication)
    if problems := list(_problems(found.factors)):
        raise Problems(problems)
    return tuple(Factor(source=found.source, **dict(entry)) for entry in found.factors)


def _problems(entries: Collection[Entry]) -> Iterator[str]:
    ids = [entry.id for entry in entries]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"factor.{name}.id: used twice: give every factor its own id"
    for entry in entries:
        if entry.unit not in units_of(entry.kind):
            told = ", ".join(units_of(entry.kind))
            yield f"factor.{entry.id}.unit: {entry.unit} is not the unit of {entry.kind}: use {told}"
        yield from _basis(entry)
        if entry.valid_to is not None and entry.valid_to < entry.valid_from:
            yield f"factor.{entry.id}.valid_to: before valid_from: correct one of them"


def _basis(entry: Entry) -> Iterator[str]:
    """What must be said of a figure so that nobody takes it for another."""
    at = f"factor.{entry.id}"
    if (entry.mix is None) == (entry.kind in UNITS):
        fault = "missing: electricity needs it" if entry.mix is None else "only electricity has one: remove it"
        yield f"{at}.mix: {fault}"
    if entry.kind == "fuel-footprint" and entry.per == "m3" and entry.reference_degc is None:
        yield f"{at}.reference_degc: missing: a cubic metre of fuel is at 0, 15 or 20 degC"
    if entry.kind == "fuel-footprint" and entry.per in {"GJ", "kWh"}:
        for key in ("heating_value", "heating_value_degc"):
            if getattr(entry, key) is None:
                yield f"{at}.{key}: missing: a fuel's energy is by its gross or net heating value, at some temperature"


def units_of(kind: str) -> tuple[str, ...]:
    """The units in which figures of a kind may be."""
    return MEDIA_UNITS.get(kind) or (UNITS[kind],)


def library(files: Iterable[bytes]) -> dict[str, Factor]:
    """All factors of several files by id; a later file may correct words. Raises ValueError if a figure differs."""
    known: dict[str, Factor] = {}
    for data in files:
        for factor in parse(data):
            before = known.get(factor.id)
            if before is not None and _figure_of(before) != _figure_of(factor):
                raise ValueError(f"factor.{factor.id}: two different figures under one id: a new figure needs a new id")
            known[factor.id] = factor
    return known


def _figure_of(factor: Factor) -> tuple[str, ...]:
    return tuple(str(getattr(factor, key)) for key in FIGURE)


def grams_micro(energy_wh_milli: int, factor: Factor) -> int:
    """Micro-grams of CO2e (or CO2, by the factor's kind) of an amount of electricity, rounded half to even once."""
    per_wh_milli = Fraction(Decimal(factor.value)) * G_MICRO_PER_KG / WH_MILLI_PER_KWH
    return round(energy_wh_milli * per_wh_milli)


def medium_grams_micro(amount: int, unit: str, factor: Factor) -> int | None:
    """Micro-grams of an amount in a canonical unit, rounded half to even once; None if the factor is per another."""
    of_one = PER[factor.per].get(unit)
    return None if of_one is None else round(amount * Fraction(Decimal(factor.value)) * G_MICRO_PER_KG / of_one)


def choose(factors: Iterable[Factor], kind: str, region: str, year: int, on: date) -> Factor:
    """The grid's factor for electricity used in `year`: of that reference period, else of the latest one before it.

    Only figures that may be used `on` that day count. Raises LookupError if there is none, or more than one.
    """
    fitting = [
        factor
        for factor in factors
        if (factor.kind, factor.mix, factor.region) == (kind, "grid average", region)
        and int(factor.reference_period) <= year
        and factor.valid_from <= on
        and (factor.valid_to is None or on <= factor.valid_to)
    ]
    latest = max((factor.reference_period for factor in fitting), default=None)
    chosen = [factor for factor in fitting if factor.reference_period == latest]
    if len(chosen) != 1:
        names = ", ".join(factor.id for factor in chosen) or "none"
        raise LookupError(f"{kind} of {region} for {year}: one factor is needed, found {names}")
    return chosen[0]
