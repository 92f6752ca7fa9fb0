"""A line's card: what it makes now, how that compares, and the running batch.

In: a `LineNow`. Out: HTML. What is missing is named; nothing missing is shown as 0.
"""

from fractions import Fraction

from gateway.digits import fixed, shown
from gateway.figures import Intensity, LineNow
from gateway.live_message import SoFar
from gateway.pages import text
from gateway.pages.markup import Html, join, tag
from gateway.site_model import SiteModel
from gateway.words import Language, say

SHAPES = {"running": "▶", "idle": "■", "unheard_line": "✕"}


def card(line: LineNow, site: SiteModel, language: Language, at_ns: int, *, ever_heard: bool) -> Html:
    """The words and figures of a card; its charts stand beside it."""
    state = "unheard_line" if not line.heard else "running" if line.running is not None else "idle"
    name = getattr(line.line.name, language)
    badge = tag("span", f"{SHAPES[state]} ", say(language, state), class_=f"badge {state}")
    head = tag("header", tag("h2", name), badge)
    if not line.heard:
        key = "unheard_line_long" if ever_heard else "never_heard"
        lead = tag("p", say(language, key, agent=line.line.agent), class_="missing")
        return join(head, lead, _last_pair(line, language))
    if line.running is None:
        return join(head, tag("p", "\N{NO-BREAK SPACE}", class_="product"), _last_pair(line, language))
    product = site.product(line.running.product)
    shown_name = line.running.product if product is None else getattr(product.name, language)
    return join(
        head,
        tag("p", shown_name, class_="product"),
        _now_pair(line, site, language),
        _batch(line, site, language, at_ns),
    )


def _now_pair(line: LineNow, site: SiteModel, language: Language) -> Html:
    now = line.now
    last = None if line.last is None else line.last.intensity
    if now is None:
        return join(tag("p", say(language, _why_not_yet(line, site)), class_="missing big"), _last_pair(line, language))
    u95 = max(now.u95_ppm or 0, 0 if last is None else last.u95_ppm or 0) or None
    return join(
        tag(
            "div",
            _figure("emissions_now", text.emissions_bare(now, u95), f"kgCO₂e/{text.per(now.unit, language)}", language),
            _figure("energy_now", text.energy_bare(now, u95), f"kWh/{text.per(now.unit, language)}", language),
            class_="pair",
        ),
        _than(line, last, language),
        _share_note(now, language),
    )


def _last_pair(line: LineNow, language: Language) -> Html:
    last = None if line.last is None else line.last.intensity
    if last is None:
        return tag("p", say(language, "waiting_first" if not line.batches else "no_last"), class_="missing")
    per = text.per(last.unit, language)
    return join(
        tag(
            "div",
            _figure("emissions_last", text.emissions_bare(last), f"kgCO₂e/{per}", language),
            _figure("energy_last", text.energy_bare(last), f"kWh/{per}", language),
            class_="pair past",
        ),
        _share_note(last, language),
    )


def _figure(key: str, digits: str, unit: str, language: Language) -> Html:
    return tag(
        "div", tag("span", say(language, key), class_="what"), tag("b", digits), tag("span", unit, class_="unit"),
        class_="figure",
    )  # fmt: skip


def _than(line: LineNow, last: Intensity | None, language: Language) -> Html:
    if last is None or line.difference_ppm is None:
        return tag("p", say(language, "no_last"), class_="than")
    per = text.per(last.unit, language)
    before = f"{text.emissions_bare(last)}{text.SPACE}kgCO₂e/{per}, {text.energy_bare(last)}{text.SPACE}kWh/{per}"
    if line.same:
        return tag("p", "＝ ", say(language, "same", last=before), class_="than same")
    way, shape = ("lower", "▼ ") if line.difference_ppm < 0 else ("higher", "▲ ")
    percent = fixed(Fraction(abs(line.difference_ppm), 10**4), 1)
    return tag("p", shape, say(language, way, percent=percent, last=before), class_=f"than {way}")


def _share_note(one: Intensity, language: Language) -> Html:
    if one.utility_ppm is None:
        return tag("p", say(language, "without_share"), class_="note")
    return tag("p", say(language, "with_share", percent=fixed(Fraction(one.utility_ppm, 10**4), 1)), class_="note")


def _why_not_yet(line: LineNow, site: SiteModel) -> str:
    running = line.running
    if running is None or running.energy is None or running.energy.amount is None:
        return "waiting_energy"
    if running.beside:
        return "at_once"
    known = running.good is not None and running.good.amount is not None and running.good.amount > 0
    if not known:
        return "waiting_good"
    return "undeclared" if site.product(running.product) is None else "other_unit"


def _batch(line: LineNow, site: SiteModel, language: Language, at_ns: int) -> Html:
    running = line.running
    if running is None:
        return Html("")
    passed = text.duration(at_ns - running.start_ns, language)
    since = join(text.clock(running.start_ns, site), tag("small", passed))
    good = running.good or SoFar()
    mass, pieces = (None, good.amount) if good.unit == "one_milli" else (good.amount, None)
    rows = (
        ("batch", ", ".join([running.batch, *running.beside])),
        ("since", since),
        ("so_far_all" if running.beside else "so_far", _bounded(running.energy, language)),
        ("good_so_far", text.output(mass, pieces, None, language)),
    )
    return tag("dl", *(tag("div", tag("dt", say(language, key)), tag("dd", words)) for key, words in rows))


def _bounded(energy: SoFar | None, language: Language) -> Html:
    if energy is None or energy.amount is None:
        return tag("span", say(language, "no_value"))
    if energy.lower is None or energy.upper is None:
        return join(text.kwh(energy.amount, language), tag("small", say(language, "no_bounds")))
    lower, upper = (Fraction(edge, text.WH_MILLI_PER_KWH) for edge in (energy.lower, energy.upper))
    width = max(upper - lower, Fraction(1, 10**4))
    ends = say(language, "between", lower=shown(lower, width / 10, 12), upper=shown(upper, width / 10, 12))
    middle = shown(Fraction(energy.amount, text.WH_MILLI_PER_KWH), width, 12)
    return join(f"{middle}{text.SPACE}kWh", tag("small", ends))
