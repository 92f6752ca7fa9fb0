"""Ends that were told must have a record, unless the statement says it is still provisional."""

import archive_maker as maker
from archive_maker import AGENT, index_of

from verifier import archive, check_batches, check_events, trail

PERIOD = check_batches.Period(maker.FROM_NS, maker.TO_NS)


def told(made: maker.Factory, period: check_batches.Period | None = PERIOD, *, provisional: bool = False):
    seen, _ = trail.read(archive.read(made.pack()))
    batches, _ = check_batches.read(seen, period)
    return list(check_events.unaccounted(seen, batches[:1], period, provisional=provisional))


def test_an_end_without_a_record_fails_a_final_statement_only():
    (final,) = told(maker.factory())
    assert (final.ok, "batch L1-0002 of line1 ended" in final.text) == (False, True)
    (open_,) = told(maker.factory(), provisional=True)
    assert (open_.ok, open_.text) == (True, "2 ends of batches told, 1 with a record, 1 still waited for")


def test_ends_outside_the_period_are_not_asked_for():
    (finding,) = told(maker.factory(), check_batches.Period(maker.FROM_NS, maker.FROM_NS + 400 * maker.S))
    assert finding.text == "1 ends of batches told, 1 with a record"
    assert told(maker.factory(), None) == []


def test_withheld_and_unreadable_events_are_named():
    made = maker.factory()
    made.ledger[index_of(made, AGENT, "event")][1] = None
    made.add(AGENT, "event", [b"\xa1\x64part\x65event"], maker.FROM_NS, maker.FROM_NS)
    findings = told(made, provisional=True)
    assert [finding.ok for finding in findings] == [False, False]
    assert (findings[0].standing, "EventPart" in findings[0].text) == ("failed", True)
    assert (findings[1].standing, "withheld" in findings[1].text) == ("withheld", True)


def test_an_end_whose_record_may_be_one_withheld_is_not_said_to_have_none():
    made = maker.factory()
    assert "L1-0002 of line1 ended, but has no record" in told(made)[0].text
    made.ledger[index_of(made, AGENT, "batch", 1)][1] = None  # its header ends when the batch did
    (finding,) = told(made)
    assert finding.ok
