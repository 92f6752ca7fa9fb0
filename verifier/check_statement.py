"""The statement must be what the ledger gives, and the one the gateway recorded.

In: a trail, its evidence and batches, all of them only up to the run's ledger size. Out: findings on the run entry and
on the statement, which is recomputed whole and compared byte for byte.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agent.aggregation.replay import Counter, Readings
from contract import records
from contract.errors import Malformed
from contract.records import AnyEdge
from gateway import attribution, cross_check, factors, media, metering, overlap, site_model, virtual
from gateway.factors import Factor
from gateway.metering import Find
from gateway.site_model import SiteModel
from gateway.statement import Statement
from verifier import check_manual, check_withheld
from verifier.check_batches import Batch, Period
from verifier.evidence import Evidence
from verifier.finding import Finding, lacking
from verifier.recomputed import Beside, Recomputed
from verifier.trail import GATEWAY, NAMED_MAX, Item, Trail, records_of, withheld

NO_END = 2**63  # of the ledger: every entry of the archive
OF_RECORDS = ("product", "batches", "incomplete", "direct_wh_milli", "agent", "line", "batch", "reason")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a statement says of itself: its period, whether it is provisional, and which products it shows."""

    period: Period
    provisional: bool
    products: tuple[str, ...]


def claim(statement: bytes) -> Claim:
    """Read what has to be recomputed. Raises Malformed."""
    try:
        said = json.loads(statement)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None
    match said:
        case {"from_ns": int(from_ns), "to_ns": int(to_ns), "provisional": bool(provisional), "products": list(shown)}:
            products = tuple(str(one.get("product")) for one in shown if isinstance(one, dict))
            if not -(2**62) < from_ns < to_ns < 2**62:
                raise Malformed("its period ends before it starts, or lies beyond the calendar")
            return Claim(Period(from_ns, to_ns), provisional, products)
        case _:
            raise Malformed("from_ns, to_ns, provisional or products is missing or mistyped")


def run(trail: Trail) -> tuple[Trail, list[Finding]]:
    """The run entry that carries this statement, and the trail as it stood when it was computed."""
    fault, hidden = "no run entry of the gateway carries this statement", withheld(trail, "run")
    for item in reversed(list(trail.of("run", author=GATEWAY))):
        try:
            runs = records_of(item, records.RunPart, "run")
        except Malformed as error:
            fault = f"{item.index} {item.where}: {error}"
            continue
        for part in runs:
            if part.statement != trail.archive.statement:
                continue
            if part.ledger_size > item.index:
                return trail, [
                    Finding("run", ok=False, text=f"{item.index}: speaks of a ledger larger than it stood in")
                ]
            items = tuple(i for i in trail.items if i.index < part.ledger_size)
            text = f"entry {item.index} carries this statement, computed at ledger size {part.ledger_size}"
            return Trail(trail.archive, items), [Finding("run", ok=True, text=text + _others(trail, item))]
    return trail, [lacking("run", fault + hidden) if hidden else Finding("run", ok=False, text=fault)]


def _others(trail: Trail, mine: Item) -> str:
    """Runs in the ledger beside this one that may be of the same time: other statements were made of it.

    A run's header speaks of its statement's period; one sealed without says nothing of that, and is counted.
    """
    ours = mine.header
    beside = [
        str(item.index)
        for item in trail.of("run", author=GATEWAY)
        if item.index != mine.index
        and (
            item.header.from_ns == item.header.to_ns
            or (item.header.from_ns < ours.to_ns and ours.from_ns < item.header.to_ns)
        )
    ]
    named = ", ".join(beside[:NAMED_MAX]) + (f" and {len(beside) - NAMED_MAX} more" if len(beside) > NAMED_MAX else "")
    told = f"; {len(beside)} other statement{'s' * (len(beside) > 1)} may be of this time: in the ledger at {named}"
    return told if beside else ""


