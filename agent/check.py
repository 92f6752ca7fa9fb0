"""Reading a configuration: everything that is wrong with it, at once, before any socket opens.

In: a file's path and the time. Out: a `Plan` that holds together, or `Problems`, each `file: key.path: problem: hint`.
"""

import hashlib
import importlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from agent import check_derived, check_lines, check_meters, check_sheets, config, tls
from agent.commission.sheet import sheet_hash
from agent.drivers import DRIVERS, Driver, Target, Tell, profiles
from agent.drivers import profile as profile_form
from agent.manifest import MeterPlan
from agent.salvage import salvage
from contract.problems import Problems, document, explain, parse_toml, suggest

EARLIEST = date(2023, 1, 1)  # a clock that shows a day before this program was thought of has lost its time


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration with its buses and profiles resolved; paths are absolute."""

    config: config.Config
    buses: dict[str, tuple[str, BaseModel]]  # bus name -> (driver, the driver's own settings)
    meters: tuple[MeterPlan, ...]
    config_hash: bytes


def load(path: Path, now_ns: int, *, certified: bool = True) -> Plan:
    """Read and check a configuration. Raises Problems with everything that is wrong.

    Whoever only wants to read meters need not ask for valid certificates: a reading that is not taken is lost for good.
    """
    problems: list[str] = []
    left_out: set[str] = set()
    try:
        data = path.read_bytes()
        checked = parse_toml(data, config.Config)
    except OSError as error:
        raise Problems([f"{path}: {error.strerror}: name an agent's configuration file"]) from None
    except Problems as error:
        problems += error.lines
        rest, left_out = salvage(document(data))
        if rest is None:
            raise Problems([f"{path}: {line}" for line in problems]) from None
        checked = rest
    buses = _buses(checked, path.parent, problems)
    meters = _meters(checked, path.parent, problems)
    problems += check_meters.faults(checked, meters, date_of(now_ns), certified=certified)
    problems += check_derived.faults(checked, meters)
    problems += _own_key(checked.agent)
    problems += tls.faults(checked.mqtt)
    problems += check_lines.faults(checked, meters)
    problems += _shared_units(meters.values())
    problems += _addresses(checked, buses)
    problems += _shared_lines(buses)
    problems += _shared_names(buses)
    plan = Plan(_absolute(checked, path.parent), buses, tuple(meters.values()), hashlib.sha256(data).digest())
    for name in buses:
        try:
            _open(plan, name, lambda: now_ns, lambda _event: None)
        except ValueError as error:
            problems += [f"meter.{line}" for line in str(error).splitlines()]
    if problems:
        # a table that was left out is missed by others only because of its own fault
        absent = [f"there is no {what} {name!r}" for what in ("meter", "bus") for name in left_out]
        absent += ["there is no shift"] if any(line.startswith("calendar") for line in problems) else []
        told = [
            line
            for line in dict.fromkeys(problems)
            if not any(words in line for words in absent) and not _is_missed(line, problems)
        ]
        raise Problems([f"{path}: {line}" for line in told])
    return plan


def _own_key(agent: config.Agent) -> Iterator[str]:
    if agent.key is None and agent.token is None:
        yield "agent.key: missing: make one with `metertrail keygen`, or describe a token under [agent.token]"
    if agent.key is not None and agent.token is not None:
        yield "agent.key: stands beside agent.token: the agent has one key, take the other away"
    if agent.next_key is not None and agent.next_token is not None:
        yield "agent.next_key: stands beside agent.next_token: one key takes over, take the other away"


def _is_missed(line: str, problems: Iterable[str]) -> bool:
    """Whether a key is called missing only because what it holds was found faulty."""
    path, _, problem = line.partition(": ")
    return problem.startswith("missing: ") and any(other.startswith(f"{path}.") for other in problems)


def open_drivers(
    plan: Plan, now_ns: Callable[[], int], tell: Tell, among: Collection[str] | None = None
) -> dict[str, Driver]:
    """A driver for every bus that some meter is on; each connects at its first read and tells what it finds out.

    Only for the buses `among` those named, if any are.
    """
    used = {planned.meter.bus for planned in plan.meters}
    wanted = used if among is None else used & set(among)
    return {name: _open(plan, name, now_ns, tell) for name in plan.buses if name in wanted}


def date_of(at_ns: int) -> date | None:
    """The UTC day of an instant; None of one that only a clock without power can show."""
    day = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).date()
    return day if day >= EARLIEST else None


def _open(plan: Plan, bus: str, now_ns: Callable[[], int], tell: Tell) -> Driver:
    driver, settings = plan.buses[bus]
    targets = {m.meter.name: target(m, plan.config.line) for m in plan.meters if m.meter.bus == bus}
    opened: Driver = importlib.import_module(DRIVERS[driver]).open_driver(settings, targets, now_ns, tell)
    return opened


def target(plan: MeterPlan, lines: Iterable[config.Line] = ()) -> Target:
    """What a driver needs to know of a meter."""
    meter = plan.meter
    tells = tuple(line.name for line in lines if line.source == meter.name and line.told_by == "message")
    return Target(meter.unit, plan.profile, meter.base, meter.address, tells)


def _buses(checked: config.Config, folder: Path, problems: list[str]) -> dict[str, tuple[str, BaseModel]]:
    buses: dict[str, tuple[str, BaseModel]] = {}
    for index, table in enumerate(checked.bus):
        name, driver = table.get("name"), table.get("driver")
        at = f"bus.{name if isinstance(name, str) else index}"
        if not isinstance(name, str) or name in buses:
            problems.append(f"{at}.name: missing or used twice: give every bus a name of its own")
        elif not isinstance(driver, str) or driver not in DRIVERS:
            problems.append(f"{at}.driver: {driver!r} is not a driver: {suggest(str(driver), DRIVERS)}")
        else:
            model = importlib.import_module(DRIVERS[driver]).Bus
            settings = {key: value for key, value in table.items() if key not in ("name", "driver")}
            try:
                buses[name] = driver, model.model_validate(settings).located(folder)
            except ValidationError as error:
                problems += [f"{at}.{line}" for line in explain(error, model, settings)]
    return buses


def _meters(checked: config.Config, folder: Path, problems: list[str]) -> dict[str, MeterPlan]:
    plans: dict[str, MeterPlan] = {}
    for meter in checked.meter:
        at = f"meter.{meter.name}"
        if meter.name in plans:
            problems.append(f"{at}.name: used twice: give every meter a name of its own")
        try:
            toml = profiles.load(_located(meter.profile, folder))
            profile = profile_form.parse(toml)
        except (OSError, ValueError) as error:
            problems += [f"{at}.profile: {line}" for line in str(error).splitlines()]
            continue
        points = {point.id: point for point in profile.points}
        asked = meter.points or tuple(point.id for point in profile.measured)
        problems += [
            f"{at}.points: {name!r} is not a point of {meter.profile}: {suggest(name, points)}"
            for name in (*asked, *meter.declared)
            if name not in points
        ]
        problems += [
            f"{at}.points: {name!r} says which instrument it is and is read by itself: leave it out"
            for name in meter.points
            if name in points and points[name].identity is not None
        ]
        needed = {*asked, *(points[name].scale_point for name in asked if name in points)}
        kept = tuple(point for point in profile.points if point.id in needed or point.identity is not None)
        kept_profile = profile.model_copy(update={"points": kept})
        derived = tuple(one for one in checked.derived if one.meter == meter.name)
        plans[meter.name] = MeterPlan(meter, toml, kept_profile, _sheet(meter, folder, problems), derived)
    return plans


def _sheet(meter: config.Meter, folder: Path, problems: list[str]) -> bytes | None:
    """The hash of the commissioning sheet that a meter names."""
    if meter.sheet is None:
        return None
    at = f"meter.{meter.name}.sheet: {meter.sheet}"
    try:
        data = (folder / meter.sheet).read_bytes()
    except OSError as error:
        problems.append(f"{at}: {error.strerror}: name the file that `metertrail commission` wrote")
        return None
    problems += [f"{at}: {line}" for line in check_sheets.faults(meter, data)]
    return sheet_hash(data)


def _shared_units(meters: Iterable[MeterPlan]) -> Iterator[str]:
    """Two meters cannot be one device; `base` tells apart what one device holds of several. Nodes have no unit."""
    first: dict[tuple[str, int, int], str] = {}
    for plan in meters:
        meter = plan.meter
        if any(point.table is not None for point in plan.profile.points):
            other = first.setdefault((meter.bus, meter.unit, meter.base), meter.name)
            if other != meter.name:
                yield (
                    f"meter.{meter.name}.unit: {meter.unit} on bus {meter.bus!r} is {other}'s already: give each meter"
                    " the unit set in it, or its base"
                )


def _shared_lines(buses: Mapping[str, tuple[str, BaseModel]]) -> Iterator[str]:
    """A serial line has one master: two buses on one port, or on one serial device server, would talk at once."""
    first: dict[str, str] = {}
    for name, (driver, settings) in buses.items():
        device = getattr(settings, "device", "")
        if device or getattr(settings, "is_rtu", driver == "dlt645"):
            line = device or f"{getattr(settings, 'host', '')}:{getattr(settings, 'port', '')}"
            other = first.setdefault(line, name)
            if other != name:
                hint = "a serial line is one bus, put its meters on that one"
                yield f"bus.{name}: {line} is bus {other!r} already: {hint}"


def _shared_names(buses: Mapping[str, tuple[str, BaseModel]]) -> Iterator[str]:
    """A broker lets one connection have a client id, and ends the other's."""
    first: dict[tuple[str, int, str], str] = {}
    for name, (driver, settings) in buses.items():
        if driver == "mqtt":
            found = settings.model_dump(include={"host", "port", "client_id"})
            other = first.setdefault((found["host"], found["port"], found["client_id"]), name)
            if other != name:
                yield f"bus.{name}.client_id: {found['client_id']!r} is bus {other!r}'s already: give each its own"


