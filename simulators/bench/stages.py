"""The stages a scan passes in the agent, each timed alone, in processor time.

In: an agent's configuration whose devices answer, and a folder to write in. Out: microseconds a scan, stage by stage;
and what an agent kept in its journal.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from agent import check, columns, live, rows
from agent.check import Plan
from agent.drivers import Scan, blocks
from agent.journal import Journal, Stored
from agent.recall import open_parts
from contract import keys, segment
from contract.entry import Clock
from contract.writer import Circumstances, Span, Writer, write

NS = 1_000_000_000
ROUNDS = 10
SCANS_A_SEAL = 60  # one a second, sealed every minute
ROWS_A_COMMIT = 125  # 500 meters a second, four commits a second
SHOWN = "shown on pages, seldom enough to take a twentieth"
NO_CLOCK = Clock(synchronised=None, error_ns=None, boot=None, monotonic_ns=None)
Scans = Sequence[tuple[str, Scan]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a journal holds: readings, the seconds left out between two of one meter, in files of how many bytes."""

    readings: int
    missed: int
    file_bytes: int


def kept(folder: Path) -> Kept:
    """Count what an agent that has stopped left in its journal."""
    journal = Journal(folder)
    made = [segment.decode(part) for stored in journal.since(0, "segment") for part in open_parts(stored)]
    journal.close()
    found = [block for one in made for block in one.blocks]
    readings = sum(len(block.answered_ns) * len(block.columns) for block in found)
    asked: dict[str, list[int]] = {}
    for one in made:
        asked.setdefault(one.meter, []).extend(at_ns // NS for block in one.blocks for at_ns in block.requested_ns)
    missed = sum(later - earlier - 1 for slots in asked.values() for earlier, later in pairwise(slots))
    return Kept(readings, missed, sum(path.stat().st_size for path in folder.glob("[0-9]*.db")))


def timed(folder: Path, config: Path, meters: int) -> Iterator[tuple[str, float]]:
    """Each stage's name and its processor time in microseconds a scan, over the first so many meters."""
    plan = check.load(config, time.time_ns())
    names = [planned.meter.name for planned in plan.meters[:meters]]
    scans, asked_us = asyncio.run(_asked(plan, names))
    profile = plan.meters[0].profile
    planned = blocks.plan(profile.points, profile.registers_max, profile.hole_max)
    words = [[0x4640 + n for n in range(block.count)] for block in planned]
    decoded_us = _us(lambda: [blocks.readings(b, w) for b, w in zip(planned, words, strict=True)], ROUNDS * 100)
    yield "asked and answered (pymodbus, asyncio)", asked_us - decoded_us
    yield "words to readings", decoded_us
    written = [("scan", rows.write_scan(meter, scan)) for meter, scan in scans]
    yield "as a row", _us(lambda: [rows.write_scan(meter, scan) for meter, scan in scans], 1) / len(scans)
    yield from _kept(folder, scans, written)
    last = {meter: [scan] for meter, scan in scans}
    told_us = _us(lambda: live.meters(plan.meters[:meters], last), 3) / meters
    yield SHOWN, told_us


async def _asked(plan: Plan, names: Sequence[str]) -> tuple[Scans, float]:
    """Read meters as the agent does, all in one tick: (the scans, processor time a scan)."""
    drivers = check.open_drivers(plan, time.time_ns, lambda _event: None)
    buses = {planned.meter.name: planned.meter.bus for planned in plan.meters}
    scans: list[tuple[str, Scan]] = []
    for round_ in range(ROUNDS + 1):
        if round_ == 1:  # the first connects
            scans, before_ns = [], time.process_time_ns()
        for name, found in zip(names, await asyncio.gather(*(drivers[buses[n]].read(n) for n in names)), strict=True):
            scans += [(name, scan) for scan in found]
    spent_us = (time.process_time_ns() - before_ns) / 1000
    for driver in drivers.values():
        await driver.close()
    return scans, spent_us / (ROUNDS * len(names))


def _kept(folder: Path, scans: Scans, written: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, float]]:
    journal, now_ns = Journal(folder / "stages"), time.time_ns()

    def commit() -> None:
        for first in range(0, len(written), ROWS_A_COMMIT):
            journal.record(written[first : first + ROWS_A_COMMIT], {}, now_ns)

    yield "committed to disk, synced", _us(commit, 3) / len(written)
    pending = columns.Pending(())
    minute = [(name, scan) for name, scan in scans[: len(scans) // ROUNDS] for _ in range(SCANS_A_SEAL)]

    def add() -> None:
        for name, scan in minute:
            pending.add(name, scan)

    yield "into columns", _us(add, 1) / len(minute)
    sealed: list[Stored] = []
    yield "encoded, hashed and signed", _us(lambda: sealed.extend(_sealed(pending, now_ns)), 1) / len(minute)
    yield "packed and committed", _us(lambda: journal.seal(sealed, journal.last_row(), now_ns), 1) / len(minute)
    journal.close()


def _sealed(pending: columns.Pending, now_ns: int) -> Iterator[Stored]:
    writer = Writer("bench", "edge-1", keys.generate(keys.EDDSA), secrets.token_bytes(16))
    for portion in columns.portions(pending.segments()):
        span = Span(min(portion.times_ns), max(portion.times_ns))
        now = Circumstances(now_ns, NO_CLOCK, None, secrets.token_bytes(32))
        writer, header, made = write(writer, "segment", portion.parts, span, now)
        yield Stored(made, header.epoch, header.seq, header.type, header.from_ns, header.to_ns)


def _us(call: Callable[[], object], times: int) -> float:
    before_ns = time.process_time_ns()
    for _ in range(times):
        call()
    return (time.process_time_ns() - before_ns) / 1000 / times