def statement(of: Recomputed) -> Iterator[Finding]:
    """The statement, recomputed from the site model, the factors, the batches and the utilities' own readings."""
    trail, evidence, batches = of.trail, of.known, of.batches
    try:
        said = claim(trail.archive.statement)
        due = _recomputed(of, said)
    except (ValueError, ArithmeticError, RecursionError) as error:  # Malformed is a ValueError
        text = (str(error) or type(error).__name__).splitlines()[0]
        hidden = withheld(trail, "site", "factor")
        yield Finding("statement", ok=False, text=f"not recomputable: {text}{hidden}", withheld=bool(hidden))
        return
    manifests = ((author, one) for author, many in evidence.stated.items() for one in many)
    counters = ((author, counter) for author, one in manifests for counter in one.counters.values())
    yield from (Finding("statement", ok=False, text=fault) for fault in media.mixed(_site(trail), counters))
    if not said.provisional:
        yield from _unfinished(trail, said.period.to_ns)
    yield from _hidden(trail, evidence, batches, said.period)
    meters = metered(trail, evidence, batches)
    given, found = trail.archive.statement, attribution.canonical_json(due)
    if lack := check_withheld.lack_of(trail, evidence, said.period, meters):
        at_once = any(batch.together(evidence) is not None for batch in batches)
        if not at_once and {one.header.type for one in lack} == {"segment"}:
            yield from (Finding("statement", ok=False, text=fault) for fault in _counts(given, found))
        yield lacking("statement", f"not recomputable: {check_withheld.named(lack)} withheld")
        return
    if given == found:
        text = f"recomputed byte for byte: {len(due.products)} products, {len(due.utilities)} utilities"
        yield Finding("statement", ok=True, text=f"{text}, {len(due.excluded)} batches excluded")
        yield from (Finding("beside", ok=True, text=remark) for remark in cross_check.remarks(found))
        return
    faults = list(_differences("", json.loads(given), json.loads(found)))
    for fault in faults or ["the figures are right, but the text is not in canonical form"]:
        yield Finding("statement", ok=False, text=fault)


def _unfinished(trail: Trail, to_ns: int) -> Iterator[Finding]:
    """Every line's agent must have spoken since the period's end, or a final statement could leave batches out.

    An agent tells the end of a batch when it sees it, and entries of one author are admitted in the order of its chain.
    So an entry sealed at or after `to_ns` proves that every end seen by then stands before it, and each end told needs
    its record. It proves nothing of an end that only a look after that entry could show.
    """
    reached = {item.header.author for item in trail.items if item.header.sealed_ns >= to_ns}
    for agent in sorted({line.agent for line in _site(trail).lines} - reached):
        text = f"final, though {agent} had sealed nothing since the period's end: batches may be left out"
        yield Finding("statement", ok=False, text=text)


def _recomputed(of: Recomputed, said: Claim) -> Statement:
    trail, evidence = of.trail, of.known
    site, known = _site(trail), _factors(trail)
    period = said.period
    find = _finding(evidence)
    by_hand = check_manual.read(trail)
    every = [*(Beside(batch, evidence, "trunk") for batch in of.batches), *of.beside]
    facts = [
        replace(one.batch.facts(by_hand), together=one.batch.together(one.known), branch=one.standing)
        for one in sorted(every, key=lambda one: one.batch.item.index)
    ]
    whole = attribution.attribute(
        site,
        known,
        overlap.shared(facts, _described(evidence), period.from_ns, period.to_ns),
        metering.uses(site, metering.counting(find), period.from_ns, period.to_ns),
        period.from_ns,
        period.to_ns,
        provisional=said.provisional,
    )
    shown = tuple(one for one in whole.products if one.product in said.products)
    return cross_check.beside(replace(whole, products=shown), site, by_hand, find)


def metered(trail: Trail, evidence: Evidence, batches: Sequence[Batch]) -> set[tuple[str, str]]:
    """The meters, by agent, whose readings the statement's own figures are made of, beside the batches' records."""
    site = _site(trail)
    refs = [ref for utility in site.utilities for ref in (utility.electricity, utility.volume)]
    found = {(ref.agent, ref.meter) for ref in refs if isinstance(ref, site_model.CounterRef)}
    found |= {place[:2] for one in site.virtuals for place in virtual.counters(site.virtuals, one.id)}
    found |= {place[:2] for place in cross_check.places(check_manual.read(trail))}
    at_once = [batch for batch in batches if batch.together(evidence) is not None]
    return found | {(batch.agent, amount.meter) for batch in at_once for amount in batch.amounts}


