"""Profiles of the simulated OPC UA meters, and a driver for one."""

import contextlib
import time

from agent.drivers import Target, profile
from agent.drivers.opcua import Bus, open_driver
from simulators.opcua_meters import ECM, KEPSERVER, PLANT

HEAD = 'make = "Simulated"\nmodel = "{0}"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["OPC 34100 1.0.0"]\n'
POINT = """
[[point]]
id = "{0}"
quantity = "{1}"
node = '{2}'
type = "{3}"
unit = "{4}"
kind = "{5}"
"""
IDENTITY = """
[[point]]
id = "{0}"
quantity = "{0}"
node = '{1}'
type = "text"
unit = "1"
kind = "gauge"
identity = "{0}"
"""


def ecm(energy_unit="Wh", missing=False):
    """A meter as OPC 34100 lays it out: power by node, energy by path."""
    text = HEAD.format("ECM")
    text += POINT.format("power", "active_power", f"nsu={ECM};i=6001", "float32", "W", "gauge")
    path = f"/{{{PLANT}}}Meter/{{{ECM}}}AcActiveEnergyTotalImportHp"
    text += POINT.format("energy", "active_energy_import", path, "float64", energy_unit, "counter")
    if missing:
        text += POINT.format("gone", "active_power_gone", f"nsu={ECM};i=1", "float32", "W", "gauge")
    text += IDENTITY.format("serial", f"nsu={PLANT};i=6004")
    return profile.parse((text + IDENTITY.format("model", f"nsu={PLANT};i=6005")).encode())


def kepserver():
    """A meter as KEPServerEX shows a channel's device."""
    text = HEAD.format("KEPServerEX")
    for name, quantity, kind, unit, counts in (
        ("Power", "active_power", "float32", "W", "gauge"),
        ("Energy", "active_energy_import", "float64", "kWh", "counter"),
    ):
        text += POINT.format(name.lower(), quantity, f"nsu={KEPSERVER};s=Channel1.Device1.{name}", kind, unit, counts)
    return profile.parse(text.encode())


@contextlib.asynccontextmanager
async def driving(url, *profiles, now_ns=time.time_ns, **bus):
    """A driver for meters m0, m1, ... and the events it tells."""
    events = []
    meters = {f"m{i}": Target(1, one) for i, one in enumerate(profiles)}
    driver = open_driver(Bus(url=url, **({"timeout_ms": 1000} | bus)), meters, now_ns, events.append)
    try:
        yield driver, events
    finally:
        await driver.close()
