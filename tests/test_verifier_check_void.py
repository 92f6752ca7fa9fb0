"""A hole that its author declared is named, and fails the statement it may have taken a batch from."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY

from contract import receipt, records
from contract.entry import read
from contract.void_records import VoidPart
from verifier import archive
from verifier.check_batches import Period
from verifier.check_void import voids
from verifier.trail import read as take_apart
from verifier.verify import verify


def headers(made: maker.Factory):
    return [read(signed).header for signed, _ in made.ledger]


def lost(made: maker.Factory, first: int, last: int, time: tuple[int, int], *, known: bool = True) -> maker.Factory:
    """The agent's second epoch lacks entries first..last, which a third declares lost."""
    writer = made.writers[AGENT]
    assert writer.head is not None
    of = [read(signed) for signed, _ in made.ledger]
    gone = {seq: one.hash(maker.SITE) for one in of if one.header.epoch == writer.epoch for seq in [one.header.seq]}
    whole, made.ledger = made.ledger, []
    kept = [pair for pair, one in zip(whole, of, strict=True) if one.header.epoch != writer.epoch]
    mine = [(one.header.seq, pair) for pair, one in zip(whole, of, strict=True) if one.header.epoch == writer.epoch]
    made.ledger = kept + [pair for seq, pair in mine if seq < first]
    made.epoch(AGENT, maker.manifest_parts(), maker.TO_NS, writer.head)
    part = VoidPart(
        epoch=writer.epoch, first=first, last=last, last_hash=gone[last] if known else None, from_ns=time[0],
        to_ns=time[1], cause="disk_full", detail="2023-11-14.db",
    )  # fmt: skip
    made.add(AGENT, "void", [records.write(part)], *time)
    made.ledger += [pair for seq, pair in mine if seq > last]
    return made


def whole_ledger(made: maker.Factory) -> list[str]:
    made.statement, made.receipts = b"", []
    return [f.line() for f in verify(archive.read(made.pack())).findings if f.check in {"chain", "void", "receipt"}]


def plain() -> maker.Factory:
    """A ledger before the statement: entries 0 to 13 of the agent's second epoch."""
    made = maker.opened()
    maker.produced(made)
    return made


TAIL = (maker.T0 + 1150 * maker.S, maker.T0 + 1180 * maker.S)


def test_a_declared_hole_is_named_in_a_whole_ledger():
    last = max(h.seq for h in headers(plain()) if h.author == AGENT)
    told = whole_ledger(lost(plain(), 3, last - 1, TAIL))
    assert "ok   chain edge-1: 19 entries in 3 epochs, 1 range declared lost" in told
    (void,) = [line for line in told if line.startswith("ok   void")]
    assert f"/3 to {last - 1}: {last - 3} entries lost (disk_full, 2023-11-14.db)" in void
    assert "of 2023-11-14T22:32:30Z to 2023-11-14T22:33:00Z, declared 2023-11-14T22:33:00Z by entry" in void


@pytest.mark.parametrize("first", [0, 5], ids=["whole-epoch", "tail"])
@pytest.mark.parametrize("known", [True, False], ids=["hash-known", "hash-unknown"])
def test_an_epoch_lost_to_its_end_is_named(first: int, known: bool):
    last = max(h.seq for h in headers(plain()) if h.author == AGENT)
    told = whole_ledger(lost(plain(), first, last, TAIL, known=known))
    assert [line[:10] for line in told] == ["ok   chain", "ok   chain", "ok   void ", "ok   recei"]


def test_an_undeclared_hole_is_a_fault_beside_a_declared_one():
    made = lost(plain(), 3, 5, TAIL)
    del made.ledger[-2]
    assert any("FAIL chain" in line and "is due" in line for line in whole_ledger(made))


