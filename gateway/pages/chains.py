"""What is odd in agents' chains, on the page: what it is, which entry, who answers for it.

In: oddities. Out: HTML; nothing where nothing is odd.
"""

from collections.abc import Sequence

from gateway.oddities import Oddity
from gateway.pages import text
from gateway.pages.markup import Html, join, table, tag
from gateway.site_model import SiteModel
from gateway.words import Language, say

NAMES = ("rollback", "clone", "gap", "fork", "void")


def chains(found: Sequence[Oddity], site: SiteModel, language: Language) -> Html | None:
    """A table of them, the newest first, and what to do while nobody answers for one."""
    if not found:
        return None
    rows = [
        [
            say(language, f"odd_{one.name}"),
            one.entry,
            say(language, "no_value") if one.at_ns is None else text.moment(one.at_ns, site),
            _answer(one, language),
        ]
        for one in found
    ]
    keys = ("odd", "odd_entry", "odd_at", "odd_answer")
    hint = tag("p", say(language, "odd_hint"), class_="note") if any(one.is_open for one in found) else None
    return join(
        tag("h2", say(language, "odd_title")), table([say(language, key) for key in keys], rows, frozenset()), hint
    )


def _answer(one: Oddity, language: Language) -> str:
    if one.author is not None:
        return f"{one.author}: {one.reason}"
    return say(language, "odd_open" if one.is_open else "odd_none")
