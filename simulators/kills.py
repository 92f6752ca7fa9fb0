"""`python -m simulators.kills --kills 100 --seed 1`: `kill -9` of the real programs, again and again.

In: how many kills, a seed. Out: figures, and exit status 1 with a line for every breach. Plant, broker, agent and
gateway run as a user starts them; one of them is killed, started again, and the next is chosen. In the end everything
that the agent had on disk when it died, and every entry that it holds a receipt for, must be in the ledger, once, and
the whole ledger must verify.
"""

import argparse
import contextlib
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from agent import rows
from agent.journal import Journal
from contract import body, entry, segment
from contract.segment import TICK_NS
from gateway import config, custody, export
from gateway.ledger import Ledger
from simulators import demo, report
from verifier import archive as archives
from verifier import trust
from verifier.verify import verify

PARTS = ("agent", "gateway", "broker")
WAIT_MS = 500, 4000  # between two kills: some strike while a part still starts
SETTLE_S = 20

Scanned = tuple[str, int, int]  # meter, block, the request's tick


@dataclass(slots=True)
class Held:
    """What the agent had on disk whenever it was dead, and which entries it had receipts for."""

    unsealed: set[Scanned] = field(default_factory=set)
    confirmed: dict[bytes, int] = field(default_factory=dict)  # the furthest seq of each epoch

    def look(self, stage: demo.Stage) -> None:
        """Read a dead agent's journal."""
        self.unsealed |= unsealed(journal_of(stage))
        with contextlib.closing(Journal(journal_of(stage))) as journal:
            for epoch, seq in journal.delivered().items():
                self.confirmed[epoch] = max(seq, self.confirmed.get(epoch, -1))


def stage_in(folder: Path, seed: int) -> demo.Stage:
    """A demonstration on ports of its own, with short batches."""
    ports = dict(zip(demo.PORTS, demo.free_ports(len(demo.PORTS)), strict=True))
    stage = demo.Stage(folder, seed=seed, start_ns=time.time_ns(), batch_s=10, load=None, ports=ports)
    demo.prepare(stage)
    return stage


def journal_of(stage: demo.Stage) -> Path:
    """The folder of the agent's journal."""
    return stage.folder / "demo" / "agent-data"


def kill(stage: demo.Stage, name: str) -> None:
    """End one part as `kill -9` does, and leave it so; the gateway starts its broker again by itself."""
    if name == "broker":
        words = b"gateway.broker\0" + bytes(stage.folder)
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            if words in _cmdline(path):
                os.kill(int(path.parent.name), signal.SIGKILL)
        return
    (process,) = [running for known, running in stage.running if known == name]
    process.kill()
    process.wait()
    stage.running[:] = [item for item in stage.running if item[1] is not process]


def start_again(stage: demo.Stage, name: str) -> None:
    """Start what was killed."""
    if name != "broker":
        demo.start(stage, name, "run", str(stage.folder / "demo" / f"{name}.toml"))


def _cmdline(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""


def unsealed(journal: Path) -> set[Scanned]:
    """What a dead agent has on disk and not yet under a signature."""
    with contextlib.closing(sqlite3.connect(journal / "open.db")) as file:
        scans = [rows.read_scan(data) for (data,) in file.execute("SELECT data FROM unsealed WHERE kind = 'scan'")]
    told = [(meter, scan) for meter, scan in scans if any(reading.text is None for reading in scan.readings)]
    return {(meter, scan.block, scan.requested_ns // TICK_NS) for meter, scan in told}


def whole_ledger(stage: demo.Stage) -> bytes:
    """The archive of all that a stopped gateway keeps."""
    of = config.load(stage.folder / "demo" / "gateway.toml").gateway
    ledger = Ledger.open(of.database_url, of.site)
    try:
        return export.whole_ledger(ledger, custody.load_ledger_key(of.ledger_key).public_key())
    finally:
        ledger.close()


def in_ledger(archive: archives.Archive) -> Counter[Scanned]:
    """Every scan in the ledger, and how often."""
    found: Counter[Scanned] = Counter()
    for item in archive.entries:
        if item.body is not None and entry.read(item.signed).header.type == "segment":
            for part in filter(None, body.unpack(item.body).parts):
                said = segment.decode(part)
                found.update((said.meter, b.index, r // TICK_NS) for b in said.blocks for r in b.requested_ns)
    return found


def run(stage: demo.Stage, kills: int, luck: Random) -> tuple[Counter[str], Held]:
    """Kill so many times, and let everything settle. Raises RuntimeError if a part ends by itself."""
    killed: Counter[str] = Counter()
    held = Held()
    for _ in range(kills):
        demo.watch(stage, time.monotonic() + luck.randint(*WAIT_MS) / 1000)
        name = luck.choice(PARTS)
        kill(stage, name)
        if name == "agent":
            held.look(stage)
        start_again(stage, name)
        killed[name] += 1
    demo.watch(stage, time.monotonic() + SETTLE_S)
    for name, process in reversed(stage.running):
        demo.stop(name, process)
    stage.running.clear()
    held.look(stage)
    return killed, held


def judged(stage: demo.Stage, held: Held) -> tuple[dict[str, int], list[str]]:
    """Figures and breaches of a stopped stage."""
    archive = archives.read(whole_ledger(stage))
    scans, hashes = in_ledger(archive), {entry.read(item.signed).hash(archive.site) for item in archive.entries}
    with contextlib.closing(Journal(journal_of(stage))) as journal:
        sealed = journal.after({}, 1 << 30)
    receipted = [one for one in sealed if one.seq <= held.confirmed.get(one.epoch, -1)]
    breaches = [f"doubled: {scan}" for scan, times in scans.items() if times > 1]
    breaches += [f"lost: {scan} was on the agent's disk" for scan in sorted(held.unsealed - scans.keys())]
    breaches += [
        f"receipted, but not in the ledger: {one.epoch.hex()[:8]}/{one.seq}"
        for one in receipted
        if one.sealed.hash not in hashes
    ]
    findings = verify(archive, trust.parse(report.trust_file(stage).read_bytes())).findings
    breaches += [f"verifier: {finding.line()}" for finding in findings if not finding.ok]
    epochs = len({one.epoch for one in sealed})
    figures = {
        "entries": len(archive.entries), "epochs": epochs, "readings": scans.total(),
        "readings on disk at a kill": len(held.unsealed), "entries with a receipt": len(receipted),
    }  # fmt: skip
    return figures, breaches


def tell(figures: Iterable[tuple[str, int]], breaches: Iterable[str]) -> None:
    """Print them."""
    sys.stdout.writelines(f"{name:<34}{figure:>9}\n" for name, figure in figures)
    sys.stdout.writelines(f"{breach}\n" for breach in breaches)


def main(argv: list[str]) -> int:
    """Kill, settle, judge; 0 if nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m simulators.kills", description="kill -9 of the real programs.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="metertrail-kills-") as folder:
        stage = stage_in(Path(folder) / "demo", given.seed)
        try:
            with demo.processes(stage):
                demo.wait_for_agent(stage)
                killed, held = run(stage, given.kills, Random(given.seed))
            figures, breaches = judged(stage, held)
        except RuntimeError as error:
            sys.stdout.write(f"{error}\nA PROMISE WAS BROKEN\n")
            return 1
    tell([*((f"killed: {name}", times) for name, times in sorted(killed.items())), *figures.items()], breaches)
    sys.stdout.write("A PROMISE WAS BROKEN\n" if breaches else "every promise was kept\n")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
