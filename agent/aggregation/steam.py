"""Heat that a kilogram of steam or water carries: kind, pressure and temperature in, whole J/kg out.

Pure. The equations are IAPWS-IF97's (if97.py), regions 1, 2 and 4. A state that is not what the kind says it is - steam
colder than its saturation temperature, water hotter - or that lies outside these regions is refused, never bent to fit:
the enthalpies on both sides of the saturation line differ by up to 2.5 MJ/kg.
"""

import hashlib
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

from agent.aggregation import if97

PA_PER_MPA = 10**6
# IAPWS R7-97(2012), section 2 and figure 1: where the regions end
LEAST_K, REGION_1_MOST_K, BOUNDARY_23_MOST_K, MOST_K = map(Decimal, ("273.15", "623.15", "863.15", "1073.15"))
SATURATED_LEAST_MPA, MOST_MPA = Decimal("0.000611213"), Decimal(100)
KEPT = 1 << 14  # steady steam repeats few pairs of readings

NAME = "IAPWS R7-97(2012), regions 1, 2 and 4"
_WORDS = (
    f"{NAME}, in decimal arithmetic of {if97.CONTEXT.prec} digits; h in whole J/kg, halves to even; w = h less the "
    "reference; per interval, mg x (w before + w after) / 2 x 10^-6 J as an exact fraction, rounded to whole J, halves "
    "to even; amounts are sums of these"
)
_TABLES = (if97.R, if97.REGION_1, if97.REGION_2_IDEAL, if97.REGION_2, if97.REGION_4, if97.BOUNDARY_23)
HASH = hashlib.sha256("\n".join([_WORDS, *map(repr, _TABLES)]).encode()).digest()


@lru_cache(KEPT)
def superheated_j_per_kg(pressure_pa: Fraction, temperature_k: Fraction) -> int:
    """Enthalpy of steam, J/kg. Raises ValueError if at this pressure and temperature it is none of region 2."""
    pressure, temperature = _mpa(pressure_pa), _decimal(temperature_k)
    if not LEAST_K <= temperature <= MOST_K or not 0 < pressure <= MOST_MPA:
        raise ValueError("outside IAPWS-IF97, region 2")
    if temperature <= REGION_1_MOST_K:
        most = if97.boils_at_mpa(temperature)
    else:
        most = if97.boundary_23_mpa(temperature) if temperature <= BOUNDARY_23_MOST_K else MOST_MPA
    if pressure > most:
        raise ValueError("no steam: below the saturation temperature of its pressure, or outside region 2")
    return _whole(if97.enthalpy_2(pressure, temperature))


@lru_cache(KEPT)
def saturated_j_per_kg(pressure_pa: Fraction, dryness: Fraction) -> int:
    """Enthalpy of wet or dry saturated steam, J/kg: h' + x (h'' - h'). Raises ValueError above 623.15 K."""
    pressure = _mpa(pressure_pa)
    if not SATURATED_LEAST_MPA <= pressure <= if97.boils_at_mpa(REGION_1_MOST_K):
        raise ValueError("outside IAPWS-IF97, regions 1 and 2 on the saturation line")
    temperature = if97.boils_at_k(pressure)
    liquid, steam = if97.enthalpy_1(pressure, temperature), if97.enthalpy_2(pressure, temperature)
    with localcontext(if97.CONTEXT):
        return _whole(liquid + _decimal(dryness) * (steam - liquid))


@lru_cache(KEPT)
def liquid_j_per_kg(pressure_pa: Fraction, temperature_k: Fraction) -> int:
    """Enthalpy of water, J/kg. Raises ValueError if at this pressure and temperature it is none of region 1."""
    pressure, temperature = _mpa(pressure_pa), _decimal(temperature_k)
    if not LEAST_K <= temperature <= REGION_1_MOST_K or pressure > MOST_MPA:
        raise ValueError("outside IAPWS-IF97, region 1")
    if pressure < if97.boils_at_mpa(temperature):
        raise ValueError("no water: above the saturation temperature of its pressure")
    return _whole(if97.enthalpy_1(pressure, temperature))


def _mpa(pressure_pa: Fraction) -> Decimal:
    return _decimal(pressure_pa / PA_PER_MPA)


def _decimal(number: Fraction) -> Decimal:
    with localcontext(if97.CONTEXT):
        return Decimal(number.numerator) / Decimal(number.denominator)


def _whole(number: Decimal) -> int:
    with localcontext(if97.CONTEXT):
        return int(number.to_integral_value())
