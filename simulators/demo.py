"""`metertrail demo`: simulated plant, broker, agent, gateway and page, in one command.

In: options. Out: processes that run until Ctrl-C, or for `--seconds`, after which the evidence is exported, verified
and held against the plant's truth. Each part is the real program, started as a user would start it.
"""

import argparse
import http.client
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from agent import custody
from contract.keys import EDDSA
from gateway.broker import hash_password
from simulators import footprint

START_S = 60  # every part must be up by then
STOP_S = 15
SAMPLE_S = 10  # how often a run's memory and descriptors are noted
PORTS = (15020, 15021, 15022, 14840, 18830, 8080)


@dataclass(slots=True)
class Stage:
    """A folder with a complete configuration, and the processes that run on it."""

    folder: Path
    seed: int
    start_ns: int
    batch_s: int | None
    load: Path | None
    ports: dict[int, int]
    watched_ns: int = 0  # when every part was up
    running: list[tuple[str, "subprocess.Popen[bytes]"]] = field(default_factory=list)
    held: dict[str, list[footprint.Held]] = field(default_factory=dict)  # by process, every SAMPLE_S while watched

    @property
    def page(self) -> str:
        """Where the operator's page is."""
        return f"http://127.0.0.1:{self.ports[8080]}/"


def main(argv: list[str]) -> int:
    """Run the command; 0 after a clean stop, or if everything the report asserts holds."""
    parser = argparse.ArgumentParser(
        prog="metertrail demo", description="A simulated plant, broker, agent, gateway and page, until Ctrl-C."
    )
    parser.add_argument("--seconds", type=int, help="run unattended for so long, then verify and report")
    parser.add_argument("--report", type=Path, default=Path("report.json"), help="where the report goes (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another number is another plant (%(default)s)")
    parser.add_argument("--batch-s", type=int, help="mean length of a batch (180; 20 with --seconds)")
    parser.add_argument("--load", type=Path, metavar="FILE.csv", help="15-minute energies in place of the demo's")
    parser.add_argument("--data", type=Path, help="keep keys, journal and ledger in this new folder")
    parser.add_argument("--free-ports", action="store_true", help="use any free ports, so that several can run")
    given = parser.parse_args(argv)
    batch_s = given.batch_s or (20 if given.seconds else None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            folder = given.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metertrail-demo-")))
            ports = dict(zip(PORTS, free_ports(len(PORTS)) if given.free_ports else PORTS, strict=True))
            stage = Stage(folder, given.seed, time.time_ns(), batch_s, given.load, ports)
            prepare(stage)
            stack.enter_context(processes(stage))
            stage.watched_ns = time.time_ns()
            _say(f"page: {stage.page}  (Ctrl-C stops everything)")
            if given.seconds is None:
                watch(stage)
            else:
                wait_for_agent(stage)
                stage.watched_ns = time.time_ns()
                watch(stage, time.monotonic() + given.seconds)
                from simulators import report  # noqa: PLC0415 - kernels are loaded only for a report

                return report.finish(stage, given.report)
    except KeyboardInterrupt:
        _say("stopped")
    except (RuntimeError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def prepare(stage: Stage) -> None:
    """Write configurations, keys and passwords into the stage's folder. Raises ValueError if it is not empty."""
    stage.folder.mkdir(parents=True, exist_ok=True)
    if any(stage.folder.iterdir()):
        raise ValueError(f"{stage.folder}: is not empty: name a new folder")
    with resources.as_file(resources.files("configs")) as configs:
        shutil.copytree(configs / "demo", stage.folder / "demo")
        shutil.copytree(configs / "factors", stage.folder / "factors")
    for path in (stage.folder / "demo").glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        for usual, port in stage.ports.items():
            text = re.sub(rf"\b{usual}\b", str(port), text)
        if path.name == "plant.toml" and stage.batch_s is not None:
            text = re.sub(r"(?m)^batch_s = \d+", f"batch_s = {stage.batch_s}", text)
        path.write_text(text, encoding="utf-8")
    for name in ("edge-1", "gateway", "ledger"):
        custody.create(stage.folder / "demo" / name, EDDSA)
    users = {name: secrets.token_urlsafe(16) for name in ("edge-1", "gateway")}
    for name, password in users.items():
        _write_secret(stage.folder / "demo" / f"{name}.password", password + "\n")
    lines = [f"{name}:{hash_password(password)}\n" for name, password in users.items()]
    _write_secret(stage.folder / "demo" / "broker.passwords", "".join(lines))


@contextmanager
def processes(stage: Stage) -> Iterator[None]:
    """Start every part and wait until the page is up; stop all of them, last first, on the way out."""
    demo = stage.folder / "demo"
    load = [] if stage.load is None else ["--load", str(stage.load.resolve())]
    try:
        start(
            stage,
            "simulate",
            str(demo / "plant.toml"),
            "--seed",
            str(stage.seed),
            "--start-ns",
            str(stage.start_ns),
            *load,
        )
        start(stage, "gateway", "run", str(demo / "gateway.toml"))
        start(stage, "agent", "run", str(demo / "agent.toml"))
        _wait_for_page(stage)
        yield
    finally:
        _stop_all(stage)


def start(stage: Stage, *command: str) -> "subprocess.Popen[bytes]":
    """Start one part as its own process; its output goes to a log file beside the configuration."""
    log = (stage.folder / f"{command[0]}.log").open("ab")
    process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
        [sys.executable, "-m", "metertrail", *command],
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches us alone; we stop the others in order
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    log.close()
    stage.running.append((command[0], process))
    return process


def _stop_all(stage: Stage) -> None:
    """Stop every part, last first. Whoever is interrupted again meanwhile is in a hurry: the rest is killed."""
    try:
        for name, process in reversed(stage.running):
            stop(name, process)
    except KeyboardInterrupt:
        for _, process in stage.running:
            process.kill()
        raise


def stop(name: str, process: "subprocess.Popen[bytes]") -> None:
    """Ask a part to stop, and wait for it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        _say(f"{name} did not stop within {STOP_S} s and was killed")
        process.kill()
        process.wait()


def wait_for_agent(stage: Stage) -> None:
    """Return once the agent reads its meters. Raises RuntimeError if a part ends before that, or none ever comes."""
    until = time.monotonic() + START_S
    while " running" not in (stage.folder / "agent.log").read_text(encoding="utf-8"):
        _check_alive(stage)
        if time.monotonic() > until:
            raise RuntimeError(f"the agent does not begin to read: see {stage.folder / 'agent.log'}")
        time.sleep(0.1)


def _wait_for_page(stage: Stage) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        _check_alive(stage)
        asked = http.client.HTTPConnection("127.0.0.1", stage.ports[8080], timeout=2)
        try:
            asked.request("GET", "/healthz")
            if asked.getresponse().status == http.client.OK:
                return
        except (http.client.HTTPException, OSError):
            pass  # not up yet
        finally:
            asked.close()
        time.sleep(0.2)
    raise RuntimeError(f"the page did not come up within {START_S} s\n{_tail(stage, 'gateway')}")


def watch(stage: Stage, until: float = float("inf")) -> None:
    """Wait, on the monotonic clock; raises RuntimeError if a part ends by itself."""
    sampled = time.monotonic()
    while (now := time.monotonic()) < until:
        _check_alive(stage)
        if now - sampled >= SAMPLE_S and until != float("inf"):
            sampled = now
            footprint.sample(stage.held, {name: process.pid for name, process in stage.running})
        time.sleep(0.5)


def _check_alive(stage: Stage) -> None:
    for name, process in stage.running:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended by itself with status {process.returncode}\n{_tail(stage, name)}")


def _tail(stage: Stage, name: str) -> str:
    lines = (stage.folder / f"{name}.log").read_text(errors="replace").splitlines()
    return "\n".join(lines[-15:])


def _write_secret(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def free_ports(count: int) -> list[int]:
    """Ports that nothing uses right now."""
    import socket  # noqa: PLC0415 - only for several demos on one machine

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
