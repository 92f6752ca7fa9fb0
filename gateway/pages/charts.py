"""Chart options: the power of the last minutes, and the last batches' emissions per unit.

In: traces and figures. Out: ECharts options and the points to append. Times are local time told as if it were UTC, so
that every browser shows the site's time.
"""

from collections.abc import Mapping, Sequence

from contract.calendar import offset_ns
from gateway.figures import BatchFigure, LineNow
from gateway.live import TRACE_MAX, LiveState
from gateway.pages import text
from gateway.site_model import SiteModel

BARS = 10
INK, SOFT, RULE, FILL = "#12212e", "#4a5a68", "#d5dce2", "#0b5394"
FONT = {"fontFamily": "inherit", "color": SOFT, "fontSize": 12}
NS_PER_MS = 10**6

Trace = Sequence[tuple[int, int | None]]


def line_trace(state: LiveState, line: LineNow) -> list[tuple[int, int | None]]:
    """The line's power (ns UTC, mW): the sum over its meters, None where one of them gave no value."""
    manifest = state.manifests.get(line.line.agent)
    meters = () if manifest is None else manifest.line_meters.get(line.line.id, ())
    traces = [dict(state.power.get((line.line.agent, meter), ())) for meter in meters]
    if not traces:
        return []
    found: list[tuple[int, int | None]] = []
    for at_ns in traces[0]:
        values = [trace.get(at_ns) for trace in traces]
        found.append((at_ns, None if None in values else sum(value for value in values if value is not None)))
    return found[-TRACE_MAX:]


def points(trace: Trace, site: SiteModel) -> list[tuple[int, float | None]]:
    """Points for the chart: local ms and kW."""
    zone = site.local
    return [
        ((at_ns + offset_ns(at_ns, zone)) // NS_PER_MS, None if power is None else power / 10**6)
        for at_ns, power in trace
    ]


def power_options(trace: Trace, site: SiteModel) -> dict[str, object]:
    """A line chart; later points are appended in the browser."""
    return {
        "animation": False,
        "useUTC": True,
        "textStyle": FONT,
        "grid": {"left": 40, "right": 8, "top": 10, "bottom": 22},
        "xAxis": {
            "type": "time",
            "axisLabel": {**FONT, "formatter": "{HH}:{mm}", "hideOverlap": True},
            "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": RULE}},
            "splitNumber": 4,
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "splitNumber": 3,
            "axisLabel": FONT,
            "splitLine": {"lineStyle": {"color": RULE}},
        },
        "series": [
            {
                "type": "line",
                "data": points(trace, site),
                "showSymbol": False,
                "connectNulls": False,
                "step": "end",
                "lineStyle": {"color": FILL, "width": 1.6},
                "areaStyle": {"color": FILL, "opacity": 0.10},
            }
        ],
    }


def bar_batches(line: LineNow) -> tuple[BatchFigure, ...]:
    """The last batches of the product that runs, or that ran last: others cannot be compared with it."""
    newest = line.batches[-1].facts.product if line.batches else None
    product = newest if line.running is None else line.running.product
    return tuple(one for one in line.batches if one.facts.product == product)[-BARS:]


def bar_options(last: Sequence[BatchFigure]) -> dict[str, object]:
    """Bars of batches; one that does not count is a place without a bar."""
    values = [None if one.intensity is None else round(one.intensity.co2e_g_micro_per_unit / 10**9, 3) for one in last]
    labels = ["" if one.intensity is None else text.emissions_bare(one.intensity) for one in last]
    style: Mapping[str, object] = {"position": "top", "color": INK, "fontSize": 11}
    data = [
        {"value": value, "label": {**style, "show": True, "formatter": label}}
        for value, label in zip(values, labels, strict=True)
    ]
    return {
        "animation": False,
        "textStyle": FONT,
        "grid": {"left": 40, "right": 8, "top": 18, "bottom": 22},
        "xAxis": {
            "type": "category",
            "data": [one.facts.batch for one in last],
            "axisLabel": {**FONT, "hideOverlap": True},
            "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": RULE}},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "splitNumber": 3,
            "axisLabel": FONT,
            "splitLine": {"lineStyle": {"color": RULE}},
        },
        "series": [{"type": "bar", "data": data, "barMaxWidth": 26, "itemStyle": {"color": FILL}}],
    }
