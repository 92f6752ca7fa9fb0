"""The tables under the cards: last batches, products, utilities, meters.

In: figures and the live state. Out: HTML.
"""

from fractions import Fraction

from gateway.digits import fixed, shown
from gateway.figures import GOOD_NS, NS, BatchFigure, Figures, MeterSeal
from gateway.live import LiveState
from gateway.live_message import ClockNow
from gateway.pages import text
from gateway.pages.markup import Html, join, table, tag
from gateway.site_model import SiteModel
from gateway.statement import ProductResult, UtilityResult
from gateway.trust import GATEWAY
from gateway.words import Language, say

BATCHES_SHOWN = 12
SEAL_SHAPES = {"good": "●", "stale": "▲", "lost": "✕", "unheard": "○"}
REMARKS = {
    None: "counted",
    "incomplete": "incomplete",
    "overlaps another batch of its line": "overlap",
    "line not in the site model": "no_line",
    "product not in the site model": "no_product",
    "energy not known": "no_energy",
    "its part of a shared time is not known": "shared",
    "good output not known": "no_good",
    "good output is in pieces, the product is declared by mass": "not_mass",
    "good output is a mass, the product is declared by the piece": "not_pieces",
}


def batches(given: Figures, site: SiteModel, language: Language) -> Html:
    """The last batches of all lines, newest first."""
    title = tag("h2", say(language, "last_batches"))
    newest = sorted(given.batches, key=lambda one: one.facts.end_ns, reverse=True)[:BATCHES_SHOWN]
    if not newest:
        return join(title, tag("p", say(language, "no_batches"), class_="missing"))
    keys = ("batch", "line", "product", "ended", "duration", "energy", "good", "emissions_per_unit", "remark")
    rows = [_batch_row(one, site, language) for one in newest]
    return join(title, table([say(language, key) for key in keys], rows, frozenset({4, 5, 6, 7})))


def _batch_row(one: BatchFigure, site: SiteModel, language: Language) -> list[str]:
    batch = one.facts
    line, product = site.line(batch.agent, batch.line), site.product(batch.product)
    emissions = say(language, "no_value")
    if one.intensity is not None:
        emissions = f"{text.emissions_bare(one.intensity)}{text.SPACE}kgCO₂e/{text.per(one.intensity.unit, language)}"
    return [
        batch.batch,
        batch.line if line is None else getattr(line.name, language),
        batch.product if product is None else getattr(product.name, language),
        text.clock(batch.end_ns, site),
        text.duration(batch.end_ns - batch.start_ns, language),
        text.kwh_with_u95(batch.energy_wh_milli, batch.u95, language),
        text.output(batch.good_g_milli, batch.good_one_milli, None if product is None else product.unit, language),
        emissions,
        _remark(one, language),
    ]


def _remark(one: BatchFigure, language: Language) -> str:
    remark = say(language, REMARKS[one.reason])
    return remark if one.facts.late is None else say(language, "late", remark=remark)


def products(state: LiveState, given: Figures, site: SiteModel, language: Language) -> Html:
    """The provisional statement, product by product."""
    factor = given.statement.factor
    keys = (
        "product", "batches_counted", "batches_excluded", "good", "total_energy", "of_it_direct", "of_it_allocated",
        "energy_per_unit", "emissions_total", "emissions_per_unit",
    )  # fmt: skip
    rows = [_product_row(one, site, language) for one in given.statement.products]
    note = say(
        language,
        "products_note",
        factor=factor.id,
        value=factor.value,
        unit=factor.unit.replace("CO2", "CO₂"),
        year=factor.reference_period,
    )
    lost = state.batches_lost
    return join(
        tag("h2", say(language, "products", period=_period(state, site, language))),
        table([say(language, key) for key in keys], rows, frozenset(range(1, 10))),
        tag("p", note, class_="note"),
        tag("p", say(language, "lost_batches", count=lost), class_="missing") if lost else None,
    )


def _product_row(one: ProductResult, site: SiteModel, language: Language) -> list[str]:
    product = site.product(one.product)
    name = one.product if product is None else getattr(product.name, language)
    if not one.batches:
        waiting = say(language, "no_product_batch")
        return [name, waiting, str(one.excluded), *["–"] * 7]
    per = text.per(one.unit, language)
    energy, emissions = (say(language, "no_value"),) * 2
    if one.wh_milli_per_unit is not None and one.co2e_g_micro_per_unit is not None:
        share = _relative(one)
        kwh = Fraction(one.wh_milli_per_unit, text.WH_MILLI_PER_KWH)
        kg = Fraction(one.co2e_g_micro_per_unit, text.G_MICRO_PER_KG)
        energy = f"{shown(kwh, share and kwh * share)}{text.SPACE}kWh/{per}"
        emissions = f"{shown(kg, share and kg * share)}{text.SPACE}kgCO₂e/{per}"
    return [
        name,
        str(one.batches),
        str(one.excluded),
        text.output(one.good_g_milli, one.good_one_milli, one.unit, language),
        text.kwh(one.energy_wh_milli, language),
        text.percent(one.measured_ppm, language),
        text.percent(one.allocated_ppm, language),
        energy,
        text.kg_co2e(one.co2e_g_micro, language),
        emissions,
    ]


