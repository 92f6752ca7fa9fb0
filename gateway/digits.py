"""Honest digits: a figure is shown to the place its uncertainty reaches, and no further.

In: exact fractions. Out: text. Digits are grouped by narrow spaces, as SI asks; the unit is the caller's.
"""

from fractions import Fraction

GROUP = "\N{NARROW NO-BREAK SPACE}"
PLACES_MAX = 6


def place(size: Fraction) -> int:
    """The power of ten of the leading digit of a size greater than zero: 3 for 1234, -1 for 0.12.

    Raises ValueError for a size that is not: there is no such digit.
    """
    if size <= 0:
        raise ValueError(f"{size} has no leading digit")
    power = len(str(int(size))) - 1 if size >= 1 else -1
    while size < 1 and size * 10**-power < 1:
        power -= 1
    return power


def shown(value: Fraction, u95: Fraction | None = None, significant: int = 3) -> str:
    """A figure to the leading digit of its expanded uncertainty, and to so many significant digits at most."""
    if value == 0 and not u95:
        return "0"
    last = place(abs(value) or Fraction(1)) - significant + 1
    last = max(last, place(abs(u95))) if u95 else last
    return fixed(round(value / Fraction(10) ** last) * Fraction(10) ** last, max(0, min(PLACES_MAX, -last)))


def fixed(value: Fraction, places: int) -> str:
    """A figure with so many decimal places, rounded half to even."""
    scaled = round(value * 10**places)
    whole, part = divmod(abs(scaled), 10**places)
    text = f"{whole:,}".replace(",", GROUP)
    if places:
        text += f".{part:0{places}d}"
    return f"\N{MINUS SIGN}{text}" if scaled < 0 else text