def test_another_last_entry_than_the_declared_one_is_a_fault():
    made = lost(plain(), 3, 5, TAIL)
    made.ledger.pop(maker.index_of(made, AGENT, "void"))
    other = VoidPart(
        epoch=headers(made)[-1].epoch, first=3, last=5, last_hash=bytes(32), from_ns=0, to_ns=0, cause="damaged",
        detail="",
    )  # fmt: skip
    after, made.ledger = made.ledger[-8:], made.ledger[:-8]
    made.add(AGENT, "void", [records.write(other)], *TAIL)
    made.ledger += after
    assert any("FAIL chain" in line and "does not follow the hash" in line for line in whole_ledger(made))


def test_what_turns_up_again_is_counted_as_here():
    made = plain()
    epoch = made.writers[AGENT].epoch
    gone = [pair for pair in made.ledger if (h := read(pair[0]).header).epoch == epoch and 3 <= h.seq <= 5]
    made = lost(made, 3, 5, TAIL)
    made.ledger += gone
    told = whole_ledger(made)
    assert not [line for line in told if line.startswith("FAIL")]
    assert any(line.startswith("ok   void") and line.endswith("but all of it is here") for line in told)
    made.ledger[-1], made.ledger[-2] = made.ledger[-2], made.ledger[-1]
    assert any(line.startswith("FAIL chain") for line in whole_ledger(made))


def test_behind_a_withheld_void_a_hole_cannot_be_judged():
    made = lost(plain(), 3, 5, TAIL)
    made.ledger[maker.index_of(made, AGENT, "void")][1] = None
    told = [line for line in whole_ledger(made) if not line.startswith("ok")]
    assert [line[:10] for line in told] == ["LACK chain", "LACK chain"]
    assert "seq 6 where 3 is due" in told[0]
    assert told[1].endswith("withheld: what it declares lost is unknown")


def test_a_receipt_may_name_the_end_of_a_declared_hole():
    made = lost(plain(), 3, 5, TAIL)
    void = records.read(
        next(p for i in take_apart(archive.read(made.pack()))[0].of("void") for p in i.shown()), VoidPart
    )
    for digest, verdict in ((void.last_hash, "ok  "), (bytes(32), "FAIL")):
        head = receipt.EpochHead(epoch=void.epoch, seq=5, hash=digest)
        said = receipt.Receipt(
            v=1, agent=AGENT, at_ns=0, heads=[head], wanted=[], refused=[], checkpoint=made.head()
        )  # fmt: skip
        made.receipts = [receipt.sign(said, made.private[GATEWAY], maker.SITE)]
        found = [f.line() for f in verify(archive.read(made.pack())).findings if f.check == "receipt"]
        assert found[0].startswith(verdict)


FROM_NS, TO_NS = maker.TO_NS + 100 * maker.S, maker.TO_NS + 200 * maker.S  # long after the entries around the hole


@pytest.mark.parametrize(
    ("time", "ok"),
    [
        ((FROM_NS - 9, FROM_NS - 1), True),
        ((FROM_NS - 9, FROM_NS), False),
        ((TO_NS - 1, TO_NS + 9), False),
        ((TO_NS, TO_NS + 9), True),
        ((-(2**63), 2**63 - 1), False),
    ],
    ids=["before", "reaching-in", "at-the-end", "after", "any-time"],
)
def test_a_statement_of_a_touched_period_fails(time: tuple[int, int], ok: bool):
    seen, _ = take_apart(archive.read(lost(plain(), 3, 5, time).pack()))
    (finding,) = voids(seen, Period(FROM_NS, TO_NS))
    assert finding.ok is ok
    assert finding.text.endswith("the statement's period is not complete") is not ok


def test_a_length_that_nobody_can_count_costs_nothing():
    made = plain()
    part = VoidPart(
        epoch=bytes(16), first=0, last=2**63 - 1, last_hash=None, from_ns=0, to_ns=0, cause="damaged", detail=""
    )
    made.epoch(AGENT, [], maker.TO_NS)
    made.add(AGENT, "void", [records.write(part)], *TAIL)
    assert any(f"{2**63} entries lost (damaged)" in line for line in whole_ledger(made))
