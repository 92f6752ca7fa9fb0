"""Scenarios: the demonstration's is complete; a faulty one is refused with every fault, in words."""

from pathlib import Path

import pytest

from simulators import scenario

TEXT = (Path(__file__).parents[1] / "configs" / "demo" / "plant.toml").read_text()


def test_the_demonstration():
    plant = scenario.parse(TEXT.encode(), "plant.toml")
    assert {bus.id: bus.port for bus in plant.buses} == {"main": 15020, "bus": 15021, "compressor": 15022}
    assert plant.plc.port == 14840
    assert {meter.id: meter.step_canonical for meter in plant.meters} == {
        "main": 1_000,
        "line1": 10_000,
        "line2": 10_000,
        "aux": 1_000,
        "compressor": 1_000,
        "air": 1_000_000,
    }
    assert {meter.id: meter.class_ppm for meter in plant.meters}["main"] == 5_000
    assert sorted(plant.meters[0].measures) == ["aux", "compressor", "line1", "line2"]


FAULTS = [
    ("batch_s = 180", "batch_ss = 180", "p.toml: batch_ss: unknown key: did you mean batch_s?"),
    ("port = 15020", "port = 70000", "p.toml: bus.main.port: 70000: "),
    ('step = "1 m3"', 'step = "1 m4"', "p.toml: meter.air.step: '1 m4': write a number and a unit"),
    ('step = "1 m3"', 'step = "0.0000001 m3"', "must be a whole number of mWh or cm3"),
    ('step = "1 m3"', 'step = "1 Wh"', "p.toml: meter.air.step: '1 Wh' is not what it measures: use one of L, m3"),
    ('class = "1.5"', 'class = "good"', "p.toml: meter.air.class: 'good': write an accuracy class"),
    ('bus = "main"', 'bus = "mian"', "p.toml: meter.main.bus: 'mian' does not exist: use one of bus, compressor, main"),
    ('measures = ["aux"]', 'measures = ["aux", "air"]', "p.toml: meter.aux.measures: 'air' is no power: use aux, "),
    ("unit = 2\nmeasures", "unit = 1\nmeasures", "p.toml: meter: unit: 1 on bus "),
    ('id = "line2"\nname', 'id = "line1"\nname', "p.toml: line: line1 is used twice: give each its own"),
    (
        "aux_permille = 600",
        "aux_permille = 980",
        "p.toml: aux_permille: the shares of the base load add up to 1010: at most 1000",
    ),
    (
        "capacity_l_per_s = 220",
        "capacity_l_per_s = 128",
        "p.toml: compressor.capacity_l_per_s: the lines and leaks can need 128",
    ),
    ("[load]", "[load", "p.toml: not readable as TOML: "),
]


@pytest.mark.parametrize(("right", "wrong", "message"), FAULTS, ids=[fault[1] for fault in FAULTS])
def test_a_fault_is_named_with_its_place(right, wrong, message):
    assert right in TEXT
    with pytest.raises(ValueError) as caught:
        scenario.parse(TEXT.replace(right, wrong).encode(), "p.toml")
    assert message in str(caught.value)


def test_all_faults_at_once():
    with pytest.raises(ValueError) as caught:
        scenario.parse(
            TEXT.replace("scan_ms = 10", "scan_ms = 0").replace("speed = 168", "speed = 0").encode(), "p.toml"
        )
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["load.speed", "plc.scan_ms"]
