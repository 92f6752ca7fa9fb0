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
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

from agent.drivers import profile, profiles
from simulators import buses, controllers, dump, load, scenario
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
    energies_wh_milli = _energies(described, path, load_file)
    types = {meter.profile: profile.parse(profiles.load(meter.profile)) for meter in described.meters}
    dumps = {}
    for device in described.dumped:
        file = path.parent / device.registers
        dumps[device.id] = dump.parse(_read(file), str(file))
    return Plant(described, energies_wh_milli, types, seed, start_ns, dumps)


def _energies(described: scenario.Scenario, path: Path, load_file: Path | None) -> tuple[int, ...]:
    if described.load is None:
        return ()
    table = load_file or path.parent / described.load.file
    try:
        return load.read_energies(_read(table).decode("utf-8-sig"), str(table))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table}: not readable as CSV: {error}") from error


async def run(plant: Plant, stop: asyncio.Event) -> None:
    """Serve every bus and the controllers of a plant until `stop` is set. Raises OSError if a port is taken."""
    try:
        async with asyncio.TaskGroup() as outages, AsyncExitStack() as open_servers:
            tasks: list[asyncio.Task[None]] = []
            await _open(plant, open_servers, lambda outage: tasks.append(outages.create_task(outage)))
            await stop.wait()
            for task in tasks:
                task.cancel()
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _open(
    plant: Plant, open_servers: AsyncExitStack, start: Callable[[Coroutine[None, None, None]], None]
) -> None:
    """Open the servers one by one, saying where each is; `start` is given the outages to come."""
    described, began_ns = plant.scenario, time.monotonic_ns()

    def elapsed_ns() -> int:
        return time.monotonic_ns() - began_ns

    for bus in described.buses:
        served = buses.serving(plant, bus, time.time_ns, elapsed_ns, start)
        where = await open_servers.enter_async_context(served)
        units = {device.unit: device.id for device in described.devices if device.bus == bus.id}
        meters = ", ".join(f"{name} (unit {unit})" for unit, name in sorted(units.items()))
        spoken = "dlt645    " if bus.framing == "dlt645" else f"modbus {bus.framing:<3}"
        _say(f"{spoken} {where}  {meters}")
    if described.plc is not None:
        served_lines = controllers.serving(plant, described.plc, time.time_ns, elapsed_ns, start)
        port = await open_servers.enter_async_context(served_lines)
        _say(f"opc ua     opc.tcp://127.0.0.1:{port}/  {', '.join(line.config.name for line in plant.lines.values())}")
    for fault in described.faults:
        _say(f"fault      {fault.told()}")


def main(argv: list[str]) -> int:
    """Run the command; 0 after a clean stop, 1 if the plant cannot be built or a port is taken."""
    parser = argparse.ArgumentParser(prog="metertrail simulate", description="Run the servers of a simulated plant.")
    parser.add_argument(
        "scenario", type=Path, metavar="SCENARIO.toml", help="the plant, such as configs/demo/plant.toml"
    )
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
    except OSError as error:
        hint = "stop what listens there, such as another simulator, or give the scenario another port"
        sys.stderr.write(f"{given.scenario}: {error.strerror or error}: {hint}\n")
        return 1
    except ValueError as error:
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
