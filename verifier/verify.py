"""Every check, in order: from bytes to signatures to chains to numbers. A library: no file, no clock, no network.

In: an archive, and perhaps a trust file's content. Out: a `Report`: findings and a verdict. Verdicts rank
failed < incomplete (nothing contradicts, but something needed is withheld) < self-consistent (nobody vouches for the
keys) < pinned (every key is one the reader knows from elsewhere).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from contract.errors import Malformed
from verifier import (
    check_batches,
    check_chain,
    check_clock,
    check_events,
    check_keys,
    check_late,
    check_ledger,
    check_lots,
    check_manual,
    check_messages,
    check_partition,
    check_receipts,
    check_recover,
    check_statement,
    check_states,
    check_void,
    check_withheld,
    evidence,
    keyring,
    traceability,
    trail,
    trust,
)
from verifier.archive import Archive
from verifier.check_batches import Batch, Period
from verifier.finding import Finding
from verifier.trust import Trust

ALL_TIME = Period(-(2**63), 2**63)

Verdict = Literal["failed", "incomplete", "self-consistent", "pinned"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in the order of the checks, and what it amounts to."""

    findings: tuple[Finding, ...]
    verdict: Verdict


def verify(archive: Archive, trusted: Trust | None = None, sheets: Sequence[bytes] = ()) -> Report:
    """Run every check. One that fails never keeps the others from running.

    `sheets` are commissioning sheets that manifests name by their hashes, for the traceability of their meters.
    """
    found = tuple(findings(archive, trusted, sheets))
    standings = {finding.standing for finding in found}
    if "failed" in standings:
        return Report(found, "failed")
    if "withheld" in standings:
        return Report(found, "incomplete")
    return Report(found, "self-consistent" if trusted is None else "pinned")


def findings(archive: Archive, trusted: Trust | None = None, sheets: Sequence[bytes] = ()) -> Iterator[Finding]:
    """What every check finds, one after another: first whose words these are, then what they amount to."""
    read, unreadable = trail.read(archive)
    ring, unfit = keyring.read(read)
    yield from check_ledger.form(read)
    yield from check_ledger.ledger(read)
    yield from check_recover.recovered(read)
    yield from unreadable
    yield from unfit
    yield from keyring.signatures(read, ring)
    yield from check_keys.keys(read, ring)
    yield from check_keys.revocations(read, ring)
    yield from check_ledger.identities(read)
    yield from check_chain.chains(read)
    yield from check_void.voids(read, _period(archive))
    yield from check_receipts.receipts(read, ring)
    yield from check_ledger.history(read)
    yield from check_withheld.counted(read)
    yield from _numbers(read, ring, sheets)
    if trusted is not None:
        yield from trust.pinned(read, trusted, ring)


def _period(archive: Archive) -> Period | None:
    """The statement's period; None of a whole ledger, all time of a statement that cannot be read."""
    try:
        return check_statement.claim(archive.statement).period if archive.statement else None
    except Malformed:
        return ALL_TIME


def _numbers(whole: trail.Trail, ring: keyring.Keyring, sheets: Sequence[bytes]) -> list[Finding]:
    """Everything that is recomputed, from what the ledger held when the statement was made."""
    if not whole.archive.statement:
        # a whole ledger: its last batches may still be under way
        findings, known, batches = _recomputed(whole, ALL_TIME, provisional=True)
        return [*findings, *_traced(whole, known, batches, ring, ALL_TIME, sheets)]
    try:
        said = check_statement.claim(whole.archive.statement)
        period, provisional = said.period, said.provisional
    except Malformed:
        period, provisional = None, False  # the statement's own check says why
    read, findings = check_statement.run(whole)
    more, known, batches = _recomputed(read, period, provisional=provisional)
    findings += [*more, *check_statement.statement(read, known, batches)]
    findings += check_keys.resting(read, ring, period or ALL_TIME, batches)
    return [*findings, *_traced(read, known, batches, ring, period or ALL_TIME, sheets)]


def _traced(
    read: trail.Trail, known: evidence.Evidence, batches: list[Batch], ring: keyring.Keyring, period: Period,
    sheets: Sequence[bytes],
) -> Iterator[Finding]:  # fmt: skip
    """The traceability of every meter that the batches of the period, or the statement itself, rest on."""
    mine = [one for one in batches if period.touches(one.head.start.earliest_ns, one.head.end.latest_ns)]
    meters = {(one.agent, amount.meter) for one in mine for amount in one.amounts}
    if read.archive.statement:
        with suppress(
            ValueError, ArithmeticError, RecursionError
        ):  # a site model that cannot be read is a finding of the statement's own
            meters |= check_statement.metered(read, known, mine)
    yield from traceability.findings(traceability.traced(read, known, ring, meters, period, sheets))


def _recomputed(
    read: trail.Trail, period: Period | None, *, provisional: bool
) -> tuple[list[Finding], evidence.Evidence, list[Batch]]:
    """Everything that follows from raw words: findings, and what a statement is computed from."""
    known, unfit = evidence.read(read)
    batches, unread = check_batches.read(read, period)
    findings = [*unfit, *check_withheld.manifests(read, known, period), *unread]
    findings += check_batches.edges(batches, known)
    findings += check_messages.messages(read, known, batches, period)
    findings += check_lots.shown(read, known, batches, period)
    findings += check_batches.amounts(read, known, batches, period)
    findings += check_late.late(read, known, batches, period)
    findings += check_events.unaccounted(read, batches, period, provisional=provisional)
    findings += check_partition.partitions(known, batches, known.hidden(read))
    findings += check_manual.said_by_hand(read)
    findings += check_states.states(read, known)
    findings += check_clock.clocks(read, batches)
    return findings, known, batches
