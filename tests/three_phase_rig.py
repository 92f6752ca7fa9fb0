"""A three-phase meter behind current transformers, wired right or wrong, as a Modbus unit with registers.

What the registers hold is worked out with phasors from the wiring, by a path of its own: voltages 120 degrees apart, a
load lagging by `PHI`, and in each channel the current of whichever conductor its transformer sits on.
"""

import cmath
import math
import struct
from dataclasses import dataclass, field
from pathlib import Path

from agent import custody
from contract import keys

VOLTS, AMPS, PHI = 230.0, 40.0, math.radians(25)
CT = 80  # 400/5
LOAD_W = 3000
BEFORE_KWH, AFTER_KWH = 1234.56, 1236.04
SERIAL = 20431177

PROFILE = (
    'make = "Rig"\nmodel = "three phases"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["made up"]\n'
    + "".join(
        f'[[point]]\nid = "{name}"\nquantity = "{quantity}"\ntable = "holding"\naddress = {2 * at}\ntype = "int32"\n'
        f'unit = "{unit}"\nscale = {scale}\nkind = "{kind}"\n{more}'
        for at, (name, quantity, unit, scale, kind, more) in enumerate(
            [
                *((f"voltage_l{n}", "voltage", "V", -1, "gauge", "") for n in (1, 2, 3)),
                *((f"current_l{n}", "current", "A", -3, "gauge", "") for n in (1, 2, 3)),
                *((f"power_l{n}", "active_power", "W", -1, "gauge", "") for n in (1, 2, 3)),
                ("power", "active_power", "W", -1, "gauge", ""),
                ("energy_import", "active_energy_import", "kWh", -2, "counter", "age_ms = 5\n"),
            ]
        )
    )
    + '[[point]]\nid = "serial"\nquantity = "serial"\ntable = "holding"\naddress = 100\ntype = "uint32"\n'
    'unit = "1"\nkind = "gauge"\nidentity = "serial"\n'
)
CONFIG = """[agent]
site = "works"
name = "edge-1"
data = "data"
key = "edge-1.pem"
gateway_key = "gateway.pub.pem"
[mqtt]
host = "127.0.0.1"
username = "edge-1"
password_file = "edge-1.password"
[[bus]]
name = "hall"
driver = "modbus"
kind = "tcp"
host = "127.0.0.1"
port = {port}
timeout_ms = 2000
[[meter]]
name = "press"
bus = "hall"
profile = "./rig.toml"
points = ["energy_import"]
serial = "20431177"
installation = "cabinet 3"
ct = {{ primary = 400, secondary = 5 }}
"""
ANSWERS = """person = "Li Wei"
[identity]
serial = "20431177"
[display]
first = "1234.56"
second = "1236.04"
[phases]
[load]
watts = "3000"
[ratio]
l1 = "{amps}"
l2 = "{amps}"
l3 = "{amps}"
"""


@dataclass
class Rig:
    """`sits[i]` is the conductor that channel i's transformer is on; `signs[i]` -1 if reversed."""

    sits: tuple = (0, 1, 2)
    signs: tuple = (1, 1, 1)
    applies_ratio: bool = False  # the meter multiplies by the ratio itself
    serial: int = SERIAL
    reads: int = 0
    silent: bool = False
    asked: list = field(default_factory=list)

    def amps(self):
        """Primary current of each conductor; from the seventh read on the test load is switched on."""
        more = LOAD_W / 3 / VOLTS / math.cos(PHI) if self.reads >= 7 else 0
        return AMPS + more

    def quantities(self):
        """Volts, amperes and watts of each channel, on the meter's side unless it applies the ratio."""
        by = 1 if self.applies_ratio else 1 / CT
        voltages = [cmath.rect(VOLTS, math.radians(-120 * at)) for at in range(3)]
        currents = [cmath.rect(self.amps(), math.radians(-120 * at) - PHI) for at in range(3)]
        channels = [sign * currents[on] * by for on, sign in zip(self.sits, self.signs, strict=True)]
        powers = [(voltage * current.conjugate()).real for voltage, current in zip(voltages, channels, strict=True)]
        return [abs(v) for v in voltages], [abs(c) for c in channels], powers

    def words(self, table, address, count, at_ns):
        """Registers of a request; a request that holds the counter is one read of the meter."""
        assert table == "holding"
        del at_ns  # what the registers hold depends on the reads so far
        self.asked.append((address, count))
        if address == 100:
            values = [self.serial]
        else:
            assert (address, count) == (0, 22)
            self.reads += 1
            voltages, currents, powers = self.quantities()
            energy = BEFORE_KWH if self.reads <= 2 else AFTER_KWH
            values = [
                *(round(v * 10) for v in voltages), *(round(c * 1000) for c in currents),
                *(round(p * 10) for p in powers), round(sum(powers) * 10), round(energy * 100),
            ]  # fmt: skip
        data = b"".join(struct.pack(">i", value) for value in values)
        return list(struct.unpack(f">{len(data) // 2}H", data))


def write(folder: Path, port: int, config: str = CONFIG) -> Path:
    """The agent's configuration, its profile and its key."""
    (folder / "rig.toml").write_text(PROFILE)
    path = folder / "agent.toml"
    path.write_text(config.format(port=port))
    custody.create(folder / "edge-1", keys.EDDSA)
    return path


def answers(folder: Path, old: str = "", new: str = "") -> Path:
    """A file of answers that are all right, one of them replaced; the clamp meter shows the load switched on."""
    more = LOAD_W / 3 / VOLTS / math.cos(PHI)
    path = folder / "answers.toml"
    text = ANSWERS.format(amps=f"{AMPS + more:.1f}")
    assert old in text
    path.write_text(text.replace(old, new))
    return path
