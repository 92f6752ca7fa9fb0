"""What agents say of their clocks is counted and told, and fails nothing."""

from dataclasses import replace

import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY, S

from contract import records
from contract.entry import Clock
from verifier import archive, check_batches, check_clock, trail

PERIOD = check_batches.Period(maker.FROM_NS, maker.TO_NS)
LOST = Clock(synchronised=False, error_ns=None, boot=bytes(15) + b"2", monotonic_ns=7)


def clock_event(name, from_ns, to_ns, detail=None):
    detail = {"step_ns": 1, "from_ns": from_ns, "to_ns": to_ns, "boot": None, "monotonic_ns": 5, **(detail or {})}
    return records.write(records.EventPart(event=name, about="clock", at_ns=to_ns, detail=detail))


def told(made, batches=None):
    seen, _ = trail.read(archive.read(made.pack()))
    (finding,) = check_clock.clocks(seen, check_batches.read(seen, PERIOD)[0] if batches is None else batches)
    assert (finding.check, finding.ok) == ("clock", True)
    return finding


def entries_of(made):
    seen, _ = trail.read(archive.read(made.pack()))
    return sum(item.header.author == AGENT for item in seen.items)


def test_a_clock_that_always_followed_another():
    made = maker.factory()
    count = entries_of(made)
    found = told(made)
    assert found.text == f"{AGENT}: {count} of {count} entries synchronised, error at most 12.3 ms; 1 boots"
    assert found.told["jumps"] == []


def test_what_is_not_known_is_said():
    made = maker.factory()
    made.clock = LOST
    made.add(AGENT, "event", [clock_event("clock_behind", 5, 5)], maker.TO_NS, maker.TO_NS)
    made.add(AGENT, "event", [clock_event("clock_step", 5, 5)], maker.TO_NS, maker.TO_NS)
    made.add(GATEWAY, "event", [clock_event("clock_step", 5, 5)], maker.TO_NS, maker.TO_NS)
    count = entries_of(made)
    assert told(made).text == (
        f"{AGENT}: {count - 2} of {count} entries synchronised, error at most 12.3 ms, that of 2 not known; 2 boots"
        "; its machine's clock moved 2 times and its time did not follow"
    )


def test_batches_that_run_across_a_jump_are_counted():
    """The first batch of the archive, and a jump within it; a jump before everything concerns none."""
    made = maker.factory()
    seen, _ = trail.read(archive.read(made.pack()))
    first = check_batches.read(seen, PERIOD)[0][0].head
    inside = first.start.latest_ns + S
    before = clock_event("clock_reanchored", 0, 7200 * S)
    across = clock_event("clock_reanchored", inside, inside + 3600 * S)
    made.add(AGENT, "event", [before], maker.TO_NS, maker.TO_NS)
    assert told(made).text.endswith("; its time jumped 1 times, 2:00:00 (h:mm:ss) in all, 0 batches run across")
    made.add(AGENT, "event", [across], maker.TO_NS, maker.TO_NS)
    found = told(made)
    assert found.told["jumps"] == [[0, 7200 * S], [inside, inside + 3600 * S]]
    assert found.told["batches_across_a_jump"] >= 1


@pytest.mark.parametrize("policy", ["observed", "reported", "schedule"])
@pytest.mark.parametrize("followed", [True, False, None])
def test_edges_by_another_s_time_need_a_clock_that_follows_it(policy, followed):
    made = maker.factory()
    seen, _ = trail.read(archive.read(made.pack()))
    batch = check_batches.read(seen, PERIOD)[0][0]
    if policy == "schedule":
        edge = records.ScheduledEdge(earliest_ns=1, latest_ns=1, shift="day", on="2026-11-20")
    else:
        edge = batch.head.start.model_copy(update={"policy": policy})
    header = batch.item.header.model_copy(
        update={"clock": batch.item.header.clock.model_copy(update={"synchronised": followed})}
    )
    container = replace(batch.item.container, header=header)
    altered = replace(
        batch,
        head=batch.head.model_copy(update={"start": edge, "end": edge}),
        item=replace(batch.item, container=container),
    )
    found = told(made, [altered])
    assert found.told["batches_by_another_clock"] == int(policy != "observed" and followed is False)
    assert ("by another's time" in found.text) == bool(found.told["batches_by_another_clock"])


def test_an_event_that_cannot_be_read_is_passed_over():
    made = maker.factory()
    made.add(AGENT, "event", [b"\xa1\x64part\x65event"], maker.TO_NS, maker.TO_NS)
    made.add(AGENT, "event", [clock_event("clock_reanchored", 5, 6, {"from_ns": "5"})], maker.TO_NS, maker.TO_NS)
    assert told(made).told["jumps"] == []
