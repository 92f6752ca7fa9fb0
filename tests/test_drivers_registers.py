"""Register arithmetic against `struct` and `fractions`."""

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import BAD_DECODING_ERROR, BAD_NO_DATA, GOOD, registers
from agent.drivers.profile import Point

FORMATS = {
    "uint16": ">H",
    "int16": ">h",
    "uint32": ">I",
    "int32": ">i",
    "uint64": ">Q",
    "int64": ">q",
    "float32": ">f",
    "float64": ">d",
}
ONE = Fraction(1)


def point(**keys):
    given = {"id": "p", "quantity": "active_energy_import", "type": "uint32", "unit": "kWh", "kind": "counter"}
    return Point.model_validate(given | {"table": "holding", "address": 0} | keys)


def encode(number, kind, words="high_first"):
    """Raw integer as it comes over the wire, by `struct` alone."""
    wire = struct.pack(FORMATS[kind], number)
    pairs = [wire[i : i + 2] for i in range(0, len(wire), 2)]
    return int.from_bytes(b"".join(pairs if words == "high_first" else reversed(pairs)), "big")


def numbers(kind):
    if kind.startswith("float"):
        return st.floats(width=int(kind[5:]), allow_nan=False, allow_infinity=False)
    bits = int(kind.lstrip("uint"))
    low = -(2 ** (bits - 1)) if kind.startswith("int") else 0
    return st.integers(low, low + 2**bits - 1)


@st.composite
def encoded(draw):
    kind = draw(st.sampled_from(sorted(FORMATS)))
    return kind, draw(st.sampled_from(["high_first", "low_first"])), draw(numbers(kind))


ratios = st.builds(Fraction, st.integers(1, 10_000), st.integers(1, 1000))


@given(encoded(), st.integers(-6, 6), ratios, st.integers(-10, 10))
def test_scaled_is_the_exact_product_rounded_half_to_even(case, scale, ratio, shift):
    kind, words, number = case
    raw = encode(number, kind, words)
    exact = Fraction(number) * Fraction(10) ** scale
    plain = point(type=kind, words=words, scale=scale)
    assert registers.value(plain, raw) == exact
    assert registers.scaled(plain, raw, ratio) == round(exact * ratio * 10**6)
    moved = point(type=kind, words=words, scale=scale, scale_point="s")
    product = exact * ratio * 10**6 * Fraction(10) ** shift
    assert registers.scaled(moved, raw, ratio, encode(shift, "int16")) == round(product)


@given(st.data(), st.sampled_from(sorted(FORMATS)), st.sampled_from(["high_first", "low_first"]), ratios)
def test_a_column_holds_what_single_readings_give(data, kind, words, ratio):
    column = data.draw(st.lists(numbers(kind), max_size=20))
    exact = [round(Fraction(n) * ratio * 1000) for n in column]
    raws = [encode(n, kind, words) for n in column]
    p = point(type=kind, words=words, unit="Wh")
    if any(abs(n) > 2**63 - 1 for n in exact):
        with pytest.raises(ValueError, match="does not fit 64 bits"):
            registers.scaled_column(p, raws, ratio)
    else:
        result = registers.scaled_column(p, raws, ratio)
        assert result.dtype == np.int64
        assert result.tolist() == exact


def test_a_column_may_change_its_scale_factor_midway():
    p = point(type="uint16", unit="Wh", scale_point="s")
    scales = [encode(n, "int16") for n in (0, 1, 0, -4)]
    assert registers.scaled_column(p, [5, 5, 6, 25], ONE, scales).tolist() == [5_000, 50_000, 6_000, 2]  # 2.5 mWh -> 2


def test_ties_go_to_the_even_neighbour():
    p = point(type="int16", unit="Wh", scale=-4)  # tenths of a canonical unit
    column = [5, 15, 25, -5, -15, -25, 6, -6]
    by_hand = [0, 2, 2, 0, -2, -2, 1, -1]
    assert [registers.scaled(p, encode(n, "int16"), ONE) for n in column] == by_hand
    assert registers.scaled_column(p, [encode(n, "int16") for n in column], ONE).tolist() == by_hand


