"""tan(phi) over a window: by hand, and never from less than both powers."""

import numpy as np
import pytest

from agent.aggregation.bounds import MISSING
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
