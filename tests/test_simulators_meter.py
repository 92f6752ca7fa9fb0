"""A meter: exact indication; registers in steps, never ahead of it and never too old; words that a client can read."""

import random
import struct
from fractions import Fraction
from itertools import pairwise

import pytest

from agent.drivers import blocks, profile, profiles, registers
from simulators import scenario
from simulators.meter import Meter
from simulators.signals import Signal, constant, repeating

START_NS = 1_700_000_000_123_456_789
SECOND_NS = 10**9
AGE_NS = 500_000_000
STEPS = repeating(START_NS, [150_000_000, 900_000_000, 2_000_000_000], [90_000_000, 5_000_000, 61_000_000])  # mW


def meter(type_name: str, step: str, signal: Signal = STEPS, seed: int = 1, **about: object) -> Meter:
    config = scenario.Meter.model_validate(
        {"id": "m", "profile": type_name, "bus": "b", "unit": 1, "measures": ("line1",), "step": step}
        | {"age_ms": 500, "class": "1"}
        | about
    )
    return Meter(config, profile.parse(profiles.load(type_name)), signal, seed, START_NS)


def test_indication_is_energy_with_a_constant_error():
    asked = meter("siemens-pac3200", "1 Wh", constant(36_000_000))  # 36 kW: 10 Wh in a second
    grown = asked.indicated(START_NS + 100 * SECOND_NS) - asked.indicated(START_NS)
    assert grown == 1_000_000 * (1 + Fraction(asked.error_ppm, 10**6))
    assert asked.indicated_wh_milli(START_NS) == asked.start_reading


def test_errors_stay_in_the_class_and_differ_by_seed():
    errors = [meter("siemens-pac3200", "1 Wh", seed=seed).error_ppm for seed in range(200)]
    assert -10_000 <= min(errors) < -8_000
    assert 8_000 < max(errors) <= 10_000
    assert len(set(errors)) > 150


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ratio", [1, 40])
def test_the_register_is_never_ahead_and_never_too_old(seed, ratio):
    asked, rng = meter("siemens-pac3200", "1 Wh", seed=seed, ratio=ratio), random.Random(seed)
    behind = 0
    for _ in range(400):
        at_ns = START_NS + AGE_NS + rng.randrange(3600 * SECOND_NS)
        primary = asked.register(at_ns) * ratio
        assert primary <= asked.indicated(at_ns)
        assert primary > asked.indicated(at_ns - AGE_NS) - 1_000 * ratio
        behind += primary + 1_000 * ratio <= asked.indicated(at_ns)
    assert ratio > 1 or behind > 100  # it does lag, by more than its step


def test_refreshes_are_spread_and_at_most_an_age_apart():
    asked = meter("siemens-pac3200", "1 Wh")
    seen = sorted({asked.refreshed_ns(START_NS + i * 1_000_000) for i in range(60_000)})
    gaps = [b - a for a, b in pairwise(seen)]
    assert 100 < len(seen) < 220
    assert max(gaps) <= AGE_NS
    assert len(set(gaps)) > 20
    assert seen[0] == START_NS


def test_the_register_changes_only_at_a_refresh():
    asked = meter("siemens-pac3200", "1 Wh")
    for i in range(2_000):
        at_ns = START_NS + i * 7_000_000
        assert asked.image(at_ns) == asked.image(asked.refreshed_ns(at_ns))


AT_NS = START_NS + 1234 * SECOND_NS


def test_pac3200_shows_whole_watt_hours_as_a_double():
    asked = meter("siemens-pac3200", "1 Wh")
    words = asked.words("holding", 801, 8, AT_NS)
    assert words is not None
    t1_wh, t2_wh = struct.unpack(">dd", struct.pack(">8H", *words))
    assert t1_wh * 1000 == asked.register(AT_NS)
    assert t2_wh == 0
    assert asked.register(AT_NS) == int(asked.indicated(asked.refreshed_ns(AT_NS))) // 1000 * 1000


def test_sdm630_shows_hundredths_of_a_kilowatt_hour_as_a_float():
    asked = meter("eastron-sdm630", "0.01 kWh")
    words = asked.words("input", 0x48, 2, AT_NS)
    assert words is not None
    held = Fraction(struct.unpack(">f", struct.pack(">HH", *words))[0])
    shown = Fraction(asked.register(AT_NS), 10**6)
    assert shown % Fraction(1, 100) == 0
    assert abs(held - shown) <= Fraction(1, 2**8)  # half a place at up to 131,072 kWh
    power = asked.words("input", 0x34, 2, AT_NS)
    assert power is not None
    level_mw = STEPS.level(asked.refreshed_ns(AT_NS))
    assert struct.unpack(">f", struct.pack(">HH", *power))[0] == pytest.approx(
        level_mw / 1000 * (1 + asked.error_ppm / 1e6)
    )


