"""The figures of the moment."""

from dataclasses import replace

import pytest
import web_plant
from web_plant import NS, START_NS

from contract import records
from gateway import overlap
from gateway.figures import figures, intensity, lines_now, seals
from gateway.live import Live, with_entry

COIL, PLATE = "steel coil 1.5 mm", "steel plate 6 mm"
SITE, FACTORS = web_plant.site(), web_plant.library()
FACTOR = FACTORS[SITE.factor]


def fresh():
    live = Live(SITE, FACTORS, START_NS)
    live.on_admitted([web_plant.manifest()], START_NS)
    return live


def line1(live, at_ns):
    given = figures(live.state, SITE, FACTORS)
    return lines_now(live.state, given, SITE, FACTOR, at_ns)[0]


def done(name, start_s, end_s, wh_milli, good, product=COIL, **changes):
    return web_plant.batch(
        "line1", name, product, START_NS + start_s * NS, START_NS + end_s * NS, wh_milli, good, **changes
    )


def test_direct_energy_alone_while_no_utility_is_known():
    live = fresh()
    live.on_admitted([done("B1", 0, 100, 2_000_000, 10**8)], START_NS)
    found = line1(live, START_NS).batches[0].intensity
    # 2 kWh over 0.1 t: 20 kWh/t, x 0.5777 = 11.554 kg/t
    assert (found.wh_milli_per_unit, found.co2e_g_micro_per_unit) == (20_000_000, 11_554_000_000)
    assert found.utility_ppm is None
    assert found.u95_ppm == 10_000  # the plant's batches claim one percent


def test_a_share_at_the_rate_of_the_period():
    live = fresh()
    live.on_admitted([web_plant.utility_segment(START_NS, 600, 10, 0.1)], START_NS)  # 5.69 kWh
    live.on_admitted([done("B1", 0, 100, 2_000_000, 10**8), done("B2", 100, 400, 2_000_000, 10**8)], START_NS)
    first, second = line1(live, START_NS).batches
    assert first.intensity.wh_milli_per_unit == 20_000_000 + 14_225_000  # a quarter of 5.69 kWh over 0.1 t
    assert second.intensity.wh_milli_per_unit == 20_000_000 + 42_675_000
    assert first.intensity.utility_ppm == 415_632  # 1.4225 / 3.4225


def test_the_page_and_the_statement_agree():
    live, end_ns = web_plant.busy()
    given = figures(live.state, SITE, FACTORS)
    assert lines_now(live.state, given, SITE, FACTOR, end_ns)
    counted = [one for one in given.batches if one.intensity is not None]
    for product in given.statement.products:
        mine = [one for one in counted if one.facts.product == product.product]
        assert len(mine) == product.batches > 0
        total = sum(one.intensity.wh_milli_per_unit * one.facts.good_g_milli / 10**9 for one in mine)
        assert total == pytest.approx(product.energy_wh_milli, rel=1e-6)


def now(live, wh_milli, good, product=COIL, second=100):
    at_ns = START_NS + 1000 * NS
    running = web_plant.running("line1", "B9", product, at_ns - second * NS, wh_milli, good, half=1000)
    live.on_live("edge-1", web_plant.live_message(at_ns, {"line1": 1}, [running]), at_ns)
    return line1(live, at_ns)


def test_by_the_piece_the_running_batch_and_the_last_are_alike():
    site = web_plant.by_the_piece("1000 pieces")
    live = Live(site, FACTORS, START_NS)
    live.on_admitted([web_plant.manifest(), done("B1", 0, 100, 2_000_000, 500_000, unit="one_milli")], START_NS)
    at_ns = START_NS + 1000 * NS
    for unit, due in (({"unit": "one_milli"}, 4_000_000), ({}, None)):  # without a word, output is in mg
        running = web_plant.running("line1", "B9", COIL, at_ns - NS, 1_000_000, 250_000, **unit)
        live.on_live("edge-1", web_plant.live_message(at_ns, {"line1": 1}, [running]), at_ns)
        line = lines_now(live.state, figures(live.state, site, FACTORS), site, FACTOR, at_ns)[0]
        assert (line.now and line.now.wh_milli_per_unit) == due
    assert line.last.intensity.unit == "1000 pieces"
    assert line.last.intensity.wh_milli_per_unit == 4_000_000  # 2 kWh over 500 pieces
    assert line.last.intensity.co2e_g_micro_per_unit == 2_310_800_000  # x 0.5777


def test_now_against_the_last_good_batch_of_the_same_product():
    live = fresh()
    live.on_admitted(
        [
            done("B1", 0, 100, 2_000_000, 10**8),
            done("B2", 100, 200, 9_000_000, 10**8, PLATE),
            done("B3", 200, 300, 5_000_000, 10**8, closed="incomplete"),
        ],
        START_NS,
    )
    found = now(live, 900_000, 5 * 10**7)
    assert found.last.facts.batch == "B1"
    assert (found.now.wh_milli_per_unit, found.difference_ppm, found.same) == (18_000_000, -100_000, False)
    assert now(live, 1_005_000, 5 * 10**7).same  # half a percent, where the last one is known to one percent
    assert not now(live, 1_012_000, 5 * 10**7).same
    other = now(live, 900_000, 5 * 10**7, "foil")
    assert (other.now, other.last, other.difference_ppm) == (None, None, None)


