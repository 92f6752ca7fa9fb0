"""The smallest archive with everything in it: two meters, one batch, one statement, thirteen entries; and its lies.

Made of archive_maker's pieces, so small that each of its bytes can be changed in turn.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache

import archive_maker as maker
from archive_maker import AGENT, GATEWAY, T0, Factory, S

from agent import closing
from agent.aggregation import replay
from contract import entry, records, segment
from contract.chain import Head
from gateway import attribution, factors, site_model
from gateway.statement import Statement

METERS = ("line1", "scale1")
BATCH = "L1-0001"  # between the looks of readings 13 and 41
FROM_NS, TO_NS = T0 + 60 * S, T0 + 500 * S
SEGMENTS = ((0, 24), (24, 48), (48, 54))  # the batch is sealed after the second; the third ends after the period
SITE_TOML = maker.SITE_TOML[: maker.SITE_TOML.index(b"[[utility]]")]


def _is_ours(part: bytes) -> bool:
    match records.kind_of(part):
        case "profile":
            return records.read(part, records.ProfilePart).toml in (maker.ENERGY, maker.SCALE)
        case "meter":
            return records.read(part, records.MeterPart).meter in METERS
        case _:
            return True


def opened(made: Factory) -> None:
    """The gateway's first entries."""
    made.epoch(GATEWAY, [], T0)
    for author in (GATEWAY, AGENT, "edge-2"):
        made.add(GATEWAY, "enrolment", [maker.enrolment(author, made.private[author])], T0, T0)
    made.add(GATEWAY, "site", [records.write(records.SitePart(toml=SITE_TOML))], T0, T0)
    made.add(GATEWAY, "factor", [records.write(records.FactorPart(toml=maker.FACTOR_TOML))], T0, T0)


def manifest_parts(undeclared: str | None = None) -> list[bytes]:
    """What the agent states, without a meter it does not speak of: only a scale can be left out of the line."""
    made = [part for part in maker.manifest_parts() if _is_ours(part)]
    if undeclared is None:
        return made
    line = records.read(made[-1], records.LinePart).model_copy(update={"good": None})
    others = [part for part in made[:-1] if not _is_of(part, undeclared)]
    return [*others, records.write(line)]


def _is_of(part: bytes, meter: str) -> bool:
    return records.kind_of(part) == "meter" and records.read(part, records.MeterPart).meter == meter


def batch_parts(undeclared: str | None = None) -> list[bytes]:
    """What the batch is, from the first two segments."""
    made = manifest_parts(undeclared)
    line = next(records.read(part, records.LinePart) for part in made if records.kind_of(part) == "line")
    known = {meter: [read(meter, 0, SEGMENTS[1][1])] for meter in METERS}
    return closing.parts(line, maker.ended(BATCH), replay.counters(made), known, complete=True)


def read(meter: str, first: int, last: int, *, bent: bool = False) -> segment.MeterSegment:
    """Readings first..last-1; `bent`: a tenth of each counter's rise is gone."""
    made = maker.meter_segment(meter, first, last)
    if not bent:
        return made
    (block,) = made.blocks
    (column,) = block.columns
    raws = tuple(raw - k // 10 for k, raw in enumerate(column.raws, first) if raw is not None)
    return replace(made, blocks=(replace(block, columns=(replace(column, raws=raws),)),))


def small(
    *,
    made: Factory | None = None,
    without_meter: str | None = None,
    without_batch: bool = False,
    without_event: bool = False,
    undeclared: str | None = None,
    batch: list[bytes] | None = None,
    bent: str | None = None,
    rewritten: bool = False,
) -> Factory:
    """The archive's factory, with new keys unless they are given; the others are lies of an author before sealing.

    `without` leaves out; `batch` is recorded in place of the true one; `bent` are a meter's readings; `rewritten`: all
    readings are bent, and the batch follows from them.
    """
    made = made or Factory()
    with _bent() if rewritten else nullcontext():
        batch = batch or batch_parts(undeclared)
        opened(made)
        made.epoch(AGENT, manifest_parts(undeclared), T0)
        for first, last in SEGMENTS:
            if (first, last) == SEGMENTS[2] and not without_batch:
                one = maker.ended(BATCH)
                made.add(AGENT, "batch", batch, one.running.start.earliest_ns, one.end.latest_ns)
            meters = [meter for meter in METERS if meter not in {without_meter, undeclared}]
            parts = [segment.encode(read(meter, first, last, bent=meter == bent)) for meter in meters]
            to_ns = T0 + (last - 1) * maker.STEP_NS + maker.TRIP_NS
            made.add(AGENT, "segment", parts, T0 + first * maker.STEP_NS, to_ns)
            if (first, last) == SEGMENTS[1] and not without_event:
                at_ns = maker.ended(BATCH).end.latest_ns
                made.add(AGENT, "event", [maker.end_event(BATCH)], at_ns, at_ns)
    _state(made, [] if without_batch else [attribution.facts(AGENT, batch)])
    return made


@contextmanager
def _bent() -> Iterator[None]:
    """Every counter shows a tenth less of its rise."""
    true = dict(maker.SHOWN)
    maker.SHOWN.update({meter: lambda k, meter=meter: true[meter](k) - k // 10 for meter in METERS})
    try:
        yield
    finally:
        maker.SHOWN.update(true)


def _state(made: Factory, facts: list[attribution.BatchFacts]) -> None:
    made.issue(AGENT)
    made.statement = attribution.canonical_json(_attributed(facts, provisional=False))
    recorded(made)


def _attributed(facts: list[attribution.BatchFacts], *, provisional: bool) -> Statement:
    site, known = site_model.parse(SITE_TOML), factors.library([maker.FACTOR_TOML])
    return attribution.attribute(site, known, facts, [], FROM_NS, TO_NS, provisional=provisional)


def recorded(made: Factory, *, provisional: bool = False) -> None:
    """The run entry of the statement, or of a provisional one, after what is left of the gateway's chain."""
    statement = made.statement
    if provisional:
        facts = [attribution.facts(AGENT, batch_parts())]
        statement = attribution.canonical_json(_attributed(facts, provisional=True))
    made.writers[GATEWAY] = replace(made.writers[GATEWAY], head=_heads(made)[-1])
    part = records.RunPart(ledger_size=len(made.ledger), statement=statement)
    made.add(GATEWAY, "run", [records.write(part)], FROM_NS, TO_NS)


def _heads(made: Factory) -> list[Head]:
    """The gateway's entries that are in the ledger, as heads of its chain."""
    read = [entry.read(signed) for signed, _ in made.ledger]
    mine = [one for one in read if one.header.author == GATEWAY]
    return [Head(one.header.epoch, one.header.seq, one.hash(maker.SITE)) for one in mine]


@cache
def _once() -> Factory:
    return small()


def untouched() -> Factory:
    """The true one, the same keys each time; the lists are the caller's own to bend."""
    true = _once()
    ledger = [list(pair) for pair in true.ledger]
    return Factory(true.private, true.ledger_key, ledger, dict(true.writers), list(true.receipts), true.statement)
