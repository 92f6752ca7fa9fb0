"""The pages in the browser: built once, then only what changed is sent, each second.

In: a board. Out: two NiceGUI pages, `/` and `/trust`. Looks are composed in worker threads and shared by all browsers
of one language; charts get single points, not their whole data.
"""

import asyncio
import json
from pathlib import Path

from fastapi import Request
from nicegui import ui

from gateway.board import Board
from gateway.live import TRACE_MAX
from gateway.pages import charts
from gateway.pages.look import Look, look
from gateway.pages.markup import Html, join, tag
from gateway.pages.trust import explanation
from gateway.words import LANGUAGES, Language, choose_language, say

HERE = Path(__file__).parent
TICK_S = 1.0
TABLES_EVERY = 5  # ticks
SECTIONS = ("last", "products", "utilities", "meters", "ledger")
HTML_LANGUAGE = {"en": "en", "zh": "zh-CN"}


class Looks:
    """The newest look per language, so that many browsers cost as much as one."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._known: dict[Language, Look] = {}

    async def now(self, language: Language) -> Look:
        """The look of this second."""
        at_ns = self.board.now_ns()
        known = self._known.get(language)
        if known is None or not 0 <= at_ns - known.at_ns < TICK_S * 10**9 * 0.9:
            known = await asyncio.to_thread(look, self.board, language, at_ns)
            self._known[language] = known
        return known


class Part:
    """A piece of HTML in the page, sent again only when it changed."""

    def __init__(self, content: Html, classes: str = "", tag_name: str = "div") -> None:
        self._element = ui.html(content, sanitize=False, tag=tag_name)  # markup.py escapes all that is not ours
        if classes:
            self._element.classes(classes)

    def show(self, content: Html) -> None:
        """Replace the content."""
        if self._element.content != content:
            self._element.set_content(content)


class LineCard:
    """A line's card with its two charts."""

    def __init__(self, board: Board, first: Look, index: int) -> None:
        self._board, self._index = board, index
        given = first.lines[index]
        self._sent_ns = given.trace[-1][0] if given.trace else 0
        self._shown = given.bars
        with ui.element("section").classes("card"):
            self._face = Part(given.card)
            with ui.element("div").classes("charts"):
                with ui.element("figure"):
                    self._power_caption = Part(given.power_caption, tag_name="figcaption")
                    self._power = ui.echart(charts.power_options(given.trace, board.site))
                with ui.element("figure"):
                    self._bar_caption = Part(given.bar_caption, tag_name="figcaption")
                    self._bars = ui.echart(charts.bar_options(given.bars))

    def show(self, now: Look) -> None:
        """Bring the card up to date."""
        given = now.lines[self._index]
        self._face.show(given.card)
        self._power_caption.show(given.power_caption)
        self._bar_caption.show(given.bar_caption)
        fresh = [point for point in given.trace if point[0] > self._sent_ns]
        if fresh:
            self._sent_ns = fresh[-1][0]
            data = json.dumps(charts.points(fresh, self._board.site))
            ui.run_javascript(f"meterTrail.push({self._power.id}, {data}, {TRACE_MAX})")
        if given.bars != self._shown:
            self._shown = given.bars
            self._bars.options.clear()
            self._bars.options.update(charts.bar_options(given.bars))
            self._bars.update()


def install(board: Board) -> None:
    """Register both pages with NiceGUI."""
    looks = Looks(board)

    @ui.page("/")
    async def operator(request: Request, lang: str | None = None) -> None:
        language = choose_language(lang, request.headers.get("accept-language"))
        first = await looks.now(language)
        _frame(board, language, "/")
        ui.page_title(f"{getattr(board.site.name, language)} · MeterTrail")
        with ui.element("div").classes("sheet"):
            time = Part(first.time, "time")
            with ui.element("div").classes("cards"):
                cards = [LineCard(board, first, index) for index in range(len(first.lines))]
            sections = [
                Part(content, f"table {name}", "section") for name, content in zip(SECTIONS, first.tables, strict=True)
            ]
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            ticks += 1
            now = await looks.now(language)
            time.show(now.time)
            for shown in cards:
                shown.show(now)
            if ticks % TABLES_EVERY == 0:
                for section, content in zip(sections, now.tables, strict=True):
                    section.show(content)
            ui.run_javascript("meterTrail.beat()")

        ui.timer(TICK_S, tick)

    @ui.page("/trust")
    def trust(request: Request, lang: str | None = None) -> None:
        language = choose_language(lang, request.headers.get("accept-language"))
        _frame(board, language, "/trust")
        ui.page_title(f"{say(language, 'trust_title')} · MeterTrail")
        with ui.element("div").classes("sheet"):
            Part(explanation(language), "prose")


def _frame(board: Board, language: Language, path: str) -> None:
    """Style, script, header and banner: the same on every page."""
    ui.add_css((HERE / "style.css").read_text(encoding="utf-8"))
    script = (HERE / "page.js").read_text(encoding="utf-8")
    ui.add_head_html(f"<script>{script}\ndocument.documentElement.lang = '{HTML_LANGUAGE[language]}';</script>")
    other: Language = next(one for one in LANGUAGES if one != language)
    links = tag(
        "nav",
        tag("a", say(language, "trust_link"), href=f"/trust?lang={language}") if path == "/" else None,
        tag("a", say(language, "back"), href=f"/?lang={language}") if path != "/" else None,
        tag(
            "a", say(language, "other_language"), href=f"{path}?lang={other}", lang=HTML_LANGUAGE[other], id="language"
        ),
    )
    heading = tag("h1", getattr(board.site.name, language), tag("small", say(language, "title")))
    Part(join(heading, links), "top", "header")
    banner = join(
        tag("p", tag("strong", say(language, "partial")), " ", tag("span", say(language, "partial_long"))),
        tag("p", tag("strong", say(language, "provisional")), " ", tag("span", say(language, "provisional_long"))),
    )
    Part(banner, "banner")
    Part(tag("p", say(language, "frozen"), role="alert"), "frozen")
