"""What the states and labels on the operator's page mean, in words.

In: a language. Out: HTML.
"""

from gateway.pages.markup import Html, join, tag
from gateway.pages.tables import SEAL_SHAPES
from gateway.words import Language, say


def explanation(language: Language) -> Html:
    """The page's text."""
    states = (
        tag(
            "div",
            tag("dt", tag("span", f"{shape} ", say(language, f"seal_{seal}"), class_=f"seal {seal}")),
            tag("dd", say(language, f"trust_{seal}")),
        )
        for seal, shape in SEAL_SHAPES.items()
    )
    about = ("trust_live", "trust_late", "trust_bounds", "trust_partial", "trust_provisional", "trust_signature")
    return join(
        tag("h2", say(language, "trust_title")), tag("dl", *states), *(tag("p", say(language, key)) for key in about)
    )
