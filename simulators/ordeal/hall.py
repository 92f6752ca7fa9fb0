"""A gateway without sockets: the product's own ledger and sequencer, opened as its start opens them.

In: its folder and disk, groups of messages, the time. Out: receipts, told to a `Truth` the moment they leave. Any
exception ends it, as it ends the process.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from contract import keys
from contract.topics import Topic, format_topic, parse_topic
from gateway import config, export, opening, preflight
from gateway.ledger import Ledger
from gateway.preflight import Prepared
from gateway.sequencer import Message, Sequencer
from gateway.trust import GATEWAY
from simulators.ordeal.broker import Broker, Told
from simulators.ordeal.disk import Disk, let_go
from simulators.ordeal.key_holder import KeyHolder
from simulators.ordeal.plant import SITE
from simulators.ordeal.truth import Truth

GROUP_MAX = 256
LINK = "gateway"

CONFIG = """site = "site.toml"
factors = ["factors.toml"]
[gateway]
site = "{site}"
data = "disk/data"
key = "gateway.pem"
ledger_key = "ledger.pem"
[mqtt]
port = 1883
password_file = "gateway.password"
tls = false
[broker]
embedded = false
"""
AGENT = """[[agent]]
name = "{name}"
key = "{name}.pub.pem"
"""
MODEL = """site = "{site}"
name = {{ en = "Works", zh = "工厂" }}
zone = "+08:00"
period = "month"
factor = "grid"
[[product]]
id = "coil"
name = {{ en = "Coil", zh = "钢卷" }}
unit = "t"
"""
LINE = """[[line]]
id = "press-of-{name}"
agent = "{name}"
name = {{ en = "Press of {name}", zh = "压机" }}
"""
FACTOR = """[source]
title = "A figure for the ordeal"
issuer = "Nobody"
date = 2024-01-01
carrier = "none"
[[factor]]
id = "grid"
kind = "electricity-footprint"
mix = "grid average"
value = "0.5"
unit = "kgCO2e/kWh"
region = "CN"
reference_period = "2023"
valid_from = 2024-01-01
gwp_set = "AR6"
tier = "public"
"""


def write(folder: Path, own: Mapping[str, keys.FileKey], agents: Mapping[str, keys.PublicKey]) -> None:
    """Write a gateway's configuration and its keys; `own` are `gateway` and `ledger`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, private in own.items():
        _private(folder / f"{name}.pem", keys.private_to_pem(private))
    _private(folder / "gateway.password", b"x\n")
    for name, public in agents.items():
        (folder / f"{name}.pub.pem").write_bytes(keys.public_to_pem(public))
    of_agents = "".join(AGENT.format(name=name) for name in agents)
    (folder / "gateway.toml").write_text(CONFIG.format(site=SITE) + of_agents)
    (folder / "site.toml").write_text(MODEL.format(site=SITE) + "".join(LINE.format(name=name) for name in agents))
    (folder / "factors.toml").write_text(FACTOR)


def _private(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)


@dataclass(slots=True)
class Hall:
    """The gateway. `now_ns` is set by whoever owns it."""

    folder: Path
    disk: Disk
    broker: Broker
    truth: Truth
    now_ns: int = 0
    down_until_ns: int = 0
    holder: KeyHolder | None = None  # of its key, where it changes
    _in_force: bytes | None = None
    _prepared: Prepared | None = None
    _opened: tuple[Ledger, Sequencer] | None = None
    _connected: bool = field(default=False)

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self._opened is not None

    async def start(self, now_ns: int) -> None:
        """Start as the process does. Whatever it raises ends it."""
        self.now_ns = now_ns
        path = self.folder / "gateway.toml"
        loaded = config.load(path)
        self._prepared = self._prepared or preflight.prepare(loaded)
        with_keys = self._with_keys(self._prepared)
        self._opened = opening.open_sequencer(path, loaded, with_keys, lambda: self.now_ns, lambda *_: None)
        self._in_force = self._opened[1].trust.standing(GATEWAY).keys.current_id
        self._connected = False
        self.truth.started(self._opened[0].hash_at)

    def _with_keys(self, prepared: Prepared) -> Prepared:
        """As prepared, but with the keys that their holder gives it."""
        if self.holder is None:
            return prepared
        self.holder.before_start(self._in_force)
        return replace(prepared, key=self.holder.key, next_key=self.holder.next_key)

    async def round(self, now_ns: int) -> None:
        """Admit what has come and send what it brought. Whatever it raises ends it."""
        if self._opened is None:
            raise RuntimeError("not started")
        self.now_ns = now_ns
        _, sequencer = self._opened
        if self.broker.away.get(LINK, 0) > now_ns:
            self._connected = False
            return
        if not self._connected:
            self._connected = True
            self._send(sequencer.receipts())
        group = self.broker.session[:GROUP_MAX]
        if group:
            outcome = sequencer.admit([_message(told) for told in group])
            del self.broker.session[: len(group)]
            for (_, verdict), count in outcome.verdicts.items():
                self.truth.verdicts[verdict] += count
            self._send(outcome.receipts)

    def whole(self) -> tuple[bytes, bytes]:
        """The archive of the whole ledger, and a trust file that knows its keys."""
        if self._opened is None or self._prepared is None:
            raise RuntimeError("not started")
        ledger_key, prepared = self._prepared.ledger_key.public_key(), self._prepared
        known = {**prepared.agent_keys, "gateway": prepared.key.public_key()}
        lines = [f'ledger = "{keys.thumbprint(ledger_key).hex()}"']
        for author, key in known.items():
            lines += ["[[key]]", f'author = "{author}"', f'thumbprint = "{keys.thumbprint(key).hex()}"']
        return export.whole_ledger(self._opened[0], ledger_key), "\n".join(lines).encode()

    def die(self, down_until_ns: int) -> None:
        """End at once, wherever it is; its files stay as they are."""
        self.disk.is_off = True
        if self._opened is not None:
            with contextlib.suppress(Exception):
                self._opened[0].close()
        self._opened = None
        let_go(self.disk)
        self.disk.start()
        self.down_until_ns = down_until_ns

    def _send(self, receipts: Mapping[str, bytes]) -> None:
        for agent, data in receipts.items():
            self.truth.receipted(data)
            self.broker.publish(format_topic(Topic(SITE, agent, "receipts")), data, 1, retain=True)


def _message(told: Told) -> Message:
    return Message(parse_topic(told.topic), told.payload)
