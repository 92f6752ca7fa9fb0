"""Scanning one bus: who answers, then what it is.

In: the settings of a bus, unit ids, profiles to recognise. Out: `Found` units, each told as soon as it is heard and
again when it is known. Never: two requests at a time, or a write.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from agent.commission import fingerprint
from agent.commission.asking import Line, bus
from agent.commission.endpoint import Settings, Wire
from agent.commission.fingerprint import HEARD, Candidate, Facts, Found, Verdict
from agent.commission.spans import Reply, Span
from agent.drivers import BAD_OUT_OF_RANGE

# Any answer shows that a unit is there, also the refusal of a register it does not have.
KNOCKS = (Span("holding", 0, 1), Span("input", 0, 1))
# 248..255 are no unit ids of a serial line (Modbus over Serial Line V1.02, 2.2): a server that answers to this one
# answers to any.
NOBODY = 253
TRIES = 2  # a frame may be lost, and silence would speak against a profile
SERIAL_UNITS = range(1, 248)
CONNECT_S_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Search:
    """What to ask every bus."""

    units: tuple[int, ...]
    known: tuple[Candidate, ...]
    shipped: frozenset[str]
    timeout_ms: int
    pause_ms: int
    thorough: bool  # silent units are asked a second time, for an input register


@dataclass(frozen=True, slots=True)
class Report:
    """Where a scan tells what it does: requests done, units found, remarks for whoever reads the result."""

    asked: Callable[[int], None]
    found: Callable[[Found], None]
    remark: Callable[[str], None]


async def scan(wire: Wire, search: Search, now_ns: Callable[[], int], report: Report) -> None:
    """Try a wire's settings in turn. Raises OSError if there is nobody to connect to, ValueError for settings."""
    found_any = False
    for settings in wire.attempts:
        if found_any and not wire.every:
            report.asked(len(search.units))
            continue
        opened = bus(settings, search.timeout_ms, search.pause_ms)
        if "host" in settings:
            await _reach(str(settings["host"]), int(settings["port"]), search)
        heard, last = await _knock(opened, wire, settings, search, now_ns, report)
        for unit, verdict in (await _recognise(opened, heard, search, now_ns)).items():
            report.found(Found(wire.name, settings, unit, verdict))
        found_any = found_any or bool(heard)
        if not heard and last and not wire.ranged and settings is wire.attempts[-1] and not found_any:
            report.remark(f"{wire.name}: nothing answers: {last}")


async def _reach(host: str, port: int, search: Search) -> None:
    async with asyncio.timeout(max(CONNECT_S_LEAST, search.timeout_ms / 1000)):
        _, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()


async def _knock(
    opened: BaseModel, wire: Wire, settings: Settings, search: Search, now_ns: Callable[[], int], report: Report
) -> tuple[list[int], str]:
    """The units that answer, and what was said of the last one that did not.

    A driver that has heard one unit waits less for the others, and might miss a slow one: it begins anew after each.
    """
    knocks = KNOCKS if search.thorough else KNOCKS[:1]
    over_tcp = settings["kind"] == "tcp"
    waiting = [unit for unit in search.units if over_tcp or unit in SERIAL_UNITS]
    report.asked(len(search.units) - len(waiting))
    nobody = Reply(())
    if over_tcp and NOBODY not in search.units:
        async with Line(opened, [(NOBODY, span) for span in knocks], now_ns) as line:
            nobody = await _answer(line, NOBODY, knocks)
    heard: list[int] = []
    last = ""
    while waiting:
        async with Line(opened, [(unit, span) for unit in waiting for span in knocks], now_ns) as line:
            while waiting:
                unit = waiting.pop(0)
                reply = await _answer(line, unit, knocks)
                report.asked(1)
                last = reply.why or last
                if not reply.words:
                    continue
                if nobody.words and _same(nobody, reply):
                    if nobody.whole is None:
                        continue  # this gateway answers for units that are not there
                    report.remark(f"{wire.name}: answers to every unit id: one meter, found as unit {unit}")
                    report.asked(len(waiting))
                    waiting = []
                heard.append(unit)
                report.found(Found(wire.name, settings, unit, HEARD))
                break
    return heard, last


def _same(nobody: Reply, reply: Reply) -> bool:
    """Whether a unit answers as one that cannot exist does; a value may have changed in between."""
    return (nobody.whole is None) == (reply.whole is None) and nobody.status == reply.status


async def _answer(line: Line, unit: int, knocks: Sequence[Span]) -> Reply:
    reply = Reply(())
    for span in knocks:
        reply = await line.ask(unit, span)
        if reply.words:
            break
    return reply


async def _recognise(
    opened: BaseModel, heard: Collection[int], search: Search, now_ns: Callable[[], int]
) -> Mapping[int, Verdict]:
    """Ask what the fingerprints want to know, round by round over all units, until nothing is left to ask."""
    facts: dict[int, dict[Span, tuple[int, ...] | None]] = {unit: {} for unit in heard}
    unanswered = dict.fromkeys(heard, 0)
    while True:
        wanted = [(unit, span) for unit in heard for span in fingerprint.wanted(search.known, facts[unit])]
        if not wanted:
            break
        async with Line(opened, wanted, now_ns) as line:
            for unit, span in wanted:
                told = await _told(line, unit, span)
                facts[unit][span] = told.whole
                unanswered[unit] += told.whole is None and told.status != BAD_OUT_OF_RANGE
    return {unit: _verdict(search, facts[unit], unanswered[unit]) for unit in heard}


async def _told(line: Line, unit: int, span: Span) -> Reply:
    """What a unit says of a span; silence, a broken answer and "busy" are no word on it, so it is asked again."""
    told = Reply(())
    for _ in range(TRIES):
        told = await line.ask(unit, span)
        if told.whole is not None or told.status == BAD_OUT_OF_RANGE:
            break
    return told


def _verdict(search: Search, facts: Facts, unanswered: int) -> Verdict:
    found = fingerprint.of_models(fingerprint.verdict(search.known, facts), search.shipped)
    if found.certainty == "unknown" and unanswered:
        why = f"{unanswered} of {len(facts)} questions got no usable answer: scan again with a larger --timeout-ms"
        return replace(found, why=(*found.why, why))
    return found