def _addresses(checked: config.Config, buses: dict[str, tuple[str, BaseModel]]) -> Iterator[str]:
    """An address that nobody would use is a mistake; whether it is a right one, its driver says."""
    for meter in checked.meter:
        driver = buses[meter.bus][0] if meter.bus in buses else ""
        if meter.address and driver not in {"dlt645", "mqtt", ""}:
            yield (
                f"meter.{meter.name}.address: only meters on a dlt645 or mqtt bus have one: remove it, {driver} knows a"
                " meter by its unit"
            )


def _located(profile: str, folder: Path) -> str:
    """A site's own profile is a path, relative to the configuration; a bare name is one that ships."""
    return str(folder / profile) if "/" in profile or profile.endswith(".toml") else profile


def _token(given: config.Token | None, folder: Path) -> config.Token | None:
    if given is None:
        return None
    return given.model_copy(update={"module": folder / given.module, "pin_file": folder / given.pin_file})


def _absolute(checked: config.Config, folder: Path) -> config.Config:
    named = {name: getattr(checked.agent, name) for name in ("data", "key", "next_key")}
    agent = checked.agent.model_copy(update={name: path and folder / path for name, path in named.items()})
    tokens = {name: _token(getattr(agent, name), folder) for name in ("token", "next_token")}
    gateway_key = tuple(folder / path for path in agent.gateway_key)
    agent = agent.model_copy(update={**tokens, "gateway_key": gateway_key})
    mqtt = checked.mqtt
    named = {name: getattr(mqtt, name) for name in ("password_file", "ca_file", "cert_file", "key_file")}
    mqtt = mqtt.model_copy(update={name: path and folder / path for name, path in named.items()})
    return checked.model_copy(update={"agent": agent, "mqtt": mqtt})
