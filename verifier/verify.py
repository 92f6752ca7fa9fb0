"""Every check, in order: from bytes to signatures to chains to numbers. A library: no file, no clock, no network.

In: an archive, and perhaps a trust file's content. Out: a `Report`: findings and a verdict. Verdicts rank
failed < incomplete (nothing contradicts, but something needed is withheld) < self-consistent (nobody vouches for the
keys) < pinned (every key is one the reader knows from elsewhere).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from contract.errors import Malformed
from verifier import (
    check_batches,
    check_chain,
    check_events,
    check_late,
    check_ledger,
    check_lots,
    check_manual,
    check_messages,
    check_partition,
    check_receipts,
    check_statement,
    check_states,
    check_void,
    check_withheld,
    evidence,
    keyring,
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


def verify(archive: Archive, trusted: Trust | None = None) -> Report:
    """Run every check. One that fails never keeps the others from running."""
    found = tuple(findings(archive, trusted))
    standings = {finding.standing for finding in found}
    if "failed" in standings:
        return Report(found, "failed")
    if "withheld" in standings:
        return Report(found, "incomplete")
    return Report(found, "self-consistent" if trusted is None else "pinned")


def findings(archive: Archive, trusted: Trust | None = None) -> Iterator[Finding]:
    """What every check finds, one after another: first whose words these are, then what they amount to."""
    read, unreadable = trail.read(archive)
    ring, unfit = keyring.read(read)
    yield from check_ledger.form(read)
    yield from check_ledger.ledger(read)
    yield from unreadable
    yield from unfit
    yield from keyring.signatures(read, ring)
    yield from check_ledger.identities(read)
    yield from check_chain.chains(read)
    yield from check_void.voids(read, _period(archive))
    yield from check_receipts.receipts(read, ring)
    yield from check_ledger.history(read)
    yield from check_withheld.counted(read)
    yield from _numbers(read)
    if trusted is not None:
        yield from trust.pinned(read, trusted)


def _period(archive: Archive) -> Period | None:
    """The statement's period; None of a whole ledger, all time of a statement that cannot be read."""
    try:
        return check_statement.claim(archive.statement).period if archive.statement else None
    except Malformed:
        return ALL_TIME


def _numbers(whole: trail.Trail) -> list[Finding]:
    """Everything that is recomputed, from what the ledger held when the statement was made."""
    if not whole.archive.statement:
        # a whole ledger: its last batches may still be under way
        findings, _, _ = _recomputed(whole, ALL_TIME, provisional=True)
        return findings
    try:
        said = check_statement.claim(whole.archive.statement)
        period, provisional = said.period, said.provisional
    except Malformed:
        period, provisional = None, False  # the statement's own check says why
    read, findings = check_statement.run(whole)
    more, known, batches = _recomputed(read, period, provisional=provisional)
    return [*findings, *more, *check_statement.statement(read, known, batches)]


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
    return findings, known, batches
