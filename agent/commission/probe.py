"""`metertrail probe`: one meter, as it is now.

In: a meter of a configuration, or registers behind an ENDPOINT. Out: its points on standard output each second, or
once. Never: a write to the meter, or a connection beside one that is its only one - the error says what to do then.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from agent import check
from agent.commission import endpoint, explain, probe_table
from agent.commission.asking import Line, bus
from agent.commission.commission_bench import place
from agent.commission.spans import WORDS_MAX, Span
from agent.drivers import Driver, Scan, Unreachable, registers
from agent.manifest import MeterPlan
from agent.told import advised, quality
from contract.problems import Problems, suggest

SILENT, FAULTY = 1, 2
NS = 1_000_000_000
OCCUPIED = "check the unit and the wiring; a running agent may hold the only connection the device takes: stop it first"
CLEAR = "\x1b[H\x1b[J"


@dataclass(slots=True)
class Count:
    """Requests so far, and those that got no answer."""

    reads: int = 0
    lost: int = 0


def main(argv: list[str]) -> int:
    """Exit status: 0 it answered, 1 it did not, 2 a request that makes no sense."""
    parser = _parser()
    asked = parser.parse_args(argv)
    try:
        if asked.meter is None:
            return asyncio.run(_registers(asked))
        plan, meter = _meter(asked.target, asked.meter)
        return asyncio.run(_probe(plan, meter, asked))
    except (Problems, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return FAULTY
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metertrail probe", usage="metertrail probe AGENT.toml METER | ENDPOINT --unit N --table T --address A"
    )
    parser.add_argument(
        "target", metavar="AGENT.toml|ENDPOINT", help="a configuration, or an address as `metertrail scan` has it"
    )
    parser.add_argument("meter", nargs="?", metavar="METER", help="the meter's name in the configuration")
    parser.add_argument("--once", action="store_true", help="read once instead of every second")
    parser.add_argument("--json", action="store_true", help="one JSON object a read")
    parser.add_argument("--explain", action="store_true", help="what else the same registers could mean")
    of_endpoint(parser)
    parser.add_argument("--address", type=lambda text: int(text, 0), default=0, help="first register, such as 0x34")
    parser.add_argument("--count", type=int, default=2, help="how many registers (%(default)s)")
    return parser


def of_endpoint(parser: argparse.ArgumentParser) -> None:
    """The arguments that name registers behind an ENDPOINT."""
    parser.add_argument("--unit", type=int, default=1, help="Modbus unit id (%(default)s)")
    parser.add_argument(
        "--table", choices=("holding", "input", "coil", "discrete"), default="holding", help="(%(default)s)"
    )
    parser.add_argument("--baud", type=int, default=9600, help="of a serial port (%(default)s)")
    parser.add_argument("--parity", choices=("N", "E", "O"), default="N", help="of a serial port (%(default)s)")
    parser.add_argument("--timeout-ms", type=int, default=1000, help="the longest wait for an answer (%(default)s)")
    parser.add_argument("--pause-ms", type=int, default=0, help="silence before each request")


def attempts(asked: argparse.Namespace) -> list[endpoint.Settings]:
    """Settings under which to try the one ENDPOINT that was named. Raises ValueError."""
    if asked.target.endswith(".toml"):
        raise ValueError(f"{asked.target}: which meter? name one of its meters after it")
    wires = endpoint.wires(asked.target, [asked.baud], [asked.parity])
    if len(wires) != 1 or wires[0].server is not None:
        raise ValueError(f"{asked.target}: name one Modbus endpoint, such as tcp://192.0.2.10")
    return list(wires[0].attempts)


def _meter(config: str, name: str) -> tuple[check.Plan, MeterPlan]:
    plan = check.load(Path(config), time.time_ns())
    meters = {each.meter.name: each for each in plan.meters}
    if name not in meters:
        raise ValueError(f"{config}: there is no meter {name!r}: {suggest(name, meters)}")
    return plan, meters[name]


async def _probe(plan: check.Plan, meter: MeterPlan, asked: argparse.Namespace) -> int:
    opened = check.open_drivers(replace(plan, meters=(meter,)), time.time_ns, lambda _event: None)
    driver = opened[meter.meter.bus]
    count, said = Count(), ""
    try:
        while True:
            begun_ns = time.monotonic_ns()
            said = said or await _identity(driver, meter)
            scans = await _read(driver, meter, count)
            _show(meter, scans, count, said, asked)
            if asked.once:
                return 0 if isinstance(scans, list) else SILENT
            await asyncio.sleep(max(0.0, 1 - (time.monotonic_ns() - begun_ns) / NS))
    finally:
        await driver.close()


async def _identity(driver: Driver, meter: MeterPlan) -> str:
    """What it says of itself; nothing while it does not answer."""
    try:
        scans = await driver.identify(meter.meter.name)
    except Unreachable:
        return ""
    return probe_table.identity(meter.profile, scans, meter.meter.serial)


async def _read(driver: Driver, meter: MeterPlan, count: Count) -> list[Scan] | str:
    """The scans of one read, or why there are none."""
    count.reads += 1
    try:
        return await driver.read(meter.meter.name)
    except Unreachable as error:
        count.lost += 1
        return str(error)


def _show(meter: MeterPlan, scans: list[Scan] | str, count: Count, said: str, asked: argparse.Namespace) -> None:
    configured = meter.meter
    if asked.json:
        rows = [] if isinstance(scans, str) else probe_table.rows(meter.profile, scans, meter.ratio)
        document = {
            "meter": configured.name,
            "at_ns": time.time_ns(),
            "identity": said,
            "reads": count.reads,
            "lost": count.lost,
            "error": scans if isinstance(scans, str) else None,
            "points": [probe_table.document(row) for row in rows],
        }
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    if isinstance(scans, str):
        sys.stderr.write(f"{configured.name}: {advised(scans, OCCUPIED)}\n")
        return
    ratio = (
        "no transformer ratio" if meter.ratio == 1 else f"ratio {probe_table.decimal(meter.ratio)} applied where marked"
    )
    told = [
        f"{configured.name}: {configured.profile} on {place(configured, meter.profile)}, {ratio}",
        f"identity: {said or 'not known'}",
        f"reads {count.reads}, lost {count.lost}",
        *probe_table.lines(probe_table.rows(meter.profile, scans, meter.ratio)),
    ]
    if asked.explain:
        told += _explained(meter, scans) or [f"nothing to explain: {configured.name} is not read by registers"]
    sys.stdout.write((CLEAR if sys.stdout.isatty() and not asked.once else "") + "\n".join(told) + "\n")
    sys.stdout.flush()


def _explained(meter: MeterPlan, scans: Sequence[Scan]) -> list[str]:
    """For each number what its registers could mean; the profile's own reading marked."""
    raws = {reading.point: reading.raw for scan in scans for reading in scan.readings}
    told = []
    for point in meter.profile.measured:
        raw = raws.get(point.id)
        if (
            raw is None
            or point.quantity == "scale"
            or point.table not in ("holding", "input")
            or point.type in ("text", "bool", "composite")
        ):
            continue
        words = [raw >> 16 * (point.length - 1 - at) & 0xFFFF for at in range(point.length)]
        told.append(f"{point.id}: {' '.join(f'{word:04X}' for word in words)} as {point.unit}")
        scale = None if point.scale_point is None else raws.get(point.scale_point)
        told += explain.lines(
            explain.decodings(words, point.unit, offsets=False), point, registers.value(point, raw, scale)
        )
    return told


