"""The whole plant in virtual time: agents, a broker, a gateway, each on a disk of its own, and one who kills them.

In: a seed, how many kills, the weather. Out: figures, and every breach of what was promised. A kill stops a part at a
random call to its disk, or between two; half of them take the power with it, so that what was not synced may be lost
or torn. Other blows fail one single call. A day takes seconds: time is an argument.
Never: a thread, a clock, a socket. The same seed gives the same run.
"""

import asyncio
import errno
import os
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulators.ordeal import hall, plain_files, plant
from simulators.ordeal.broker import CALM, Broker, Weather
from simulators.ordeal.disk import Disk
from simulators.ordeal.edge import Edge
from simulators.ordeal.hall import Hall
from simulators.ordeal.key_holder import KeyHolder
from simulators.ordeal.plant import T0, S
from simulators.ordeal.truth import Judged, Truth, judge
from simulators.ordeal.vfs import Vfs

AGENTS = ("edge-1", "edge-2")
ROUNDS_BETWEEN = 45  # at most, from one blow to the next
CALLS_AHEAD = 30  # a blow strikes within so many calls to the disk
SETTLE_ROUNDS = 600
ROTATIONS_MAX = 30  # of one part
SLOW_S = 120  # the length of a round while nothing but time passes
HOURS_MAX = 3


P = ParamSpec("P")
Result = TypeVar("Result")


class Breach(Exception):
    """A promise was broken; the message says by whom and when."""


