"""What can be wrong with a derived counter, each told in one line; a right one is stated in the manifest."""

import re
import shutil
from pathlib import Path

import plant_in_memory as plant
import pytest

from agent import check, manifest
from agent.aggregation import steam
from contract import records
from contract.derived_records import DerivedPart

POINTS = """[[point]]
id = "steam"
quantity = "mass"
table = "input"
address = 20
type = "uint32"
unit = "kg"
kind = "counter"
[[point]]
id = "p"
quantity = "pressure"
table = "input"
address = 22
type = "uint16"
unit = "bar"
scale = -2
kind = "gauge"
[[point]]
id = "t"
quantity = "temperature"
table = "input"
address = 23
type = "uint16"
unit = "degC"
kind = "gauge"
"""
DERIVED = """[[derived]]
meter = "press"
id = "heat"
kind = "steam"
mass = "steam"
pressure = "p"
pressure_is = "gauge"
atmosphere_kpa = "101.3"
temperature = "t"
reference_kj_per_kg = "83.74"
[[line]]"""


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(plant, "METER_PROFILE", plant.METER_PROFILE + POINTS)
    made = plant.CONFIG.replace("[[line]]", DERIVED, 1)
    return made.replace('good = "press-plc.produced"', 'good = "press-plc.produced"\nmedia = ["press.heat"]')


def test_a_right_one_is_stated_with_its_formulation(tmp_path, config):
    plan = check.load(plant.write_plant(tmp_path, config), plant.T0)
    parts = manifest.parts(plan.meters, plan.config.line)
    (part,) = (records.read(p, DerivedPart) for p in parts if records.kind_of(p) == "derived")
    assert (part.counts, part.atmosphere_pa, part.reference_j_per_kg, part.apart_ns) == (
        "steam", 101_300, 83_740, 60 * 10**9
    )  # fmt: skip
    assert (part.formulation, part.formulation_hash) == (steam.NAME, steam.HASH)
    assert manifest.read(parts).counters["press", "heat"].points == ("steam", "p", "t")


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ('meter = "press"\nid', 'meter = "pres"\nid', "meter", "did you mean press"),
        ('id = "heat"', 'id = "energy"', "id", "point of this name"),
        ('mass = "steam"\n', "", "mass", "steam needs mass, temperature"),
        ('mass = "steam"', 'mass = "steem"', "mass", "did you mean steam"),
        ('mass = "steam"', 'mass = "energy"', "mass", "g, kg or t"),
        ('mass = "steam"', 'mass = "steam"\nvolume = "steam"', "volume", "no use for it"),
        ('pressure = "p"', 'pressure = "t"', "pressure", "Pa, kPa, bar, MPa"),
        ('temperature = "t"', 'temperature = "p"', "temperature", "K, degC"),
        ('pressure_is = "gauge"', 'pressure_is = "absolute"', "atmosphere_kpa", "remove it"),
        ('atmosphere_kpa = "101.3"', "", "atmosphere_kpa", "101.325 at sea level"),
        ('atmosphere_kpa = "101.3"', 'atmosphere_kpa = "1.013"', "atmosphere_kpa", "write kPa"),
        ('kind = "steam"', 'kind = "saturated_steam"', "dryness", "missing"),
        ('"83.74"', '"83.74"\ndryness = "1.2"', "dryness", "no use for it"),
        ('"83.74"', '"83.74"\napart_s = 1', "apart_s", "at least twice"),
    ],
)
def test_one_mistake_is_one_line_that_says_where_what_and_what_to_do(tmp_path, config, old, new, key, words):
    assert old in config
    lines = plant.problems(tmp_path, config.replace(old, new, 1))
    assert any(line.startswith(f"derived.{'energy' if key == 'id' else 'heat'}.{key}: ") and words in line
               for line in lines), lines  # fmt: skip


def test_a_batch_closes_over_a_derived_counter_and_follows_from_the_chain(tmp_path, config, monkeypatch):
    honest = plant.meter_scan

    def meter_scan(k: int, *, status: int = 0):
        meter, scan = honest(k, status=status)
        beside = (("steam", 10 * k), ("p", 900), ("t", 250))
        more = tuple(plant.Reading(point, None if status else raw, status) for point, raw in beside)
        return meter, plant.Scan(scan.block, scan.requested_ns, scan.answered_ns, (*scan.readings, *more))

    monkeypatch.setattr(plant, "meter_scan", meter_scan)
    site = plant.Site.at(tmp_path / "site", config)
    site.start(0)
    site.read_rounds({k: "A" if 5 <= k < 15 else None for k in range(1, 25)})
    site.stop()
    ((head, amounts),) = site.history().batches()
    assert head.closed == "complete"
    medium = amounts[-1]
    assert (medium.role, medium.point, medium.unit) == ("medium", "heat", "j")
    # 10 kg a second for 10 s of steam of 10.013 bar absolute and 250 degC: 2943 kJ/kg in the steam tables
    assert medium.amount == pytest.approx(100 * (2_943_000 - 83_740), rel=1e-3)
    assert site.history().assert_batches_follow() == 1


def test_the_page_for_energy_engineers_states_two_that_compute(tmp_path):
    root = Path(plant.__file__).parent.parent
    page = (root / "docs/energy-engineer.md").read_text()
    (text,) = (
        fence
        for fence in re.findall(r"^```toml agent-buses\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        if "[[derived]]" in fence
    )
    shutil.copytree(root / "configs", tmp_path / "configs")
    path = tmp_path / "configs/agent.toml"
    path.write_text(path.read_text() + text)
    plan = check.load(path, plant.T0)
    counters = manifest.read(manifest.parts(plan.meters, plan.config.line)).counters
    assert [counters["flow", name].unit for name in ("steam_energy", "gas_20c")] == ["j", "m3_micro"]
