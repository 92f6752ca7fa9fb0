"""A storm of faulty answers over the real Modbus driver, to see whether it ever admits a wrong word.

In: a number of requests, a seed. Out: a table of faults, and exit status 0 if the driver kept its promise.
Never: a wait, a socket: `simulators.virtual` runs driver and servers in one process, so that time costs nothing.

The promise: no wrong value is admitted, whatever comes, if its frame shows it (unit, function, length, checksum,
transaction id). If nothing in an RTU frame differs, as from the same request a round ago, none is admitted that comes
within the timeout of its request; what comes later than that, or a second time, is the weather `beyond`. A TCP answer
that breaks off exactly where a late one fits in is `merged`: no frame shows that either.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence

from agent.drivers import Driver, Target, Unreachable
from agent.drivers import modbus as driver
from agent.drivers.profile import Profile, parse
from simulators import virtual
from simulators.faults import BUSY, AnswerKind, Hit, chance, pieces
from simulators.frames import Frame, Framing
from simulators.modbus_server import Spoilt, serving, struck
from simulators.storm_tally import NO_FAULT, WORDS, Asked, Tally

TIMEOUT_MS = 200
FAULTY_PERMILLE = 600
WAIT_MS_MAX = 100  # between two rounds of a bus
IDLE_MS = 60_000  # after a round without a request: what was refused is asked again only later
TURNAROUND_MS = 2

Weather = tuple[tuple[str, AnswerKind, int, int], ...]

# What rages: name in the table, fault, and between how many ms it delays.
WITHIN: Weather = (
    ("dead", "dead", 0, 0),
    ("slow", "slow", 1, TIMEOUT_MS - 20),
    ("late", "late", TIMEOUT_MS // 4, TIMEOUT_MS),
    ("duplicate", "duplicate", 0, 0),
    ("truncated", "truncated", 0, 0),
    ("bit flipped", "bit_flip", 0, 0),
    ("wrong unit", "wrong_unit", 0, 0),
    ("wrong function", "wrong_function", 0, 0),
    ("wrong length", "wrong_length", 0, 0),
    ("transaction id 0", "transaction_zero", 0, 0),
    ("late and id 0", "transaction_zero", TIMEOUT_MS // 4, TIMEOUT_MS),
    ("exception", "exception", 0, 0),
    ("busy", "busy", 0, 0),
)
BEYOND: Weather = (
    *WITHIN,
    ("very late", "late", TIMEOUT_MS, 10 * TIMEOUT_MS),
    ("very late, id 0", "transaction_zero", TIMEOUT_MS, 10 * TIMEOUT_MS),
    ("late duplicate", "duplicate", 1, TIMEOUT_MS),
)

# Units by the addresses of their values; neighbours share a request. A bus of one unit with one request is the hardest:
# every answer has the shape of the one before.
Units = dict[int, tuple[int, ...]]
ALONE: Units = {1: (0,)}
SEVERAL: Units = {1: (0, 4, 100, 200, 204, 208), 2: (0, 4, 100), 3: (0, 100), 4: (100, 200, 204, 208), 5: (0,)}
BUSES: tuple[tuple[Framing, Units], ...] = (
    ("tcp", ALONE),
    ("tcp", SEVERAL),
    ("rtu", ALONE),
    ("rtu", SEVERAL),
)


def storm(requests: int, seed: int, *, beyond: bool) -> dict[Framing, Tally]:
    """Read buses of both framings, in virtual time, by so many requests in all. Returns tallies by framing."""
    loop = virtual.Loop()
    return virtual.run(_storm(loop, requests, seed, beyond=beyond), loop)


async def _storm(loop: virtual.Loop, requests: int, seed: int, *, beyond: bool) -> dict[Framing, Tally]:
    tallies = [(framing, Tally(beyond)) for framing, _ in BUSES]
    await asyncio.gather(
        *(
            _bus(loop, tallies[at][1], f"{seed}/{at}", framing, units, requests // len(BUSES))
            for at, (framing, units) in enumerate(BUSES)
        )
    )
    added: dict[Framing, Tally] = {}
    for framing, tally in tallies:
        added.setdefault(framing, Tally(beyond)).add(tally)
    return added


async def _bus(loop: virtual.Loop, tally: Tally, seed: str, framing: Framing, units: Units, requests: int) -> None:
    meters = {str(unit): Target(unit, _profile(addresses)) for unit, addresses in units.items()}
    answers = _Answers(tally, seed, loop, frozenset(units), framing)
    async with serving(framing, answers, 0) as port:
        kind = "tcp" if framing == "tcp" else "rtu_over_tcp"
        bus = driver.Bus.model_validate({"kind": kind, "host": "127.0.0.1", "port": port, "timeout_ms": TIMEOUT_MS})
        opened: Driver = driver.open_driver(bus, meters, loop.now_ns, lambda _: None)
        round_ = 0
        while answers.made < requests:
            made = answers.made
            for meter, target in meters.items():
                try:
                    scans = await opened.read(meter)
                except Unreachable:
                    continue
                for scan in scans:
                    tally.judge(target.unit, scan)
            round_ += 1
            wait_ms = chance(seed, "wait", round_) % WAIT_MS_MAX if answers.made > made else IDLE_MS
            await asyncio.sleep(wait_ms / 1000)
        await opened.close()


class _Answers:
    """Values that say where they are from, through the weather."""

    def __init__(self, tally: Tally, seed: str, loop: virtual.Loop, units: frozenset[int], framing: Framing) -> None:
        self.made = 0  # so many requests came
        self._framing = framing
        self._tally = tally
        self._seed = seed
        self._loop = loop
        self._units = units

    async def __call__(self, unit_id: int, request: bytes) -> bytes | Spoilt | None:
        self.made += 1
        await asyncio.sleep(TURNAROUND_MS / 1000)
        tally, number = self._tally, len(self._tally.requests)
        name, hit = _weather(chance(self._seed, "hit", self.made), BEYOND if tally.beyond else WITHIN)
        start, count = int.from_bytes(request[1:3], "big"), int.from_bytes(request[3:5], "big")
        missing = 0 if self._framing == "rtu" else _missing(hit, unit_id, count)
        tally.requests.append(Asked(self._loop.now_ns(), unit_id, start, count, name, missing))
        tally.injected[name] += 1

        async def values(unit_id: int, request: bytes) -> bytes | None:
            numbers = (unit_id << 56 | at << 40 | number for at in range(start, start + count, WORDS))
            return bytes([request[0], 2 * count]) + b"".join(value.to_bytes(8, "big") for value in numbers)

        return await struck(hit, values, unit_id, request) if unit_id in self._units else None


def _missing(hit: Hit | None, unit_id: int, count: int) -> int:
    """Bytes of a Modbus TCP answer that do not come."""
    if hit is None or hit.kind != "truncated":
        return 0
    whole = Frame("tcp", unit_id, bytes(2 + 2 * count))
    return len(bytes(whole)) - len(pieces(hit, whole)[0][1])


def _weather(luck: int, weather: Weather) -> tuple[str, Hit | None]:
    """What befalls a request: its name in the table, and the hit."""
    luck, blow = divmod(luck, 1000)
    if blow >= FAULTY_PERMILLE:
        return NO_FAULT, None
    luck, which = divmod(luck, len(weather))
    name, kind, ms_min, ms_max = weather[which]
    luck, code = divmod(luck, 11)
    luck, more_ms = divmod(luck, ms_max - ms_min + 1)
    return name, Hit(kind, ms_min + more_ms, BUSY if kind == "busy" else 1 + code, luck)


def _profile(addresses: Sequence[int]) -> Profile:
    head = 'make = "Storm"\nmodel = "X"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["simulated"]\n'
    keys = 'quantity = "current"\ntype = "uint64"\nunit = "1"\nkind = "gauge"\ntable = "holding"\n'
    points = (f'[[point]]\nid = "p{address}"\naddress = {address}\n{keys}' for address in addresses)
    return parse((head + "".join(points)).encode())


def table(tallies: Mapping[Framing, Tally]) -> str:
    """Return how often each fault struck, how many answers were admitted, and how many values were wrong."""
    rows = [
        f"{'framing':<9}{'fault':<18}{'injected':>9}{'admitted':>9}{'refused':>9}{'wrong':>7}{'alike':>7}{'merged':>7}"
    ]
    for framing, tally in tallies.items():
        for name in (NO_FAULT, *(name for name, *_ in (BEYOND if tally.beyond else WITHIN))):
            injected, admitted = tally.injected[name], tally.admitted[name]
            counts = f"{injected:>9}{admitted:>9}{injected - admitted:>9}"
            faulty = f"{tally.wrong[name]:>7}{tally.alike[name]:>7}{tally.merged[name]:>7}"
            rows.append(f"{framing:<9}{name:<18}{counts}{faulty}")
    return "\n".join(rows)


def main(argv: list[str]) -> int:
    """Run both kinds of weather, half of the requests each, and print their tables; 0 if the promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m simulators.storm", description="Faulty answers by the thousand.")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    kept = True
    for beyond in (False, True):
        tallies = storm(given.requests // 2, given.seed, beyond=beyond)
        sys.stdout.write(f"{'beyond' if beyond else 'within'} the timeout\n{table(tallies)}\n\n")
        kept = kept and all(tally.holds for tally in tallies.values())
    sys.stdout.write("the promise was kept\n" if kept else "WRONG VALUES WERE ADMITTED\n")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