@dataclass(slots=True)
class World:
    """One plant. Everything happens in `run`."""

    folder: Path
    seed: str
    weather: Weather = field(default_factory=Weather)
    rotating: bool = False  # everybody's keys change, at starts
    now_ns: int = T0
    step: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    blows: Counter[str] = field(default_factory=Counter)
    truth: Truth = field(default_factory=Truth)
    whole: tuple[bytes, bytes] = (b"", b"")  # what was judged: the archive of the ledger, and a trust file
    luck: Random = field(init=False)
    broker: Broker = field(init=False)
    edges: list[Edge] = field(init=False)
    hall: Hall = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        self.luck = Random(self.seed)
        self.broker = Broker(Random(f"{self.seed}/broker"), self.weather)
        made = Random(f"{self.seed}/keys")
        own = {name: Ed25519PrivateKey.from_private_bytes(made.randbytes(32)) for name in ("gateway", "ledger")}
        private = {name: Ed25519PrivateKey.from_private_bytes(made.randbytes(32)) for name in AGENTS}
        at, public = self.folder / "gateway", own["gateway"].public_key()
        hall.write(at, own, {name: key.public_key() for name, key in private.items()})
        self.hall = Hall(at, self._disk("gateway"), self.broker, self.truth)
        self.edges = [
            Edge(
                name, plant.plan(self.folder / name, name), key, public,
                plant.Line(name, Random(f"{self.seed}/{name}"), T0 + 40 * 3600 * S), self._disk(name), self.broker,
                self.truth, Random(f"{self.seed}/{name}/luck"),
            )
            for name, key in private.items()
        ]  # fmt: skip
        if self.rotating:
            self._hold_keys(own["gateway"], private)

    @property
    def parts(self) -> list[Edge | Hall]:
        """All that has a disk."""
        return [*self.edges, self.hall]

    def _hold_keys(self, gateway: Ed25519PrivateKey, private: Mapping[str, Ed25519PrivateKey]) -> None:
        """Let keys change. Agents know beforehand which keys the gateway may come to have."""
        self.hall.holder = KeyHolder.of(gateway, f"{self.seed}/gateway/holder", ROTATIONS_MAX)
        for edge in self.edges:
            edge.holder = KeyHolder.of(private[edge.name], f"{self.seed}/{edge.name}/holder", ROTATIONS_MAX)
            edge.gateway_keys = self.hall.holder.every

    def _disk(self, name: str) -> Disk:
        folder = self.folder / name / "disk"
        folder.mkdir(parents=True)
        return Disk(folder, Random(f"{self.seed}/{name}/disk"))

    def run(self, kills: int, vfs: Vfs) -> Judged:
        """Kill so many times, settle, and judge. Raises Breach where the run itself shows one."""
        return self.play(self._kill(kills), vfs)

    def play(self, story: Coroutine[object, object, None], vfs: Vfs) -> Judged:
        """Let a story happen, settle, and judge. Raises Breach as `run` does."""
        disks = [part.disk for part in self.parts]
        chance = patch.object(os, "urandom", Random(f"{self.seed}/urandom").randbytes)
        with vfs.mounted(*disks), plain_files.mounted(*disks), chance:
            try:
                return in_one_thread(self._judged(story))
            finally:
                for part in self.parts:
                    part.die(self.now_ns)

    async def _judged(self, story: Coroutine[object, object, None]) -> Judged:
        await story
        await self.settle()
        self.whole = self.hall.whole()
        return judge(self.truth, *self.whole, [edge.line for edge in self.edges])

    async def _kill(self, kills: int) -> None:
        while self.kills.total() < kills:
            for _ in range(self.luck.randint(1, ROUNDS_BETWEEN)):
                await self.round(S)
            await self._blow()

    async def round(self, length_ns: int) -> None:
        """Let some time pass."""
        self.step += 1
        self.now_ns += length_ns
        self.broker.turn(self.now_ns)
        for edge in self.edges:
            if not edge.is_up and edge.down_until_ns <= self.now_ns:
                await self._try(edge, edge.start)
            if edge.is_up:
                await self._try(edge, edge.round)
        if not self.hall.is_up and self.hall.down_until_ns <= self.now_ns:
            await self._try(self.hall, self.hall.start)
        if self.hall.is_up:
            await self._try(self.hall, self.hall.round)

    async def settle(self) -> None:
        """No more faults: everything is started, everything is delivered."""
        self.broker.weather = CALM
        for part in self.parts:
            part.disk.start()
            part.down_until_ns = 0
        self.broker.away.clear()
        for _ in range(30):  # until batches under way at the last blow are sealed
            await self.round(S)
        await self.deliver()

    async def deliver(self) -> None:
        """Read no more, seal what was read, and wait until receipts cover it. Raises Breach if that never comes."""
        for _ in range(SETTLE_ROUNDS):
            self.step += 1
            self.now_ns += S
            self.broker.turn(self.now_ns)
            for edge in self.edges:
                edge.seal(self.now_ns)
                await edge.send(self.now_ns)
            await self._try(self.hall, self.hall.round)
            if not any(edge.undelivered() for edge in self.edges):
                return
        left = {edge.name: edge.undelivered() for edge in self.edges}
        raise Breach(f"{self.where()}: not everything could be delivered: {left} entries are left")

    def where(self) -> str:
        """How to come here again."""
        return f"seed {self.seed} step {self.step}"

    async def _try(self, part: Edge | Hall, what: Callable[[int], Awaitable[None]]) -> None:
        """Let a part do something. It may end where its disk fails it, and at no other time."""
        try:
            await what(self.now_ns)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the process
            told = "".join(traceback.format_exception(error))
        else:
            told = ""
        # here nothing holds the frames of the failure any more, and what they had open is closed
        name = part.name if isinstance(part, Edge) else hall.LINK
        if told and not part.disk.struck:
            raise Breach(f"{self.where()}: {name} ended by itself: {told}")
        if told or part.disk.is_off:
            self._end(part, name)
        elif part.disk.struck:
            part.disk.struck.clear()
            self.blows["a failed call did no harm"] += 1

    def _end(self, part: Edge | Hall, name: str) -> None:
        part.disk.struck.clear()
        part.die(self.now_ns + self.luck.randint(0, 20) * S)
        if self.luck.random() < 0.5:
            part.disk.cut()
            self.blows["power cut"] += 1
        self.kills[name] += 1

    async def _blow(self) -> None:
        """One thing that goes wrong."""
        part: Edge | Hall = self.luck.choice(self.parts)
        name = part.name if isinstance(part, Edge) else hall.LINK
        match self.luck.randrange(20):
            case 0 | 1 | 2:
                self.broker.kill(self.now_ns + self.luck.randint(0, 30) * S)
                self.kills["broker"] += 1
            case 3:
                self.blows["connection lost"] += 1
                self.broker.drop(name, self.now_ns + self.luck.randint(1, 120) * S)
            case 4 if self.luck.random() < 0.2:
                self.blows["hours without a connection"] += 1
                until_ns = self.now_ns + self.luck.randint(1, HOURS_MAX) * 3600 * S
                self.broker.drop(name, until_ns)
                while self.now_ns < until_ns:
                    await self.round(SLOW_S * S)
            case 5 | 6 | 7:
                self.blows["one call fails"] += 1
                part.disk.fail_in = self.luck.randrange(CALLS_AHEAD)
                part.disk.fail_with = self.luck.choice((errno.EIO, errno.ENOSPC))
                part.disk.fail_only = frozenset(("read",)) if self.luck.randrange(4) == 0 else frozenset()
            case 8 | 9 if part.is_up:  # between two calls
                self._end(part, name)
            case _:
                part.disk.stop_in = self.luck.randrange(CALLS_AHEAD)


def in_one_thread(main: Coroutine[object, object, Result]) -> Result:
    """Run a coroutine to its end; what it hands to worker threads is done at once, in this one."""

    async def run() -> Result:
        asyncio.get_running_loop().set_default_executor(_AtOnce())
        return await main

    return asyncio.run(run())


class _AtOnce(ThreadPoolExecutor):
    """An executor without a thread."""

    def __init__(self) -> None:
        super().__init__(1)

    def submit(self, call: Callable[P, Result], /, *args: P.args, **named: P.kwargs) -> "Future[Result]":
        """Call it now."""
        done: Future[Result] = Future()
        try:
            done.set_result(call(*args, **named))
        except Exception as error:  # noqa: BLE001 - it is the caller's, by way of the future
            done.set_exception(error)
        return done


def totals(worlds: Sequence[World]) -> dict[str, int]:
    """What happened in all of them."""
    counted: Counter[str] = Counter()
    for world in worlds:
        disks = [part.disk for part in world.parts]
        counted.update({f"killed: {name}": times for name, times in world.kills.items()})
        counted.update(world.blows)
        counted["writes torn"] += sum(disk.torn for disk in disks)
        counted["writes lost"] += sum(disk.lost for disk in disks)
        counted["receipts"] += world.truth.receipts
        if world.rotating:
            counted["keys changed"] += sum(len(part.holder.gone) for part in world.parts if part.holder)
    return dict(sorted(counted.items()))
