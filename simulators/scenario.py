"""A scenario: what the simulated plant consists of.

In: the bytes of a scenario file (TOML). Out: a checked, frozen `Scenario`.
Never: opens a file, draws a random number. A scenario with any fault is refused with all its faults, one line each.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
)

from contract.problems import explain
from simulators import faults
from simulators.faults import Fault

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
    """Where units are met: Modbus `tcp`, `rtu` (a serial line behind a TCP converter) or `serial` (a local device).

    `dlt645`: DL/T 645 meters at a TCP port or, if none is given, a local device; addresses are units in 12 digits.
    `baud`: the line's rate, of all but tcp. `device`: where a link to the local device is put while it is there.
    """

    id: Name
    framing: Literal["tcp", "rtu", "serial", "dlt645"]
    port: Port | None = None
    device: str | None = None
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
    `ratio`: current transformer ratio, if the register counts secondary energy. `serial`: what its registers tell; left
    out, the seed draws one.
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
    serial: str | None = Field(default=None, pattern=r"^\d{1,8}$")

    @property
    def measures_air(self) -> bool:
        """Whether it counts volume rather than energy."""
        return self.measures == ("air",)

    @property
    def step_canonical(self) -> int:
        """The step in mWh or cm3."""
        return _step(self.step)


class Dumped(_Part):
    """A unit that shows the registers once dumped from a real meter (a JSON file beside the scenario), for ever."""

    id: Name
    bus: str
    unit: int = Field(ge=1, le=247)
    registers: str


def _which(given: object) -> str:
    return "dumped" if isinstance(given, dict) and "registers" in given else "measuring"


Device = Annotated[
    Annotated[Meter, Tag("measuring")] | Annotated[Dumped, Tag("dumped")],
    Discriminator(_which),
]


class Scenario(_Part):
    """The plant. Meters measure lines by id, `aux` (the rest of the base load), `compressor`, or `air` (a flow).

    A scenario of dumped meters alone needs neither load nor lines.
    """

    batch_s: int = Field(default=180, ge=2)
    aux_permille: int = Field(default=0, ge=0, le=1000)
    load: Load | None = None
    plc: Plc | None = None
    compressor: Compressor | None = None
    buses: tuple[Bus, ...] = Field(alias="bus", min_length=1, strict=False)
    lines: tuple[Line, ...] = Field(default=(), alias="line", strict=False)
    devices: tuple[Device, ...] = Field(alias="meter", min_length=1, strict=False)
    faults: tuple[Fault, ...] = Field(default=(), alias="fault", strict=False)

    @property
    def meters(self) -> tuple[Meter, ...]:
        """The meters that measure."""
        return tuple(device for device in self.devices if isinstance(device, Meter))

    @property
    def dumped(self) -> tuple[Dumped, ...]:
        """The meters that show a dump."""
        return tuple(device for device in self.devices if isinstance(device, Dumped))


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
    for what, ids in (
        ("line", [line.id for line in scenario.lines] + ["aux", "compressor", "air"]),
        ("bus", [bus.id for bus in scenario.buses]),
        ("meter", [device.id for device in scenario.devices]),
        ("meter: unit", [f"{device.unit} on bus {device.bus}" for device in scenario.devices]),
    ):
        yield from (f"{what}: {name} is used twice: give each its own" for name, n in Counter(ids).items() if n > 1)
    buses = {bus.id for bus in scenario.buses}
    for device in scenario.devices:
        if device.bus not in buses:
            yield f"meter.{device.id}.bus: {device.bus!r} does not exist: use one of {', '.join(sorted(buses))}"
    for bus in scenario.buses:
        yield from (f"bus.{bus.id}.{line}" for line in _place(bus))
        if bus.framing == "dlt645" and (old := [device.id for device in scenario.dumped if device.bus == bus.id]):
            yield f"meter.{old[0]}.bus: {bus.id!r} speaks DL/T 645, and a dump is of registers: choose another bus"
    yield from _measuring(scenario)
    yield from _supply(scenario)
    yield from _faults(scenario)


def _place(bus: Bus) -> Iterator[str]:
    if bus.framing == "serial" and bus.port is not None:
        yield "port: a serial device has none: remove it"
    if bus.framing in {"tcp", "rtu"} and bus.port is None:
        yield "port: missing: add it"
    if bus.framing in {"tcp", "rtu"} and bus.device is not None:
        yield 'device: only framing "serial" and "dlt645" have one: remove it'
    if bus.framing == "dlt645" and bus.port is not None and bus.device is not None:
        yield "device: given beside a port: keep one of them"


def _measuring(scenario: Scenario) -> Iterator[str]:
    powers = {line.id for line in scenario.lines} | {"aux", "compressor"}
    for meter in scenario.meters:
        measured = set(meter.measures)
        if not meter.measures_air and measured - powers:
            known = ", ".join(sorted(powers))
            yield f"meter.{meter.id}.measures: {min(measured - powers)!r} is no power: use {known}, or air alone"
        if meter.measures_air != (meter.step.split()[-1] in VOLUME_UNITS):
            units = ", ".join(VOLUME_UNITS if meter.measures_air else ENERGY_UNITS)
            yield f"meter.{meter.id}.step: {meter.step!r} is not what it measures: use one of {units}"
        if measured & {"air", "compressor"} and scenario.compressor is None:
            yield f"compressor: missing: meter {meter.id} measures it"


def _supply(scenario: Scenario) -> Iterator[str]:
    if scenario.load is None and (scenario.lines or scenario.meters):
        yield "load: missing: lines and meters that measure live on it"
    shares = scenario.aux_permille + sum(line.base_permille for line in scenario.lines)
    if shares > 1000:
        yield f"aux_permille: the shares of the base load add up to {shares}: at most 1000"
    if scenario.compressor is None:
        return
    demand = scenario.compressor.leak_l_per_s + sum(
        max([line.standby_air_l_per_s, *(product.air_l_per_s for product in line.products)]) for line in scenario.lines
    )
    if demand >= scenario.compressor.capacity_l_per_s:
        yield f"compressor.capacity_l_per_s: the lines and leaks can need {demand}: give more than that"


def _faults(scenario: Scenario) -> Iterator[str]:
    devices, buses = [device.id for device in scenario.devices], [bus.id for bus in scenario.buses]
    still = {device.id for device in scenario.dumped}
    for number, fault in enumerate(scenario.faults):
        for problem in faults.problems(fault, devices, buses):
            yield f"fault.{number}.{problem}"
        if fault.level == "plc" and scenario.plc is None:
            yield f"fault.{number}.kind: {fault.kind} needs controllers: add [plc]"
        if fault.kind == "torn" and fault.meter in still:
            yield f"fault.{number}.meter: {fault.meter!r} shows a dump: only what counts can be torn"
        places = {device.bus for device in scenario.devices if device.id == fault.meter} | {fault.bus}
        for bus in (bus for bus in scenario.buses if bus.id in places):
            yield from (f"fault.{number}.{line}" for line in _misplaced(fault, bus))


def _misplaced(fault: Fault, bus: Bus) -> Iterator[str]:
    """Why a fault cannot be had on its bus."""
    if bus.port is None and fault.level == "bus" and fault.kind != "frozen":
        yield f"bus: {fault.kind} befalls TCP connections, not a local device: choose another bus"
    elif bus.framing == "dlt645" and fault.kind not in faults.ON_DLT645:
        yield f"kind: {fault.kind} befalls Modbus frames, and bus {bus.id} speaks DL/T 645: choose another"
