"""Withholding is never tampering: what is shown is still checked, and what cannot be decided is named, not failed."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY, Factory, failures, index_of

from contract import body, cose
from verifier import archive
from verifier.verify import verify

METERS = list(maker.METERS)  # the order of parts in a segment


def without(made: Factory, at: int, *numbers: int) -> None:
    count = len(body.unpack(made.ledger[at][1]).parts)
    made.ledger[at][1] = body.redact(made.ledger[at][1], set(range(count)) - set(numbers))


def without_meter(meter: str, nth: int) -> Factory:
    made = maker.factory()
    without(made, index_of(made, AGENT, "segment", nth), METERS.index(meter))
    return made


def test_how_much_is_withheld_is_counted_and_is_no_fault():
    made = without_meter("comp1", 19)  # after the period
    made.ledger[index_of(made, AGENT, "segment", 18)][1] = None
    report = verify(archive.read(made.pack()))
    told = [finding.text for finding in report.findings if finding.check == "withheld"]
    assert told == ["1 bodies, and 1 parts of others: segment 1 whole, 1 parts"]
    assert "withheld" not in {finding.check for finding in verify(archive.read(maker.factory().pack())).findings}


@pytest.mark.parametrize(("meter", "checks"), [("line1", ["batch"]), ("comp1", ["statement"]), ("air1", ["statement"])])
def test_a_meter_withheld_is_lacking_where_its_readings_are_needed_and_nowhere_else(meter: str, checks: list[str]):
    """The line's meter is the batch's; the compressor's are the statement's own. Segment 4 lies in both."""
    lines = failures(without_meter(meter, 4))
    assert [line.split()[:2] for line in lines] == [["LACK", check] for check in checks]
    assert all(f"{index_of(maker.factory(), AGENT, 'segment', 4)} {AGENT}" in line for line in lines)


def test_a_meter_withheld_in_every_segment_leaves_its_partition_open_for_want_of_them():
    made = maker.factory()
    for nth in range(20):
        without(made, index_of(made, AGENT, "segment", nth), METERS.index("line1"))
    (line,) = [line for line in failures(made) if " partition " in line]
    assert line.startswith("LACK partition edge-1 line1/energy_import: open: ")


def test_a_manifest_withheld_is_lacking_where_something_in_the_period_stands_under_it():
    made = maker.factory()
    at = index_of(made, AGENT, "manifest", 1)
    made.ledger[at][1] = None
    lines = failures(made)
    assert all(line.startswith("LACK ") for line in lines)
    assert {"chain", "profile", "batch", "statement"} <= {line.split()[1] for line in lines}
    assert any(f"L1-0002: not recomputable: manifest {at} " in line for line in lines)
    assert not any("L1-0001" in line for line in lines)  # closed under the first


def test_a_manifest_withheld_under_which_nothing_is_in_the_period_is_not_lacking():
    made = maker.factory()
    made.epoch(AGENT, maker.manifest_parts(), maker.TO_NS + maker.S)
    without(made, len(made.ledger) - 1, 2)
    assert failures(made) == []


def test_an_enrolment_withheld_leaves_its_authors_signatures_undecided():
    made = maker.factory()
    made.ledger[2][1] = None  # the agent's
    lines = failures(made)
    assert {line.split()[1] for line in lines} == {"signature"}
    assert len(lines) == sum(
        1 for line in lines if f" {AGENT} " in line and line.endswith("2 gateway 00000000/2 (enrolment)")
    )


def test_a_known_key_under_another_name_fails_whatever_is_withheld():
    made = maker.factory()
    made.ledger[2][1] = None
    at = index_of(made, AGENT, "segment", 2)
    made.ledger[at][0] = cose.sign(cose.parse(made.ledger[at][0]).payload, made.private["edge-2"], "entry", maker.SITE)
    assert any(line.startswith(f"FAIL signature {at} ") for line in failures(made))


def test_a_figure_that_contradicts_what_is_shown_fails_whatever_is_withheld():
    made = maker.factory()
    made.statement = made.statement.replace(b'"metered_wh_milli":208000', b'"metered_wh_milli":207999')
    made.ledger[index_of(made, AGENT, "segment", 19)][1] = None  # nothing rests on it
    report = verify(archive.read(made.pack()))
    assert report.verdict == "failed"
    assert {f.check for f in report.findings if f.standing == "failed"} == {"statement", "run"}


def test_a_statement_bent_under_a_redacted_copy_is_still_not_the_recorded_one():
    made = without_meter("comp1", 4)
    made.statement = made.statement.replace(b'"metered_wh_milli":208000', b'"metered_wh_milli":207999')
    lines = failures(made)
    assert any(line.startswith("FAIL run no run entry") for line in lines)
    assert any(line.startswith("LACK statement") for line in lines)


def test_the_run_entry_withheld_is_lacking():
    made = maker.factory()
    made.ledger[index_of(made, GATEWAY, "run")][1] = None
    (line,) = failures(made)
    assert line.startswith("LACK run no run entry of the gateway carries this statement; withheld: ")
