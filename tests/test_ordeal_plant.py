"""The plant's counters against a sum over every second, and its configuration against the agent's own check."""

from itertools import pairwise
from random import Random

import pytest

from simulators.ordeal.plant import AGE_NS, IDLE, RUNNING, T0, Line, S, plan


@pytest.fixture
def line():
    return Line("edge-1", Random(3), T0 + 3600 * S)


def test_batches_follow_each_other(line):
    assert len(line.batches) > 30
    assert all(one.end_ns < other.start_ns for one, other in pairwise(line.batches))
    assert all(one.start_ns < one.end_ns for one in line.batches)
    assert len({batch.name for batch in line.batches}) == len(line.batches)


def test_energy_is_the_sum_over_time(line):
    step_ns, counted = S // 100, 0.0
    for number in range(20_000):
        at_ns = T0 + number * step_ns
        counted += (RUNNING if line.running(at_ns) else IDLE) / 100
    energy = line.energy(T0 + 20_000 * step_ns) - line.energy(T0)
    assert energy == pytest.approx(counted, abs=2 * len(line.batches) * RUNNING / 100)
    assert energy > 200 * IDLE


def test_registers_show_the_counter_as_it_was_at_most_half_a_second_ago(line):
    shown = []
    for number in range(600):
        at_ns = T0 + (1 + number) * S
        for meter, scan in line.scans(at_ns):
            words = {reading.point: reading.raw for reading in scan.readings}
            if meter == "press":
                shown.append(words["energy"])
                assert line.energy(at_ns - AGE_NS) // 1000 <= words["energy"] <= line.energy(at_ns) // 1000
            else:
                assert words["running"] == (line.running(scan.requested_ns) is not None)
    assert shown == sorted(shown)
    assert shown[-1] > shown[0]
    assert line.scans(T0 + S) == line.scans(T0 + S)


def test_its_configuration_is_one_the_agent_takes(tmp_path):
    made = plan(tmp_path, "edge-7")
    assert made.config.agent.name == "edge-7"
    assert [one.meter.name for one in made.meters] == ["press", "press-plc"]
