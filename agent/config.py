"""The agent's configuration: strict, and read whole before any socket opens.

In: a TOML file. Out: a frozen `Config`. Anything unknown, missing or contradictory is told at once (check.py finds
what only the profiles and drivers can know).
"""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from agent.drivers.point import NAME, exact, positive
from contract.calendar_form import ZonedCalendarForm
from contract.handovers import DECIMAL
from contract.records import LineState
from contract.topics import check_host, check_name

STRICT = ConfigDict(frozen=True, extra="forbid")


def check_number(text: str) -> str:
    """Keys of a TOML table are texts. Raises ValueError unless it is a whole number in decimal."""
    if not text.removeprefix("-").isdecimal() or str(int(text)) != text:
        raise ValueError("a state's key is the whole number that the point shows")
    return text


Name = Annotated[str, AfterValidator(check_name)]
Host = Annotated[str, AfterValidator(check_host)]
Positive = Annotated[int, Ge(1), Le(10**12)]  # amperes, volts, watts: more is a mistake, and would not fit a record
StateNumber = Annotated[str, AfterValidator(check_number)]
YEAR_LEAST = 2000
STATED_BY = ("packml", "job_order")  # these tell a line's batches by its states


def _above_zero(text: str) -> str:
    positive(text)
    return text


def _not_below_zero(text: str) -> str:
    if exact(text) < 0:
        raise ValueError("must not be below zero")
    return text


def _day(given: date) -> date:
    if given.year not in YEARS:
        raise ValueError(f"a year from {YEARS[0]} to {YEARS[-1]} is meant")
    return given


Words = Annotated[str, Len(0, 1000)]  # as a record keeps them
YEARS = range(1970, 2200)  # evidence counts nanoseconds since 1970, which end in 2262
Day = Annotated[date, AfterValidator(_day)]
AboveZero = Annotated[str, AfterValidator(_above_zero)]  # decimals as text: a float is not exact
NotBelowZero = Annotated[str, AfterValidator(_not_below_zero)]


def _as_shown(text: str) -> str:
    if not re.fullmatch(DECIMAL, text):
        raise ValueError('write the number as the display showed it, as text such as "45821.3"')
    return text


