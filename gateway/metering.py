"""What a site's counters counted over a period, put together: utilities' use, and virtual meters by their formulas.

In: the site model, and `find`, which knows a counter's readings; gateway and verifier each have their own, from the
ledger or from an archive. Out: amounts with bounds by interval arithmetic, uncertainty by parts, and warnings. Sums are
exact and rounded once. Never: a virtual meter's figure where one of its counters is not known.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isqrt

from agent.aggregation import replay
from agent.aggregation.replay import Amount, Counter, Readings
from gateway import virtual
from gateway.attribution import UtilityUse
from gateway.site_model import CounterRef, SiteModel, VirtualRef
from gateway.statement import VirtualResult, VirtualTerm

ENERGY, VOLUME = "wh_milli", "m3_micro"
PPM = 1_000_000
# A difference is called blown up where its relative uncertainty is beyond this many times its worst term's.
BLOWN_UP = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """What a counter counted over a window, and in which unit."""

    unit: str
    amount: Amount


# A counter as its meter was last described, by agent, meter and point, and its readings since; None: not known
Find = Callable[[str, str, str], tuple[Counter, Readings] | None]
Count = Callable[[str, str, str, int, int], Counted | None]  # agent, meter, point, from_ns, to_ns; None: not known


def counting(find: Find) -> Count:
    """What one counter counted over a window."""

    def count(agent: str, meter: str, point: str, from_ns: int, to_ns: int) -> Counted | None:
        found = find(agent, meter, point)
        if found is None:
            return None
        edges = [(from_ns, from_ns), (to_ns, to_ns)]
        return Counted(found[0].unit, replay.amounts(*found, edges, [(0, 1)])[0])

    return count


def uses(site: SiteModel, count: Count, from_ns: int, to_ns: int) -> list[UtilityUse]:
    """What every utility used and made over the period; a negative figure of a virtual meter is none."""

    def counted(ref: CounterRef | VirtualRef | None, unit: str) -> int | None:
        if ref is None:
            return None
        if isinstance(ref, VirtualRef):
            made = result(site, ref.virtual, count, from_ns, to_ns)
            return made.amount if made.unit == unit and made.amount is not None and made.amount >= 0 else None
        one = count(ref.agent, ref.meter, ref.point, from_ns, to_ns)
        return one.amount.amount if one is not None and one.unit == unit else None

    return [UtilityUse(one.id, counted(one.electricity, ENERGY), counted(one.volume, VOLUME)) for one in site.utilities]


def results(site: SiteModel, count: Count, from_ns: int, to_ns: int) -> tuple[VirtualResult, ...]:
    """Every virtual meter over the period."""
    return tuple(result(site, one.id, count, from_ns, to_ns) for one in site.virtuals)


def result(site: SiteModel, name: str, count: Count, from_ns: int, to_ns: int) -> VirtualResult:
    """One virtual meter over the period."""
    formula = virtual.counters(site.virtuals, name)
    found = [(place, times, count(*place, from_ns, to_ns)) for place, times in sorted(formula.items())]
    units = {one.unit for _, _, one in found if one is not None}
    terms = tuple(_term(place, times, one) for place, times, one in found)
    if len(units) > 1:
        warning = f"its counters count in different units: {', '.join(sorted(units))}"
        return VirtualResult(name, None, None, None, None, None, None, warning, terms)
    pairs = [(times, term) for (_, times, _), term in zip(found, terms, strict=True)]
    amount = _sum([(times, term.amount) for times, term in pairs])
    lower = _sum([(times, term.lower if times > 0 else term.upper) for times, term in pairs])
    upper = _sum([(times, term.upper if times > 0 else term.lower) for times, term in pairs])
    u95 = u95_together([((term.agent, term.meter), times, term.u95) for times, term in pairs])
    rounded = None if amount is None else round(amount)
    relative = _relative(u95, rounded)
    return VirtualResult(
        name,
        min(units, default=None),
        rounded,
        None if lower is None else floor(lower),
        None if upper is None else ceil(upper),
        u95,
        relative,
        next(_warnings(terms, rounded, upper, relative), None),
        terms,
    )


def _term(place: virtual.Place, times: Fraction, one: Counted | None) -> VirtualTerm:
    given = Amount(None, None, None, None, 0, ()) if one is None else one.amount
    return VirtualTerm(*place, decimal(times), given.amount, given.lower, given.upper, given.u95)


def decimal(value: Fraction) -> str:
    """A decimal fraction's one text, without trailing zeros: coefficients have no other."""
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    digits = f"{abs(value * 10**places).numerator:0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if value < 0 else text


def _sum(pairs: Sequence[tuple[Fraction, int | None]]) -> Fraction | None:
    known = [times * value for times, value in pairs if value is not None]
    return sum(known, Fraction(0)) if len(known) == len(pairs) else None


def u95_together(errors: Iterable[tuple[tuple[str, str], Fraction, int | None]]) -> int | None:
    """U95 of a sum of (agent and meter, times, U95), rounded up; None if one is not known.

    A meter's registers share its error, so theirs add linearly, whatever their signs; errors of different meters are
    independent: the root of the sum of squares (GUM 5.1.2 and 5.2.2).
    """
    meters: dict[tuple[str, str], Fraction] = {}
    for meter, times, u95 in errors:
        if u95 is None:
            return None
        meters[meter] = meters.get(meter, Fraction(0)) + abs(times) * u95
    whole = ceil(sum((one * one for one in meters.values()), Fraction(0)))
    root = isqrt(whole)
    return root if root * root == whole else root + 1


def _relative(u95: int | None, amount: int | None) -> int | None:
    return None if u95 is None or not amount else round(Fraction(u95 * PPM, abs(amount)))


def _warnings(
    terms: Sequence[VirtualTerm], amount: int | None, upper: Fraction | None, relative: int | None
) -> Iterator[str]:
    if unknown := [f"{term.agent}/{term.meter}/{term.point}" for term in terms if term.amount is None]:
        yield f"not known: {', '.join(unknown)}"
    if amount is not None and amount < 0 and (upper is None or upper < 0):
        yield "below zero: a meter, a ratio or the formula is wrong"
    parts = [part for term in terms if (part := _relative(term.u95, term.amount)) is not None]
    if relative is not None and parts and relative > BLOWN_UP * max(parts):
        yield (
            "a small difference of large amounts: its relative uncertainty is "
            f"{decimal(Fraction(relative, 10_000))} %, that of its counters at most "
            f"{decimal(Fraction(max(parts), 10_000))} %: meter it, if it matters"
        )
