"""A scenario: what the simulated plant consists of.

In: the bytes of a scenario file (TOML). Out: a checked, frozen `Scenario`.
Never: opens a file, draws a random number. A scenario with any fault is refused with all its faults, one line each.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from contract.problems import explain

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Port = Annotated[int, Field(ge=0, le=65535)]
ENERGY_UNITS = {"Wh": 1_000, "kWh": 1_000_000, "MWh": 1_000_000_000}  # in mWh
VOLUME_UNITS = {"L": 1_000, "m3": 1_000_000}  # in cm3


def _step(text: str) -> int:
    number, _, unit = text.partition(" ")
    try:
        step = Decimal(number) * (ENERGY_UNITS | VOLUME_UNITS)[unit]
    except (InvalidOperation, KeyError):
        raise ValueError('write a number and a unit, such as "0.01 kWh" or "1 m3"') from None
    if not step.is_finite() or step < 1 or step != int(step):
        raise ValueError("must be a whole number of mWh or cm3, at least one")
    return int(step)


def _step_text(text: str) -> str:
    _step(text)
    return text


def _class_ppm(given: object) -> int:
    try:
        ppm = Decimal(str(given).removesuffix("S")) * 10_000
    except InvalidOperation:
        raise ValueError('write an accuracy class in percent, such as "1" or "0.5S"') from None
    if not ppm.is_finite() or not 0 <= ppm <= 100_000:
        raise ValueError("must be between 0 and 10 percent")
    return int(ppm)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Load(_Part):
    """Where the base load comes from: a CSV beside the scenario, and how many times faster than real time it passes."""

    file: str
    speed: int = Field(default=1, ge=1, le=10_000)


class Plc(_Part):
    """The OPC UA server of the line controllers, and the length of their scan cycle."""

    port: Port
    scan_ms: int = Field(default=10, ge=1, le=1_000)


class Bus(_Part):
    """One TCP listener with Modbus units behind it; `rtu`: a serial line of that baud rate behind a converter."""

    id: Name
    framing: Literal["tcp", "rtu"]
    port: Port
    baud: int = Field(default=38_400, ge=300, le=921_600)


class Product(_Part):
    """What a line makes: mean power while it runs, good and scrap mass per second together, and the air it needs."""

    name: str
    run_w: int = Field(ge=0)
    made_g_per_s: int = Field(ge=1)
    air_l_per_s: int = Field(default=0, ge=0)


class Line(_Part):
    """A production line. `base_permille`: its share of the base load, whatever it does."""

    id: Name
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")
    batch_prefix: str
    base_permille: int = Field(default=0, ge=0, le=1000)
    standby_w: int = Field(ge=0)
    standby_air_l_per_s: int = Field(default=0, ge=0)
    products: tuple[Product, ...] = Field(alias="product", min_length=1, strict=False)


class Compressor(_Part):
    """Loads until the receiver is full, idles until it is empty; `receiver_l`: free air between the pressures."""

    loaded_w: int = Field(ge=1)
    idle_w: int = Field(ge=0)
    capacity_l_per_s: int = Field(ge=1)
    receiver_l: int = Field(ge=1)
    leak_l_per_s: int = Field(default=0, ge=0)


class Meter(_Part):
    """A meter: its type, its place on a bus, the loads it measures, and how well.

    `step`: what its register counts in. `age_ms`: the oldest its register can be. `class`: limit of its error.
    `ratio`: current transformer ratio, if the register counts secondary energy.
    """

    id: Name
    profile: str
    bus: str
    unit: int = Field(ge=1, le=247)
    base: int = Field(default=0, ge=0, le=65_535)
    measures: tuple[str, ...] = Field(min_length=1, strict=False)
    step: Annotated[str, AfterValidator(_step_text)]
    age_ms: int = Field(ge=10)
    class_ppm: Annotated[int, BeforeValidator(_class_ppm)] = Field(alias="class")
    ratio: int = Field(default=1, ge=1)

    @property
    def measures_air(self) -> bool:
        """Whether it counts volume rather than energy."""
        return self.measures == ("air",)

    @property
    def step_canonical(self) -> int:
        """The step in mWh or cm3."""
        return _step(self.step)


class Scenario(_Part):
    """The plant. Meters measure lines by id, `aux` (the rest of the base load), `compressor`, or `air` (a flow)."""

    batch_s: int = Field(default=180, ge=2)
    aux_permille: int = Field(ge=0, le=1000)
    load: Load
    plc: Plc
    compressor: Compressor
    buses: tuple[Bus, ...] = Field(alias="bus", min_length=1, strict=False)
    lines: tuple[Line, ...] = Field(alias="line", min_length=1, strict=False)
    meters: tuple[Meter, ...] = Field(alias="meter", min_length=1, strict=False)


def parse(data: bytes, name: str) -> Scenario:
    """Check a scenario file.

    Raises ValueError whose lines each read `file: key.path: problem: hint`; all problems are listed.
    """
    try:
        document = tomllib.loads(data.decode())
    except ValueError as error:
        raise ValueError(f"{name}: not readable as TOML: {error}") from error
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        problems = explain(error, Scenario, document)
    else:
        problems = list(_problems(scenario))
    if problems:
        raise ValueError("\n".join(f"{name}: {problem}" for problem in problems))
    return scenario


def _problems(scenario: Scenario) -> Iterator[str]:
    """Faults that one key alone does not show."""
    buses = {bus.id for bus in scenario.buses}
    powers = {line.id for line in scenario.lines} | {"aux", "compressor"}
    for what, ids in (
        ("line", [line.id for line in scenario.lines] + ["aux", "compressor", "air"]),
        ("bus", [bus.id for bus in scenario.buses]),
        ("meter", [meter.id for meter in scenario.meters]),
        ("meter: unit", [f"{meter.unit} on bus {meter.bus}" for meter in scenario.meters]),
    ):
        yield from (f"{what}: {name} is used twice: give each its own" for name, n in Counter(ids).items() if n > 1)
    for meter in scenario.meters:
        if meter.bus not in buses:
            yield f"meter.{meter.id}.bus: {meter.bus!r} does not exist: use one of {', '.join(sorted(buses))}"
        measured = set(meter.measures)
        if not meter.measures_air and measured - powers:
            known = ", ".join(sorted(powers))
            yield f"meter.{meter.id}.measures: {min(measured - powers)!r} is no power: use {known}, or air alone"
        if meter.measures_air != (meter.step.split()[-1] in VOLUME_UNITS):
            units = ", ".join(VOLUME_UNITS if meter.measures_air else ENERGY_UNITS)
            yield f"meter.{meter.id}.step: {meter.step!r} is not what it measures: use one of {units}"
    shares = scenario.aux_permille + sum(line.base_permille for line in scenario.lines)
    if shares > 1000:
        yield f"aux_permille: the shares of the base load add up to {shares}: at most 1000"
    demand = scenario.compressor.leak_l_per_s + sum(
        max([line.standby_air_l_per_s, *(product.air_l_per_s for product in line.products)]) for line in scenario.lines
    )
    if demand >= scenario.compressor.capacity_l_per_s:
        yield f"compressor.capacity_l_per_s: the lines and leaks can need {demand}: give more than that"
