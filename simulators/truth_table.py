"""Verdicts in, tables and promises out: what the documents show of bounds and uncertainty.

Never: judges a window itself. Coverage is counted over one window a meter, for windows of one meter share its error.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median

from simulators.truth_judge import Verdict

WIDTH_RATIO_MOST = Fraction(12, 10)
UNCLAIMED_MOST = Fraction(1, 100)  # a reading that cannot be believed leaves its window unknown
COVERED_LEAST = Fraction(95, 100)
SHARE = Fraction(3, 4)  # of U95, which must be too little where instruments dominate
LOADS = (("below 10 % load", 0.0, 0.1), ("10 to 20 % load", 0.1, 0.2), ("above 20 % load", 0.2, 9.0))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Verdicts on meters of all kinds, of late registers, and where instruments dominate; a tuple for each meter."""

    plant: tuple[tuple[Verdict, ...], ...]
    late: tuple[tuple[Verdict, ...], ...]
    instruments: tuple[tuple[Verdict, ...], ...]


def one_each(meters: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    """One window of each meter, in turn."""
    return [windows[number % len(windows)] for number, windows in enumerate(meters)]


def wholes(meters: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    """The longest window of each meter, its last."""
    return [windows[-1] for windows in meters]


def bounds_table(drawn: Drawn) -> list[str]:
    """Rows of Markdown: how often indicated truth lay outside, and how wide the bounds are beside the tightest."""
    plant = _all(drawn.plant)
    names = list(dict.fromkeys(verdict.register for verdict in plant))
    rows = [(name, [v for v in plant if v.register == name]) for name in sorted(names)]
    rows += [
        ("all of these", plant),
        ("1 Wh, up to 5 s late", _all(drawn.late)),
        ("1 Wh, up to 0.5 s late", _all(drawn.instruments)),
    ]
    return [
        "| register | windows | without bounds | truth outside | width / tightest, median | 95 % |",
        "| --- | --- | --- | --- | --- | --- |",
        *(f"| {name} | {_bounds(verdicts)} |" for name, verdicts in rows if verdicts),
    ]


def coverage_table(drawn: Drawn) -> list[str]:
    """Rows of Markdown: for how many meters the true energy lies within U95 of the amount, and within 0.75 U95."""
    plant = one_each(drawn.plant)
    rows = [("plant", plant)]
    rows += [(f"of these, {name}", [v for v in plant if low <= v.load < high]) for name, low, high in LOADS]
    rows += [("late registers", one_each(drawn.late)), ("instruments dominate", wholes(drawn.instruments))]
    return [
        "| meters | drawn | without U95 | within U95 | within 0.75 U95 |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {name} | {_coverage(verdicts)} |" for name, verdicts in rows if verdicts),
    ]


def with_tables(text: str, tables: Sequence[Sequence[str]]) -> str:
    """A document in which each table stands in place of the one with its header. Raises ValueError if there is none."""
    lines = text.splitlines()
    for table in tables:
        if table[0] not in lines:
            raise ValueError(f"no table begins with {table[0]!r}: write that line where it is to stand")
        start = end = lines.index(table[0])
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        lines[start:end] = table
    return "\n".join(lines) + "\n"


def promises(drawn: Drawn) -> list[tuple[str, bool]]:
    """Each promise and whether it was kept."""
    kinds = (drawn.plant, drawn.late, drawn.instruments)
    windows = [_all(kind) for kind in kinds]
    every = [verdict for kind in windows for verdict in kind]
    each = (one_each(drawn.plant), one_each(drawn.late), wholes(drawn.instruments))
    return [
        ("the oracle's bounds hold the indicated truth in every window", all(v.oracle_inside for v in every)),
        ("all bounds hold the indicated truth", all(v.inside is not False for v in every)),
        ("99 of 100 windows have bounds", Fraction(sum(v.inside is None for v in every), len(every)) <= UNCLAIMED_MOST),
        ("their median width is at most 1.2 times the tightest", max(map(_width, windows)) <= WIDTH_RATIO_MOST),
        ("U95 covers the true energy for at least 95 % of meters", min(map(covered, each)) >= COVERED_LEAST),
        ("0.75 U95 does not, where instruments dominate", covered(each[-1], SHARE) < COVERED_LEAST),
    ]


def covered(verdicts: Iterable[Verdict], share: Fraction = Fraction(1)) -> Fraction:
    """The part of all meters with a U95 whose true energy lies within `share` of it; 0 if none has one."""
    shares = [v.error_share for v in verdicts if v.error_share is not None]
    return Fraction(sum(error <= share for error in shares), max(len(shares), 1))


def _width(verdicts: Sequence[Verdict]) -> Fraction:
    """The median of all widths over the tightest; without any, beyond every limit."""
    return median([v.width_ratio for v in verdicts if v.width_ratio is not None] or [WIDTH_RATIO_MOST + 1])


def _all(meters: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    return [verdict for windows in meters for verdict in windows]


def _bounds(verdicts: Sequence[Verdict]) -> str:
    ratios = sorted(v.width_ratio for v in verdicts if v.width_ratio is not None)
    unclaimed = sum(v.inside is None for v in verdicts)
    outside = sum(v.inside is False for v in verdicts)
    widths = "- | -" if not ratios else f"{float(median(ratios)):.2f} | {float(ratios[len(ratios) * 95 // 100]):.2f}"
    return f"{len(verdicts)} | {unclaimed} | {outside} | {widths}"


def _coverage(verdicts: Sequence[Verdict]) -> str:
    unclaimed = sum(v.error_share is None for v in verdicts)
    parts = (
        "- | -"
        if unclaimed == len(verdicts)
        else " | ".join(f"{float(covered(verdicts, share)):.1%}".replace("%", " %") for share in (Fraction(1), SHARE))
    )
    return f"{len(verdicts)} | {unclaimed} | {parts}"
