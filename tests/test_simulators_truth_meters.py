"""Drawn meters: what they show follows from what they did, and what is said of them is so."""

from collections import Counter

import numpy as np
import pytest

from simulators.truth_load import WH_MILLI_MW_US
from simulators.truth_meters import CT_LIMITS, INSTRUMENTS, LATE, METER_LIMITS, PLANT, draw

METERS = [draw(1, number, PLANT) for number in range(60)]


def test_a_meter_is_a_function_of_seed_and_number():
    first, again, other = draw(1, 7, PLANT), draw(1, 7, PLANT), draw(2, 7, PLANT)
    assert (first.raws == again.raws).all()
    assert (first.true, first.edges_ns) == (again.true, again.edges_ns)
    assert first.true != other.true


def test_all_that_meters_do_is_drawn():
    registers = Counter(meter.declared.register.name for meter in METERS)
    assert len(registers) == len(PLANT.registers)
    assert {meter.declared.accuracy_class for meter in METERS} == METER_LIMITS.keys()
    assert {meter.declared.ct_class for meter in METERS} == {None, *CT_LIMITS}
    wraps = [meter for meter in METERS if not meter.declared.register.floats and (np.diff(meter.raws) < 0).any()]
    assert len(wraps) >= 3
    gaps = [(np.diff(meter.requested_ns) > 2.5 * np.median(np.diff(meter.requested_ns))).any() for meter in METERS]
    assert 5 <= sum(gaps) < 60
    stated = {meter.declared.rated_w is not None for meter in METERS}
    assert stated == {True, False}
    loads = [meter.load for meter in METERS]
    assert min(loads) < 0.05
    assert max(loads) > 0.6


def test_readings_are_in_order_and_kept_to_the_tick():
    for meter in METERS:
        assert (np.diff(meter.answered_ns) > 0).all()
        assert (meter.requested_ns <= meter.answered_ns).all()
        assert not (meter.requested_ns % 1_000_000).any()
        assert (meter.power_ns > meter.answered_ns).all()
        assert (meter.power_ns[:-1] <= meter.requested_ns[1:]).all()
        assert len(meter.raws) == len(meter.answered_ns) == len(meter.power_w)


def test_no_energy_beyond_the_declared_power():
    for meter in METERS:
        (earliest_ns, _), *_, (_, latest_ns) = meter.edges_ns
        hours = (latest_ns - earliest_ns) / 3.6e12
        assert (
            0 <= meter.indicated[-1] - meter.indicated[0] <= meter.declared.power_max_w * hours * 1e3 * WH_MILLI_MW_US
        )
        assert int(meter.power_w.max()) <= meter.declared.power_max_w


@pytest.mark.parametrize("scenario", [PLANT, LATE, INSTRUMENTS], ids=["plant", "late", "instruments"])
def test_indication_differs_from_truth_by_no_more_than_all_limits_together(scenario):
    shares = []
    for number in range(40):
        meter = draw(3, number, scenario)
        used, counted = (edges[-1] - edges[0] for edges in (meter.true, meter.indicated))
        most = METER_LIMITS[meter.declared.accuracy_class][0][1] / 100
        if meter.declared.ct_class is not None:
            _, ratio, minutes = CT_LIMITS[meter.declared.ct_class][0]
            most += ratio / 100 + minutes * 0.00029089 * 0.75 * 1.2
        shares.append(abs(counted / used - 1) / (1.01 * most))
    assert max(shares) < 1
    assert max(shares) > 0.3  # and they do differ
