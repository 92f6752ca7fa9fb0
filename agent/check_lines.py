"""What can be wrong with a line once its source's profile is known: tags, counters, units, times.

In: a parsed configuration and its meters with their profiles. Out: `key.path: problem: hint` lines. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence

from agent import check_lots, check_telling, config
from agent.aggregation.derive import GIVES
from agent.drivers.profile import Point
from agent.drivers.registers import unit_of
from agent.manifest import MeterPlan
from agent.messages import MESSAGE
from contract.problems import suggest

ENERGY = {"wh_milli": "Wh, kWh or MWh"}
MEDIA = {"m3_micro": "L or m3", "g_milli": "g, kg or t", "j": "kJ, MJ or GJ", "wh_milli": "Wh, kWh or MWh"}
OUTPUT = {"g_milli": "g, kg or t", "one_milli": "piece", "m3_micro": "L or m3", "wh_milli": "Wh, kWh or MWh"}


def faults(checked: config.Config, meters: Mapping[str, MeterPlan]) -> Iterator[str]:
    """Everything that is wrong with any line."""
    names = [line.name for line in checked.line]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"line.{name}.name: used twice: give every line a name of its own"
    known = [meter.name for meter in checked.meter]
    for line in checked.line:
        at = f"line.{line.name}"
        yield from _telling(at, line, checked, meters)
        yield from _counters(at, line, [m for m in known if m not in meters], meters)
        yield from _times(at, line, checked)
        yield from _overlap(at, line)


def _driver(checked: config.Config, name: str) -> str:
    bus = next(meter.bus for meter in checked.meter if meter.name == name)
    return next((str(table.get("driver")) for table in checked.bus if table.get("name") == bus), "")


def _told(at: str, line: config.Line, points: Sequence[Point], driver: str) -> Iterator[str]:
    if (driver == "mqtt") != (line.told_by == "message"):
        hint = 'set told_by = "message"' if driver == "mqtt" else 'only a meter on an mqtt bus can: set "tags"'
        yield f"{at}.told_by: {line.told_by!r}, though {line.source} is read over {driver}: {hint}"
    elif line.told_by == "message":
        yield from _messages(at, line, points)
        yield from check_lots.faults(at, line, points)
    else:
        if line.clock_tolerance_ms is not None and line.told_by != "schedule":
            yield f"{at}.clock_tolerance_ms: tags tell no time of their own that it could be about: remove it"
        yield from check_telling.points(at, line, points)
        yield from check_lots.faults(at, line, points)


def _messages(at: str, line: config.Line, points: Sequence[Point]) -> Iterator[str]:
    if line.clock_tolerance_ms is None:
        yield f"{at}.clock_tolerance_ms: missing: say how wrong the clock of whoever sends the messages may be"
    for key in sorted(check_telling.TELLING & line.model_fields_set):
        yield f"{at}.{key}: only tags have it: remove it, a message says it itself"
    if not any((point.id, point.type) == (MESSAGE, "text") for point in points):
        yield f"{at}.source: {line.source} reads no text {MESSAGE!r}: name it in the meter's points and profile"


def _telling(at: str, line: config.Line, checked: config.Config, meters: Mapping[str, MeterPlan]) -> Iterator[str]:
    """What tells the line's batches and states."""
    yield from check_telling.keys(at, line, checked.calendar)
    known = [meter.name for meter in checked.meter]
    if line.source is None:
        if line.told_by != "schedule" or line.state is not None:
            yield f"{at}.source: missing: name the meter that tells it"
        yield from check_lots.faults(at, line, None)
    elif line.source not in known:
        yield f"{at}.source: there is no meter {line.source!r}: {suggest(line.source, known)}"
    elif line.source in meters:
        yield from _told(at, line, meters[line.source].profile.points, _driver(checked, line.source))


def _counters(at: str, line: config.Line, unread: Sequence[str], meters: Mapping[str, MeterPlan]) -> Iterator[str]:
    """`unread` are meters without a readable profile, which is told of them and not of the lines."""
    for key, named, units in (("energy", line.energy, ENERGY), ("media", line.media, MEDIA)):
        for text in sorted({text for text in named if named.count(text) > 1}):
            yield f"{at}.{key}: {text!r} is named twice: name it once"
        for text in dict.fromkeys(named):
            if text.partition(".")[0] not in unread:
                yield from _counter(f"{at}.{key}", text, meters, units)
    for text in sorted({*line.media} & {*line.energy, line.good, line.scrap}):
        yield f"{at}.media: {text!r} counts for something else already: a counter counts for one thing"
    for key, given in (("good", line.good), ("scrap", line.scrap)):
        if given is not None and given.partition(".")[0] not in unread:
            yield from _counter(f"{at}.{key}", given, meters, OUTPUT)


def _counter(at: str, text: str, meters: Mapping[str, MeterPlan], units: Mapping[str, str]) -> Iterator[str]:
    meter, _, name = text.partition(".")
    if meter not in meters:
        yield f"{at}: {text!r}: there is no meter {meter!r}: write METER.POINT, {suggest(meter, meters)}"
        return
    counters = {point.id: unit_of(point) for point in meters[meter].profile.points if point.kind == "counter"}
    counters |= {one.id: GIVES[one.kind] for one in meters[meter].derived}
    if name not in counters:
        yield f"{at}: {text!r}: {meter} reads no counter {name!r}: {suggest(name, counters)}"
    elif counters[name] not in units:
        told = {point.id: point.unit for point in meters[meter].profile.points}.get(name, counters[name])
        yield f"{at}: {text!r}: counts in {told!r}: name a counter in {', '.join(units.values())}"


def _overlap(at: str, line: config.Line) -> Iterator[str]:
    """Batches that run at once share what the line's meters count, and only of energy is it said how."""
    if line.overlap == "refuse":
        return
    for key in ("good", "scrap"):
        if getattr(line, key) is not None:
            yield f"{at}.{key}: batches that run at once count together: remove it, and let messages or people tell it"
    if line.media:
        yield f"{at}.media: only energy is shared among batches that run at once: remove it, or the key overlap"


def _times(at: str, line: config.Line, checked: config.Config) -> Iterator[str]:
    """A batch waits for a reading after its end: no longer than `close_wait_s`, so a meter must be read more often."""
    used = {text.partition(".")[0] for text in (*line.energy, *line.media, *filter(None, (line.good, line.scrap)))}
    for meter in checked.meter:
        if meter.name in used and meter.every_ms > checked.agent.close_wait_s * 1000:
            yield (
                f"{at}: {meter.name} is read every {meter.every_ms} ms, longer than close_wait_s ="
                f" {checked.agent.close_wait_s}: raise close_wait_s, or read it more often"
            )
