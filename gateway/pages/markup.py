"""HTML by hand, safely: whatever is not marked as HTML is escaped.

In: text and HTML. Out: `Html`. Batch ids, products and meters' names come from the plant: none of them is trusted.
"""

from html import escape


class Html(str):
    """Text that is already HTML."""

    __slots__ = ()


def tag(name: str, *children: str | None, **attributes: str | None) -> Html:
    """An element. `class_` stands for class, `_` for a hyphen; an attribute or child that is None is left out."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{words}>{join(*children)}</{name}>")


def join(*children: str | None) -> Html:
    """Children side by side."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children if child is not None))


def table(headers: list[str], rows: list[list[str]], numeric: frozenset[int]) -> Html:
    """A table; on a narrow screen each cell shows its own header. `numeric` columns stand to the right."""
    head = tag("tr", *(tag("th", text, scope="col", class_=_class(i, numeric)) for i, text in enumerate(headers)))
    body = (tag("tr", *(_cell(i, text, headers[i], numeric) for i, text in enumerate(row))) for row in rows)
    return tag("table", tag("thead", head), tag("tbody", *body))


def _cell(index: int, text: str, header: str, numeric: frozenset[int]) -> Html:
    if index == 0:
        return tag("th", text, scope="row")
    return tag("td", tag("span", header, class_="label"), tag("span", text), class_=_class(index, numeric))


def _class(index: int, numeric: frozenset[int]) -> str | None:
    return "number" if index in numeric else None
