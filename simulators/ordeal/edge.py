"""An agent without sockets: the product's own journal, recorder and publisher over a simulated line.

In: its plan, its disk, the time of each round. Out: entries on its link, and what it has made durable, told to a
`Truth`. Any exception ends it, as it ends the process; `start` is the start of that process.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import cast

import paho.mqtt.client as mqtt

from agent import check
from agent.batches import Source
from agent.journal import Journal
from agent.key_change import Choice, choose, remember, said
from agent.publish import Publisher
from agent.recorder import Recorder, Settings
from contract import keys
from contract.entry import Clock
from contract.writer import Writer
from simulators.ordeal.broker import Broker, Link
from simulators.ordeal.disk import Disk, let_go
from simulators.ordeal.key_holder import KeyHolder
from simulators.ordeal.plant import SITE, Line, S
from simulators.ordeal.truth import Truth

CLOCK = Clock(synchronised=None, error_ns=None, boot=None, monotonic_ns=None)
RECORD_NS = S * 9 // 10  # after a round's reading it is recorded


@dataclass(slots=True)
class Edge:
    """One agent. `down_until_ns`: when it is started again."""

    name: str
    plan: check.Plan
    key: keys.PrivateKey
    gateway_key: keys.PublicKey
    line: Line
    disk: Disk
    broker: Broker
    truth: Truth
    luck: Random
    link_name: str = ""
    down_until_ns: int = 0
    holder: KeyHolder | None = None  # of its keys, where they change
    gateway_keys: tuple[keys.PublicKey, ...] = ()  # others that the gateway may come to have
    _journal: Journal | None = None
    _recorder: Recorder | None = None
    _publisher: Publisher | None = None
    _sources: dict[str, Source] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Where its journal lies."""
        return self.disk.folder / "data"

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self._publisher is not None

    async def start(self, now_ns: int) -> None:
        """Start as the process does. Whatever it raises ends it."""
        config = self.plan.config
        self._journal = Journal(self.data)
        settings = Settings(
            self.plan.meters, config.line, self.plan.config_hash, config.agent.seal_s * S,
            config.agent.close_wait_s * S, config.calendar,
        )  # fmt: skip
        chosen = self._keys(self._journal)
        writer = Writer(SITE, self.name, chosen.key, self.luck.randbytes(16))
        self._recorder = Recorder(self._journal, writer, settings, lambda: CLOCK, self.luck.randbytes)
        self._recorder.open(now_ns)
        if chosen.rotate_to is not None:
            self._recorder.rotate(chosen.rotate_to, now_ns)
        remember(self._journal, now_ns)
        points = {p.id: p for plan in self.plan.meters if plan.meter.name == "press-plc" for p in plan.profile.points}
        self._sources = {line.name: Source(0, None, points) for line in config.line}
        link, known = Link(self.broker, self.link_name or self.name), (self.gateway_key, *self.gateway_keys)
        self._publisher = Publisher(cast("mqtt.Client", link), (SITE, self.name), known, self._journal)
        self._publisher.start("broker", 1883)

    def _keys(self, journal: Journal) -> Choice:
        """The key to open with, and the one to rotate to, from those that its holder gives it."""
        known = said(journal)
        if self.holder is None:
            return choose(known, self.key, None)
        self.holder.before_start(known.due)
        return choose(known, self.holder.key, self.holder.next_key)

    async def round(self, now_ns: int) -> None:
        """Read, record, send. Whatever it raises ends it."""
        recorder, publisher = self._recorder, self._publisher
        if recorder is None or publisher is None:
            raise RuntimeError("not started")
        scans = self.line.scans(now_ns)
        self.truth.reads(self.name, scans)
        recorder.checkpoint = publisher.checkpoint
        recorder.take(scans, publisher.take_events(), self._sources, now_ns + RECORD_NS)
        self.truth.recorded(self.name, scans)
        if publisher.is_stuck(recorder.epoch):
            recorder.renew("the epoch before cannot be delivered any further", now_ns + RECORD_NS)
        await self.send(now_ns)

    async def send(self, now_ns: int) -> None:
        """Take what came, send what is due."""
        await asyncio.sleep(0)  # what the link brought is handed over by the event loop
        if self._publisher is not None:
            await self._publisher.turn(now_ns + RECORD_NS)

    def show(self, now: dict[str, object]) -> None:
        """Tell pages what is going on."""
        if self._publisher is not None:
            self._publisher.live(now)

    def seal(self, now_ns: int) -> None:
        """Put under a signature what is left."""
        if self._recorder is not None:
            self._recorder.seal(now_ns)

    def undelivered(self) -> int:
        """How many sealed entries no receipt covers; none while it is down."""
        if self._journal is None:
            return 0
        return len(self._journal.after(self._journal.delivered(), 1 << 20))

    def die(self, down_until_ns: int) -> None:
        """End at once, wherever it is; its files stay as they are."""
        self.disk.is_off = True
        self.broker.forget(self.link_name or self.name)
        if self._journal is not None:
            with contextlib.suppress(Exception):
                self._journal.close()
        self._journal = self._recorder = self._publisher = None
        let_go(self.disk)
        self.disk.start()
        self.down_until_ns = down_until_ns
