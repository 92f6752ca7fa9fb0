"""Class limits as the standards state them, entered a second time from the tables of the standards."""

import pytest

from agent.aggregation.limits import CT_CLASSES, METER_CLASSES, VT_CLASSES, ct_limits, meter_limit_ppm, vt_limits

# (class, load in permille, power factor 1?, limit in percent)
METERS = [
    ("0.2S", 10, True, 0.4), ("0.2S", 50, True, 0.2), ("0.2S", 20, False, 0.5), ("0.2S", 100, False, 0.3),
    ("0.5S", 49, True, 1.0), ("0.5S", 1200, True, 0.5), ("0.5S", 99, False, 1.0), ("0.5S", 100, False, 0.6),
    ("1", 20, True, 1.5), ("1", 50, True, 1.0), ("1", 50, False, 1.5), ("1", 100, False, 1.0),
    ("2", 20, True, 2.5), ("2", 50, True, 2.0), ("2", 50, False, 2.5), ("2", 100, False, 2.0),
    ("MID A", 50, True, 3.5), ("MID B", 50, True, 2.0), ("MID C", 50, True, 1.0),
    ("MID A, -10..40 C", 50, False, 5.0), ("MID B, -10..40 C", 50, False, 2.5), ("MID C, -10..40 C", 50, False, 1.3),
    ("MID A, -25..55 C", 50, False, 7.0), ("MID B, -25..55 C", 50, False, 3.5), ("MID C, -25..55 C", 50, False, 1.7),
    ("MID A, -40..70 C", 50, False, 9.0), ("MID B, -40..70 C", 50, False, 4.0), ("MID C, -40..70 C", 50, False, 2.0),
]  # fmt: skip

# (class, load in permille, ratio error in percent, phase displacement in minutes)
TRANSFORMERS = [
    ("0.1", 50, 0.4, 15), ("0.1", 200, 0.2, 8), ("0.1", 1000, 0.1, 5),
    ("0.2S", 10, 0.75, 30), ("0.2S", 50, 0.35, 15), ("0.2S", 200, 0.2, 10), ("0.2S", 1200, 0.2, 10),
    ("0.5S", 10, 1.5, 90), ("0.5S", 50, 0.75, 45), ("0.5S", 200, 0.5, 30),
    ("0.2", 50, 0.75, 30), ("0.2", 200, 0.35, 15), ("0.2", 1000, 0.2, 10),
    ("0.5", 50, 1.5, 90), ("0.5", 999, 0.75, 45), ("0.5", 1000, 0.5, 30),
    ("1", 50, 3.0, 180), ("1", 200, 1.5, 90), ("1", 1000, 1.0, 60),
]  # fmt: skip

# (class, ratio error in percent, phase displacement in minutes), from 80 to 120 % of the rated voltage
VOLTAGE = [("0.1", 0.1, 5), ("0.2", 0.2, 10), ("0.5", 0.5, 20), ("1", 1.0, 40)]


def test_every_class_is_checked():
    assert {name for name, *_ in METERS} == set(METER_CLASSES)
    assert {name for name, *_ in TRANSFORMERS} | {"3", "5"} == set(CT_CLASSES)
    assert {name for name, *_ in VOLTAGE} | {"3"} == set(VT_CLASSES)
    assert (len(METER_CLASSES), len(CT_CLASSES), len(VT_CLASSES)) == (16, 8, 5)


@pytest.mark.parametrize(("name", "load", "unity", "percent"), METERS)
def test_meter_limits(name, load, unity, percent):
    assert meter_limit_ppm(name, load, inductive=not unity) == round(percent * 10_000)


@pytest.mark.parametrize(("name", "load", "percent", "minutes"), TRANSFORMERS)
def test_transformer_limits(name, load, percent, minutes):
    ratio_ppm, phase_urad = ct_limits(name, load)
    assert ratio_ppm == round(percent * 10_000)
    assert 0 <= phase_urad - minutes * 290.8882 < 1  # pi / 10800 rad, rounded up to whole microradians


@pytest.mark.parametrize(("name", "percent", "minutes"), VOLTAGE)
def test_voltage_transformer_limits(name, percent, minutes):
    ratio_ppm, phase_urad = vt_limits(name)
    assert ratio_ppm == round(percent * 10_000)
    assert 0 <= phase_urad - minutes * 290.8882 < 1


# IEC 62053-21, direct connected, in Ib: (class, load in permille, power factor 1?, limit in percent)
@pytest.mark.parametrize(
    ("name", "load", "unity", "percent"),
    [("1", 50, True, 1.5), ("1", 100, True, 1.0), ("1", 100, False, 1.5), ("1", 200, False, 1.0), ("2", 50, True, 2.5),
     ("2", 100, True, 2.0), ("2", 100, False, 2.5), ("2", 200, False, 2.0)],
)  # fmt: skip
def test_direct_connected_meters(name, load, unity, percent):
    assert meter_limit_ppm(name, load, inductive=not unity, direct=True) == round(percent * 10_000)
    below = meter_limit_ppm(name, load - 1, inductive=not unity, direct=True)
    assert below is None or below > round(percent * 10_000)


def test_limits_only_narrow_as_the_load_rises():
    for steps in [
        s for c in METER_CLASSES.values() for at in (c.transformer, c.direct) for s in (at.unity, at.inductive)
    ] + [*CT_CLASSES.values()]:
        assert [step[0] for step in steps] == sorted({step[0] for step in steps})
        assert [step[1] for step in steps] == sorted((step[1] for step in steps), reverse=True)


def test_outside_the_loads_of_a_class_nothing_is_stated():
    assert meter_limit_ppm("0.5S", 9, inductive=False) is None
    assert meter_limit_ppm("MID C", 49, inductive=False) is None
    assert (ct_limits("0.5", 49), ct_limits("0.5", 1201)) == (None, None)
    assert (ct_limits("3", 1000), vt_limits("3")) == (None, None)


def test_unknown_classes_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'0.5s' is not known: give one of 0.2S, 0.5S, 1"):
        meter_limit_ppm("0.5s", 100, inductive=False)
    with pytest.raises(ValueError, match=r"CT class '4' is not known"):
        ct_limits("4", 100)
    with pytest.raises(ValueError, match=r"VT class '0.2S' is not known: give one of 0.1, 0.2, 0.5, 1, 3"):
        vt_limits("0.2S")