async def _registers(asked: argparse.Namespace) -> int:
    span = Span(asked.table, asked.address, asked.count)
    if not (1 <= span.count <= WORDS_MAX and 0 <= span.address <= 0x10000 - span.count):
        raise ValueError(f"{span}: ask for 1..{WORDS_MAX} registers within 0..0xffff")
    why = ""
    for settings in attempts(asked):
        opened = bus(settings, asked.timeout_ms, asked.pause_ms)
        async with Line(opened, [(asked.unit, span)], time.time_ns, single=True) as line:
            while True:
                reply = await line.ask(asked.unit, span)
                if not reply.words:
                    why = reply.why
                    break
                sys.stdout.write("\n".join(_raw(span, reply.words, reply.status, asked)) + "\n")
                if asked.once or asked.explain or asked.json:
                    return 0
                await asyncio.sleep(1)
    sys.stderr.write(f"{advised(why, OCCUPIED)}\n")
    return SILENT


def _raw(span: Span, words: Sequence[int | None], status: int, asked: argparse.Namespace) -> list[str]:
    if asked.json:
        return [json.dumps({"table": span.table, "address": span.address, "words": words, "status": status})]
    shown = " ".join("----" if word is None else f"{word:04X}" for word in words)
    told = [f"{span}: {shown}  {quality(status)}"]
    if asked.explain:
        first = list(takewhile(lambda word: word is not None, words))
        found = explain.decodings([word for word in first if word is not None])
        told += explain.lines(found, address=span.address) or ["    nothing plausible"]
    return told
