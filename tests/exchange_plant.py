"""The small plant of plant_in_memory whose press's meter is exchanged while a batch runs.

The old meter shows 70 000 + 7 k Wh in round k until it is taken out in round 10.43, at 70 073; the new one starts at 5.
"""

from plant_in_memory import CONFIG, S, Site, at_ns, plc_scan

from agent.drivers import Reading, Scan
from agent.recorder import Settings

NOTED = """serial = "2002"
installation = "2"
[meter.handover.energy]
before = "70073"
after = "5"
at = "2023-11-14T22:13:30.5Z"
within_s = 1
serial_before = "1001"
source = "work order 17"
"""
OLD = CONFIG.replace('installation = "1"', 'installation = "1"\nserial = "1001"')
RENAMED = CONFIG.replace('installation = "1"', 'serial = "2002"\ninstallation = "2"')
NEW = CONFIG.replace('installation = "1"', NOTED)


def settings(folder, config):
    plan = Site.at(folder, config).plan
    return Settings(plan.meters, plan.config.line, bytes(32), 5 * S, 10 * S)


def rounds(site, first, last, batch=("A", 3, 25)):
    """The press runs at 7 Wh a second; from round 12 on it is the new meter that answers."""
    name, start, end = batch
    for k in range(first, last):
        raw = 70_000 + 7 * k if k < 10 else 5 + 7 * k - 73
        if not 9 < k < 12:
            scan = Scan(0, at_ns(k), at_ns(k) + S // 100, (Reading("power", 300, 0), Reading("energy", raw, 0)))
            site.take(k, [("press", scan), plc_scan(k, name if start <= k < end else None)])
