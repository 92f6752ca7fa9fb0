"""The site model: what the demonstration's says, and that every fault is told at once by its path."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from contract.calendar import Calendar
from gateway import site_model

DEMO = Path(__file__).parent.parent / "configs/demo/site.toml"


def test_the_demonstration_is_a_site():
    site = site_model.parse(DEMO.read_bytes())
    assert [line.id for line in site.lines] == ["line1", "line2"]
    assert [product.unit for product in site.products] == ["t", "t"]
    assert site.local.utcoffset(None) == timedelta(hours=8)
    assert site.calendar.calendar == Calendar()
    # 3.36 m3/min is 3,360,000 cm3/min
    assert site.utilities[0].demand_m3_per_min == {"line1": 3_360_000, "line2": 2_700_000}
    assert site.line("edge-1", "line1") is not None
    assert site.line("edge-2", "line1") is None
    assert site.product("steel foil") is None


def test_a_zone_may_have_a_name_and_the_days_a_start():
    named = DEMO.read_text().replace('"+08:00"', '"Europe/Berlin"')
    site = site_model.parse((named + '[calendar]\nday_start = "06:00"\n').encode())
    assert site.local == ZoneInfo("Europe/Berlin")
    assert site.calendar.calendar == Calendar(day_start_min=360)


def test_a_product_may_be_declared_by_the_piece():
    pieces = DEMO.read_text().replace('unit = "t"', 'unit = "piece"', 1).replace('unit = "t"', 'unit = "1000 pieces"')
    assert [product.unit for product in site_model.parse(pieces.encode()).products] == ["piece", "1000 pieces"]


FAULTS = [
    ('zone = "+08:00"', 'zone = "Asia/Shangai"', "zone: 'Asia/Shangai': not a zone: did you mean Asia/Shanghai?"),
    ('period = "month"', 'period = "quarter"', "period:"),
    ("[[utility]]", '[calendar]\nday_start = "6"\n[[utility]]', "calendar.day_start: '6': write a time of day"),
    ('id = "line2"', 'id = "line1"', "line.line1.id: used twice"),
    ('id = "steel plate 6 mm"', 'id = "steel coil 1.5 mm"', "product.steel coil 1.5 mm.id: used twice"),
    ('unit = "t"', 'unit = "pieces"', "unit: 'pieces': did you mean piece?"),
    ('line2 = "2.70"', 'line9 = "2.70"', "utility.compressed-air.demand_m3_per_min.line9: no such line"),
    ('line2 = "2.70"', "line2 = 2.70", "a float is not"),
    ('line2 = "2.70"', 'line2 = "0"', "greater than zero"),
    ('line2 = "2.70"', 'line2 = "0.0000001"', "six decimals"),
    ('meter = "air", point = "consumption"', 'meter = "compressor", point = "energy_import"', "same counter"),
    ('factor = "cn', 'factr = "cn', "did you mean factor?"),
]


@pytest.mark.parametrize(("right", "wrong", "told"), FAULTS)
def test_a_fault_is_told_by_its_path(right, wrong, told):
    data = DEMO.read_text()
    assert right in data
    with pytest.raises(ValueError, match=r"\S") as caught:
        site_model.parse(data.replace(right, wrong).encode())
    assert told in str(caught.value)


def test_all_faults_are_told_at_once():
    data = DEMO.read_text().replace('zone = "+08:00"', 'zone = "8"').replace('period = "month"', "period = 1")
    with pytest.raises(ValueError, match=r"\S") as caught:
        site_model.parse(data.encode())
    assert len(str(caught.value).splitlines()) == 2


def test_what_is_not_toml_is_told():
    with pytest.raises(ValueError, match="TOML"):
        site_model.parse(b"[[")