def test_the_ratio_multiplies_energy_and_power_only():
    ratio = Fraction(80, 5) * 100
    for quantity, unit, expected in [
        ("active_energy_import", "kWh", 1600 * 10**6),
        ("reactive_power", "kvar", 1600 * 10**3),
        ("voltage", "V", 1000),
        ("volume", "m3", 10**6),
    ]:
        assert registers.scaled(point(quantity=quantity, unit=unit, type="uint16"), 1, ratio) == expected


@pytest.mark.parametrize(
    ("unit", "canonical", "one"),
    [
        ("Wh", "wh_milli", 10**3),
        ("kWh", "wh_milli", 10**6),
        ("MWh", "wh_milli", 10**9),
        ("W", "w_milli", 10**3),
        ("kW", "w_milli", 10**6),
        ("m3", "m3_micro", 10**6),
        ("L", "m3_micro", 10**3),
        ("g", "g_milli", 10**3),
        ("kg", "g_milli", 10**6),
        ("t", "g_milli", 10**9),
        ("V", "v_milli", 1000),
        ("1", "one_milli", 1000),
        ("m3/h", "m3_per_h_milli", 1000),
        ("GJ/h", "gj_per_h_milli", 1000),
    ],
)
def test_canonical_units(unit, canonical, one):
    p = point(quantity="anything", unit=unit, type="uint16", kind="gauge")
    assert registers.unit_of(p) == canonical
    assert registers.scaled(p, 1, ONE) == one


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_float_that_is_no_number_has_no_value(number, kind):
    p, raw = point(type=kind), encode(number, kind)
    assert registers.status_of(p, raw) == BAD_NO_DATA
    with pytest.raises(ValueError, match="not a finite"):
        registers.scaled(p, raw, ONE)


def test_an_absurd_scale_factor_is_refused():
    p = point(type="uint16", scale_point="s")
    for shift, status in [(10, GOOD), (-10, GOOD), (11, BAD_DECODING_ERROR), (-11, BAD_DECODING_ERROR)]:
        assert registers.status_of(p, 1, encode(shift, "int16")) == status
    with pytest.raises(ValueError, match=r"outside -10\.\.10"):
        registers.scaled(p, 1, ONE, encode(11, "int16"))
    with pytest.raises(ValueError, match="needs the value of a scale point"):
        registers.scaled(p, 1, ONE)


def test_slack_of_whole_numbers_is_the_step_above_and_nothing_below():
    assert registers.slack(point(unit="Wh"), 7, ONE) == (0, 1000)
    assert registers.slack(point(unit="Wh", step="10"), 7, Fraction(3)) == (0, 30_000)
    assert registers.slack(point(unit="Wh", scale=-4), 7, ONE) == (1, 2)  # step 0.1 mWh, and the rounding
    assert registers.slack(point(unit="Wh", scale_point="s"), 7, ONE, 2) == (0, 100_000)


def test_slack_of_floats_counts_the_last_place():
    largest = encode(200_000.0, "float32")  # 2^17 <= 200 000 < 2^18, so the last place is 2^-6 kWh = 15 625 mWh
    assert registers.slack(point(type="float32"), largest, ONE) == (7_813 + 1, 15_625 + 7_813 + 1)
    assert registers.slack(point(type="float32", step="0.01"), largest, ONE) == (7_813 + 1, 10_000 + 7_813 + 1)


@given(
    indicated=st.integers(0, 10**11),
    step=st.sampled_from(["0.001", "0.01", "0.1", "1"]),
    kind=st.sampled_from(["float32", "float64", "uint32"]),
    ratio=st.sampled_from([ONE, Fraction(40), Fraction(1, 3)]),
)
def test_slack_encloses_what_the_register_shows(indicated, step, kind, ratio):
    """The register shows primary/ratio floored to its step, in the nearest float; the truth lies within the slack."""
    secondary = Fraction(indicated, 10**6) / ratio
    steps = secondary // Fraction(step)
    if kind == "uint32":
        steps %= 2**32
        secondary = steps * Fraction(step) + secondary % Fraction(step)
        p, raw = point(scale=-len(step.partition(".")[2])), encode(steps, kind)
    else:
        p, raw = point(type=kind, step=step), encode(float(steps * Fraction(step)), kind)
    below, above = registers.slack(p, raw, ratio)
    shown, truth = registers.scaled(p, raw, ratio), secondary * ratio * 10**6
    assert shown - below <= truth < shown + above


