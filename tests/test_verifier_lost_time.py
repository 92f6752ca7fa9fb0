"""What is gone was sealed between the entries around it, whatever time its author claims for it."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, TO_NS, S
from test_verifier_check_void import lost

from contract.void_records import VoidPart
from verifier import archive
from verifier.check_batches import Period
from verifier.check_void import voids
from verifier.lost_time import Around
from verifier.trail import Item, read


def items(made: maker.Factory) -> list[Item]:
    trail, _ = read(archive.read(made.pack()))
    return [item for item in trail.items if item.header.author == AGENT]


def produced() -> maker.Factory:
    made = maker.opened()
    maker.produced(made)
    return made


def claimed(epoch: bytes, first: int, last: int) -> VoidPart:
    return VoidPart(
        epoch=epoch, first=first, last=last, last_hash=None, from_ns=0, to_ns=1, cause="damaged", detail=""
    )  # fmt: skip


@pytest.mark.parametrize("time", [(0, 1), (TO_NS + 50 * S, TO_NS + 60 * S)], ids=["long-before", "after"])
def test_another_time_claimed_for_what_the_period_lacks_does_not_complete_it(time: tuple[int, int]):
    made = lost(produced(), 4, 8, time)  # the second batch, its end and its readings
    trail, _ = read(archive.read(made.pack()))
    (found,) = voids(trail, Period(maker.FROM_NS, TO_NS))
    assert not found.ok
    assert "by the entries around them they were sealed 2023-11-14T22:26:10Z to 2023-11-14T22:30:10Z" in found.text
    assert found.text.endswith("the statement's period is not complete")
    (other,) = voids(trail, Period(maker.T0 - 10 * S, maker.T0))
    assert other.ok


def test_an_epoch_lost_whole_lies_after_its_authors_entry_before_it():
    """Segments end 20 ms after their last request; the first epoch's last at 590 s, the next manifest at 600 s."""
    mine = items(produced())
    (gone,) = {item.header.epoch for item in mine if item.index == mine[-1].index}
    first = [item for item in mine if item.header.epoch != gone]
    made = produced()
    made.epoch(AGENT, maker.manifest_parts(), TO_NS, made.writers[AGENT].head)
    heir = items(made)[-1]
    sealed = Around.of([*first, heir]).sealed(heir, claimed(gone, 0, 20))
    assert sealed == (first[-1].header.sealed_ns, TO_NS)


def test_a_clock_set_back_in_between_leaves_all_the_time_between():
    mine = items(produced())
    made = produced()
    made.epoch(AGENT, maker.manifest_parts(), 5, made.writers[AGENT].head)  # a boot in 1970
    late = items(made)[-1]
    kept = [item for item in mine if item.header.epoch != mine[-1].header.epoch or item.header.seq < 4]
    sealed = Around.of([*kept, late]).sealed(late, claimed(mine[-1].header.epoch, 4, 12))
    assert sealed == (5, kept[-1].header.sealed_ns)


def test_nothing_is_known_of_what_came_before_everything():
    mine = items(produced())
    assert Around.of(mine).sealed(mine[0], claimed(bytes(15) + b"x", 0, 3)) is None
