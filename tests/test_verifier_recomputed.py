"""What is recomputed rests on one branch at a time, in the order of the chain, whatever order it was admitted in."""

import archive_maker as maker
import pytest
from archive_maker import AGENT
from test_verifier_check_void import lost, plain
from test_verifier_lineages import acknowledge, refer

from contract.chain import Head
from contract.entry import read as read_entry
from verifier import archive, lineages, trail
from verifier.check_batches import Period
from verifier.recomputed import recomputed
from verifier.verify import ALL_TIME


def whole(made: maker.Factory) -> trail.Trail:
    made.statement, made.receipts = b"", []
    return trail.read(archive.read(made.pack()))[0]


def faults(made: maker.Factory, period: Period = ALL_TIME) -> list[str]:
    seen = whole(made)
    return [one.line() for one in recomputed(seen, period, provisional=True).findings if not one.ok]


def late() -> maker.Factory:
    """The agent's first epoch is admitted after its second."""
    made = plain()
    first = next(
        read_entry(signed).header.epoch for signed, _ in made.ledger if read_entry(signed).header.author == AGENT
    )
    older = [pair for pair in made.ledger if read_entry(pair[0]).header.epoch == first]
    made.ledger = [pair for pair in made.ledger if pair not in older] + older
    return made


def test_an_older_epoch_that_came_late_is_what_the_newer_rests_on():
    assert faults(late()) == []
    made = plain()
    views = lineages.views(whole(made), whole(made).items)
    assert views.main == whole(made).items
    assert (views.sides, views.lost) == ((), ())
    again = lineages.views(whole(late()), whole(late()).items)
    chain = [(i.header.epoch, i.header.seq) for i in again.main if i.header.author == AGENT]
    assert chain == [(i.header.epoch, i.header.seq) for i in views.main if i.header.author == AGENT]
    assert [i.order for i in again.main if i.header.author == AGENT] == list(range(len(chain)))


@pytest.mark.parametrize("keeps", ["this", "other"])
def test_every_entry_is_judged_in_one_view(keeps: str):
    made = plain()
    heads = [read_entry(signed) for signed, _ in made.ledger]
    mine = [one for one in heads if one.header.author == AGENT]
    parent = Head(mine[9].header.epoch, mine[9].header.seq, mine[9].hash(maker.SITE))
    made.epoch(AGENT, maker.manifest_parts(), maker.TO_NS, parent)
    ref = refer(made, len(made.ledger) - 1)
    acknowledge(made, ref, keeps)
    seen = whole(made)
    views = lineages.views(seen, seen.items)
    judged = [item.index for item in views.main] + [index for side in views.sides for index in side.standings]
    assert sorted(judged) == [item.index for item in seen.items]
    standings = {name for side in views.sides for name in side.standings.values()}
    assert standings == ({"before"} if keeps == "this" else {"aside"})
    assert faults(made) == []


def test_what_is_found_on_a_branch_that_counts_is_a_fault_and_on_one_set_aside_is_told():
    for keeps in ("this", "other"):
        made = plain()
        mine = [read_entry(signed) for signed, _ in made.ledger if read_entry(signed).header.author == AGENT]
        parent = Head(mine[9].header.epoch, mine[9].header.seq, mine[9].hash(maker.SITE))
        if keeps == "other":  # a batch for which the new branch has no readings
            made.epoch(AGENT, maker.manifest_parts(), maker.TO_NS, parent)
            ref = refer(made, len(made.ledger) - 1)
            maker.add_batch(made, "L1-0002")
            acknowledge(made, ref, "other")
            assert faults(made) == []
            found = recomputed(whole(made), ALL_TIME, provisional=True).findings
            assert any(one.check == "branch" and "it does not hold: on edge-1" in one.text for one in found)
        else:
            made.epoch(AGENT, maker.manifest_parts(), maker.TO_NS, parent)
            maker.add_batch(made, "L1-0002")
            assert any(line.startswith("FAIL batch L1-0002") for line in faults(made))


@pytest.mark.parametrize("stated", [True, False], ids=["statement", "whole-ledger"])
def test_a_batch_whose_readings_were_lost_fails_only_the_statement_that_counts_it(stated: bool):
    made = plain()
    mine = [one.header for one in map(read_entry, [signed for signed, _ in made.ledger]) if one.header.author == AGENT]
    segments = [of for of in mine if of.epoch == made.writers[AGENT].epoch and of.type == "segment"]
    gone = segments[3]  # readings 78 to 83, and the batch ends before reading 81
    made = lost(made, gone.seq, gone.seq, (gone.from_ns, gone.to_ns))
    made.statement, made.receipts = b"{}" if stated else b"", []
    seen = trail.read(archive.read(made.pack()))[0]
    found = [one for one in recomputed(seen, ALL_TIME, provisional=True).findings if one.check in {"void", "batch"}]
    (void,) = [one for one in found if one.check == "void"]
    assert void.text.startswith("L1-0002: not recomputable, for entries that it may rest on were lost: L1-0002 ")
    assert void.ok is not stated
    assert [one.ok for one in found if one.check == "batch"] == [True]
