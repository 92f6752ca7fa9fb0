"""Markup: what comes from the plant is never taken for HTML."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from gateway.pages.markup import Html, join, table, tag


def parsed(html):
    found, words = [], []
    parser = HTMLParser()
    parser.handle_starttag = lambda name, attributes: found.append((name, dict(attributes)))
    parser.handle_data = words.append
    parser.feed(html)
    parser.close()
    return found, "".join(words)


def test_an_element():
    assert tag("a", "x < y", Html("<b>z</b>"), None, href='?a="1"', class_=None, aria_label="&") == (
        '<a href="?a=&quot;1&quot;" aria-label="&amp;">x &lt; y<b>z</b></a>'
    )


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))), st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_text_stays_text(words, value):
    found, read = parsed(tag("p", words, title=value))
    assert found == [("p", {"title": value})]
    assert read == words


def test_a_table_labels_every_cell():
    found, words = parsed(table(["Batch", "Energy"], [["<L1>", "5 kWh"]], frozenset({1})))
    assert [name for name, _ in found].count("td") == 1
    assert ("td", {"class": "number"}) in found
    assert words == "BatchEnergy<L1>Energy5 kWh"


def test_joining_escapes_what_is_not_html():
    assert join("<", Html("<"), None) == "&lt;<"
