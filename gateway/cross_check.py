"""What people read and were billed, held against what meters counted: beside the sums, never in them.

In: hand readings and invoices, and each counter's readings. Out: rows for the statement: agreement or a named
difference, and the amount between two hand readings where no meter tells it. Never: a hand figure in a sum.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from agent.aggregation.replay import Counter, Readings
from agent.drivers.registers import scaled, slack
from contract import amount_text
from contract.manual_records import CounterPlace, InvoicePart, ReadingPart
from gateway.attribution import NOT_MASS, NOT_PIECES
from gateway.manual import UNKNOWN, Given, Manual
from gateway.metering import Count, Find, counting, results, u95_together
from gateway.site_model import SiteModel
from gateway.statement import Billed, HandAmount, HandReading, Statement

NEAR_NS = 1800 * 10**9  # a reading of a period's start or end is made within half an hour of it
AGREES, WITHDRAWN, NOT_READ = "agrees", "withdrawn", "not decided: the meter tells no bounds"


def beside(whole: Statement, site: SiteModel, said: Manual, find: Find) -> Statement:
    """A statement with what stands beside its sums: virtual meters, hand readings and amounts, invoices."""
    period, count = (whole.from_ns, whole.to_ns), counting(find)
    return replace(
        whole,
        virtual=results(site, count, *period),
        hand_readings=readings(said, find, *period),
        hand_amounts=amounts(said, count, *period),
        invoices=invoices(said, count, *period),
    )


def readings(said: Manual, find: Find, from_ns: int, to_ns: int) -> tuple[HandReading, ...]:
    """Every hand reading of the period beside the bounds of what the register then showed."""
    return tuple(_reading(given, find) for given in _of_period(said, from_ns, to_ns))


def amounts(said: Manual, count: Count, from_ns: int, to_ns: int) -> tuple[HandAmount, ...]:
    """What a counter moved between two hand readings, where it is not known from its own readings."""
    by_counter: dict[tuple[str, str, str], list[Given[ReadingPart]]] = {}
    for given in _of_period(said, from_ns, to_ns):
        if _value(given) is not None:
            by_counter.setdefault(_place(given.record.counter), []).append(given)
    rows = []
    for place, mine in sorted(by_counter.items()):
        for first, last in pairwise(sorted(mine, key=lambda given: (given.record.earliest_ns, given.index))):
            start_ns, end_ns = (_middle(given.record) for given in (first, last))
            metered = count(*place, start_ns, end_ns) if start_ns < end_ns else None
            if start_ns < end_ns and (metered is None or metered.amount.amount is None):
                rows.append(_amount(place, first, last))
    return tuple(rows)


def invoices(said: Manual, count: Count, from_ns: int, to_ns: int) -> tuple[Billed, ...]:
    """Every invoice whose whole period lies in this one, beside what its counters counted."""
    mine = [given for given in said.invoices if from_ns <= given.record.from_ns and given.record.to_ns <= to_ns]
    return tuple(_billed(given, count) for given in mine)


def stood(counter: Counter, known: Readings, earliest_ns: int, latest_ns: int) -> tuple[int | None, int | None]:
    """Bounds of what a register showed at some instant in [earliest_ns, latest_ns].

    None where no reading bounds it on that side, or where the register fell in between.
    """
    before = int(np.searchsorted(known.answered_ns, earliest_ns, side="right")) - 1
    after = int(np.searchsorted(known.requested_ns, latest_ns + counter.age_ns, side="left"))
    lower, upper = _shown(counter, known, before, 0), _shown(counter, known, after, 1)
    if lower is not None and upper is not None and upper < lower:
        return None, None
    return lower, upper


def _of_period(said: Manual, from_ns: int, to_ns: int) -> list[Given[ReadingPart]]:
    return [
        given
        for given in said.readings
        if from_ns - NEAR_NS <= given.record.earliest_ns and given.record.latest_ns <= to_ns + NEAR_NS
    ]


def _reading(given: Given[ReadingPart], find: Find) -> HandReading:
    record, value = given.record, _value(given)
    found = find(*_place(record.counter))
    lower = upper = None
    if found is not None and found[0].unit == record.unit and found[0].age_ns >= 0 and found[0].derivation is None:
        lower, upper = stood(*found, record.earliest_ns, record.latest_ns)
    words = record if given.amendment is None else given.amendment.said
    return HandReading(
        given.index,
        *_place(record.counter),
        record.earliest_ns,
        record.latest_ns,
        record.unit,
        None if value is None else value[0],
        None if value is None else value[0] + value[1],
        lower,
        upper,
        WITHDRAWN if value is None else _verdict(value[0], value[0] + value[1], lower, upper),
        words.text,
        words.author,
        words.reason,
    )


def _verdict(least: int, most: int, lower: int | None, upper: int | None) -> str:
    """Whether two intervals have a value in common."""
    if lower is not None and most < lower:
        return "differs: below what the meter showed"
    if upper is not None and least > upper:
        return "differs: above what the meter showed"
    return NOT_READ if lower is None or upper is None else AGREES


def _amount(place: tuple[str, str, str], first: Given[ReadingPart], last: Given[ReadingPart]) -> HandAmount:
    start, end = _value(first), _value(last)
    moved = lower = upper = None
    if start is not None and end is not None and end[0] + end[1] >= start[0]:
        moved, lower, upper = end[0] - start[0], max(0, end[0] - start[0] - start[1]), end[0] + end[1] - start[0]
    return HandAmount(
        first.index,
        last.index,
        *place,
        _middle(first.record),
        _middle(last.record),
        first.record.unit,
        "manual",
        None if moved is None else max(0, moved),
        lower,
        upper,
        "the counter fell between the readings" if moved is None else None,
    )


def _billed(given: Given[InvoicePart], count: Count) -> Billed:
    record = given.record
    words = record if given.amendment is None else given.amendment.said
    billed = record.amount if given.amendment is None else given.amendment.said.new
    step = record.step if billed is None else amount_text.parse(words.text).step
    found = [count(*_place(place), record.from_ns, record.to_ns) for place in record.counters]
    counted = [one.amount for one in found if one is not None and one.unit == record.unit]
    known = counted if len(counted) == len(found) else []
    metered, lower, upper = (
        _sum([getattr(one, name) for one in known]) if known else None for name in ("amount", "lower", "upper")
    )
    errors = [(_place(place)[:2], Fraction(1), one.u95) for place, one in zip(record.counters, known, strict=False)]
    u95 = u95_together(errors) if known else None
    return Billed(
        given.index,
        record.supplier,
        record.number,
        record.carrier,
        record.from_ns,
        record.to_ns,
        record.unit,
        billed,
        metered,
        lower,
        upper,
        u95,
        None if billed is None or metered is None else billed - metered,
        _billed_verdict(billed, step, metered, lower, upper, u95 or 0),
        words.author,
        words.reason,
    )


def _billed_verdict(
    billed: int | None, step: int, metered: int | None, lower: int | None, upper: int | None, u95: int
) -> str:
    """Agreement within the bill's last digit, the registers' bounds and the meters' uncertainty together."""
    if billed is None:
        return WITHDRAWN
    if metered is None:
        return NOT_READ
    least = (metered if lower is None else lower) - u95 - step
    most = (metered if upper is None else upper) + u95 + step
    if least <= billed <= most:
        return AGREES
    return f"differs: {'less' if billed < least else 'more'} than was metered"


