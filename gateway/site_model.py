"""A site as data: its lines, products, utilities, and the factor and accounting period its statements use.

In: the bytes of a site model (TOML). Out: a checked `SiteModel`. Never: opens a file, guesses, or reports one fault at
a time. The bytes themselves are evidence (a `site` entry), so this is the one place that says what they mean.
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, PlainValidator, Tag

from contract.calendar_form import CalendarForm
from contract.problems import Problems, parse_toml, suggest
from contract.topics import check_name
from contract.zone import ZoneName, zone_of
from gateway import virtual
from gateway.virtual import Virtual

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


def _demand(given: object) -> int:
    """Cubic metres per minute, as cm3 per minute."""
    if not isinstance(given, str):
        raise ValueError('write it as a string such as "3.84": a decimal is exact, a float is not')  # noqa: TRY004 - pydantic collects ValueErrors only
    try:
        micro = Decimal(given).scaleb(6)
    except InvalidOperation:
        raise ValueError('write a decimal number such as "3.84"') from None
    if not micro.is_finite() or not 0 < micro < 10**15 or micro != int(micro):
        raise ValueError("must be greater than zero, with six decimals at most")
    return int(micro)


Name = Annotated[str, AfterValidator(check_name)]
Text = Annotated[str, Len(1, 200)]
DemandMicro = Annotated[int, PlainValidator(_demand)]


class Names(BaseModel):
    """What people call a thing, in both languages."""

    model_config = STRICT
    en: Text
    zh: Text


class CounterRef(BaseModel):
    """A counter of one agent's meter."""

    model_config = STRICT
    agent: Name
    meter: Name
    point: Text


class VirtualRef(BaseModel):
    """A virtual meter, by its id."""

    model_config = STRICT
    virtual: Name


def _form_of(given: object) -> str:
    """Which of the two a table means, so that a fault is told of that one alone."""
    is_virtual = "virtual" in given if isinstance(given, dict) else isinstance(given, VirtualRef)
    return "a virtual meter" if is_virtual else "a counter"


Meter = Annotated[
    Annotated[CounterRef, Tag("a counter")] | Annotated[VirtualRef, Tag("a virtual meter")], Discriminator(_form_of)
]


class Line(BaseModel):
    """A production line, as its agent names it."""

    model_config = STRICT
    id: Name
    agent: Name
    name: Names


class Product(BaseModel):
    """A product, as the lines' controllers name it, and the unit its figures are declared for."""

    model_config = STRICT
    id: Text
    name: Names
    unit: Literal["kg", "t", "piece", "1000 pieces"]


class Utility(BaseModel):
    """An internal product such as compressed air: what it draws, what it makes, and the key its energy is shared by.

    `demand_m3_per_min`: nominal demand of each line while a batch runs there, kept as cm3 a minute. A line that is not
    named uses none.
    """

    model_config = STRICT
    id: Name
    name: Names
    electricity: Meter
    volume: CounterRef | None = None
    key: Literal["nominal demand x running time"]
    demand_m3_per_min: dict[str, DemandMicro]


class Medium(BaseModel):
    """Another carrier than electricity: the counters that agents' lines name among their `media`, and its factor.

    `reference_degc` of gas in m3, `heating_value` and its temperature of fuel in GJ or kWh are what the counters count
    by; a factor of another basis is refused.
    """

    model_config = STRICT
    id: Name
    name: Names
    counters: tuple[CounterRef, ...] = Field(min_length=1, strict=False)
    factor: Name | None = None
    reference_degc: Literal[0, 15, 20] | None = None
    heating_value: Literal["gross", "net"] | None = None
    heating_value_degc: Literal[0, 15, 20, 25] | None = None


class SiteModel(BaseModel):
    """A site. Accounting periods begin with a production day: at local midnight where no calendar says otherwise."""

    model_config = STRICT
    site: Name
    name: Names
    zone: ZoneName
    period: Literal["day", "week", "month", "year"]
    factor: Name
    calendar: CalendarForm = CalendarForm()
    lines: tuple[Line, ...] = Field(alias="line", min_length=1, strict=False)
    products: tuple[Product, ...] = Field(alias="product", min_length=1, strict=False)
    utilities: tuple[Utility, ...] = Field(alias="utility", default=(), strict=False)
    media: tuple[Medium, ...] = Field(alias="medium", default=(), strict=False)
    virtuals: tuple[Virtual, ...] = Field(alias="virtual", default=(), strict=False)

    @property
    def local(self) -> tzinfo:
        """The zone's rules."""
        return zone_of(self.zone)

    def line(self, agent: str, line: str) -> Line | None:
        """The line of that agent, or None if the site does not declare it."""
        return next((known for known in self.lines if (known.agent, known.id) == (agent, line)), None)

    def product(self, product: str) -> Product | None:
        """The product of that id, or None if the site does not declare it."""
        return next((known for known in self.products if known.id == product), None)


def parse(data: bytes) -> SiteModel:
    """Check a site model.

    Raises Problems (a ValueError) whose lines each read `key.path: problem: hint`; all problems are listed.
    """
    site = parse_toml(data, SiteModel)
    if problems := list(_problems(site)):
        raise Problems(problems)
    return site


def _problems(site: SiteModel) -> Iterator[str]:
    """Faults that one key alone does not show."""
    yield from _twice("line", [line.id for line in site.lines])
    yield from _twice("product", [product.id for product in site.products])
    yield from _twice("utility", [utility.id for utility in site.utilities])
    yield from _twice("medium", [medium.id for medium in site.media])
    counters = [counter for medium in site.media for counter in medium.counters]
    for medium in site.media:
        for one in medium.counters:
            if counters.count(one) > 1:
                yield f"medium.{medium.id}.counters: {one.meter}.{one.point} is named twice: a counter is of one medium"
    yield from _twice("virtual", [one.id for one in site.virtuals])
    yield from virtual.problems(site.virtuals)
    known = {line.id for line in site.lines}
    named = {one.id for one in site.virtuals}
    for utility in site.utilities:
        path = f"utility.{utility.id}"
        for line in utility.demand_m3_per_min.keys() - known:
            yield f"{path}.demand_m3_per_min.{line}: no such line: name one of {', '.join(sorted(known))}"
        if not utility.demand_m3_per_min:
            yield f"{path}.demand_m3_per_min: empty: without any line's demand nothing could be allocated"
        if isinstance(utility.electricity, VirtualRef) and utility.electricity.virtual not in named:
            given = utility.electricity.virtual
            yield f"{path}.electricity.virtual: {given!r}: {suggest(given, named) if named else 'declare it'}"
        if utility.volume == utility.electricity:
            yield f"{path}.volume: the same counter as electricity: name the flow meter's volume counter"


def _twice(kind: str, ids: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"{kind}.{name}.id: used twice: give every {kind} its own id"
