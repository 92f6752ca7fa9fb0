"""What is odd is shown in words of both languages, with who answers for it; an orderly plant shows nothing."""

import pytest
import web_plant
from web_plant import START_NS

from gateway.oddities import Oddity
from gateway.pages.chains import NAMES, chains
from gateway.words import LANGUAGES, say


def odd(name: str = "rollback", author: str | None = None, reason: str | None = None) -> Oddity:
    at_ns = None if name == "fork" else START_NS
    return Oddity("edge-1", name, "edge-1/5f3a09c2/0", "follows <b>", at_ns, author, reason)


def test_nothing_is_shown_where_nothing_is_odd():
    assert chains([], web_plant.site(), "en") is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_has_its_words(language, name):
    shown = chains([odd(name)], web_plant.site(), language)
    assert say(language, f"odd_{name}") in shown
    assert "edge-1/5f3a09c2/0" in shown
    assert (say(language, "odd_hint") in shown) == (name in {"rollback", "clone", "gap"})


def test_who_answers_for_it_is_named_and_nothing_else_need_be_done():
    shown = chains([odd(author="Chen Wei", reason="backup <1 March>")], web_plant.site(), "en")
    assert "Chen Wei: backup &lt;1 March&gt;" in shown
    assert say("en", "odd_hint") not in shown
    assert "2026-11-02" in shown
