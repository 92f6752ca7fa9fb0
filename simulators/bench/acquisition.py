"""What it costs to read, sign and keep a plant: `python -m simulators.bench.acquisition`.

In: devices, points of each, seconds. Out: the agent's share of one core and its memory, as the system counts them from
outside, and how that share divides over the stages, each timed alone on the same readings.

The rig is Neuron's published one (500 devices of 30 points at 1 s; docs of Neuron 2.2.1: 1.24 cores of 4, 0.6 % of
16 GB): devices answer over loopback from another process, one TCP connection and one request each. No broker listens.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from agent import custody
from agent.floor import LIVE_SHARE
from contract.keys import EDDSA
from simulators.bench import fleet, stages

WARM_S = 10
NEURON_CORES = 1.24
AGENT = """[agent]
site = "bench"
name = "edge-1"
data = "data"
key = "edge-1.pem"
gateway_key = "gateway.pub.pem"
[mqtt]
host = "127.0.0.1"
port = 9
username = "edge-1"
password_file = "edge-1.password"
tls = false
"""
DEVICE = """[[bus]]
name = "b{number}"
driver = "modbus"
kind = "tcp"
host = "127.0.0.1"
port = {port}
[[meter]]
name = "m{number}"
bus = "b{number}"
profile = "./fleet.toml"
"""


@contextmanager
def devices_answering(devices: int) -> Iterator[list[int]]:
    """Run the devices in a process of their own and yield their ports."""
    command = [sys.executable, "-m", "simulators.bench.fleet", str(devices)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        yield [int(port) for port in cast("IO[bytes]", process.stdout).readline().split()]
        cast("IO[bytes]", process.stdin).close()


def configured(folder: Path, ports: list[int], points: int) -> Path:
    """Write the configuration of an agent with a bus for each device; its path."""
    for name in ("edge-1", "gateway"):
        custody.create(folder / name, EDDSA)
    (folder / "edge-1.password").write_text("none\n")
    (folder / "edge-1.password").chmod(0o600)
    (folder / "fleet.toml").write_text(fleet.profile(points))
    path = folder / "agent.toml"
    path.write_text(AGENT + "".join(DEVICE.format(number=n, port=port) for n, port in enumerate(ports)))
    return path


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, user and system (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """The most memory a process has held so far (proc(5), VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measured(config: Path, seconds: int) -> tuple[float, float]:
    """Run the agent: (its share of one core, the most memory it held in MB)."""
    command = [sys.executable, "-m", "metertrail", "agent", "run", str(config)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as agent:  # noqa: S603 - our own
        time.sleep(WARM_S)
        before_s, at_s = cpu_s(agent.pid), time.monotonic()
        time.sleep(seconds)
        share = (cpu_s(agent.pid) - before_s) / (time.monotonic() - at_s)
        memory = memory_mb(agent.pid)
        agent.send_signal(signal.SIGTERM)
    return share, memory


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="simulators.bench.acquisition")
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--points", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=120)
    given = parser.parse_args()
    say = sys.stdout.write
    with tempfile.TemporaryDirectory() as name, devices_answering(given.devices) as ports:
        config = configured(Path(name), ports, given.points)
        share, memory = measured(config, given.seconds)
        kept = stages.kept(Path(name) / "data")
        timed = list(stages.timed(Path(name), config, min(given.devices, 100)))
    say(f"{given.devices} devices x {given.points} points at 1 s, {given.seconds} s, signed and on disk\n")
    say(f"  share of one core  {share:.3f}   ({share / NEURON_CORES:.2f} of Neuron's published {NEURON_CORES})\n")
    say(f"  memory             {memory:.0f} MB\n")
    say(f"  readings kept      {kept.readings}, slots missed {kept.missed}\n")
    say(f"  bytes a reading    {kept.file_bytes / kept.readings:.2f} in the journal\n")
    spent = 0.0
    for stage, us in timed:
        took = us * 1e-6 * given.devices  # of a core, if done every second
        part = min(took, 1 / LIVE_SHARE) if stage == stages.SHOWN else took
        spent += part
        say(f"  {stage:<38} {us:7.1f} us a scan  {100 * part / share:5.1f} %\n")
    say(f"  {'everything else':<38} {'':>17}  {100 * (share - spent) / share:5.1f} %\n")


if __name__ == "__main__":
    main()
