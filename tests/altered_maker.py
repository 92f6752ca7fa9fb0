"""The smallest archive with everything in it: two meters, one batch, one statement, thirteen entries; and its lies.

Made of archive_maker's pieces, so small that each of its bytes can be changed in turn.
"""

from functools import cache

import archive_maker as maker
from archive_maker import AGENT, GATEWAY, T0, Factory, S

from agent import closing
from agent.aggregation import replay
from contract import records, segment
from gateway import attribution, factors, site_model

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


def batch_parts() -> list[bytes]:
    """What the batch is, from the first two segments."""
    made = [part for part in maker.manifest_parts() if _is_ours(part)]
    line = next(records.read(part, records.LinePart) for part in made if records.kind_of(part) == "line")
    known = {meter: [maker.meter_segment(meter, 0, SEGMENTS[1][1])] for meter in METERS}
    return closing.parts(line, maker.ended(BATCH), replay.counters(made), known, complete=True)


def small(*, without_meter: str | None = None, without_batch: bool = False) -> Factory:
    """The archive's factory with new keys; `without` are the lies of an author who leaves things out before sealing."""
    made, batch = Factory(), batch_parts()
    opened(made)
    made.epoch(AGENT, [part for part in maker.manifest_parts() if _is_ours(part)], T0)
    for first, last in SEGMENTS:
        if (first, last) == SEGMENTS[2] and not without_batch:
            one = maker.ended(BATCH)
            made.add(AGENT, "batch", batch, one.running.start.earliest_ns, one.end.latest_ns)
        meters = [meter for meter in METERS if meter != without_meter]
        read = [segment.encode(maker.meter_segment(meter, first, last)) for meter in meters]
        to_ns = T0 + (last - 1) * maker.STEP_NS + maker.TRIP_NS
        made.add(AGENT, "segment", read, T0 + first * maker.STEP_NS, to_ns)
        if (first, last) == SEGMENTS[1]:
            at_ns = maker.ended(BATCH).end.latest_ns
            made.add(AGENT, "event", [maker.end_event(BATCH)], at_ns, at_ns)
    _state(made, [] if without_batch else [attribution.facts(AGENT, batch)])
    return made


def _state(made: Factory, facts: list[attribution.BatchFacts]) -> None:
    made.issue(AGENT)
    site, known = site_model.parse(SITE_TOML), factors.library([maker.FACTOR_TOML])
    whole = attribution.attribute(site, known, facts, [], FROM_NS, TO_NS, provisional=False)
    made.statement = attribution.canonical_json(whole)
    part = records.RunPart(ledger_size=len(made.ledger), statement=made.statement)
    made.add(GATEWAY, "run", [records.write(part)], FROM_NS, TO_NS)


@cache
def _once() -> Factory:
    return small()


def untouched() -> Factory:
    """The true one, the same keys each time; the lists are the caller's own to bend."""
    true = _once()
    ledger = [list(pair) for pair in true.ledger]
    return Factory(true.private, true.ledger_key, ledger, dict(true.writers), list(true.receipts), true.statement)
