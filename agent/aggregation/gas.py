"""Actual cubic metres of gas to cubic metres at reference conditions.

In: absolute pressure, temperature, the ratio K of compression factors, the reference temperature. Out: how many
reference cubic metres one actual cubic metre is. Pure, exact fractions. Source: the equation of state of a real gas,
p V = z n R T, for one amount n at both conditions: Vn = V x p/pn x Tn/T x zn/z, with K = z/zn. Never says which heating
value belongs to it: that is the factor's, whose reference conditions must be the same.
"""

import hashlib
from fractions import Fraction

REFERENCE_PA = 101_325  # one standard atmosphere; ISO 13443, GB/T 19205
REFERENCES_K_MILLI = {0: 273_150, 15: 288_150, 20: 293_150}  # 0 degC "normal", 15 degC ISO 13443, 20 degC GB/T 19205
COMPRESSION_MIN, COMPRESSION_MAX = Fraction(1, 2), Fraction(3, 2)  # a declared K beyond these is a slip of the pen

NAME = "real gas law with declared K, pn = 101325 Pa"
_WORDS = (
    f"{NAME}: w = p Tn / (pn T K); per interval, cm3 x (w before + w after) / 2 as an exact fraction, rounded to whole "
    "cm3, halves to even; amounts are sums of these"
)
HASH = hashlib.sha256(_WORDS.encode()).digest()


def reference_m3(
    pressure_pa: Fraction, temperature_k: Fraction, reference_k: Fraction, compressibility: Fraction
) -> Fraction:
    """Reference m3 per actual m3. Raises ValueError for a pressure or temperature that is not above zero."""
    if pressure_pa <= 0 or temperature_k <= 0:
        raise ValueError("a gas has a pressure and an absolute temperature above zero")
    return pressure_pa * reference_k / (REFERENCE_PA * temperature_k * compressibility)
