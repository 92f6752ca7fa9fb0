"""What an archive withholds, and where that keeps the checks from deciding anything.

In: a trail, its evidence, the period of the statement. Out: a finding that counts what is withheld, and one for each
manifest not shown whole under which something in the period was written. What batches and the statement lack is for
their own checks to say.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from gateway import manual
from verifier.check_batches import Period
from verifier.evidence import Evidence
from verifier.finding import Finding, lacking
from verifier.trail import GATEWAY, NAMED_MAX, Item, Trail


def counted(trail: Trail) -> Iterator[Finding]:
    """How much is withheld, by type of entry; nothing where all is shown. No verdict: withholding is no fault."""
    bodies: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    whole = {kept.signed for kept in trail.archive.entries if kept.body is None}
    for item in trail.items:
        if item.signed in whole:
            bodies[item.header.type] += item.header.parts > 0
        elif item.parts is not None:
            parts[item.header.type] += item.parts.count(None)
    told = [f"{kind} {bodies[kind]} whole, {parts[kind]} parts" for kind in sorted(+bodies | +parts)]
    if told:
        count = f"{bodies.total()} bodies, and {parts.total()} parts of others"
        yield Finding("withheld", ok=True, text=f"{count}: {'; '.join(told)}")


def lack_of(trail: Trail, evidence: Evidence, period: Period, meters: Iterable[tuple[str, str]]) -> list[Item]:
    """What a statement rests on and is withheld, in order; `meters`, by agent, are those it counts by itself."""
    recorded = [*trail.of("batch"), *trail.of("late_batch", author=GATEWAY)]
    hidden = [*trail.of("factor", *manual.TYPES, author=GATEWAY)]
    hidden += [one for one in recorded if period.touches(one.header.from_ns, one.header.to_ns)]
    found = [one for one in hidden if one.whole() is None] + [*_manifests(trail, evidence, period).values()]
    by_agent: dict[str, list[str]] = {}
    for agent, meter in sorted(meters):
        by_agent.setdefault(agent, []).append(meter)
    found += [
        one
        for one in evidence.hidden(trail)
        if period.touches(one.header.from_ns, one.header.to_ns)
        and evidence.lacks(one, by_agent.get(one.header.author, ()))
        and one.header.author in by_agent
    ]
    return sorted(found, key=lambda one: one.index)


def named(items: Sequence[Item]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(items) - NAMED_MAX} more" if len(items) > NAMED_MAX else ""
    return ", ".join(f"{one.index} {one.where}" for one in items[:NAMED_MAX]) + more


def manifests(trail: Trail, evidence: Evidence, period: Period | None) -> Iterator[Finding]:
    """Every manifest withheld, in whole or in part, that something in the period was written under."""
    for manifest in _manifests(trail, evidence, period).values():
        text = f"{manifest.index} {manifest.where}: withheld: nothing under it can be recomputed"
        yield lacking("profile", text)


def _manifests(trail: Trail, evidence: Evidence, period: Period | None) -> dict[int, Item]:
    """The same, by index."""
    under: dict[int, Item] = {}
    for item in trail.items:
        manifest = evidence.unstated.get(item.index)
        if manifest is not None and (period is None or period.touches(item.header.from_ns, item.header.to_ns)):
            under[manifest.index] = manifest
    return under
