"""Loads: the power of a site by 15 minutes, from a CSV, and the cycles of its machines.

In: the text of a CSV of energies, seeds. Out: signals in mW.
Never: floats, the clock, files. A table with a fault is refused with one line that says where.
"""

import csv
import io
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from simulators.signals import SECOND_NS, Repeating, repeating

INTERVAL = timedelta(minutes=15)
INTERVAL_NS = 900 * SECOND_NS
ENERGY_KWH_MAX = 1_000_000  # in 15 minutes: 4 GW, beyond any plant; a larger figure is a unit mistaken


def machine_cycle(rng: random.Random, anchor_ns: int, mean_mw: int) -> Repeating:
    """Draw a machine's cycle: some seconds of steps of 0.12 to 1.4 s, between 30 % and 140 % of the mean power."""
    steps = rng.randrange(5, 12)
    edges_ns, end_ns = [], 0
    for _ in range(steps):
        end_ns += rng.randrange(120_000_000, 1_400_000_000)
        edges_ns.append(end_ns)
    return repeating(anchor_ns, edges_ns, [mean_mw * rng.randrange(30, 141) // 100 for _ in range(steps)])


def read_energies(text: str, name: str) -> tuple[int, ...]:
    """Return the 15-minute energies of a CSV, in mWh, in file order.

    Columns `interval_end_local` and `active_energy_kwh`; others are ignored. Rows follow each other by 15 minutes; a
    midnight may also carry the date of the day that ends with it, as some exports have it. Raises ValueError with one
    line: what, where, what to do.
    """
    rows = csv.DictReader(io.StringIO(text))
    missing = {"interval_end_local", "active_energy_kwh"} - set(rows.fieldnames or ())
    if missing:
        raise ValueError(f"{name}: line 1: column {min(missing)} is missing: name it in the header")
    energies_wh_milli: list[int] = []
    due: datetime | None = None
    for row in rows:
        where = f"{name}: line {rows.line_num}"
        due = _check_end(row["interval_end_local"] or "", due, where) + INTERVAL
        energies_wh_milli.append(_wh_milli(row["active_energy_kwh"] or "", where))
    if not energies_wh_milli:
        raise ValueError(f"{name}: no rows: give at least one 15-minute interval")
    return tuple(energies_wh_milli)


def _check_end(text: str, due: datetime | None, where: str) -> datetime:
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{where}: interval_end_local: {text!r} is no date and time: write 2018-03-05T00:15") from None
    if end.tzinfo is not None:
        raise ValueError(f"{where}: interval_end_local: {text!r} has a time zone: give local time without one")
    if due is None or end == due:
        return end
    if (due.hour, due.minute) == (0, 0) and end == due - timedelta(days=1):
        return due
    raise ValueError(
        f"{where}: interval_end_local: {text} where {due:%Y-%m-%dT%H:%M} is due: rows are 15 minutes apart"
    )


def _wh_milli(text: str, where: str) -> int:
    try:
        energy_kwh = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{where}: active_energy_kwh: {text!r} is no number: write kWh such as 12.34") from None
    if not energy_kwh.is_finite() or not 0 <= energy_kwh <= ENERGY_KWH_MAX:
        raise ValueError(f"{where}: active_energy_kwh: {text} is out of range: 0 to {ENERGY_KWH_MAX} kWh")
    energy_wh_milli = energy_kwh * 1_000_000
    if energy_wh_milli != int(energy_wh_milli):
        raise ValueError(f"{where}: active_energy_kwh: {text} has more than six decimals: round it to 1 mWh")
    return int(energy_wh_milli)


def base_load(energies_wh_milli: Iterable[int], anchor_ns: int, speed: int) -> Repeating:
    """Return the mean power of each 15 minutes, in mW, one after another at `speed` times real time, repeated for ever.

    Power keeps its level; time is pressed together, so the energy of an hour of simulation is that of an hour at
    these powers.
    """
    levels_mw = [energy * 4 for energy in energies_wh_milli]
    return repeating(anchor_ns, [(i + 1) * INTERVAL_NS // speed for i in range(len(levels_mw))], levels_mw)


def scaled_load(load: Repeating, permille: int) -> Repeating:
    """Return a share of a repeating load, each level rounded down to 1 mW."""
    return repeating(load.anchor_ns, load.edges_ns[1:], [level * permille // 1000 for level in load.levels])
