"""tan(phi) over a window: by hand, and never from less than both powers."""

from dataclasses import replace

import archive_maker as maker
import numpy as np
import pytest

from agent.aggregation import replay
from agent.aggregation.bounds import MISSING
from agent.aggregation.chain import Chain
from agent.aggregation.power_factor import reactive_beside, tan_phi_milli
from agent.drivers import profile

S = 1_000_000_000


def tan_phi(active, reactive):
    """Both in W and var every 10 s, over all of it."""
    at = np.arange(len(active), dtype=np.int64) * 10 * S
    p, q = (np.array([MISSING if v is None else 1000 * v for v in vs], dtype=np.int64) for vs in (active, reactive))
    last = int(at[-1])
    return tan_phi_milli(at, at, p, q, (0, 0), (last, last))


@pytest.mark.parametrize(
    ("active", "reactive", "expected"),
    [
        ([80_000] * 7, [60_000] * 7, 750),  # power factor 0.8
        ([80_000] * 7, [-60_000] * 7, 750),
        ([100_000] * 7, [0] * 7, 0),
        ([50_000] * 7, [86_603] * 7, 1_733),  # 0.5
        ([0, 100_000, 0], [0, 50_000, 0], 500),
        ([10_000, 90_000], [30_000, 30_000], 600),  # 30 over a mean of 50
        ([0] * 7, [60_000] * 7, None),
        ([80_000, None, 80_000], [1_000] * 3, None),
        ([80_000] * 3, [1_000, None, 1_000], None),
    ],
)
def test_reactive_over_active_energy(active, reactive, expected):
    assert tan_phi(active, reactive) == expected


def made(*points: tuple[str, str, str, str]) -> profile.Profile:
    text = 'make = "T"\nmodel = "T"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["made up"]\n'
    for at, (name, quantity, unit, more) in enumerate(points):
        text += (
            f'[[point]]\nid = "{name}"\nquantity = "{quantity}"\ntable = "input"\naddress = {2 * at}\ntype = "uint32"\n'
            f'unit = "{unit}"\n{more}\n'
        )
    return profile.parse(text.encode())


TOTAL = ("energy", "active_energy_import", "Wh", 'kind = "counter"\nobis = "1-0:1.8.0"')
REACTIVE = ("reactive_power", "reactive_power", "var", 'kind = "gauge"')


def test_only_the_one_reactive_power_of_a_total_counter_is_taken():
    both = made(TOTAL, REACTIVE)
    assert reactive_beside(both, both.points[0]).id == "reactive_power"
    alone = made(TOTAL)
    assert reactive_beside(alone, alone.points[0]) is None
    phase = made((*TOTAL[:3], 'kind = "counter"\nobis = "1-0:21.8.0"'), REACTIVE)
    assert reactive_beside(phase, phase.points[0]) is None
    two = made(TOTAL, REACTIVE, ("reactive_power_2", *REACTIVE[1:]))
    assert reactive_beside(two, two.points[0]) is None


@pytest.mark.parametrize(
    ("reactive_w", "meter", "phase"),
    [
        # 70 Wh: 0.5 % at power factor 1, else 0.6 %; a phase of 8727 urad x tan(phi): each over sqrt(3)
        (0, 203, 0),
        (1_260, 243, 177),
        (-1_260, 243, 177),
        (2_520, 243, 353),
        (None, 243, 265),  # not read: 0.75
        (5_000, None, None),  # power factor 0.45: no class speaks of it
    ],
)
def test_limits_are_those_of_the_batchs_own_power_factor(reactive_w, meter, phase):
    counter = replay.counters(maker.manifest_parts())["line1", "energy_import"]
    counter = replace(counter, instrument=Chain("0.5S", ct_class="0.5S", rated_w=5_000))
    at = np.array([maker.T0 + n * 10 * S for n in range(15)], dtype=np.int64)
    power = np.full(15, 2_520_000, dtype=np.int64)
    reactive = None if reactive_w is None else np.full(15, 1000 * reactive_w, dtype=np.int64)
    known = replay.Readings(at, at, tuple(5000 + 7 * n for n in range(15)), (), (), power, reactive)
    edges = [(int(at[n]), int(at[n])) for n in (1, 11)]
    found = replay.amounts(counter, known, edges, [(0, 1)])[0]
    assert (found.amount, found.uncertainty.meter, found.uncertainty.phase) == (70_000, meter, phase)
    assert (found.u95 is None) == (meter is None)
