"""IAPWS-IF97 against the verification tables of its release, and its two saturation equations against each other."""

from decimal import Decimal, localcontext

import pytest

from agent.aggregation import if97

D = Decimal


def digits(number: Decimal, count: int = 9) -> Decimal:
    """Rounded to as many significant digits as the release's tables give."""
    with localcontext(prec=count):
        return +number


@pytest.mark.parametrize(
    ("temperature_k", "pressure_mpa", "kj_per_kg"),
    [("300", "3", "115.331273"), ("300", "80", "184.142828"), ("500", "3", "975.542239")],  # R7-97(2012), table 5
)
def test_region_1(temperature_k, pressure_mpa, kj_per_kg):
    assert digits(if97.enthalpy_1(D(pressure_mpa), D(temperature_k)) / 1000) == D(kj_per_kg)


@pytest.mark.parametrize(
    ("temperature_k", "pressure_mpa", "kj_per_kg"),
    # R7-97(2012), table 15
    [("300", "0.0035", "2549.91145"), ("700", "0.0035", "3335.68375"), ("700", "30", "2631.49474")],
)
def test_region_2(temperature_k, pressure_mpa, kj_per_kg):
    assert digits(if97.enthalpy_2(D(pressure_mpa), D(temperature_k)) / 1000) == D(kj_per_kg)


@pytest.mark.parametrize(
    ("temperature_k", "pressure_mpa"),
    [("300", "0.00353658941"), ("500", "2.63889776"), ("600", "12.3443146")],  # R7-97(2012), table 35
)
def test_saturation_pressure(temperature_k, pressure_mpa):
    assert digits(if97.boils_at_mpa(D(temperature_k))) == D(pressure_mpa)


@pytest.mark.parametrize(
    ("pressure_mpa", "temperature_k"),
    [("0.1", "372.755919"), ("1", "453.035632"), ("10", "584.149488")],  # R7-97(2012), table 36
)
def test_saturation_temperature(pressure_mpa, temperature_k):
    assert digits(if97.boils_at_k(D(pressure_mpa))) == D(temperature_k)


def test_the_boundary_of_regions_2_and_3():
    assert digits(if97.boundary_23_mpa(D("623.15"))) == D("16.5291643")  # R7-97(2012), below equation 6


@pytest.mark.parametrize("temperature_k", ["274", "373.15", "453", "550", "620"])
def test_both_saturation_equations_are_one_line(temperature_k):
    again = if97.boils_at_k(if97.boils_at_mpa(D(temperature_k)))
    assert abs(again - D(temperature_k)) < D("1e-25")  # they solve one and the same quadratic


def test_the_digits_are_these_whatever_context_is_set():
    with localcontext(prec=5, rounding="ROUND_UP"):
        few = if97.enthalpy_2(D("1"), D("500"))
    assert few == if97.enthalpy_2(D("1"), D("500"))
    assert len(few.as_tuple().digits) == if97.CONTEXT.prec
