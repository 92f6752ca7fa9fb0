"""For any life of a register: every window is what was counted, to the last digit, or unknown; partitions add up."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_counter import LIMIT, ONES, POWER_MAX_W, STEP, lives

from agent.aggregation.bounds import MISSING
from agent.aggregation.record import Columns, Edges, Parameters, point_energy


def windows(life, edges_ns, *, power):
    at_ns, shown, powers = (np.array(column, np.int64) for column in zip(*life.shown, strict=True))
    pairs = (*pairwise(range(len(edges_ns))), (0, len(edges_ns) - 1))
    edges = np.array(edges_ns, np.int64)
    parameters = Parameters(-1, 0, STEP, LIMIT, POWER_MAX_W, ones=ONES)
    columns = Columns(at_ns, at_ns, shown, powers if power else np.full(at_ns.size, MISSING))
    return point_energy(columns, parameters, Edges(edges, edges, pairs)), pairs


@given(st.data(), st.booleans())
@settings(deadline=None, max_examples=400)
def test_windows_hold_what_was_counted(data, power):
    life = data.draw(lives(with_power=power))
    first_ns, last_ns = life.shown[0][0], life.shown[-1][0]
    instants = st.integers(first_ns, last_ns) | st.sampled_from([at_ns for at_ns, _, _ in life.shown])
    edges_ns = sorted(data.draw(st.lists(instants, min_size=2, max_size=12)))
    found, pairs = windows(life, edges_ns, power=power)
    energies = [window.energy for window in found.windows]
    assert energies == [life.window(edges_ns[start], edges_ns[end]) for start, end in pairs]
    if energies[-1] is not None and None not in energies:
        assert sum(energies[:-1]) == energies[-1]


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_over_all_readings_that_count_a_partition_is_the_difference_of_the_counter(data):
    life = data.draw(lives(with_power=False))
    edges_ns = [at_ns for (at_ns, _, _), truth in zip(life.shown, life.truth, strict=True) if truth is not None]
    found, _ = windows(life, edges_ns, power=False)
    counted = [truth for truth in life.truth if truth is not None]
    stretches = {stretch for _, stretch in counted}
    for stretch in stretches:
        inside = [
            window.energy
            for window, ((_, before), (_, after)) in zip(found.windows, pairwise(counted), strict=False)
            if before == after == stretch
        ]
        whole = [count for count, number in counted if number == stretch]
        assert sum(inside) == whole[-1] - whole[0]
    unknown = sum(window.energy is None for window in found.windows[:-1])
    assert unknown == len(stretches) - 1