def test_sunspec_counts_in_its_scale_at_its_base():
    asked = meter("sunspec-203", "1 Wh", base=40_069)
    words = asked.words("holding", 40_069 + 46, 9, AT_NS)
    assert words is not None
    assert words[0] << 16 | words[1] == asked.register(AT_NS) // 1000
    assert words[8] == 0  # TotWh_SF: raw watt-hours
    assert asked.words("holding", 46, 2, AT_NS) is None


def test_s401_counts_cubic_metres_low_word_first():
    asked = meter("suto-s401", "1 m3", constant(100_000), measures=("air",))  # 100 l/s
    words = asked.words("holding", 6, 4, AT_NS)
    assert words is not None
    flow = struct.unpack(">f", struct.pack(">HH", words[1], words[0]))[0]
    assert flow == pytest.approx(360 * (1 + asked.error_ppm / 1e6))
    assert (words[3] << 16 | words[2]) * 10**6 == asked.register(AT_NS)
    assert asked.indicated_m3_micro(AT_NS) > asked.register(AT_NS) > 10**9
    with pytest.raises(ValueError, match="measures air"):
        asked.indicated_wh_milli(AT_NS)


def test_a_ratio_makes_the_register_secondary():
    asked = meter("chint-dtsu666", "0.01 kWh", ratio=60)
    words = asked.words("holding", 0x101E, 2, AT_NS)
    assert words is not None
    held_kwh = struct.unpack(">f", struct.pack(">HH", *words))[0]
    assert held_kwh * 60 == pytest.approx(asked.indicated_wh_milli(AT_NS) / 10**6, abs=60 * 0.011)


def test_every_point_of_every_shipped_meter_can_be_read():
    names = ["chint-dtsu666", "eastron-sdm630", "schneider-iem3255", "siemens-pac3200", "sunspec-203", "suto-s401"]
    read = 0
    for name in names:
        is_air = name == "suto-s401"
        asked = meter(name, "1 m3" if is_air else "0.01 kWh", measures=("air",) if is_air else ("line1",))
        for point in profile.parse(profiles.load(name)).points:
            words = asked.words(str(point.table), point.address, point.length, AT_NS)
            assert words is not None
            raw = sum(word << 16 * i for i, word in enumerate(reversed(words)))
            if point.type == "text":
                assert raw
                continue
            assert raw not in point.invalid or "export" in point.id  # SunSpec: an energy of 0 is no energy
            read += 1
    assert read > 60


def test_holes_the_profile_reads_over_are_zero_and_beyond_is_nothing():
    asked = meter("siemens-pac3200", "1 Wh")
    assert asked.words("holding", 7, 6, AT_NS) == [0] * 6  # between the voltages and the currents
    assert asked.words("holding", 0, 2, AT_NS) is None
    assert asked.words("holding", 816, 2, AT_NS) is None
    assert asked.words("input", 1, 2, AT_NS) is None


def test_a_step_finer_than_the_register_is_refused():
    with pytest.raises(ValueError, match="point 'consumption': cannot show the step: make it a multiple of 1 m3"):
        meter("suto-s401", "1 L", measures=("air",))
    with pytest.raises(ValueError, match="nothing simulated to show in 'm3'"):
        meter("suto-s401", "1 Wh")


def identity_of(asked: Meter, name: str) -> dict[str, str | None]:
    """What a client reads of a meter's identity."""
    read, told = profile.parse(profiles.load(name)), {}
    points = {point.id: point for point in read.identifying}
    for block in blocks.plan(read.identifying, read.registers_max, read.hole_max):
        words = [word for request in block.requests for word in asked.words(block.table, *request, AT_NS) or ()]
        for reading in blocks.readings(block, words):
            point = points[reading.point]
            told[str(point.identity)] = (
                str(registers.value(point, reading.raw)) if reading.raw is not None else reading.text
            )
    return told


@pytest.mark.parametrize(
    ("name", "ratio", "told"),
    [
        ("siemens-pac3200", 1, {"model": "SENTRON PAC3200"}),
        ("schneider-iem3255", 40, {"ct_primary": "40", "ct_secondary": "1", "pt_primary": "1", "pt_secondary": "1"}),
        ("abb-b23", 1, {"model": "B23", "firmware": "1"}),
        ("carlogavazzi-em24-e1", 1, {"model": "1648"}),
    ],
)
def test_a_meter_says_which_it_is(name, ratio, told):
    asked = meter(name, "0.1 kWh", ratio=ratio)
    found = identity_of(asked, name)
    assert found == told | {"serial": asked.identity["serial"]}
    assert 10**7 <= int(asked.identity["serial"]) < 2 * 10**7
    assert meter(name, "0.1 kWh", seed=2).identity["serial"] != asked.identity["serial"]


def test_an_identity_block_is_answered_as_a_whole():
    assert len(meter("siemens-pac3200", "1 Wh").words("holding", 64001, 27, AT_NS) or ()) == 27


def test_a_serial_number_may_be_given():
    assert meter("eastron-sdm630", "0.1 kWh", serial="00000042").identity["serial"] == "00000042"
