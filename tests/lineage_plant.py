"""The press behind a real ledger, in memory but for the files: what an agent seals goes by its outbox to a sequencer.

Agents are copied, restored and cloned by copying folders, the gateway by copying its database. Time is the plant's.
"""

import copy
import json
import shutil
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import archive_maker as maker
from archive_maker import AGENT, FACTOR_TOML
from authors import author_part, enrolment_part
from overlap_plant import SITE_TOML
from plant_in_memory import KEY, SITE, T0, S, Site, at_ns, round_of

from agent import outbox
from agent.journal import Journal
from contract import entry, keys, message, receipt, records
from contract.receipt import Receipt
from contract.topics import Topic
from gateway import acknowledgement, export
from gateway.acknowledgement import AcknowledgementFiling
from gateway.database import sqlite_url
from gateway.ledger import Ledger
from gateway.sequencer import Message, Sequencer
from verifier import archive, trust
from verifier.verify import Report, verify

TOPIC = Topic(SITE, AGENT, "entries")
BATCHES = {"A": (3, 12), "B": (14, 22), "C": (25, 38), "D": (45, 55), "E": (62, 72), "F": (80, 92)}
ROUND_WH_MILLI = 7000
FRESH = (number << 96 for number in count(1))  # random bytes of a sort, which differ in the first four
ASKED = export.Asked(None, T0, T0 + 10**6 * S, provisional=True)


def batch_in(k: int) -> str | None:
    """Which batch runs in round k."""
    return next((name for name, (first, last) in BATCHES.items() if first <= k < last), None)


def energy_of(name: str) -> int:
    """What a batch takes: its edges lie half a second after a round, between two."""
    first, last = BATCHES[name]
    return (last - first) * ROUND_WH_MILLI


@dataclass
class Gateway:
    """A sequencer on a ledger in a folder; `reopen` is a restart, `keep` and `restore` a backup of the database."""

    folder: Path
    key: keys.PrivateKey = field(default_factory=keys.generate)
    ledger_key: keys.PrivateKey = field(default_factory=keys.generate)
    at_ns: int = T0
    ledger: Ledger | None = None
    sequencer: Sequencer | None = None

    @classmethod
    def begun(cls, folder: Path) -> "Gateway":
        folder.mkdir(parents=True)
        made = cls(folder)
        made.open()
        seal = made.sequencer.seal
        seal("manifest", [author_part()])
        seal("enrolment", [enrolment_part("gateway", made.key.public_key())])
        seal("enrolment", [enrolment_part(AGENT, KEY.public_key())])
        seal("site", [records.write(records.SitePart(toml=SITE_TOML))])
        seal("factor", [records.write(records.FactorPart(toml=FACTOR_TOML))])
        return made

    def open(self) -> None:
        self.ledger = Ledger.open(
            sqlite_url(self.folder / "ledger.db"), SITE, self.ledger_key, self.folder / "checkpoints"
        )
        self.sequencer = Sequencer(self.ledger, self.key, self.now_ns, lambda entries, at_ns: None)

    def now_ns(self) -> int:
        self.at_ns += 1
        return self.at_ns

    def reopen(self) -> None:
        self.ledger.close()
        self.open()

    def keep(self, name: str) -> None:
        """A backup of the database and of the copy of its checkpoints."""
        self.ledger.close()
        shutil.copytree(self.folder, self.folder.parent / name)
        self.open()

    def restore(self, name: str) -> None:
        self.ledger.close()
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.parent / name, self.folder)
        self.open()
        self.sequencer.seal("manifest", [author_part(self.sequencer.parent)])

    def acknowledge(self, entry_name: str, keeps: str | None = None, reason: str = "restored from backup") -> None:
        says = AcknowledgementFiling(author="chen wei", reason=reason, entered_ns=1, entry=entry_name, keeps=keeps)
        self.sequencer.seal("acknowledgement", acknowledgement.parts(says, self.ledger))

    def agents_entries(self) -> list[tuple[bytes, int, tuple[str, ...]]]:
        """Epoch, seq and flags of what the agent has in the ledger, in order."""
        return [(e.epoch, e.seq, e.flags) for e in self.ledger.entries() if e.author == AGENT]

    def verified(self) -> Report:
        """What the verifier says of the whole ledger."""
        return self.judged(export.whole_ledger(self.ledger, self.ledger_key.public_key()))

    def judged(self, data: bytes) -> Report:
        lines = [f'ledger = "{keys.thumbprint(self.ledger_key.public_key()).hex()}"']
        for author, key in ((AGENT, KEY), ("gateway", self.key)):
            lines += ["[[key]]", f'author = "{author}"', f'thumbprint = "{keys.thumbprint(key.public_key()).hex()}"']
        return verify(archive.read(data), trust.parse("\n".join(lines).encode()))

    def exported(self) -> tuple[dict, Report]:
        """A statement of all time, and what the verifier says of its archive."""

        def seal(run: records.RunPart) -> object:
            return self.sequencer.seal("run", [records.write(run)])

        data = export.export(self.ledger, self.ledger_key.public_key(), ASKED, seal)
        return json.loads(archive.read(data).statement), self.judged(data)


