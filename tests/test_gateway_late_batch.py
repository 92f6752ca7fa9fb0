"""A batch told later: computed from the agent's readings, complete, incomplete with the reason, or refused."""

from fractions import Fraction

import archive_maker as maker
import media_plant as plant
import pytest
from archive_maker import AGENT, T0, S
from late_plant import NOW_NS, silent, take, told
from pydantic import ValidationError

from contract import records
from contract.late_records import LatePart
from contract.problems import Problems
from gateway import late_batch
from gateway.attribution import late_facts


@pytest.fixture
def sealer(tmp_path):
    opened = silent(tmp_path)
    yield opened
    opened.ledger.close()


def later(sealer, seconds=10_000):
    """The agent goes on reading, more than an hour after everything."""
    at = T0 + (1200 + seconds) * S
    sealer.made.add(AGENT, "segment", [], at, at)
    sealer.append()


def refused(sealer, **changes):
    with pytest.raises((Problems, ValueError)) as found:
        late_batch.parts(told(**changes), sealer.ledger)
    return str(found.value).splitlines()


def test_it_holds_what_the_registers_say(sealer):
    size = sealer.ledger.size
    late, head, energy, good = take(sealer, told())
    late, head = records.read(late, LatePart), records.read(head, records.BatchPart)
    assert (late.agent, late.ledger_size, late.way, late.author, late.lacking) == (AGENT, size, "command", "Li", [])
    assert (head.batch, head.closed, head.start.policy) == ("L1-0003", "complete", "declared")
    assert (head.start.earliest_ns, head.start.latest_ns) == (T0 + 848 * S, T0 + 852 * S)
    energy, good = (records.read(part, records.AmountPart) for part in (energy, good))
    assert (energy.meter, energy.amount, good.amount) == ("line1", 140_000, 60_000_000)
    # the start rests on readings 84 and 86, the end on 104 and 106, registers being up to 1 s old; one step is 1 Wh
    assert (energy.lower, energy.upper) == (7000 * (104 - 86) - 1000, 7000 * (106 - 84) + 1000)


def test_its_facts_are_the_agents_batch_with_who_told_it(sealer):
    known = late_facts(take(sealer, told()))
    assert (known.agent, known.line, known.energy_wh_milli, known.complete) == (AGENT, "line1", 140_000, True)
    assert (known.start_ns, known.end_ns) == (T0 + 850 * S, T0 + 1050 * S)
    assert (known.late.author, known.late.reason, known.late.told_ns) == ("Li", "the controller was off", NOW_NS)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"line": "line9"}, "line: 'line9' is not in the site model: did you mean line1?"),
        ({"product": "coyl"}, "product: 'coyl' is not in the site model: did you mean coil?"),
        ({"end_ns": T0 + 850 * S}, "end: is not after its start: give a later time"),
        ({"end_ns": T0 + 33 * 86_400 * S, "told_ns": 2 * T0},
         "end: more than 31 days after its start: check the year and the month"),
        ({"told_ns": T0 + 1000 * S}, "end: has not passed yet: tell a batch when it has ended"),
        ({"start_ns": T0 + 790 * S},
         "start: overlaps batch L1-0002 (entry 26 of the ledger) of this line: give times between other batches"),
        ({"batch": "L1-0002"},
         "batch: L1-0002 is there already (entry 26 of the ledger), within a week of it: give it another id"),
        ({"start_ns": T0 - 900 * S, "end_ns": T0 - 800 * S}, "line: nothing of edge-1 is in the ledger from that time"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(sealer, changes, line):
    assert refused(sealer, **changes) == [line]


def test_all_that_is_wrong_with_it_is_told_at_once(sealer):
    assert len(refused(sealer, line="line9", product="foil", end_ns=T0)) == 3


def test_told_twice_it_is_refused_and_filed_twice_it_is_the_same(sealer):
    parts = take(sealer, told())
    assert list(late_batch.parts(told(), sealer.ledger)) == parts
    (again,) = refused(sealer, told_ns=NOW_NS + 1)
    assert again.startswith("start: overlaps batch L1-0003 (entry ")
    assert again.endswith(" of the ledger, told late) of this line: give times between other batches")


def test_readings_still_to_come_are_waited_for(sealer):
    (line,) = refused(sealer, end_ns=T0 + 1300 * S)
    assert line == (
        "end: what it needs may still come (line1/energy_import: no reading after its end): tell it again when edge-1's"
        " readings reach an hour beyond it"
    )


def test_without_readings_it_is_incomplete_and_says_why(sealer):
    later(sealer)
    late, head, energy, _ = take(sealer, told(end_ns=T0 + 1300 * S))
    assert records.read(late, LatePart).lacking == [
        "line1/energy_import: no reading after its end", "scale1/good: no reading after its end",
    ]  # fmt: skip
    assert records.read(head, records.BatchPart).closed == "incomplete"
    assert records.read(energy, records.AmountPart).upper is None
    late, _, energy, _ = take(sealer, told(batch="B4", start_ns=T0 + 1400 * S, end_ns=T0 + 4900 * S))
    assert records.read(energy, records.AmountPart).amount is None
    assert "no reading after its end" in records.read(late, LatePart).lacking[0]


def test_a_batch_that_began_before_the_first_reading_is_incomplete(tmp_path):
    sealer = silent(tmp_path, batches=())
    late, _, energy, _ = take(sealer, told(start_ns=T0 - 100 * S, end_ns=T0 + 100 * S))
    assert records.read(late, LatePart).lacking[0] == "line1/energy_import: no reading before its start"
    assert records.read(energy, records.AmountPart).amount is None
    sealer.ledger.close()


def test_a_line_without_a_meter_or_that_was_not_declared_then_is_refused(tmp_path):
    parts = maker.manifest_parts()
    bare = records.read(parts[-1], records.LinePart)
    for number, (line, words) in enumerate(
        [
            (bare.model_copy(update={"energy": []}), "line: line1 had no meter then"),
            (bare.model_copy(update={"line": "saw"}), "line: edge-1 declared no line 'line1' then: it declared saw"),
        ]
    ):
        (folder := tmp_path / str(number)).mkdir()
        sealer = silent(folder, (), parts=[*parts[:-1], records.write(line)])
        assert refused(sealer)[0].startswith(words)
        sealer.ledger.close()


@pytest.mark.parametrize(("field", "value"), [("author", ""), ("reason", ""), ("edge_ns", -1), ("file_hash", "abc")])
def test_a_filing_without_author_or_reason_is_none(field, value):
    with pytest.raises(ValidationError, match=field):
        told(**{field: value})


def test_a_derived_counter_of_the_line_is_in_it(tmp_path, monkeypatch):
    plant.equip(monkeypatch, [plant.NORMAL_REF], (records.write(plant.NORMAL),))
    sealer = silent(tmp_path)
    *_, medium = (records.read(part, records.AmountPart) for part in take(sealer, told())[2:])
    sealer.ledger.close()
    weight = [Fraction(300) * Fraction("293.15") / (Fraction("101.325") * Fraction(k)) for k in ("283.15", "293.15")]
    assert (medium.point, medium.amount) == ("normal_volume", 20 * round(2_000_000 * sum(weight) / 2))
