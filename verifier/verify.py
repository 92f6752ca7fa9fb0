"""Every check, in order: from bytes to signatures to chains to numbers. A library: no file, no clock, no network.

In: an archive, and perhaps a trust file's content. Out: a `Report`: findings and a verdict. Verdicts rank
failed < incomplete (nothing contradicts, but something needed is withheld) < self-consistent (nobody vouches for the
keys) < pinned (every key is one the reader knows from elsewhere) < anchored (an outsider the reader trusts saw it too).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from contract.errors import Malformed
from verifier import (
    check_anchor,
    check_chain,
    check_keys,
    check_ledger,
    check_receipts,
    check_recover,
    check_statement,
    check_time,
    check_void,
    check_withheld,
    keyring,
    traceability,
    trail,
    trust,
)
from verifier.archive import Archive
from verifier.check_anchor import Outside
from verifier.check_batches import Period
from verifier.finding import Finding
from verifier.recomputed import Recomputed, recomputed
from verifier.trust import Trust

ALL_TIME = Period(-(2**63), 2**63)

Verdict = Literal["failed", "incomplete", "self-consistent", "pinned", "anchored"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in the order of the checks, and what it amounts to."""

    findings: tuple[Finding, ...]
    verdict: Verdict


def verify(
    archive: Archive, trusted: Trust | None = None, sheets: Sequence[bytes] = (), kept: Sequence[str] = ()
) -> Report:
    """Run every check. One that fails never keeps the others from running.

    `sheets` are commissioning sheets that manifests name by their hashes, for the traceability of their meters; `kept`
    are checkpoints the reader has from elsewhere: this ledger must begin with them.
    """
    read, unreadable = trail.read(archive)
    outside = check_anchor.read(read, trusted, kept)
    found = tuple(_findings(read, unreadable, trusted, outside, sheets))
    standings = {finding.standing for finding in found}
    if "failed" in standings:
        return Report(found, "failed")
    if "withheld" in standings:
        return Report(found, "incomplete")
    if trusted is None:
        return Report(found, "self-consistent")
    last = check_time.last_index(read)
    return Report(found, "pinned" if last is None or not outside.covers(last) else "anchored")


def findings(archive: Archive, trusted: Trust | None = None, sheets: Sequence[bytes] = ()) -> Iterator[Finding]:
    """What every check finds, one after another: first whose words these are, then what they amount to."""
    read, unreadable = trail.read(archive)
    yield from _findings(read, unreadable, trusted, check_anchor.read(read, trusted), sheets)


def _findings(
    read: trail.Trail, unreadable: Sequence[Finding], trusted: Trust | None, outside: Outside, sheets: Sequence[bytes]
) -> Iterator[Finding]:
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
    yield from check_void.voids(read, _period(read.archive))
    yield from check_receipts.receipts(read, ring)
    yield from check_ledger.history(read)
    yield from outside.findings
    yield from check_withheld.counted(read)
    yield from _numbers(read, ring, sheets)
    if trusted is not None:
        yield from trust.pinned(read, trusted, ring)
    yield from check_time.times(read, outside)


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
        found = recomputed(whole, ALL_TIME, provisional=True)
        return [*found.findings, *_traced(found, ring, ALL_TIME, sheets)]
    try:
        said = check_statement.claim(whole.archive.statement)
        period, provisional = said.period, said.provisional
    except Malformed:
        period, provisional = None, False  # the statement's own check says why
    read, findings = check_statement.run(whole)
    found = recomputed(read, period, provisional=provisional)
    findings += [*found.findings, *check_statement.statement(found)]
    findings += check_keys.resting(read, ring, period or ALL_TIME, found.counted())
    return [*findings, *_traced(found, ring, period or ALL_TIME, sheets)]


def _traced(found: Recomputed, ring: keyring.Keyring, period: Period, sheets: Sequence[bytes]) -> Iterator[Finding]:
    """The traceability of every meter that the batches of the period, or the statement itself, rest on."""
    mine = [one for one in found.batches if period.touches(one.head.start.earliest_ns, one.head.end.latest_ns)]
    meters = {(one.agent, amount.meter) for one in mine for amount in one.amounts}
    if found.trail.archive.statement:
        with suppress(
            ValueError, ArithmeticError, RecursionError
        ):  # a site model that cannot be read is a finding of the statement's own
            meters |= check_statement.metered(found.trail, found.known, mine)
    yield from traceability.findings(traceability.traced(found.trail, found.known, ring, meters, period, sheets))