def test_limit_is_in_canonical_units():
    assert registers.limit_of(point(unit="Wh", limit="1000000000000"), ONE) == 10**15
    assert registers.limit_of(point(unit="Wh", limit="4294967296", scale_point="s"), ONE, 1) == 2**32 * 10 * 1000
    assert registers.limit_of(point(), ONE) == 0


def composite(*parts, **keys):
    places = [{"address": 10 * i, "type": kind, "scale": scale} for i, (kind, scale) in enumerate(parts)]
    return Point.model_validate(
        {"id": "p", "quantity": "active_energy_import", "type": "composite", "unit": "kWh", "kind": "counter"}
        | {"table": "holding", "parts": places}
        | keys
    )


WHOLE_AND_REST = composite(("uint32", 0), ("uint16", -3))
DIGITS = {"bcd16": 10**4, "bcd32": 10**8, "bcd64": 10**16, "mod10k32": 10**8, "mod10k48": 10**12, "mod10k64": 10**16}


def digits(kind, number):
    """Raw integer of a decimal type, from the number's decimal text alone."""
    four = [f"{number:0{len(str(DIGITS[kind])) - 1}}"[i : i + 4] for i in range(0, len(str(DIGITS[kind])) - 1, 4)]
    return int("".join(four), 16) if kind.startswith("bcd") else int("".join(f"{int(word):04x}" for word in four), 16)


@given(st.data(), st.sampled_from(sorted(DIGITS)), st.integers(-3, 2), ratios)
def test_decimal_types_give_the_exact_product(data, kind, scale, ratio):
    column = data.draw(st.lists(st.integers(0, min(DIGITS[kind] - 1, 10**8)), min_size=1, max_size=5))
    p = point(type=kind, scale=scale)
    expected = [round(Fraction(n) * Fraction(10) ** scale * ratio * 10**6) for n in column]
    raws = [digits(kind, n) for n in column]
    assert [registers.scaled(p, raw, ratio) for raw in raws] == expected
    if max(expected) < 2**63:
        assert registers.scaled_column(p, raws, ratio).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 999)), min_size=1, max_size=5), ratios)
def test_a_composite_gives_the_exact_sum(column, ratio):
    expected = [round((a + Fraction(b, 1000)) * ratio * 10**6) for a, b in column]
    raws = [a << 16 | b for a, b in column]
    assert [registers.scaled(WHOLE_AND_REST, raw, ratio) for raw in raws] == expected
    if max(expected) < 2**63:
        assert registers.scaled_column(WHOLE_AND_REST, raws, ratio).tolist() == expected


@pytest.mark.parametrize("words", ["high_first", "low_first", "low_pair_first", "high_pair_first"])
@pytest.mark.parametrize("inner", ["high_first", "low_first"])
@given(column=st.lists(st.integers(-(10**12), 10**12), max_size=5))
def test_a_column_in_every_order(words, inner, column):
    p = point(type="int64", unit="Wh", words=words, bytes=inner)
    raws = []
    for number in column:
        parts = struct.unpack(">4H", struct.pack(">q", number))
        order = {"high_first": "0123", "low_first": "3210", "low_pair_first": "2301", "high_pair_first": "1032"}[words]
        wire = [parts[int(i)] for i in order]
        if inner == "low_first":
            wire = [word >> 8 | (word & 255) << 8 for word in wire]
        raws.append(int.from_bytes(struct.pack(">4H", *wire), "big"))
    assert registers.scaled_column(p, raws, ONE).tolist() == [1000 * n for n in column]


@given(
    st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1), st.booleans(), st.sampled_from(["0", "-273.15", "0.0005"])
)
def test_sign_and_offset_of_a_gauge(column, negate, offset):
    p = point(quantity="temperature", type="int16", unit="degC", kind="gauge", scale=-1, negate=negate, offset=offset)
    expected = [round((Fraction(-n if negate else n) / 10 + Fraction(offset)) * 1000) for n in column]
    raws = [encode(n, "int16") for n in column]
    assert [registers.scaled(p, raw, ONE) for raw in raws] == expected
    assert registers.scaled_column(p, raws, ONE).tolist() == expected
    assert registers.value(p, raws[0]) * 1000 - Fraction(1, 2) <= expected[0] <= registers.value(p, raws[0]) * 1000 + 1


