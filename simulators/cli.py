"""`metertrail simulate`: runs the servers of a simulated plant until it is told to stop.

In: arguments, a scenario file and its CSV, the system clock. Out: one line per endpoint once it listens; exit status.
Never: anything to the plant; the same scenario, seed and start give the same plant in another process.
"""

import argparse
import asyncio
import csv
import logging
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from agent.drivers import profile, profiles
from simulators import load, modbus_server, plc, scenario
from simulators.plant import Plant

AGE_NS_MAX = 31 * 86_400 * 10**9  # the history of a plant is worked out when it is first asked


def open_plant(
    path: Path, seed: int, start_ns: int, load_file: Path | None = None, batch_s: int | None = None
) -> Plant:
    """Read a scenario with all it names. `load_file` and `batch_s` take the place of what the scenario says.

    Raises ValueError, one line a problem: what, where, what to do.
    """
    described = scenario.parse(_read(path), str(path))
    if batch_s is not None:
        described = described.model_copy(update={"batch_s": batch_s})
    table = load_file or path.parent / described.load.file
    try:
        energies_wh_milli = load.read_energies(_read(table).decode("utf-8-sig"), str(table))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table}: not readable as CSV: {error}") from error
    types = {meter.profile: profile.parse(profiles.load(meter.profile)) for meter in described.meters}
    return Plant(described, energies_wh_milli, types, seed, start_ns)


async def run(plant: Plant, stop: asyncio.Event) -> None:
    """Serve every bus and the controllers of a plant until `stop` is set. Raises OSError if a port is taken."""
    described = plant.scenario
    async with AsyncExitStack() as open_servers:
        for bus in described.buses:
            units = plant.units(bus.id)
            answer = modbus_server.answering(units, time.time_ns)
            port = await open_servers.enter_async_context(
                modbus_server.serving(bus.framing, answer, bus.port, baud=bus.baud if bus.framing == "rtu" else 0)
            )
            meters = ", ".join(f"{meter.config.id} (unit {unit})" for unit, meter in sorted(units.items()))
            _say(f"modbus {bus.framing:<3} 127.0.0.1:{port}  {meters}")
        port = await open_servers.enter_async_context(
            plc.serving(plant.lines.values(), described.plc.port, described.plc.scan_ms, time.time_ns)
        )
        _say(f"opc ua     opc.tcp://127.0.0.1:{port}/  {', '.join(line.config.name for line in plant.lines.values())}")
        await stop.wait()


def main(argv: list[str]) -> int:
    """Run the command; 0 after a clean stop, 1 if the plant cannot be built or a port is taken."""
    parser = argparse.ArgumentParser(prog="metertrail simulate", description="Run the servers of a simulated plant.")
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.toml")
    parser.add_argument("--seed", type=int, default=1, help="another number is another plant (default 1)")
    parser.add_argument(
        "--start-ns", type=int, metavar="N", help="when the plant began, in ns since 1970 (default: now)"
    )
    parser.add_argument("--load", type=Path, metavar="FILE.csv", help="15-minute energies in place of the scenario's")
    given = parser.parse_args(argv)
    now_ns = time.time_ns()
    start_ns = now_ns if given.start_ns is None else given.start_ns
    if not 0 <= now_ns - start_ns <= AGE_NS_MAX:
        parser.error(f"--start-ns: {start_ns} is in the future or over 31 days ago: give a time in between")
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns that nothing is encrypted, which is meant
    try:
        asyncio.run(_until_signalled(open_plant(given.scenario, given.seed, start_ns, given.load)))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _until_signalled(plant: Plant) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _say(f"plant      seed {plant.seed}, begun at {plant.start_ns} ns")
    await run(plant, stop)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}: check the path") from error


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
