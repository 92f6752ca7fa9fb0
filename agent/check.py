"""Reading a configuration: everything that is wrong with it, at once, before any socket opens.

In: a file's path and the time. Out: a `Plan` that holds together, or `Problems`, each `file: key.path: problem: hint`.
"""

import hashlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from agent import config
from agent.aggregation.limits import CT_CLASSES, METER_CLASSES
from agent.drivers import DRIVERS, profiles
from agent.drivers import profile as profile_form
from agent.manifest import MeterPlan
from contract.problems import Problems, explain, parse_toml, suggest


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration with its buses and profiles resolved; paths are absolute."""

    config: config.Config
    buses: dict[str, tuple[str, BaseModel]]  # bus name -> (driver, the driver's own settings)
    meters: tuple[MeterPlan, ...]
    config_hash: bytes


def load(path: Path, now_ns: int) -> Plan:
    """Read and check a configuration. Raises Problems with everything that is wrong."""
    try:
        data = path.read_bytes()
        checked = parse_toml(data, config.Config)
    except OSError as error:
        raise Problems([f"{path}: {error.strerror}: name an agent's configuration file"]) from None
    except Problems as error:
        raise Problems([f"{path}: {line}" for line in error.lines]) from None
    problems: list[str] = []
    buses = _buses(checked, problems)
    meters = _meters(checked, path.parent, problems)
    problems += _references(checked, meters)
    problems += _certificates(checked, datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).date())
    if problems:
        raise Problems([f"{path}: {problem}" for problem in problems])
    return Plan(_absolute(checked, path.parent), buses, tuple(meters.values()), hashlib.sha256(data).digest())


def _buses(checked: config.Config, problems: list[str]) -> dict[str, tuple[str, BaseModel]]:
    buses: dict[str, tuple[str, BaseModel]] = {}
    for index, table in enumerate(checked.bus):
        name, driver = table.get("name"), table.get("driver")
        at = f"bus.{name if isinstance(name, str) else index}"
        if not isinstance(name, str) or name in buses:
            problems.append(f"{at}.name: missing or used twice: give every bus a name of its own")
        elif driver not in DRIVERS:
            problems.append(f"{at}.driver: {driver!r} is not a driver: use one of {', '.join(DRIVERS)}")
        else:
            model: type[BaseModel] = importlib.import_module(DRIVERS[driver]).Bus
            settings = {key: value for key, value in table.items() if key not in ("name", "driver")}
            try:
                buses[name] = driver, model.model_validate(settings)
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
        asked = meter.points or tuple(points)
        problems += [
            f"{at}.points: {name!r} is not a point of {meter.profile}: {suggest(name, points)}"
            for name in (*asked, *meter.declared)
            if name not in points
        ]
        needed = {*asked, *(points[name].scale_point for name in asked if name in points)}
        kept = tuple(point for point in profile.points if point.id in needed)
        plans[meter.name] = MeterPlan(meter, toml, profile.model_copy(update={"points": kept}))
    return plans


def _located(profile: str, folder: Path) -> str:
    """A site's own profile is a path, relative to the configuration; a bare name is one that ships."""
    return str(folder / profile) if "/" in profile or profile.endswith(".toml") else profile


def _references(checked: config.Config, meters: dict[str, MeterPlan]) -> Iterator[str]:
    buses = [str(table.get("name")) for table in checked.bus]
    for meter in checked.meter:
        yield from _meter_references(meter, buses)
    names = [meter.name for meter in checked.meter]
    for line in checked.line:
        yield from _line_references(line, names, meters)
    yield from (f"line.{name}.name: used twice" for name in _twice([line.name for line in checked.line]))


def _meter_references(meter: config.Meter, buses: list[str]) -> Iterator[str]:
    at = f"meter.{meter.name}"
    if meter.bus not in buses:
        yield f"{at}.bus: there is no bus {meter.bus!r}: {suggest(meter.bus, buses)}"
    if meter.accuracy_class is not None and meter.accuracy_class not in METER_CLASSES:
        yield f"{at}.accuracy_class: {meter.accuracy_class!r} is not known: use one of {', '.join(METER_CLASSES)}"
    for kind, transformer in (("ct", meter.ct), ("pt", meter.pt)):
        name = None if transformer is None else transformer.accuracy_class
        if name is not None and name not in CT_CLASSES:
            yield f"{at}.{kind}.accuracy_class: {name!r} is not known: use one of {', '.join(CT_CLASSES)}"


def _line_references(line: config.Line, names: list[str], meters: dict[str, MeterPlan]) -> Iterator[str]:
    at = f"line.{line.name}"
    if line.source not in names:
        yield f"{at}.source: there is no meter {line.source!r}: {suggest(line.source, names)}"
    elif line.source in meters:
        points = [point.id for point in meters[line.source].profile.points]
        for key in (line.batch, line.product, line.running):
            if key not in points:
                yield f"{at}: {line.source} has no point {key!r}: {suggest(key, points)}"
    for text in (*line.energy, *filter(None, (line.good, line.scrap))):
        yield from _counter(f"{at}: {text!r}", text, meters)


def _counter(at: str, text: str, meters: dict[str, MeterPlan]) -> Iterator[str]:
    meter, _, point = text.partition(".")
    if meter not in meters:
        yield f"{at}: there is no meter {meter!r}: write METER.POINT, {suggest(meter, meters)}"
        return
    counters = [p.id for p in meters[meter].profile.points if p.kind == "counter"]
    if point not in counters:
        yield f"{at}: {meter} reads no counter {point!r}: {suggest(point, counters)}"


def _certificates(checked: config.Config, today: date) -> Iterator[str]:
    for meter in checked.meter:
        certificate = meter.certificate
        if certificate is None:
            continue
        at = f"meter.{meter.name}.certificate"
        if certificate.valid_to < certificate.valid_from:
            yield f"{at}: valid_to is before valid_from"
        elif certificate.valid_to < today:
            yield f"{at}.valid_to: expired on {certificate.valid_to}: verify the meter and enter the new certificate"


def _absolute(checked: config.Config, folder: Path) -> config.Config:
    agent = checked.agent.model_copy(
        update={name: folder / getattr(checked.agent, name) for name in ("data", "key", "gateway_key")}
    )
    mqtt = checked.mqtt
    ca_file = None if mqtt.ca_file is None else folder / mqtt.ca_file
    mqtt = mqtt.model_copy(update={"password_file": folder / mqtt.password_file, "ca_file": ca_file})
    return checked.model_copy(update={"agent": agent, "mqtt": mqtt})


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
