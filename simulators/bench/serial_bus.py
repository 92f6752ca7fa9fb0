"""How much of a serial line's time is used: `python -m simulators.bench.serial_bus`.

In: a line paced at its baud rate behind a converter, meters with a turnaround, all wanted more often than the line can
carry. Out: the time that the frames, the silence between them and the turnaround need by themselves, over the time that
passed.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.bus import Bus
from agent.drivers import Target, modbus
from agent.drivers.profile import parse
from agent.load import Load
from agent.poll import Inbox, Rota, poll
from agent.schedule import Polled
from simulators.bench import fleet
from simulators.modbus_server import answering, delayed, serving

NS = 1_000_000_000
EVERY_NS = 50_000_000  # the shortest rhythm a configuration takes
METERS, POINTS = 10, 5
REQUEST_CHARACTERS, ANSWER_CHARACTERS, SILENT_CHARACTERS = 8, 5, 3.5  # Modbus over Serial Line V1.02, 2.5.1
BITS_A_CHARACTER = 10  # 8N1


@dataclass(frozen=True, slots=True)
class Used:
    """Answers, the seconds these needed on the line, the seconds from the first request to the last answer."""

    answers: int
    needed_s: float
    passed_s: float


class Registers:
    """A unit whose registers hold their own addresses."""

    def words(self, _table: str, address: int, count: int, _at_ns: int) -> list[int]:
        """As `modbus_server.Unit`."""
        return list(range(address, address + count))


def needed_s(words: int, baud: int, turnaround_s: float) -> float:
    """The least a request for so many words, its answer and the silence around both take on the line."""
    characters = REQUEST_CHARACTERS + ANSWER_CHARACTERS + 2 * words + 2 * SILENT_CHARACTERS
    return characters * BITS_A_CHARACTER / baud + turnaround_s


async def used(baud: int, turnaround_s: float, seconds: float, now_ns: Callable[[], int]) -> Used:
    """Poll a crowded line for so many seconds."""
    profile = parse(fleet.profile(POINTS).encode())
    answer = delayed(answering({unit: Registers() for unit in range(1, METERS + 1)}, now_ns), turnaround_s)
    async with serving("rtu", answer, 0, baud=baud) as port:
        settings = modbus.Bus(kind="rtu_over_tcp", host="127.0.0.1", port=port)
        targets = {f"m{unit}": Target(unit, profile) for unit in range(1, METERS + 1)}
        inbox = Inbox()
        bus = Bus(modbus.open_driver(settings, targets, now_ns, inbox.tell))
        rota = Rota(Load("line", now_ns()), [Polled(name, EVERY_NS) for name in targets], {}, 3600 * NS)
        polling = asyncio.create_task(poll(bus, rota, inbox, now_ns))
        await asyncio.sleep(seconds)
        rota.stop()
        await polling
        await bus.close()
    scans = [scan for _, scan in inbox.scans]
    passed_s = (scans[-1].answered_ns - scans[0].requested_ns) / NS
    return Used(len(scans), len(scans) * needed_s(2 * POINTS, baud, turnaround_s), passed_s)


def main() -> None:
    """Measure in real time and print."""
    parser = argparse.ArgumentParser(prog="simulators.bench.serial_bus")
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("--turnaround-ms", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    found = asyncio.run(used(given.baud, given.turnaround_ms / 1000, given.seconds, time.time_ns))
    sys.stdout.write(
        f"{METERS} meters on a line of {given.baud} baud, {2 * POINTS} registers a request, turnaround"
        f" {given.turnaround_ms} ms\n"
        f"  {found.answers} answers in {found.passed_s:.1f} s, needed by frames and turnaround {found.needed_s:.1f} s:"
        f" {100 * found.needed_s / found.passed_s:.1f} % of the line's time is used\n"
    )


if __name__ == "__main__":
    main()
