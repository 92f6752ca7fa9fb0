"""The tables under the cards."""

import json
import re

import pytest
import test_gateway_figures as made
import web_plant
from web_plant import NS, START_NS

from gateway.figures import figures, seals
from gateway.pages import tables

SITE, FACTORS = web_plant.site(), web_plant.library()


def words(html):
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html))


def test_batches_newest_first_with_their_remarks():
    live, _ = web_plant.busy()
    told = words(tables.batches(figures(live.state, SITE, FACTORS), SITE, "en"))
    names = re.findall(r"L[12]-\d{4}", told)
    assert len(names) == tables.BATCHES_SHOWN
    assert names[:2] == ["L1-0018", "L2-0018"]
    assert "incomplete: not counted" in told
    assert told.count("complete") == tables.BATCHES_SHOWN


def test_every_reason_has_words():
    live = made.fresh()
    bad = [
        made.done("B1", 0, 100, None, 5),
        made.done("B2", 100, 200, 5, None),
        made.done("B3", 200, 300, 5, 5, "foil"),
        made.done("B4", 250, 400, 5, 5),
        made.done("B5", 400, 500, 5, 5, closed="incomplete"),
        made.done("B7", 500, 600, 5, 5, unit="one_milli"),
        web_plant.batch("line9", "B6", made.COIL, START_NS, START_NS + NS, 5, 5),
    ]
    live.on_admitted(bad, START_NS)
    told = words(tables.batches(figures(live.state, SITE, FACTORS), SITE, "en"))
    assert told.count("not counted") == len(bad)


def test_a_batch_that_was_told_late_is_marked_in_both_languages():
    live = made.fresh()
    live.on_admitted([web_plant.late(made.done("B1", 0, 100, 5, 5)), made.done("B2", 100, 200, 5, 5)], START_NS)
    for language, mark in (("en", "late: complete"), ("zh", "补报: 完整")):
        told = words(tables.batches(figures(live.state, SITE, FACTORS), SITE, language))
        assert told.count(mark) == 1


def test_products_and_utilities():
    live, _ = web_plant.busy()
    given = figures(live.state, SITE, FACTORS)
    told = words(tables.products(live.state, given, SITE, "en"))
    assert "2026-11 so far" in told
    assert "cn-electricity-footprint-2024: 0.5777 kgCO₂e/kWh, reference year 2024" in told
    air = words(tables.utilities(live.state, given, SITE, "zh"))
    assert "压缩空气" in air
    assert "Wh/m³" in air
    assert "2026-11-02 14:13:20 +08:00" in air


def test_nothing_yet_is_said_not_shown_as_zero():
    live = made.fresh()
    given = figures(live.state, SITE, FACTORS)
    assert "Waiting for the first batch" in words(tables.batches(given, SITE, "en"))
    assert "waiting for the first batch" in words(tables.products(live.state, given, SITE, "en"))
    utilities = words(tables.utilities(live.state, given, SITE, "en"))
    assert utilities.count("not known") == 5
    assert "waiting for its meter" in utilities
    assert "0 kWh" not in utilities
    assert "first manifest" in words(tables.meters((), live.state, "en"))


def test_meters_in_words_and_shape():
    live, end_ns = web_plant.busy(minutes=12)
    told = words(tables.meters(seals(live.state, end_ns), live.state, "en"))
    assert "✕ Lost" in told
    assert told.count("● Good") == 4
    assert "1 min 30 s" in told
    assert "Agent edge-1: online; 3 entries on their way." in told


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        (None, ""),
        ({"synchronised": True, "error_ns": 5, "ahead_ns": 0}, ""),
        ({"synchronised": None}, ""),
        ({"synchronised": False, "ahead_ns": 10**8}, "⚠ Its clock follows no other"),
        ({"synchronised": False, "ahead_ns": 7200 * 10**9}, "⚠ Its times are 2 h 00 min ahead"),
    ],
)
def test_a_clock_that_needs_somebody_is_told(clock, told):
    live, end_ns = web_plant.busy(minutes=1)
    message = json.loads(web_plant.live_message(end_ns, {}))
    live.on_live("edge-1", json.dumps({**message, "clock": clock}).encode(), end_ns)
    shown = words(tables.meters(seals(live.state, end_ns), live.state, "en"))
    assert ("⚠" in shown) == bool(told)
    assert told in shown