def test_nothing_is_made_up_for_a_batch_without_output():
    live = fresh()
    for good in (0, None):
        found = now(live, 900_000, good)
        assert (found.now, found.difference_ppm, found.same) == (None, None, False)
        assert found.running.batch == "B9"
    assert intensity(SITE, FACTOR, COIL, (1, None, None), (0, "g_milli")) is None
    assert intensity(SITE, FACTOR, COIL, (1, None, None), (1000, "one_milli")) is None


def test_a_silent_agent_is_not_running():
    live = fresh()
    at_ns = START_NS + 1000 * NS
    now(live, 900_000, 10**8)
    assert line1(live, at_ns + 59 * NS).running is not None
    silent = line1(live, at_ns + 61 * NS)
    assert (silent.heard, silent.running, silent.now) == (False, None, None)
    assert not line1(fresh(), START_NS).heard


@pytest.mark.parametrize(
    ("status", "values", "age_s", "seal"),
    [
        (0, {"power_w_milli": 5}, 1, "good"),
        (0x809B0000, {"power_w_milli": 5}, 1, "good"),  # a point the meter does not have
        (0x800A0000, {"power_w_milli": 5}, 1, "stale"),
        (0, {"power_w_milli": 5}, 6, "stale"),
        (0, {"power_w_milli": 5}, 61, "lost"),
        (0x800A0000, {}, 1, "lost"),
        (0, {"power_w_milli": 5}, None, "lost"),
    ],
)
def test_a_seal(status, values, age_s, seal):
    live = fresh()
    answered = 0 if age_s is None else START_NS - age_s * NS
    meter = {"meter": "line1", "status": status, "answered_ns": answered, "values": values}
    message = web_plant.json.dumps({"at_ns": START_NS, "meters": [meter], "running": []}).encode()
    live.on_live("edge-1", message, START_NS + 5)
    by_name = {one.meter: one for one in seals(live.state, START_NS + 5)}
    found = by_name["line1"]
    assert (found.seal, found.age_ns) == (seal, None if age_s is None else age_s * NS)
    assert found.power_w_milli == (5 if seal == "good" else None)  # never the old value
    assert by_name["line2"].seal == "unheard"
    later = {one.meter: one for one in seals(live.state, START_NS + 5 + 70 * NS)}["line1"]
    assert later.seal == "lost"


def test_an_agent_whose_clock_is_off_has_no_stale_meters():
    live = fresh()
    wrong_ns = START_NS - 3600 * NS
    live.on_live("edge-1", web_plant.live_message(wrong_ns, {"line1": 1}), START_NS)
    assert {one.meter: one.seal for one in seals(live.state, START_NS)}["line1"] == "good"


def test_a_batch_told_twice_is_shown_once():
    live = fresh()
    live.on_admitted([done("B1", 0, 100, 1000, 1000)] * 2, START_NS)
    assert len(figures(live.state, SITE, FACTORS).batches) == 1


def test_what_ran_at_once_has_no_figure_here_and_its_air_is_that_of_its_part_of_the_time():
    live = fresh()
    scale = records.CounterRef(meter="line1", point="energy_import")
    line = records.LinePart(
        line="line1", source="mes", edge_time="observed", energy=[scale], good=None, scrap=None, overlap="equal"
    )
    live.on_admitted([web_plant.utility_segment(START_NS, 600, 10, 0.1)], START_NS)
    manifest = live.state.manifests["edge-1"]
    declared = {"line1": overlap.together(line, b"")}
    state = replace(live.state, manifests={"edge-1": replace(manifest, together=declared)})
    told = [done("A", 0, 200, 2_000_000, 10**8), done("B", 100, 300, 2_000_000, 10**8), done("C", 300, 400, 9, 10**8)]
    for one in told:
        state = with_entry(state, SITE, one)
    given = figures(state, SITE, FACTORS)
    assert [(one.facts.batch, one.reason) for one in given.batches] == [
        ("A", "its part of a shared time is not known"), ("B", "its part of a shared time is not known"), ("C", None),
    ]  # fmt: skip
    assert [one.facts.running_ns for one in given.batches] == [150 * NS, 150 * NS, 100 * NS]
    (air,) = given.statement.utilities
    for one in given.statement.excluded:  # 150 of 400 s
        assert abs(one.utilities[0].energy_wh_milli - air.metered_wh_milli * 3 / 8) < 1


def test_a_running_batch_beside_others_has_no_intensity():
    live = fresh()
    at_ns = START_NS + 1000 * NS
    running = web_plant.running("line1", "B9", COIL, at_ns - 100 * NS, 900_000, 10**8) | {"beside": ["B10"]}
    live.on_live("edge-1", web_plant.live_message(at_ns, {"line1": 1}, [running]), at_ns)
    line = line1(live, at_ns)
    assert (line.running.batch, line.running.beside, line.now) == ("B9", ["B10"], None)
