"""The error between a certificate's points, against lines drawn by hand."""

import pytest

from agent.aggregation.certified import Certified, MeterError, certified, error_at
from contract import records
from contract.error_points import ErrorPoint

# load permille, power factor milli, error ppm, U ppm
UNITY = ((50, 1000, 3_000, 600), (200, 1000, 1_000, 400), (1000, 1000, -600, 400))
LAGGING = ((100, 500, 5_000, 800), (1000, 500, 2_000, 500))


@pytest.mark.parametrize(
    ("load", "error"),
    [
        (50, MeterError(3_000, 600, 0)),
        (125, MeterError(2_000, 600, 0)),  # half way from 50 to 200
        (200, MeterError(1_000, 400, 0)),
        (300, MeterError(800, 400, 0)),  # an eighth of the way from 1000 to -600
        (1000, MeterError(-600, 400, 0)),
        (49, None),
        (1001, None),
    ],
)
def test_between_two_loads(load, error):
    assert error_at(UNITY, load, None) == error


def test_the_power_factor_that_was_read_chooses_its_points():
    both = (*UNITY, *LAGGING)
    assert error_at(both, 1000, 0) == MeterError(-600, 400, 0)
    # tan(phi) 1.2 is a power factor of 0.64, nearer to 0.5 than to 1
    assert error_at(both, 1000, 1_200) == MeterError(2_000, 500, 0)


def test_a_power_factor_that_was_not_read_may_be_any():
    # -600 and 2000: 700 give or take 1300; at 50 permille the points at 0.5 do not reach
    both = (*UNITY, *LAGGING)
    assert error_at(both, 1000, None) == MeterError(700, 500, 1_300)
    assert error_at(both, 50, None) is None


def test_what_a_manifest_says():
    points = [ErrorPoint(load_permille=at, power_factor_milli=pf, error_ppm=e, u_ppm=u) for at, pf, e, u in UNITY[::-1]]
    one = records.Certificate(number="1", body="b", valid_from_ns=5, valid_to_ns=9, points=points, drift_ppm=100)
    assert certified(one) == Certified(UNITY, 100, 5, 9)
    assert certified(one.model_copy(update={"points": None})) is None
    assert certified(None) is None
