"""`metertrail scan`: which meters there are.

In: endpoints on the command line. Out: what answers and what it is, on standard output; a draft configuration if asked
for. Never: a write to a device, or a model claimed that was not recognised.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agent.commission import endpoint, fingerprint, scan_opcua, scan_ports, scan_report
from agent.commission.asking import bus
from agent.commission.fingerprint import Found
from agent.commission.scan_bus import Report, Search, scan
from agent.commission.scan_progress import Progress
from agent.drivers import profile, profiles

NOTHING, FAULTY = 1, 2
WIRES_AT_ONCE = 64


@dataclass(slots=True)
class Result:
    """What has been found so far; complete or not."""

    found: dict[tuple[str, str, int], Found] = field(default_factory=dict)
    servers: list[scan_opcua.Server] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def keep(self, found: Found) -> None:
        """A unit, or more about it."""
        self.found[found.wire, str(found.settings), found.unit] = found


def main(argv: list[str]) -> int:
    """Exit status: 0 something was found, 1 nothing or interrupted, 2 a request that makes no sense."""
    parser = _parser()
    asked = parser.parse_args(argv)
    if not asked.endpoint:
        sys.stdout.write("\n".join(scan_ports.lines(list(scan_ports.ports()))) + "\n")
        return 0
    try:
        wires = [
            wire
            for text in asked.endpoint
            for wire in endpoint.wires(text, _numbers(asked.baud), asked.parity.split(","))
        ]
        wires = endpoint.merged(wires)
        units = endpoint.units(asked.units)
        if asked.out is not None and asked.out.exists():
            raise ValueError(f"{asked.out}: is there already: name a new file")  # noqa: TRY301 - told with the others
    except ValueError as error:
        return _faulty(str(error))
    shipped = {name: profile.parse(profiles.load(name)) for name in profiles.names()}
    search = Search(
        units, fingerprint.candidates(shipped), frozenset(shipped), asked.timeout_ms, asked.pause_ms, asked.thorough
    )
    try:
        for settings in (each for wire in wires if wire.server is None for each in wire.attempts):
            bus(settings, search.timeout_ms, search.pause_ms)
    except ValueError as error:
        return _faulty(str(error))
    result, interrupted = Result(), False
    progress = Progress(sys.stderr, sum(len(units) * len(wire.attempts) for wire in wires if wire.server is None))
    try:
        asyncio.run(_all(wires, search, result, progress))
    except KeyboardInterrupt:
        interrupted = True
        result.remarks.append("interrupted: what was found until then is kept")
    progress.clear()
    models = {name: f"{each.make} {each.model}" for name, each in shipped.items()}
    _tell(asked, result, models)
    return NOTHING if interrupted or not (result.found or result.servers) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metertrail scan",
        description="Find meters and say what they are. Nothing is ever written to a device.",
        epilog=f"ENDPOINT: {endpoint.FORMS}. Without one, this machine's serial ports are listed.",
    )
    parser.add_argument("endpoint", nargs="*", metavar="ENDPOINT", help="where to look, as below")
    parser.add_argument(
        "--units", default="1-247", metavar="1-247", help="the unit ids that are asked: 1-247, or such as 1-10,20"
    )
    parser.add_argument("--baud", default="9600,19200", help="for serial ports: each is tried")
    parser.add_argument("--parity", default="N,E", help="for serial ports: each of N, E, O is tried")
    parser.add_argument("--timeout-ms", type=int, default=300, help="how long a unit may take to answer")
    parser.add_argument("--pause-ms", type=int, default=0, help="silence before each request")
    parser.add_argument("--thorough", action="store_true", help="ask silent units a second time, by function 4")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.add_argument("--out", type=Path, metavar="DRAFT.toml", help="write a configuration to begin with")
    return parser


async def _all(wires: Sequence[endpoint.Wire], search: Search, result: Result, progress: Progress) -> None:
    """All wires side by side, one request at a time on each."""
    places = asyncio.Semaphore(WIRES_AT_ONCE)

    def found(one: Found) -> None:
        if (one.wire, str(one.settings), one.unit) not in result.found:
            progress.found()
        result.keep(one)

    async def one(wire: endpoint.Wire) -> None:
        async with places:
            try:
                if wire.server is not None:
                    result.servers.append(await scan_opcua.look(wire.server, max(1.0, search.timeout_ms / 1000)))
                else:
                    await scan(wire, search, time.time_ns, Report(progress.asked, found, result.remarks.append))
            except OSError as error:
                progress.asked(len(search.units) * len(wire.attempts))
                if not wire.ranged:
                    result.remarks.append(f"{wire.name}: no connection ({_reason(error)}): check address and cable")

    async with asyncio.TaskGroup() as group:
        for wire in wires:
            group.create_task(one(wire))


def _tell(asked: argparse.Namespace, result: Result, models: dict[str, str]) -> None:
    found = list(result.found.values())
    if asked.json:
        servers = [asdict(server) for server in result.servers]
        sys.stdout.write(scan_report.document(found, result.remarks, servers) + "\n")
    else:
        told = scan_report.lines(found, models)
        told += [line for server in result.servers for line in scan_opcua.lines(server)]
        sys.stdout.write("\n".join(told) + "\n" if told else "nothing found\n")
    sys.stderr.write("".join(f"{remark}\n" for remark in result.remarks))
    if asked.out is not None and found:
        asked.out.write_text(scan_report.draft(found, models))
        sys.stderr.write(f"{asked.out}: {len(found)} units; complete it and run metertrail agent check {asked.out}\n")


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"--baud {text}: write numbers such as 9600,19200") from None


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return (
        os.strerror(error.errno) if isinstance(error, ConnectionError) and error.errno else error.strerror or str(error)
    )


def _faulty(text: str) -> int:
    sys.stderr.write(text + "\n")
    return FAULTY
