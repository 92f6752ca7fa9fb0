"""`metertrail dump`: what a meter's registers hold, as a file the simulator can serve.

In: a meter of a configuration, or a unit behind an ENDPOINT. Out: the image on standard output, remarks on standard
error. Never: a write to the meter.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from agent import check
from agent.commission import dump_image
from agent.commission.asking import Line, bus
from agent.commission.dump_image import Image
from agent.commission.probe import FAULTY, OCCUPIED, SILENT, attempts, of_endpoint
from agent.commission.spans import Span
from agent.drivers import profile as profile_form
from agent.drivers import profiles
from agent.told import advised
from contract.problems import Problems, suggest

TRIES = 2  # a frame may be lost; a dump of a site is not repeated lightly


def main(argv: list[str]) -> int:
    """Exit status: 0 an image was written, 1 nothing answers, 2 a request that makes no sense."""
    asked = _parser().parse_args(argv)
    try:
        buses, unit, name, spans = _of_config(asked) if asked.meter else _of_endpoint(asked)
        image = asyncio.run(_take(buses, unit, spans))
    except (Problems, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return FAULTY
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing written\n")
        return SILENT
    if isinstance(image, str):
        sys.stderr.write(f"{advised(image, OCCUPIED)}\n")
        return SILENT
    sys.stdout.write(dump_image.document(image, name, unit, time.time_ns()))
    sys.stderr.write("".join(f"{line}\n" for line in dump_image.summary(image)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metertrail dump",
        usage="metertrail dump AGENT.toml METER | ENDPOINT --unit N [--profile P | --table T --from A --to B]",
    )
    parser.add_argument(
        "target", metavar="AGENT.toml|ENDPOINT", help="a configuration, or an address as `metertrail scan` has it"
    )
    parser.add_argument("meter", nargs="?", metavar="METER", help="the meter's name in the configuration")
    of_endpoint(parser)
    parser.add_argument("--profile", help="read the registers of this profile")
    parser.add_argument("--base", type=lambda text: int(text, 0), default=0, help="added to its addresses")
    parser.add_argument("--from", dest="first", type=lambda text: int(text, 0), help="first register of a range")
    parser.add_argument("--to", dest="last", type=lambda text: int(text, 0), help="last register of it")
    return parser


def _of_config(asked: argparse.Namespace) -> tuple[list[BaseModel], int, str | None, tuple[Span, ...]]:
    plan = check.load(Path(asked.target), time.time_ns())
    meters = {each.meter.name: each for each in plan.meters}
    if asked.meter not in meters:
        raise ValueError(f"{asked.target}: there is no meter {asked.meter!r}: {suggest(asked.meter, meters)}")
    meter = meters[asked.meter].meter
    driver, settings = plan.buses[meter.bus]
    if driver != "modbus":
        raise ValueError(f"{asked.target}: {meter.name} is read by {driver}: only Modbus meters have registers to dump")
    whole = profile_form.parse(meters[asked.meter].profile_toml)
    spans = _range(asked) or dump_image.of_profile(whole, meter.base)
    return [settings], meter.unit, meter.profile, spans


def _of_endpoint(asked: argparse.Namespace) -> tuple[list[BaseModel], int, str | None, tuple[Span, ...]]:
    buses = [bus(settings, asked.timeout_ms, asked.pause_ms) for settings in attempts(asked)]
    spans = _range(asked)
    if asked.profile is not None and not spans:
        whole = profile_form.parse(profiles.load(asked.profile))
        if any(point.table is None for point in whole.points):
            raise ValueError(f"--profile {asked.profile}: has no registers: choose one for Modbus")
        spans = dump_image.of_profile(whole, asked.base)
    if not spans:
        raise ValueError(f"{asked.target}: which registers? give --profile NAME, or --table with --from and --to")
    return buses, asked.unit, asked.profile, spans


def _range(asked: argparse.Namespace) -> tuple[Span, ...]:
    if asked.first is None and asked.last is None:
        return ()
    if asked.first is None or asked.last is None or not 0 <= asked.first <= asked.last <= 0xFFFF:
        raise ValueError("--from and --to: give both, the lower first, within 0..0xffff")
    return dump_image.of_range(asked.table, asked.first, asked.last)


async def _take(buses: Sequence[BaseModel], unit: int, spans: Sequence[Span]) -> Image | str:
    """The image over the first of the buses on which the unit answers, or why there is none."""
    why = ""
    for opened in buses:
        image, todo = Image(), tuple(spans)
        while todo:
            again: list[Span] = []
            async with Line(opened, [(unit, span) for span in todo], time.time_ns, single=True) as line:
                for span in todo:
                    reply = await line.ask(unit, span, TRIES)
                    if not (reply.words or image.tables):  # nobody there: not worth a timeout for each request
                        why = reply.why
                        break
                    again += image.take(span, reply)
            todo = tuple(again)
        if image.tables:
            return image
    return why
