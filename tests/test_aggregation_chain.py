"""Limits of a chain at a window's load, against loads worked out by hand and the tables of the standards."""

from dataclasses import replace

import pytest

from agent.aggregation.certified import Certified
from agent.aggregation.chain import Chain, Window, chain_of, instrument_at, load_permille
from agent.aggregation.uncertainty import Instrument
from contract import records

HOUR = 3_600_000_000_000
KWH = 1_000_000  # in mWh
CT = Chain("0.5S", ct_class="0.5S", rated_w=100_000)


def hour(kwh: int, tan_phi_milli: int | None = None) -> Window:
    return Window(kwh * KWH, 0, HOUR, tan_phi_milli)


@pytest.mark.parametrize(
    ("window", "permille"),
    [
        (hour(100), 1000),
        (hour(5), 50),
        (Window(5 * KWH, 0, HOUR // 2), 100),
        (hour(30, 750), 375),  # 30 kW at power factor 0.8 are 37.5 kVA
        (Window(KWH, 5, 5), None),
    ],
)
def test_the_load_is_mean_power_over_rated(window, permille):
    assert load_permille(CT, window) == permille


# Half-widths in ppm, from the tables of IEC 62053-22 and IEC 61869-2; 30, 45 and 90 minutes are 8727, 13090 and 26180
# urad.
@pytest.mark.parametrize(
    ("window", "limits"),
    [
        (hour(50, 0), Instrument(5_000, 5_000, 0, 8_727, 0)),
        (hour(50, 329), Instrument(6_000, 5_000, 0, 8_727, 329)),
        (hour(50), Instrument(6_000, 5_000, 0, 8_727, 750)),  # power factor not read: 0.8
        (hour(10, 0), Instrument(5_000, 7_500, 0, 13_090, 0)),
        (hour(3, 0), Instrument(10_000, 15_000, 0, 26_180, 0)),
        (hour(1, 750), None),  # 12 permille: below power factor 1 the meter's class begins at 20
        (Window(KWH // 2, 0, HOUR, 0), None),  # 5 permille: below every class
        (hour(130, 0), None),  # 130 %: above the current transformer's
        (hour(50, 1_800), None),  # power factor 0.49
    ],
)
def test_limits_at_the_load_of_the_window(window, limits):
    assert instrument_at(CT, window) == limits


def test_without_a_rated_power_the_worst_from_a_tenth_up_holds():
    for kwh in (1, 50, 1000):
        found = instrument_at(replace(CT, rated_w=None), hour(kwh))
        assert found == Instrument(6_000, 7_500, 0, 13_090, 750)


def test_a_voltage_transformer_has_a_table_of_its_own():
    # IEC 61869-3 class 0.5: 0.5 %, 20 minutes = 5818 urad, on top of the CT's 8727
    assert instrument_at(replace(CT, pt_class="0.5"), hour(50, 0)) == Instrument(5_000, 5_000, 5_000, 8_727 + 5_818, 0)


def test_a_direct_connected_meter_begins_twice_as_high():
    # IEC 62053-21, class 1: 1.5 % from 0.05 Ib to 0.1 Ib at power factor 1, 1.0 % above; nothing below 0.05 Ib
    direct = Chain("1", rated_w=100_000, direct=True)
    found = [instrument_at(direct, hour(kwh, 0)) for kwh in (4, 5, 10)]
    assert [one and one.meter_ppm for one in found] == [None, 15_000, 10_000]


def test_a_class_without_a_phase_displacement_says_nothing_of_energy():
    assert instrument_at(replace(CT, ct_class="3"), hour(60, 0)) is None
    assert instrument_at(replace(CT, pt_class="3"), hour(60, 0)) is None


CERTIFIED = Certified(((100, 1000, 2_000, 800), (1000, 1000, 2_000, 800)), 300, 0, 10 * HOUR)


def test_a_certificate_stands_in_for_the_class():
    known = replace(CT, certified=CERTIFIED)
    assert instrument_at(known, hour(50, 0)) == Instrument(300, 5_000, 0, 8_727, 0, 800, 2_000)
    # below its lowest load, and after its last day, the class holds
    assert instrument_at(known, hour(5, 0)) == Instrument(5_000, 7_500, 0, 13_090, 0)
    late = Window(550 * KWH, 0, 11 * HOUR, 0)
    assert instrument_at(known, late) == Instrument(5_000, 5_000, 0, 8_727, 0)


def meter(**changes: object) -> records.MeterPart:
    told = {
        "meter": "m1", "installation": "1", "address": "unit 1", "base": "0", "profile": b"\0" * 32, "serial": "1",
        "serial_is": "declared", "accuracy_class": "0.5S", "ct": None, "pt": None, "certificate": None, "declared": [],
        "power_max_w": None,
    }  # fmt: skip
    return records.MeterPart.model_validate(told | changes)


def transformer(name: str | None) -> dict[str, object]:
    return {"primary": 100, "secondary": 5, "accuracy_class": name}


def test_what_a_manifest_says():
    assert chain_of(meter()) == Chain("0.5S", direct=True)
    assert chain_of(meter(ct=transformer("0.2"), pt=transformer("1"), rated_w=9)) == Chain("0.5S", "0.2", "1", 9)
    assert chain_of(meter(accuracy_class=None)) is None
    assert chain_of(meter(ct=transformer(None))) is None


def test_unknown_classes_are_told_with_the_known_ones():
    for changes in ({"accuracy_class": "0.7"}, {"ct": transformer("0.7")}, {"pt": transformer("0.2S")}):
        with pytest.raises(ValueError, match=r"is not known: give one of"):
            chain_of(meter(**changes))
