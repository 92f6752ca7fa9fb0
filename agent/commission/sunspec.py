"""A SunSpec map says itself what it is: the marker, the common model with maker and serial number, then the others.

In: words by span, as far as they are known. Out: which spans to read next, or what the map says. Pure.
Sources: SunSpec Device Information Model Specification V1.1 (base registers, discovery), model 1 in sunspec/models.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.commission.spans import Span

MARKER = (0x5375, 0x6E53)  # "SunS"
STARTS = (40000, 50000, 0)
COMMON, END = 1, 0xFFFF
# Of model 1, counted from its ID register: first register and length of each text.
MAKE, MODEL, SERIAL = (2, 16), (18, 16), (50, 16)
MODELS_MAX = 20

Facts = Mapping[Span, tuple[int, ...] | None]


@dataclass(frozen=True, slots=True)
class Map:
    """What was read of a map. `models` are (id, address of the ID register)."""

    models: tuple[tuple[int, int], ...]
    make: str = ""
    model: str = ""
    serial: str = ""


def markers() -> tuple[Span, ...]:
    """Where a map may begin."""
    return tuple(Span("holding", start, 2) for start in STARTS)


def walk(facts: Facts) -> tuple[Map | None, tuple[Span, ...]]:
    """The map, and what to read next to know all of it; (None, ()) if there is none."""
    start = next((marker.address for marker in markers() if facts.get(marker) == MARKER), None)
    if start is None:
        return None, ()
    at, models, texts = start + 2, list[tuple[int, int]](), {"make": "", "model": "", "serial": ""}
    while len(models) < MODELS_MAX and at <= 0xFFFE:
        head = Span("holding", at, 2)
        if head not in facts:
            return Map(tuple(models), **texts), (head,)
        found = facts[head]
        if found is None or found[0] == END:
            break
        models.append((found[0], at))
        if found[0] == COMMON:
            wanted = {name: _text_span(at, place) for name, place in zip(texts, (MAKE, MODEL, SERIAL), strict=True)}
            missing = tuple(span for span in wanted.values() if span not in facts)
            if missing:
                return Map(tuple(models)), missing
            texts = {name: _text(facts[span]) for name, span in wanted.items()}
        at += 2 + found[1]
    return Map(tuple(models), **texts), ()


def _text_span(at: int, place: tuple[int, int]) -> Span:
    return Span("holding", at + place[0], place[1])


def _text(words: tuple[int, ...] | None) -> str:
    """Two characters a register, filled up with NUL; nothing if it is not printable."""
    data = b"".join(word.to_bytes(2, "big") for word in words or ())
    text = data.split(b"\0")[0].decode(errors="replace").strip()
    return text if text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text else ""