@dataclass
class Line:
    """An agent and its line to a gateway: what its publisher does, without a broker."""

    site: Site
    gateway: Gateway
    box: outbox.Outbox | None = None
    sent: list[tuple[bytes, int]] = field(default_factory=list)
    told: Receipt | None = None
    verdicts: list[str] = field(default_factory=list)

    def start(self, k: int) -> "Line":
        self.site.epochs = FRESH
        self.site.start(k)
        self.box = outbox.Outbox(self.site.journal.delivered())
        return self

    def run(self, first: int, last: int) -> "Line":
        """Rounds first to last - 1."""
        for k in range(first, last):
            self.site.take(k, round_of(k, batch_in(k)))
        return self

    def deliver(self, most: int = 1000) -> "Line":
        """Send and take receipts until nothing is left; or for so many entries."""
        for _ in range(most):
            entries = self.site.journal.after(self.box.reached, 1)
            if not entries:
                return self
            self.send(entries[0])
        return self

    def send(self, stored) -> None:
        data = message.pack(stored.sealed.signed, stored.sealed.body)
        self.box = outbox.published(self.box, [(stored.epoch, stored.seq, len(data))], self.gateway.at_ns)
        self.sent.append((stored.epoch, stored.seq))
        outcome = self.gateway.sequencer.admit([Message(TOPIC, data)])
        self.verdicts += [name for (_, name), count in outcome.verdicts.items() for _ in range(count)]
        for given in outcome.receipts.values():
            self.take(given)

    def take(self, data: bytes) -> None:
        self.told = receipt.verify(data, self.gateway.key.public_key(), SITE)
        self.box, news = outbox.received(self.box, self.told, self.gateway.at_ns)
        self.site.journal.confirm({**news.moved, **news.fallen})

    def snapshot(self, folder: Path) -> "Line":
        """The running agent as it is, going on elsewhere: what a copied virtual machine is."""
        site = self.site.copy(folder)
        site.epochs, site.journal = FRESH, Journal(folder)
        memo = {id(self.site.journal): site.journal, id(KEY): KEY}
        site.recorder = copy.deepcopy(self.site.recorder, memo)
        return Line(site, self.gateway, outbox.Outbox(site.journal.delivered()))

    def renew_if_stuck(self, k: int) -> None:
        """As the agent's floor does."""
        if self.site.recorder.epoch in self.box.stopped:
            self.site.recorder.renew("the epoch before cannot be delivered any further", at_ns(k))

    def stop(self) -> None:
        self.site.stop()

    @property
    def epoch(self) -> str:
        """How this run's epoch is named."""
        return entry.read(self.site.entries()[-1].sealed.signed).header.epoch.hex()[:8]


def begun(folder: Path) -> tuple[Gateway, Line]:
    """A gateway and an agent that has just started."""
    gateway = Gateway.begun(folder / "gateway")
    return gateway, Line(Site.at(folder / "agent"), gateway).start(0)


def faults(report: Report) -> list[str]:
    return [finding.line() for finding in report.findings if not finding.ok]


def told(report: Report, check: str) -> list[str]:
    return [finding.line() for finding in report.findings if finding.check == check]


def counted(said: dict) -> dict[str, int]:
    """What the statement says of its one product, and which batches it leaves out."""
    (coil,) = [one for one in said["products"] if one["product"] == "coil"]
    return {"batches": coil["batches"], "direct_wh_milli": coil["direct_wh_milli"]}


def excluded(said: dict) -> list[tuple[str, str]]:
    return [(one["batch"], one["reason"]) for one in said["excluded"]]


__all__ = ["begun", "counted", "energy_of", "excluded", "faults", "maker", "told"]