def _site(trail: Trail) -> SiteModel:
    for item in reversed(list(trail.of("site", author=GATEWAY))):
        if item.whole() is None:
            raise Malformed("the site model in force is not shown")
        for part in records_of(item, records.SitePart, "site"):
            return site_model.parse(part.toml)
    raise Malformed("no site model is in the ledger")


def _factors(trail: Trail) -> dict[str, Factor]:
    items = trail.of("factor", author=GATEWAY)
    return factors.library(part.toml for item in items for part in records_of(item, records.FactorPart, "factor"))


def _finding(evidence: Evidence) -> Find:
    """A counter as its meter was last described, and its readings; None if it is not known."""

    def find(agent: str, meter: str, point: str) -> tuple[Counter, Readings] | None:
        counter = evidence.latest(agent, meter, point)
        return None if counter is None else (counter, evidence.all_of(agent, counter))

    return find


def _described(evidence: Evidence) -> overlap.Known:
    """A counter as a manifest describes it, and every reading that counts on with it."""
    found: dict[tuple[str, bytes, tuple[str, str]], tuple[Counter, Readings] | None] = {}

    def known(agent: str, manifest: bytes, place: tuple[str, str]) -> tuple[Counter, Readings] | None:
        key = agent, manifest, place
        if key not in found:
            stated = next((one for one in evidence.stated.get(agent, ()) if one.hash == manifest), None)
            counter = None if stated is None else stated.counters.get(place)
            if stated is None or counter is None:
                found[key] = None
            else:
                found[key] = counter, evidence.around(agent, counter, stated, NO_END)
        return found[key]

    return known


def _hidden(trail: Trail, evidence: Evidence, batches: Sequence[Batch], period: Period) -> Iterator[Finding]:
    """Batches withheld that may have run beside one of the period's, whose part would then be another."""
    recorded = (*trail.of("batch"), *trail.of("late_batch", author=GATEWAY))
    withheld = [item for item in recorded if item.whole() is None]
    for batch in batches if withheld else ():
        start, end = batch.head.start, batch.head.end
        if batch.together(evidence) is None or not period.from_ns <= sum(_interval(end)) // 2 < period.to_ns:
            continue
        for item in withheld:
            beside = item.header.from_ns < end.latest_ns and item.header.to_ns > start.earliest_ns
            if beside and item.header.author in {batch.agent, GATEWAY}:
                text = f"{item.index} {item.where}: withheld, though it may share the time of {batch.name}"
                yield lacking("statement", text)


def _counts(given: bytes, found: bytes) -> Iterator[str]:
    """Where two statements differ in what follows from the batches' records alone, whatever readings are withheld."""
    for name in ("products", "excluded"):
        one, other = (_records_alone(json.loads(text), name) for text in (given, found))
        yield from _differences(name, one, other)


def _records_alone(said: dict[str, object], name: str) -> list[object]:
    shown = said.get(name)
    every = shown if isinstance(shown, list) else []
    return [{key: one[key] for key in OF_RECORDS if key in one} if isinstance(one, dict) else one for one in every]


def _interval(edge: AnyEdge) -> tuple[int, int]:
    return edge.earliest_ns, edge.latest_ns


def _differences(path: str, given: object, found: object) -> Iterator[str]:
    """Where two JSON values differ, one line each."""
    if isinstance(given, dict) and isinstance(found, dict):
        for key in sorted(given.keys() | found.keys()):
            yield from _differences(f"{path}.{key}" if path else key, given.get(key), found.get(key))
    elif isinstance(given, list) and isinstance(found, list) and len(given) == len(found):
        for index, pair in enumerate(zip(given, found, strict=True)):
            yield from _differences(f"{path}[{index}]", *pair)
    elif given != found or type(given) is not type(found):
        yield f"{path or 'it'}: states {json.dumps(given)[:200]}, recomputed {json.dumps(found)[:200]}"
