"""What is read: a line with a meter and a controller whose every register is a known function of time.

In: a line's name and chance. Out: its agent's configuration, and the scans of any moment. Energy is counted in whole
mWh, from powers that are whole mWh per second, so that what a batch must hold can be worked out to the digit.
Never: a clock.
"""

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from random import Random

from agent import check
from agent.drivers import Reading, Scan

S = 1_000_000_000
T0 = 1_700_000_000 * S
SITE = "works"
AGE_NS = S // 2
TRIP_NS = 12_345_678  # no whole number of ticks
IDLE, RUNNING = 400, 7_000  # mWh per second: 1.44 and 25.2 kW
TONS = 3  # made per second of a batch

_HEAD = 'make = "Ordeal"\nmodel = "{}"\nmedium = "{}"\ngrade = "bronze"\nsources = ["simulated"]\n'
_POINT = '[[point]]\nid = "{}"\nquantity = "{}"\n{}\ntype = "{}"\nunit = "{}"\nkind = "{}"\n'
METER = (
    _HEAD.format("meter", "electricity")
    + _POINT.format("power", "active_power", 'table = "input"\naddress = 0', "uint32", "W", "gauge")
    + _POINT.format("energy", "active_energy_import", 'table = "input"\naddress = 8', "uint32", "Wh", "counter")
    + "age_ms = 500\n"
)
CONTROLLER = (
    _HEAD.format("controller", "production")
    + _POINT.format("batch_id", "batch", 'node = "ns=1;s=batch"', "text", "1", "gauge")
    + _POINT.format("product", "product", 'node = "ns=1;s=product"', "text", "1", "gauge")
    + _POINT.format("running", "state", 'node = "ns=1;s=running"', "bool", "1", "gauge")
    + _POINT.format("produced", "mass", 'node = "ns=1;s=produced"', "uint32", "kg", "counter")
    + "age_ms = 10\n"
)
CONFIG = """[agent]
site = "{site}"
name = "{agent}"
data = "data"
key = "{agent}.pem"
gateway_key = "gateway.pub.pem"
seal_s = 5
close_wait_s = 10
[mqtt]
host = "127.0.0.1"
username = "{agent}"
password_file = "{agent}.password"
[[bus]]
name = "serial"
driver = "modbus"
kind = "tcp"
host = "127.0.0.1"
[[bus]]
name = "plc"
driver = "opcua"
url = "opc.tcp://127.0.0.1:4840/"
[[meter]]
name = "press"
bus = "serial"
profile = "./meter.toml"
installation = "1"
[[meter]]
name = "press-plc"
bus = "plc"
profile = "./plc.toml"
[[line]]
name = "press-of-{agent}"
source = "press-plc"
energy = ["press.energy"]
good = "press-plc.produced"
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """One production run, from `start_ns` to before `end_ns`."""

    name: str
    start_ns: int
    end_ns: int


class Line:
    """One line's whole life, drawn once."""

    def __init__(self, agent: str, luck: Random, until_ns: int) -> None:
        self.agent = agent
        self.batches: list[Batch] = []
        at_ns = T0
        while at_ns < until_ns:
            start_ns = at_ns + luck.randint(5 * S, 30 * S)
            at_ns = start_ns + luck.randint(15 * S, 60 * S)
            self.batches.append(Batch(f"{agent}-{len(self.batches):04d}", start_ns, at_ns))
        # times at which the power changes, the energy counted until then, and the power from there on
        self._changes, self._counted, self._powers = [T0], [70_000_000], [IDLE]
        for batch in self.batches:
            for change_ns, power in ((batch.start_ns, RUNNING), (batch.end_ns, IDLE)):
                counted = self._counted[-1] * S + (change_ns - self._changes[-1]) * self._powers[-1]
                self._changes.append(change_ns)
                self._counted.append(counted // S)
                self._powers.append(power)
        self._starts = [batch.start_ns for batch in self.batches]

    def energy(self, at_ns: int) -> int:
        """What the meter has counted by a moment, mWh."""
        last = max(0, bisect_right(self._changes, at_ns) - 1)
        return self._counted[last] + (at_ns - self._changes[last]) * self._powers[last] // S

    def running(self, at_ns: int) -> Batch | None:
        """The batch under way at a moment."""
        last = bisect_right(self._starts, at_ns) - 1
        return self.batches[last] if last >= 0 and at_ns < self.batches[last].end_ns else None

    def scans(self, at_ns: int) -> list[tuple[str, Scan]]:
        """All that is read in a round; the meter's register is up to AGE_NS old, whoever reads it."""
        age_ns = at_ns // S * 104_729_000_003 % (AGE_NS + 1)
        shown = self.energy(at_ns - age_ns) // 1000
        power = Reading("power", 25_200 if self.running(at_ns - age_ns) else 1_440, 0)
        meter = Scan(0, at_ns, at_ns + TRIP_NS, (power, Reading("energy", shown, 0)))
        asked_ns = at_ns + S // 2
        batch = self.running(asked_ns)
        readings = (
            Reading("batch_id", None, 0, asked_ns, batch.name if batch else ""),
            Reading("product", None, 0, asked_ns, "coil"),
            Reading("running", int(batch is not None), 0, asked_ns),
            Reading("produced", TONS * (asked_ns - T0) // S, 0, asked_ns),
        )
        return [("press", meter), ("press-plc", Scan(0, asked_ns, asked_ns + TRIP_NS, readings))]


def plan(folder: Path, agent: str) -> check.Plan:
    """Write an agent's configuration and check it as a start does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meter.toml").write_text(METER)
    (folder / "plc.toml").write_text(CONTROLLER)
    path = folder / "agent.toml"
    path.write_text(CONFIG.format(site=SITE, agent=agent))
    return check.load(path, T0)
