"""A line's card says what is, and names what is missing."""

import re

import test_gateway_figures as made
import web_plant
from web_plant import NS, START_NS

from gateway.figures import figures, lines_now
from gateway.pages.cards import card

SITE, FACTORS = web_plant.site(), web_plant.library()


def words(live, at_ns, language="en", index=0):
    given = figures(live.state, SITE, FACTORS)
    line = lines_now(live.state, given, SITE, FACTORS[SITE.factor], at_ns)[index]
    html = card(line, SITE, language, at_ns, ever_heard=bool(live.state.heard))
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html).replace("\N{NO-BREAK SPACE}", " "))


def test_a_busy_line():
    live, end_ns = web_plant.busy()
    told = words(live, end_ns)
    for piece in ("Line 1", "▶ Running", "Steel coil 1.5 mm", "kgCO₂e/t", "kWh/t", "L1-0019", "1 min 37 s", "between"):
        assert piece in told
    assert "▼ 1.7 % lower than the last good batch of this product: 18.4 kgCO₂e/t, 31.9 kWh/t" in told
    assert "一号线" in words(live, end_ns, "zh")


def test_what_is_missing_is_named():
    live = made.fresh()
    at_ns = START_NS + 1000 * NS
    assert "Waiting for agent edge-1 to report." in words(live, START_NS)
    live.on_live("edge-1", web_plant.live_message(at_ns, {"line1": 1}), at_ns)
    assert "■ No batch Waiting for the first batch" in words(live, at_ns).replace("  ", " ")
    made.now(live, 900_000, 0)
    told = words(live, at_ns)
    assert "Waiting for the first good output of this batch" in told
    made.now(live, 900_000, 10**8, "foil")
    assert "This product is not in the site model" in words(live, at_ns)
    assert "Agent edge-1 has told nothing for a minute." in words(live, at_ns + 70 * NS)
    for told in (words(live, at_ns + 70 * NS), words(live, START_NS)):
        assert "0 kgCO₂e" not in told


def test_output_in_another_unit_is_named():
    live = made.fresh()
    at_ns = START_NS + 1000 * NS
    running = web_plant.running("line1", "B9", made.COIL, at_ns - NS, 900_000, 480_000, unit="one_milli")
    live.on_live("edge-1", web_plant.live_message(at_ns, {"line1": 1}, [running]), at_ns)
    told = words(live, at_ns)
    assert "Output is in another unit than this product is declared for" in told
    assert "480 pieces" in told


def test_nothing_from_the_plant_becomes_markup():
    live = made.fresh()
    at_ns = START_NS + 1000 * NS
    running = web_plant.running("line1", "<img src=x>", "<b>coil</b>", at_ns - NS, 5, 5)
    live.on_live("edge-1", web_plant.live_message(at_ns, {"line1": 1}, [running]), at_ns)
    given = figures(live.state, SITE, FACTORS)
    line = lines_now(live.state, given, SITE, FACTORS[SITE.factor], at_ns)[0]
    html = card(line, SITE, "en", at_ns, ever_heard=True)
    assert "<img" not in html
    assert "<b>coil" not in html
    assert "&lt;img src=x&gt;" in html


def test_several_batches_at_once_are_named_and_the_line_s_energy_stands_once():
    live = made.fresh()
    at_ns = START_NS + 1000 * NS
    several = {"beside": ["B10", "<b>11"]}
    running = web_plant.running("line1", "B9", made.COIL, at_ns - 100 * NS, 900_000, 10**8) | several
    live.on_live("edge-1", web_plant.live_message(at_ns, {"line1": 1}, [running]), at_ns)
    told = words(live, at_ns)
    assert "Several batches run at once: the statement parts the energy among them" in told
    assert "Batch B9, B10, &lt;b&gt;11" in told
    assert told.count("Energy of all of them so far 0.90 kWh") == 1
