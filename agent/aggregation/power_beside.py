"""The power a meter showed beside its counter: a meter's segment in, one value per reading of the counter out.

It shapes estimates and tells a counter that stands still; it never becomes energy by itself. Only total import has it:
the power of one phase or tariff says nothing of another's register.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from agent.aggregation.bounds import MISSING
from agent.drivers import profile as profiles
from agent.drivers.registers import scaled_column
from contract.segment import MeterSegment, is_good

# OBIS codes (IEC 62056-6-1): active energy import over all tariffs; active power, import less export or import alone.
TOTAL_IMPORT, TOTAL_POWERS = "1-0:1.8.0", ("1-0:16.7.0", "1-0:1.7.0")


def power_beside(profile: profiles.Profile, counter: profiles.Point) -> profiles.Point | None:
    """The point that tells the power of what a counter counts; None where the profile has none that surely does."""
    if counter.obis != TOTAL_IMPORT:
        return None
    fit = [point for code in TOTAL_POWERS for point in profile.points if point.obis == code]
    return next((point for point in fit if point.kind == "gauge" and point.scale_point is None), None)


def beside(
    power: profiles.Point, ratio: Fraction, segment: MeterSegment, answered_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Power in mW at the good reading answered nearest to each of these times, the earlier of two as near."""
    times: list[int] = []
    raws: list[int] = []
    for block in segment.blocks:
        for column in block.columns:
            if column.point == power.id:
                for at_ns, raw, status in zip(block.answered_ns, column.raws, column.statuses, strict=True):
                    if raw is not None and is_good(status):
                        times.append(at_ns)
                        raws.append(raw)
    found = np.full(answered_ns.size, MISSING, np.int64)
    if not times:
        return found
    try:
        values = scaled_column(power, raws, ratio)
    except (ValueError, ArithmeticError):
        return found  # garbage in a register: as if it had not been read
    read_ns = np.array(times, dtype=np.int64)
    order = np.argsort(read_ns, kind="stable")
    read_ns, values = read_ns[order], values[order]
    later = np.minimum(np.searchsorted(read_ns, answered_ns, side="left"), read_ns.size - 1)
    earlier = np.maximum(later - 1, 0)
    nearer = np.where(read_ns[later] - answered_ns < answered_ns - read_ns[earlier], later, earlier)
    return values[np.where(read_ns[later] == answered_ns, later, nearer)]