def test_power_turned_and_shifted_is_multiplied_by_the_ratio():
    p = point(quantity="active_power", type="int16", unit="W", kind="gauge", negate=True, offset="5")
    assert registers.scaled(p, encode(-7, "int16"), Fraction(20)) == (7 + 5) * 20 * 1000


def test_fields_of_a_word_in_a_column():
    p = point(quantity="tariff", type="uint16", unit="1", kind="gauge", bits=[4, 7])
    assert registers.scaled_column(p, [0x1234, 0xFF0F, 0x00F0], ONE).tolist() == [3000, 0, 15000]
    bit = point(quantity="alarm", type="bool", unit="1", kind="gauge", bit=15)
    assert registers.scaled_column(bit, [0x8000, 0x7FFF], ONE).tolist() == [1000, 0]


@pytest.mark.parametrize(("side", "times"), [("primary", 1), ("secondary", 40), (None, 40)])
def test_a_ratio_is_never_applied_twice(side, times):
    p = point(type="uint16", ratio_side=side, limit="10000", step="1")
    assert registers.scaled(p, 3, Fraction(40)) == 3 * times * 10**6
    assert registers.scaled_column(p, [3], Fraction(40)).tolist() == [3 * times * 10**6]
    assert registers.limit_of(p, Fraction(40)) == 10_000 * times * 10**6
    assert registers.slack(p, 3, Fraction(40)) == (0, times * 10**6)


@pytest.mark.parametrize(
    ("kind", "raw", "status"),
    [
        ("bcd32", 0x1234567A, BAD_DECODING_ERROR),
        ("bcd32", 0x12345678, GOOD),
        ("mod10k32", 0x2710_0000, BAD_DECODING_ERROR),
        ("mod10k32", 0x270F_270F, GOOD),
        ("mod10k32_signed", 0xD8F1_D8F1, GOOD),
        ("uint48", 0xFFFF_FFFF_FFFF, GOOD),
    ],
)
def test_status_of_digits(kind, raw, status):
    assert registers.status_of(point(type=kind), raw) == status


def test_what_is_listed_as_invalid_has_no_value_whatever_its_type():
    assert registers.status_of(point(type="bcd32", invalid=[0xFFFFFFFF]), 0xFFFFFFFF) == BAD_NO_DATA
    nothing = 0x7FC00000
    p = composite(("uint32", 0), ("float32", 0))
    assert registers.status_of(p, 5 << 32 | nothing) == BAD_NO_DATA


def test_slack_of_digits_and_composites():
    assert registers.slack(point(type="bcd32", scale=-2), 0x12, ONE) == (0, 10_000)
    assert registers.slack(point(type="mod10k64", unit="Wh"), 7, ONE) == (0, 1000)
    assert registers.slack(WHOLE_AND_REST, 7, ONE) == (0, 1000)  # one of the last part: 0.001 kWh
    assert registers.slack(composite(("uint16", -3), ("uint16", 0), step="0.01"), 7, ONE) == (0, 10_000)
    # 2^-23 kWh where the float is full, 0.12 mWh: a half rounded up, the rounding, and a step of one such place
    with_float = composite(("uint32", 0), ("float32", 0))
    assert registers.slack(with_float, 5 << 32 | encode(2.0**-9, "float32"), ONE) == (1 + 1, 1 + 1 + 1)


@given(indicated=st.integers(0, 10**12), kind=st.sampled_from(["bcd32", "mod10k48", "composite"]), ratio=ratios)
def test_slack_encloses_what_digits_and_composites_show(indicated, kind, ratio):
    """`indicated` in mWh, secondary; the register shows it floored to 0.001 kWh."""
    steps = indicated // 1000
    if kind == "composite":
        p, raw = WHOLE_AND_REST, steps // 1000 << 16 | steps % 1000
    else:
        steps %= DIGITS[kind]
        p, raw = point(type=kind, scale=-3), digits(kind, steps)
        indicated = steps * 1000 + indicated % 1000
    below, above = registers.slack(p, raw, ratio)
    shown = registers.scaled(p, raw, ratio)
    assert shown - below <= indicated * ratio < shown + above
