"""Two instruments' amounts in one window: sums, independent errors, and nothing where one part is not known."""

from dataclasses import replace

import pytest

from agent.aggregation.amount import Amount, nothing, together
from contract.budget import Budget

NONE = Budget(
    meter=0, certificate=0, ct=0, pt=0, phase=0, resolution=0, start=0, end=0, clock=0, offset=0
)  # fmt: skip


def amount(energy, *, ppm=0, anomalies=(), **parts):
    return Amount(energy, energy - 5, energy + 7, 3, ppm, anomalies, NONE.model_copy(update=parts))


def test_amounts_and_bounds_add_up_and_the_exchange_is_named():
    found = together(amount(100, anomalies=("wrap",)), amount(40, anomalies=("jitter",)))
    assert (found.amount, found.lower, found.upper) == (140, 130, 154)
    assert found.anomalies == ("exchange", "wrap", "jitter")


def test_a_part_that_is_not_known_makes_the_whole_unknown():
    for pair in ((amount(1), nothing("reset")), (nothing("reset"), amount(1))):
        assert together(*pair) == nothing("exchange", "reset")
    assert together(amount(1), replace(amount(2), lower=None, upper=None)).lower is None
    assert together(amount(1), amount(2, meter=None)).u95 is None
    assert together(amount(1), amount(2, meter=None)).uncertainty.meter is None


@pytest.mark.parametrize(
    ("old", "new", "ppm"),
    # of 300 and 100 with 10 % and 50 % between readings: 30 + 50 of 400
    [((300, 100_000), (100, 500_000), 200_000), ((0, 7), (0, 9), 9), ((1, 1), (2, 0), 1)],
)
def test_the_share_between_readings_is_that_of_the_energy(old, new, ppm):
    assert together(amount(old[0], ppm=old[1]), amount(new[0], ppm=new[1])).interpolated_ppm == ppm


def test_instruments_err_by_themselves_and_transformers_alike():
    found = together(
        amount(1, meter=30, certificate=6, resolution=3, ct=30, offset=2),
        amount(1, meter=40, certificate=8, resolution=4, ct=40, offset=-5),
    )
    budget = found.uncertainty
    assert (budget.meter, budget.certificate, budget.resolution) == (50, 10, 5)
    assert (budget.ct, budget.offset) == (70, -3)


def test_u95_is_that_of_the_convolved_parts():
    """Two equal rectangles give a triangle: of half-width a, 95 % lie within a x (1 - sqrt(0.05)) = 0.7764 a."""
    sigma = 10_000_000
    half_base = 2 * 3**0.5 * sigma
    meters = together(amount(1, meter=sigma), amount(1, meter=sigma)).u95
    assert meters == pytest.approx(0.7764 * half_base, rel=2e-3)
    # one error of twice the size: a rectangle, 95 % within 0.95 of its half-width
    transformers = together(amount(1, ct=sigma), amount(1, ct=sigma)).u95
    assert transformers == pytest.approx(0.95 * half_base, rel=2e-3)
    assert together(amount(1, offset=4), amount(1, offset=5)).u95 == 9
