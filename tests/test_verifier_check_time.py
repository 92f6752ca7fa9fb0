"""The bracket of each entry: after the last outsider's word its author had seen, by the first that saw the entry."""

import archive_maker as maker
from archive_maker import Factory
from test_verifier_check_recover import NEW, Recovered
from witnesses import NAME, S, cosigned, sealed, trusting

from contract import checkpoint
from contract.entry import TreeHead
from verifier import archive
from verifier.check_anchor import time_text
from verifier.finding import Finding
from verifier.verify import verify

EARLY, MIDDLE, LATE = (maker.T0 // S + minutes * 60 for minutes in (2, 16, 30))


def told_times() -> Factory:
    """Co-signed after the enrolments, after the production, and after the run."""
    made = maker.opened()
    sealed(made, cosigned(made.note(), EARLY), EARLY * S)
    maker.produced(made)
    sealed(made, cosigned(made.note(), MIDDLE), MIDDLE * S)
    maker.stated(made)
    sealed(made, cosigned(made.note(), LATE), LATE * S)
    return made


def times(made: Factory) -> list[Finding]:
    found = verify(archive.read(made.pack()), trusting(made)).findings
    return [finding for finding in found if finding.check == "time"]


def test_each_entry_stands_between_the_words_around_it():
    made = told_times()
    *batches, run = times(made)
    assert [one.told["not_before_ns"] for one in batches] == [EARLY * S] * 2
    assert [one.told["not_after_ns"] for one in batches] == [MIDDLE * S + S - 1] * 2  # a witness tells whole seconds
    assert (run.told["not_before_ns"], run.told["not_after_ns"]) == (MIDDLE * S, LATE * S + S - 1)
    assert run.told["index"] == maker.index_of(made, maker.GATEWAY, "run")
    assert run.text == (
        f"{run.told['index']} run: not before {time_text(MIDDLE * S)} ({NAME}), not after {time_text(LATE * S)}"
        f" ({NAME}); its author's clock {time_text(maker.TO_NS)}"
    )


def test_an_anchor_bounds_nothing_that_its_author_had_not_seen():
    """Sealed in the ledger between two entries, but the second names the tree from before it."""
    made = maker.opened()
    seen = made.head()
    sealed(made, cosigned(made.note(), EARLY), EARLY * S)
    true_head, made.head = made.head, lambda: seen  # type: ignore[method-assign] - an agent that heard nothing since
    maker.produced(made)
    made.head = true_head  # type: ignore[method-assign]
    maker.stated(made)
    batches = times(made)[:-1]
    assert [one.told["not_before_ns"] for one in batches] == [None, None]
    assert "not before: no outsider tells, not after: no outsider tells" in batches[0].text


def test_a_head_of_a_ledger_that_was_replaced_bounds_nothing():
    """A batch sealed while the old ledger had a thousand entries comes again, behind an anchor of the new one."""
    one = Recovered()
    made = one.made
    at = sealed(made, noted(made, EARLY), EARLY * S)
    for root, size in ((b"\7" * 32, 1000), (made.head().root, made.head().size)):
        true_head, made.head = made.head, lambda size=size, root=root: TreeHead(size=size, root=root)
        made.add(maker.AGENT, "batch", maker.batch_parts("L1-0002"), maker.T0, maker.T0)
        made.head = true_head  # type: ignore[method-assign]
    made.statement = b""
    found = verify(archive.read(made.pack_with_note(noted(made, LATE))), trusting(made)).findings
    again, new = [one.told["not_before_ns"] for one in found if one.check == "time" and one.told["index"] > at]
    assert (again, new) == (None, EARLY * S)


def noted(made: Factory, at_s: int) -> str:
    """The replacing ledger as it stands, co-signed."""
    head = made.head()
    return cosigned(checkpoint.sign(checkpoint.Checkpoint(NEW, head.size, head.root), made.ledger_key), at_s)


def test_a_clock_outside_its_bracket_is_told():
    made = maker.factory()
    early_s = maker.TO_NS // S - 3600  # the run says it was sealed an hour later
    sealed(made, cosigned(made.note(), early_s), early_s * S)
    run = times(made)[-1]
    assert run.text.endswith(f"its author's clock {time_text(maker.TO_NS)}, outside of that")


def test_a_witness_in_the_same_second_is_no_contradiction():
    """It tells 12:00:05 from then until 12:00:06."""
    made = maker.factory()
    assert maker.TO_NS % S == 0
    sealed(made, cosigned(made.note(), maker.TO_NS // S), maker.TO_NS)
    (anchor,) = {one.told["not_after_ns"] for one in times(made)}
    assert anchor - maker.TO_NS == S - 1
    assert not [one for one in times(made) if one.text.endswith("outside of that")]


def test_nothing_is_bracketed_where_no_outsider_is_trusted():
    made = told_times()
    assert not [one for one in verify(archive.read(made.pack())).findings if one.check == "time"]


def test_a_whole_ledger_is_anchored_if_its_last_entry_is():
    made = told_times()
    made.statement = b""
    read = archive.read(made.pack())
    assert verify(read, trusting(made)).verdict == "pinned"  # the last anchor stands behind what it saw
    assert verify(read, trusting(made), kept=(cosigned(made.note(), LATE),)).verdict == "anchored"
