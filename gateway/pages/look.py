"""One look at the plant: everything a page shows at one second in one language, as HTML and chart points.

In: a board, an instant, a language. Out: a frozen `Look`. Pages only carry it to the browser.
"""

from dataclasses import dataclass

from gateway.board import Board
from gateway.figures import BatchFigure
from gateway.glance import Glance
from gateway.pages import charts, tables, text
from gateway.pages.cards import card
from gateway.pages.chains import chains
from gateway.pages.markup import Html, join, tag
from gateway.words import Language, say


@dataclass(frozen=True, slots=True)
class LineLook:
    """One line: the card's HTML, its captions, its power trace (ns UTC, mW) and the batches its bars show."""

    card: Html
    power_caption: Html
    bar_caption: Html
    trace: tuple[tuple[int, int | None], ...]
    bars: tuple[BatchFigure, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Everything at one second."""

    at_ns: int
    time: Html
    lines: tuple[LineLook, ...]
    tables: tuple[Html, ...]


def look(board: Board, language: Language, at_ns: int) -> Look:
    """Compose a look. It may read the database: call it from a worker thread."""
    site, state = board.site, board.state(at_ns)
    given = board.figures(state)
    lines: list[LineLook] = []
    for line in board.lines(state, at_ns):
        trace = tuple(charts.line_trace(state, line))
        face = card(line, site, language, at_ns, ever_heard=line.line.agent in state.heard)
        bars = charts.bar_batches(line)
        captions = (_power_caption(trace, language), _bar_caption(bars, language))
        lines.append(LineLook(face, *captions, trace, bars))
    sections = (
        tables.batches(given, site, language),
        tables.products(state, given, site, language),
        tables.utilities(state, given, site, language),
        tables.meters(board.seals(state, at_ns), state, language),
        join(_ledger(board.glance(at_ns), language, at_ns), chains(board.odd(at_ns), site, language)),
    )
    time = tag("span", say(language, "as_of", time=text.moment(at_ns, site)))
    return Look(at_ns, time, tuple(lines), sections)


def _power_caption(trace: tuple[tuple[int, int | None], ...], language: Language) -> Html:
    if not any(power is not None for _, power in trace):
        return tag("span", say(language, "no_power"), class_="missing")
    last = next(power for _, power in reversed(trace) if power is not None)
    minutes = max(1, round((trace[-1][0] - trace[0][0]) / (60 * text.NS)))
    caption = say(language, "power_chart", minutes=minutes)
    return join(tag("span", caption), tag("b", text.kw(last, language)) if trace[-1][1] is not None else None)


def _bar_caption(bars: tuple[BatchFigure, ...], language: Language) -> Html:
    known = [one.intensity for one in bars if one.intensity is not None]
    if not known:
        return tag("span", say(language, "waiting_first"), class_="missing")
    return tag("span", say(language, "bar_chart", unit=f"kgCO₂e/{text.per(known[-1].unit, language)}"))


def _ledger(known: Glance, language: Language, at_ns: int) -> Html:
    title = tag("h2", say(language, "ledger"))
    if known.root is None:
        return join(title, tag("p", say(language, "ledger_empty"), class_="missing"))
    ages = (
        tag("p", say(language, "receipt_age", agent=agent, age=text.duration(at_ns - made_ns, language)), class_="note")
        for agent, made_ns in sorted(known.receipts_ns.items())
    )
    return join(title, tag("p", say(language, "ledger_size", count=known.size, root=known.root[:16])), *ages)