def _relative(one: ProductResult) -> Fraction | None:
    if one.direct_u95_wh_milli is None or not one.energy_wh_milli:
        return None
    return Fraction(one.direct_u95_wh_milli, one.energy_wh_milli)


def utilities(state: LiveState, given: Figures, site: SiteModel, language: Language) -> Html:
    """Each utility: what its meter counted, what of it went to batches, and its intensity."""
    if not site.utilities:
        return Html("")
    keys = ("utility", "metered", "allocated", "unallocated", "volume", "utility_intensity")
    names = {utility.id: getattr(utility.name, language) for utility in site.utilities}
    rows = [_utility_row(one, names, language) for one in given.statement.utilities]
    return join(
        tag("h2", say(language, "utilities", period=_period(state, site, language))),
        table([say(language, key) for key in keys], rows, frozenset(range(1, 6))),
        *(tag("p", _utility_note(state, site, name, names, language), class_="note") for name in names),
    )


def _utility_row(one: UtilityResult, names: dict[str, str], language: Language) -> list[str]:
    unknown = say(language, "no_value")
    volume, ratio = one.volume_m3_micro, one.wh_milli_per_m3
    return [
        names[one.utility],
        text.kwh(one.metered_wh_milli, language),
        text.kwh(one.allocated_wh_milli, language),
        text.kwh(one.unallocated_wh_milli, language),
        unknown if volume is None else f"{fixed(Fraction(volume, text.M3_MICRO), 0)}{text.SPACE}m³",
        unknown if ratio is None else f"{fixed(Fraction(ratio, 1000), 0)}{text.SPACE}Wh/m³",
    ]


def _utility_note(state: LiveState, site: SiteModel, utility: str, names: dict[str, str], language: Language) -> str:
    total = state.totals.get((utility, "electricity"))
    if total is not None and total.broken is not None:
        return say(language, "utility_broken", utility=names[utility], reason=total.broken)
    if total is None or total.since_ns is None:
        return say(language, "utility_waiting", utility=names[utility])
    return say(language, "utility_note", utility=names[utility], time=text.moment(total.since_ns, site))


def meters(found: tuple[MeterSeal, ...], state: LiveState, language: Language) -> Html:
    """Every meter, how fresh its data is, in words and shape."""
    title = tag("h2", say(language, "meters"))
    if not found:
        return join(title, tag("p", say(language, "no_meters"), class_="missing"))
    keys = ("meter", "state", "age", "power", "model", "serial")
    rows: list[list[str]] = []
    for one in found:
        seal = tag("span", f"{SEAL_SHAPES[one.seal]} ", say(language, f"seal_{one.seal}"), class_=f"seal {one.seal}")
        power = text.kw(one.power_w_milli, language) if one.power_w_milli is not None else "–"
        serial = f"{one.serial} ({say(language, f'serial_{one.serial_is}')})"
        rows.append([one.meter, seal, _age(one.age_ns, language), power, one.model, serial])
    names = sorted(state.manifests.keys() - {GATEWAY})
    agents = (tag("p", _agent(state, agent, language), class_="note") for agent in names)
    return join(title, table([say(language, key) for key in keys], rows, frozenset({2, 3})), *agents)


def _age(age_ns: int | None, language: Language) -> str:
    if age_ns is None:
        return say(language, "never")
    return say(language, "fresh", seconds=GOOD_NS // NS) if age_ns < GOOD_NS else text.duration(age_ns, language)


def _agent(state: LiveState, agent: str, language: Language) -> str:
    heard = state.heard.get(agent)
    waiting = None if heard is None else heard.message.outbox
    outbox = say(language, "outbox_unknown") if waiting is None else say(language, "outbox", count=waiting)
    told = state.status.get(agent, "online" if heard is not None else "unknown")
    said = say(language, "agent_line", agent=agent, state=say(language, f"agent_{told}"), outbox=outbox)
    return f"{said} {_clock(heard.message.clock, language)}".strip() if heard is not None else said


def _clock(clock: ClockNow | None, language: Language) -> str:
    """Empty where there is nothing to do."""
    if clock is None:
        return ""
    if clock.ahead_ns >= NS:
        return say(language, "clock_ahead", time=text.duration(clock.ahead_ns, language))
    return say(language, "clock_alone") if clock.synchronised is False else ""


def _period(state: LiveState, site: SiteModel, language: Language) -> str:
    start = text.local(state.from_ns, site)
    return say(language, f"period_{site.period}", year=start.year, month=start.month, day=start.day)
