"""The peers do what is said of them; those that are not installed are left out."""

import numpy as np
import pytest

from agent.aggregation.bulk import energies
from simulators.bench import aggregation, aggregation_peers


def test_the_sum_is_of_every_column():
    points = aggregation.plant(2, 50, 0)
    one, several = aggregation_peers.sums(points._replace(status=points.status + 3))
    expected = sum(int(column.sum()) for column in points[1:]) + 3 * 100
    assert (one() - expected) % 2**64 == 0  # a sum of times exceeds 64 bits, which is nothing to what it costs
    assert (several() - expected) % 2**64 == 0


@pytest.mark.parametrize("name", aggregation_peers.FRAMES)
def test_a_peer_finds_the_same_energies_where_nothing_is_amiss(name):
    pytest.importorskip(name)
    points, asked = aggregation.plant(3, 500, 0), aggregation.windows(3, 500, 20)
    found = aggregation_peers.frames(points, asked)[name]()
    # an edge within a reading's own request and answer is measured here and interpolated there
    ours = energies(points, [aggregation.METER] * 3, asked).energy
    assert np.abs(found - ours).max() <= 2 * aggregation.RISE_MOST


def test_what_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(aggregation_peers, "find_spec", lambda name: None)
    assert aggregation_peers.frames(aggregation.plant(1, 50, 0), aggregation.windows(1, 50, 2)) == {}
