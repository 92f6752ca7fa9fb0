"""Charts: points in the site's time, bars of one product."""

import test_gateway_figures as made
import web_plant
from web_plant import NS, START_NS

from gateway.figures import figures, lines_now
from gateway.pages import charts

SITE, FACTORS = web_plant.site(), web_plant.library()


def line_of(live, at_ns):
    given = figures(live.state, SITE, FACTORS)
    return lines_now(live.state, given, SITE, FACTORS[SITE.factor], at_ns)[0]


def test_points_are_local_milliseconds_and_kilowatts():
    assert charts.points([(START_NS, 41_500_000), (START_NS + NS, None)], SITE) == [
        (START_NS // 10**6 + 8 * 3_600_000, 41.5),
        (START_NS // 10**6 + 8 * 3_600_000 + 1000, None),
    ]


def test_a_trace_of_the_lines_own_meters():
    live, end_ns = web_plant.busy(minutes=12)
    trace = charts.line_trace(live.state, line_of(live, end_ns))
    assert len(trace) == 300
    assert trace[-1] == (end_ns, 41_000_000)
    assert charts.line_trace(made.fresh().state, line_of(made.fresh(), end_ns)) == []


def test_bars_compare_one_product_and_leave_a_gap_for_what_does_not_count():
    live = made.fresh()
    entries = [
        made.done("B1", 0, 100, 2_000_000, 10**8),
        made.done("B2", 100, 200, 2_000_000, 10**8, made.PLATE),
        made.done("B3", 200, 300, 2_000_000, 10**8, closed="incomplete"),
        made.done("B4", 300, 400, 4_000_000, 10**8),
    ]
    live.on_admitted(entries, START_NS)
    bars = charts.bar_batches(line_of(live, START_NS))
    options = charts.bar_options(bars)
    assert options["xAxis"]["data"] == ["B1", "B3", "B4"]
    assert [bar["value"] for bar in options["series"][0]["data"]] == [11.554, None, 23.108]
    assert [bar["label"]["formatter"] for bar in options["series"][0]["data"]] == ["11.6", "", "23.1"]


def test_charts_are_told_in_site_time_without_animation():
    for options in (charts.power_options([], SITE), charts.bar_options([])):
        assert options["animation"] is False
    assert charts.power_options([], SITE)["useUTC"] is True
