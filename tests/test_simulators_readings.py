"""The report's own decoder, against values worked out from the formats' definitions."""

from fractions import Fraction

import pytest

from simulators.readings import REGISTERS, _number


@pytest.mark.parametrize(
    ("meter", "raw", "scale", "wh_milli", "half_ulp"),
    [
        # float32 1.0 kWh is 0x3f800000; the next float is 2^-23 kWh away
        ("line1", 0x3F800000, 0, Fraction(1_000_000), Fraction(1_000_000, 2**24)),
        # float32 98765.4375 kWh is 0x47c0e6b8; between 2^16 and 2^17 floats are 2^-7 apart
        ("line2", 0x47C0E6B8, 0, Fraction(98_765_437_500), Fraction(1_000_000, 2**8)),
        # float64 1234567.0 Wh is 0x4132d68700000000; between 2^20 and 2^21 floats are 2^-32 apart
        ("main", 0x4132D68700000000, 0, Fraction(1_234_567_000), Fraction(1_000, 2**33)),
        ("aux", 98_765_432, 0, Fraction(98_765_432_000), Fraction(0)),
        ("compressor", 24_990_561, 0, Fraction(24_990_561_000), Fraction(0)),
        ("compressor", 1_234, 2, Fraction(123_400_000), Fraction(0)),
        ("compressor", 1_234, 0xFFFF, Fraction(123_400), Fraction(0)),  # a scale of -1
    ],
)
def test_registers_say_what_their_formats_define(meter, raw, scale, wh_milli, half_ulp):
    assert _number(REGISTERS[meter], raw, scale) == (wh_milli, half_ulp)


def test_all_electricity_meters_of_the_plant_are_known():
    assert REGISTERS.keys() == {"main", "line1", "line2", "aux", "compressor"}