def _value(given: Given[ReadingPart]) -> tuple[int, int] | None:
    """A hand reading's value and step, as amended; None where it was withdrawn."""
    if given.amendment is None:
        return given.record.value, given.record.step
    if given.amendment.said.text == UNKNOWN:
        return None
    written = amount_text.parse(given.amendment.said.text, given.record.multiplier)
    return written.amount, written.step


def _shown(counter: Counter, known: Readings, row: int, side: int) -> int | None:
    """The bound that one reading gives: below it (side 0) or above it (side 1)."""
    if not 0 <= row < len(known.raws):
        return None
    scale = known.scale_raws[row] if known.scale_raws else None
    try:
        value = scaled(counter.spec, known.raws[row], counter.ratio, scale)
        below, above = slack(counter.spec, known.raws[row], counter.ratio, scale)
    except (ValueError, ArithmeticError):
        return None  # no number
    return value + above if side else value - below


def _middle(record: ReadingPart) -> int:
    return (record.earliest_ns + record.latest_ns) // 2


def _place(counter: CounterPlace) -> tuple[str, str, str]:
    return counter.agent, counter.meter, counter.point


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def places(said: Manual) -> Iterator[tuple[str, str, str]]:
    """Every counter that people spoke of."""
    yield from (_place(given.record.counter) for given in said.readings)
    yield from (_place(counter) for given in said.invoices for counter in given.record.counters)


def remarks(statement: bytes) -> Iterator[str]:
    """What a statement's cross-checks found, a line each, from its text: agreement is said too."""
    said = json.loads(statement)
    yield from _units(said)
    for row in said.get("hand_readings", []):
        place = f"{row['agent']}/{row['meter']}/{row['point']}"
        yield f"hand reading of {place}, {row['text']}, entry {row['entry']}: {row['verdict']}"
    for row in said.get("hand_amounts", []):
        amount = row["why_unknown"] or f"{row['amount']} {row['unit']}"
        yield f"amount by hand of {row['agent']}/{row['meter']}/{row['point']}, in no sum: {amount}"
    for row in said.get("invoices", []):
        figures = f"billed {_known(row['billed'])}, metered {_known(row['metered'])} {row['unit']}"
        yield f"invoice {row['supplier']} {row['number']}, entry {row['entry']}: {figures}: {row['verdict']}"
    for row in said.get("virtual", []):
        if row["warning"] is not None:
            yield f"virtual meter {row['virtual']}: {row['warning']}"


def _units(said: Mapping[str, list[dict[str, str]]]) -> Iterator[str]:
    """Products of which batches are left out because their output is in another unit than the declared one."""
    hints = {NOT_MASS: 'declare it per "piece" or "1000 pieces"', NOT_PIECES: 'declare it per "kg" or "t"'}
    found: dict[tuple[str, str], list[str]] = {}
    for row in said["excluded"]:
        found.setdefault((row["product"], row["reason"]), []).append(f"{row['agent']}/{row['line']}/{row['batch']}")
    for (product, reason), names in found.items():
        if reason in hints:
            more = f" and {len(names) - 1} more" if names[1:] else ""
            yield f"product.{product}.unit: {reason}: {names[0]}{more} left out: {hints[reason]}"


def _known(figure: int | None) -> str:
    return "unknown" if figure is None else str(figure)
