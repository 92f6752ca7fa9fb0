"""Figures as words."""

import pytest
import web_plant

from gateway.figures import Intensity
from gateway.pages import text

N, S = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (text.kwh(2_319_838, "en"), f"2.320{S}kWh"),
        (text.kwh(None, "en"), "not known"),
        (text.kwh(None, "zh"), "未知"),
        (text.kwh(0, "en"), f"0{S}kWh"),
        (text.kwh_with_u95(2_319_838, 23_198, "en"), f"2.32{S}±{S}0.02{S}kWh"),
        (text.kwh_with_u95(2_319_838, None, "en"), f"2.320{S}kWh"),
        (text.mass(130_900_000, "en"), f"130.9{S}kg"),
        (text.mass(1_789_920_000, "en"), f"1.790{S}t"),
        (text.mass(None, "en"), "not known"),
        (text.output(130_900_000, None, "t", "en"), f"130.9{S}kg"),
        (text.output(130_900_000, 480_000, "t", "en"), f"130.9{S}kg"),
        (text.output(130_900_000, 480_000, "piece", "en"), "480 pieces"),
        (text.output(None, 12_480_400, "1000 pieces", "zh"), f"12{N}480 件"),
        (text.output(None, 0, None, "en"), "0 pieces"),
        (text.output(None, None, "piece", "zh"), "未知"),
        (text.per("t", "zh"), "t"),
        (text.per("piece", "en"), "piece"),
        (text.per("piece", "zh"), "件"),
        (text.per("1000 pieces", "en"), "1000 pieces"),
        (text.per("1000 pieces", "zh"), "1000 件"),
        (text.kg_co2e(34_431_960_438, "en"), f"34.43{S}kgCO₂e"),
        (text.kg_co2e(12_345_678_000_000, "en"), f"12{N}350{S}kgCO₂e"),
        (text.kw(48_750_000, "en"), f"48.8{S}kW"),
        (text.percent(903_337, "en"), f"90.3{S}%"),
        (text.duration(59 * 10**9, "en"), "59 s"),
        (text.duration(187 * 10**9, "zh"), "3 分 07 秒"),
        (text.duration(3_660 * 10**9, "en"), "1 h 01 min"),
        (text.duration(50 * 3600 * 10**9, "en"), "2 days"),
        (text.duration(-5, "en"), "0 s"),
    ],
)
def test_words(made, words):
    assert made == words


def test_intensities_stop_where_the_uncertainty_begins():
    one = Intensity("t", 31_869_771, 18_411_166_600, None, 5_561)
    assert (text.energy_bare(one), text.emissions_bare(one)) == ("31.9", "18.4")
    assert text.energy_bare(one, 80_000) == "32"


def test_times_are_the_sites_own():
    site = web_plant.site()
    # 2026-11-02 06:13:20 UTC
    assert text.clock(web_plant.START_NS, site) == "14:13:20"
    assert text.moment(web_plant.START_NS, site) == "2026-11-02 14:13:20 +08:00"


def test_a_moment_shows_the_offset_of_that_moment():
    berlin = web_plant.site().model_copy(update={"zone": "Europe/Berlin"})
    assert text.moment(1_774_745_999 * 10**9, berlin) == "2026-03-29 01:59:59 +01:00"
    assert text.moment(1_774_746_000 * 10**9, berlin) == "2026-03-29 03:00:00 +02:00"
    assert text.moment(0, berlin.model_copy(update={"zone": "-03:30"})) == "1969-12-31 20:30:00 -03:30"
