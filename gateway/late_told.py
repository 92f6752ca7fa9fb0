"""A late batch as people and programs write it: words in, a filing out.

In: fields by name, from the command line, a row of a list or a JSON object, and the site's zone. Out: a `LateBatch`.
Raises Problems, `field: problem: hint`, all at once. Never: guesses a zone, or a time nobody wrote.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Literal, TypeVar

from pydantic import ValidationError

from contract.problems import SHOWN_CHARACTERS, Problems, explain, suggest
from gateway.export_cli import at_ns
from gateway.late_batch import LateBatch, window_faults

NEEDED = ("line", "batch", "product", "start", "end", "author", "reason")
FIELDS = (*NEEDED, "edge_s")
EDGE_S = "60"  # a time of day as people note it
NS = 10**9

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Way:
    """How it came, and when (ns UTC)."""

    way: Literal["command", "file", "http"]
    told_ns: int
    file: str | None = None
    file_hash: str | None = None
    row: int | None = None


def read(words: Mapping[str, object], zone: tzinfo, way: Way) -> LateBatch:
    """Read one batch; a field that is None or empty is not given."""
    given = {name: value for name, value in words.items() if value is not None and value != ""}
    lines = [f"{_shown(name)}: unknown: {suggest(name, FIELDS)}" for name in given if name not in FIELDS]
    lines += [f"{name}: missing: give it" for name in NEEDED if name not in given]

    def of(name: str, form: Callable[[object], Value]) -> Value | None:
        try:
            return form(given[name]) if name in given else None
        except (ValueError, OverflowError) as error:
            lines.append(f"{name}: {error}")
            return None

    texts = {name: of(name, _text) for name in NEEDED if name not in {"start", "end"}}
    times = {f"{name}_ns": of(name, lambda value: _instant(value, zone)) for name in ("start", "end")}
    given.setdefault("edge_s", EDGE_S)
    edge_ns = of("edge_s", _seconds)
    if lines:
        raise Problems(lines)
    try:
        said = LateBatch.model_validate({**texts, **times, "edge_ns": edge_ns, **asdict(way)})
    except ValidationError as error:
        raise Problems([line.replace("_ns:", ":", 1) for line in explain(error, LateBatch)]) from None
    if lines := list(window_faults(said)):
        raise Problems(lines)
    return said


def _shown(name: str) -> str:
    """A field's name as it can be printed on a line."""
    return name if name.isprintable() and len(name) <= SHOWN_CHARACTERS else ascii(name[:SHOWN_CHARACTERS])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{repr(value)[:SHOWN_CHARACTERS]} is not text: write it in quotes")  # noqa: TRY004 - told to people like the others
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("holds half a character: write it anew")
    return value.strip()


def _instant(value: object, zone: tzinfo) -> int:
    """An instant with its time of day; one that the site's clocks show twice or never is nobody's to choose."""
    text = value.isoformat() if isinstance(value, datetime) else _text(value)
    ns = at_ns(text, zone)
    if "T" not in text and " " not in text:
        raise ValueError(f"{text!r} has no time of day: write it as {text}T08:30")
    told = datetime.fromisoformat(text)
    if told.tzinfo is None and len({told.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}) > 1:
        raise ValueError(f"{text!r} is shown twice or never when the clocks change: write its offset, such as +02:00")
    return ns


def _seconds(value: object) -> int:
    """Seconds, to the nanosecond, as ns."""
    try:
        ns = Decimal("NaN" if isinstance(value, bool) else str(value).strip()) * NS
    except ArithmeticError:  # no number, or one beyond every exponent
        ns = Decimal("NaN")
    if not ns.is_finite() or not 0 <= ns <= 86_400 * NS or ns != int(ns):
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        raise ValueError(f"{shown[:SHOWN_CHARACTERS]}: write seconds from 0 to 86400, such as 60")
    return int(ns)