def _instant(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at.year < YEAR_LEAST:
        raise ValueError('write a date, a time and an offset, as text such as "2026-11-29T10:15:00+08:00"')
    return text


def _several(given: object) -> object:
    return [given] if isinstance(given, str | Path) else given


class Token(BaseModel):
    """A PKCS#11 token with the signing key: its maker's module, its label, the key pair's, and a file with the PIN."""

    model_config = STRICT
    module: Path
    label: Annotated[str, Len(1, 32)]
    object: Annotated[str, Len(1, 200)]
    pin_file: Path


class Agent(BaseModel):
    """Who this agent is, and where it keeps its journal and keys. Paths are relative to the file.

    Its own key is in the file `key`, or in a `token`; `next_key` or `next_token` takes over from it. While the gateway
    changes its key, `gateway_key` names both.
    """

    model_config = STRICT
    site: Name
    name: Name
    data: Path
    key: Path | None = None
    token: Token | None = None
    next_key: Path | None = None
    next_token: Token | None = None
    gateway_key: Annotated[tuple[Path, ...], Len(1), BeforeValidator(_several)]
    seal_s: Annotated[int, Ge(1), Le(3600)] = 60
    close_wait_s: Annotated[int, Ge(1), Le(86400)] = 120
    identity_s: Annotated[int, Ge(60), Le(86400)] = 900
    retention_days: Annotated[int, Ge(1), Le(36500)] = 90
    journal_bytes_max: Annotated[int, Ge(64 << 20)] | None = None


class Mqtt(BaseModel):
    """The broker. Encrypted and authenticated, by password, by certificate or both, unless this file says otherwise."""

    model_config = STRICT
    host: Host
    port: Annotated[int, Ge(1), Le(65535)] = 8883
    username: str
    password_file: Path | None = None
    tls: bool = True
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class Transformer(BaseModel):
    """A current or voltage transformer whose ratio the meter itself does not apply."""

    model_config = STRICT
    primary: Positive
    secondary: Positive
    accuracy_class: str | None = None
    valid_from: Day | None = None
    certificate: Words | None = None


class ErrorPoint(BaseModel):
    """The meter's error as its certificate lists it, at one load and power factor, with U (k = 2)."""

    model_config = STRICT
    load_permille: Annotated[int, Ge(1), Le(20_000)]
    power_factor_milli: Annotated[int, Ge(1), Le(1000)] = 1000
    error_ppm: Annotated[int, Ge(-500_000), Le(500_000)]
    u_ppm: Annotated[int, Ge(1), Le(500_000)]


class Certificate(BaseModel):
    """The meter's calibration or verification certificate."""

    model_config = STRICT
    number: Words
    body: Words
    valid_from: Day
    valid_to: Day
    points: tuple[ErrorPoint, ...] = ()
    drift_ppm: Annotated[int, Ge(0), Le(500_000)] | None = None
    serial: Words | None = None


class Declared(BaseModel):
    """What the site knows of a register and the profile does not say: its step and its largest age, and from where."""

    model_config = STRICT
    step: str | None = None
    age_ms: Annotated[int, Ge(1), Le(86_400_000)] | None = None
    source: Annotated[str, Len(1, 1000)]


class Handover(BaseModel):
    """What was noted of one counter when this instrument took another's place, and when, give or take `within_s`."""

    model_config = STRICT
    before: Annotated[str, AfterValidator(_as_shown)]
    after: Annotated[str, AfterValidator(_as_shown)]
    at: Annotated[str, AfterValidator(_instant)]
    within_s: Annotated[int, Ge(0), Le(86400)] = 60
    serial_before: Annotated[str, Len(1, 200)]
    source: Annotated[str, Len(1, 1000)]

    @property
    def at_ns(self) -> int:
        """The instant, in ns UTC."""
        since = datetime.fromisoformat(self.at) - datetime.fromtimestamp(0, UTC)
        return (since // timedelta(microseconds=1)) * 1000


class Meter(BaseModel):
    """One meter on one bus."""

    model_config = STRICT
    name: Name
    bus: Name
    profile: str
    unit: Annotated[int, Ge(0), Le(255)] = 1
    base: Annotated[int, Ge(0), Le(65535)] = 0
    address: Annotated[str, Len(0, 900)] = ""  # DL/T 645: the 12 digits on the meter's plate; MQTT: the topic
    every_ms: Annotated[int, Ge(50), Le(3_600_000)] = 1000
    points: tuple[str, ...] = ()
    installation: Words = ""
    serial: Words = ""
    accuracy_class: str | None = None
    ct: Transformer | None = None
    pt: Transformer | None = None
    certificate: Certificate | None = None
    declared: dict[str, Declared] = {}
    handover: dict[str, Handover] = {}
    power_max_w: Positive | None = None
    rated_w: Positive | None = None
    sheet: str | None = None


class Derived(BaseModel):
    """A counter that no register holds, out of a meter's own readings; check_derived.py says what each kind needs."""

    model_config = STRICT
    meter: Name
    id: Annotated[str, Field(pattern=NAME)]
    kind: Literal["gas", "steam", "saturated_steam", "water"]
    volume: str | None = None
    mass: str | None = None
    pressure: str
    pressure_is: Literal["absolute", "gauge"]
    atmosphere_kpa: AboveZero | None = None
    temperature: str | None = None
    reference_degc: Literal[0, 15, 20] | None = None
    compressibility: AboveZero | None = None
    dryness: AboveZero | None = None
    reference_kj_per_kg: NotBelowZero | None = None
    apart_s: Annotated[int, Ge(1), Le(86400)] = 60


class LotTags(BaseModel):
    """Where a line's controller shows a lot: the point with its name, and the point with its quantity."""

    model_config = STRICT
    lot: str
    quantity: str
    kind: Literal["input", "good", "scrap", "rework"]
    source: Literal["metered", "reported"] = "metered"
    instrument: Annotated[str, Len(1, 200)] | None = None


class Line(BaseModel):
    """A production line: what tells its batches and its states, and the counters that make up a batch.

    Points are those of the meter `source`. `makes` is the product where no point tells it. `states` gives numbers of
    the point `state` their words; PackML and job orders bring their own.
    """

    model_config = STRICT
    name: Name
    told_by: Literal["tags", "packml", "job_order", "counter", "schedule", "message"] = "tags"
    source: Name | None = None
    batch: str = "batch_id"
    product: str | None = None
    makes: Annotated[str, Len(1, 200)] | None = None
    running: str | None = None
    named_by: Literal["number", "time"] = "number"
    ends_at: Literal["change", "fall"] = "change"
    state: str | None = None
    states: dict[StateNumber, LineState] = {}
    clock_tolerance_ms: Annotated[int, Ge(0), Le(86_400_000)] | None = None
    edge_time: Literal["source", "observed"] = "observed"
    lag_ms: Annotated[int, Ge(0)] = 0
    energy: Annotated[tuple[str, ...], Len(1)]
    good: str | None = None
    scrap: str | None = None
    media: tuple[str, ...] = ()
    lots: tuple[LotTags, ...] = ()
    overlap: Literal["refuse", "equal", "by_quantity"] = "refuse"

    @property
    def product_point(self) -> str | None:
        """The point that tells the product; None where `makes` says it."""
        return None if self.makes is not None else self.product or "product"

    @property
    def running_point(self) -> str | None:
        """The point that is 0 while nothing runs; None where another tells it, or nothing does."""
        return self.running or ("running" if self.told_by == "tags" else None)

    @property
    def state_point(self) -> str | None:
        """The point whose numbers are states; None where there is none."""
        return self.state or ("state" if self.told_by in STATED_BY else None)


class Config(BaseModel):
    """The whole file. `bus` tables are checked by the driver they name."""

    model_config = STRICT
    agent: Agent
    mqtt: Mqtt
    bus: Annotated[tuple[dict[str, Any], ...], Len(1)]
    meter: Annotated[tuple[Meter, ...], Len(1)]
    derived: tuple[Derived, ...] = ()
    line: tuple[Line, ...] = ()
    calendar: ZonedCalendarForm | None = None
