"""How an author went on where its epochs form a tree: trunk, what an epoch rests on, what is set aside, what is odd."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import lineage
from contract.chain import Head, Lost
from contract.lineage import UNKNOWN, Begun, Keeps, Lineage


def named(epoch: str) -> bytes:
    return epoch.encode()


def hash_of(epoch: str, seq: int) -> bytes:
    return f"{epoch}/{seq}".encode()


def begun(*told: tuple[str, str | None, int]) -> list[Begun]:
    """Epochs as (name, what it follows as EPOCH/SEQ, index)."""
    found = []
    for epoch, follows, index in told:
        parent = None
        if follows is not None:
            name, seq = follows.split("/")
            parent = Head(named(name), int(seq), hash_of(name, int(seq)))
        found.append(Begun(named(epoch), hash_of(epoch, 0), parent, index))
    return found


def read(epochs: list[Begun], **keeps: Keeps) -> Lineage:
    return lineage.read(epochs, {named(epoch): word for epoch, word in keeps.items()})


def trunk(known: Lineage) -> list[tuple[str, int | None]]:
    way = sorted(known.trunk.items(), key=lambda one: one[1][0])
    assert [rank for _, (rank, _) in way] == sorted({rank for _, (rank, _) in way})
    return [(epoch.decode(), last) for epoch, (_, last) in way]


PLAIN = begun(("a", None, 0), ("b", "a/20", 30), ("c", "b/4", 40))
RESTORED = begun(("a", None, 0), ("x", "a/5", 30))  # while a went on to 20
CLONED = begun(("a", None, 0), ("x", "a/5", 10), ("y", "a/30", 50), ("z", "x/9", 60))


def test_restarts_are_one_way():
    known = read(PLAIN)
    assert trunk(known) == [("a", 20), ("b", 4), ("c", None)]
    assert known.path(named("b")) == {named("a"): (0, 20), named("b"): (1, None)}
    assert known.place(named("a"), 20) < known.place(named("b"), 0) < known.place(named("c"), 10**6)
    assert known.place(named("a"), 21) is None


def test_after_a_restore_what_was_told_before_counts_and_nothing_beside():
    known = read(RESTORED)
    assert trunk(known) == [("a", 5), ("x", None)]
    assert [known.standing(named("a"), seq, seq) for seq in (5, 6, 20)] == ["trunk", "before", "before"]
    assert known.standing(named("a"), 21, 31) == "aside"
    assert known.standing(named("x"), 1, 31) in {"trunk", "before"}


def test_a_branch_set_aside_counts_nothing_and_the_other_goes_on():
    known = read(CLONED, x="other")
    assert trunk(known) == [("a", 30), ("y", None)]
    assert known.standing(named("x"), 1, 11) == "aside"
    assert known.standing(named("z"), 1, 61) == "aside"
    assert known.standing(named("a"), 20, 25) in {"trunk", "before"}


def test_without_a_word_the_newest_on_the_trunk_goes_on():
    known = read(CLONED)
    assert trunk(known) == [("a", 5), ("x", 9), ("z", None)]
    assert known.standing(named("a"), 6, 9) in {"trunk", "before"}
    assert known.standing(named("a"), 7, 12) == "aside"
    assert known.standing(named("y"), 0, 50) == "aside"


def test_a_word_may_bring_a_left_branch_back():
    known = read(CLONED, y="this")
    assert trunk(known) == [("a", 30), ("y", None)]
    assert known.standing(named("x"), 9, 20) in {"trunk", "before"}
    assert known.standing(named("x"), 9, 55) == "aside"


def test_the_last_of_three_clones_goes_on_unless_said_otherwise():
    three = begun(("a", None, 0), ("x", "a/5", 10), ("y", "a/5", 20), ("z", "a/5", 30))
    assert trunk(read(three)) == [("a", 5), ("z", None)]
    assert trunk(read(three, y="other", z="other")) == [("a", 5), ("x", None)]
    assert trunk(read(three, y="this", z="other")) == [("a", 5), ("y", None)]


def test_an_author_that_forgot_everything_begins_anew():
    known = read(begun(("a", None, 0), ("x", None, 30)))
    assert trunk(known) == [("x", None)]
    assert known.standing(named("a"), 7, 29) in {"trunk", "before"}
    assert known.standing(named("a"), 7, 31) == "aside"


def test_what_is_not_here_is_followed_where_its_author_stood():
    known = read(begun(("a", None, 0), ("x", "lost/4", 30)))
    assert trunk(known) == [("a", None), ("x", None)]
    unknown = [*begun(("a", None, 0)), Begun(named("x"), b"", UNKNOWN, 30)]
    assert trunk(read(unknown)) == [("a", None), ("x", None)]


def test_what_came_before_the_first_manifest_is_lost_with_the_one_it_needs():
    known = read([*begun(("a", None, 0)), Begun(named("x"), b"", UNKNOWN, 30, seq=4)])
    assert [known.standing(named("x"), seq, 31) for seq in (3, 4)] == ["lost", "trunk"]
    assert known.standing(named("y"), 9, 31) == "lost"


def test_an_older_epoch_may_be_admitted_after_the_one_that_follows_it():
    known = read(begun(("a", None, 0), ("c", "b/4", 30), ("b", "a/20", 40)))
    assert trunk(known) == [("a", 20), ("b", 4), ("c", None)]


def test_epochs_that_follow_each_other_end_somewhere():
    assert len(trunk(read(begun(("a", "b/1", 0), ("b", "a/1", 1))))) == 2


EPOCHS = "abcdefgh"


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), min_size=1, max_size=8),
    st.dictionaries(st.sampled_from(EPOCHS), st.sampled_from(["this", "other"])),
)
def test_the_trunk_is_the_path_of_its_last_epoch_whatever_follows_what(follows, keeps):
    told = []
    for number, (parent, seq) in enumerate(follows):
        told.append((EPOCHS[number], f"{EPOCHS[parent]}/{seq}" if parent < len(EPOCHS) else None, number * 10))
    known = read(begun(*told), **keeps)
    tail = max(known.trunk, key=lambda epoch: known.trunk[epoch][0])
    assert known.path(tail).keys() <= known.trunk.keys()
    assert set(known.follows) == {named(name) for name, _, _ in told}
    for name, _, index in told:
        for seq in range(10):
            on = known.place(named(name), seq) is not None
            assert (known.standing(named(name), seq, index + seq) == "trunk") is on


def oddities(epochs: list[Begun], last: dict[str, int], lost: dict[str, list[Lost]] | None = None) -> list[str]:
    def hash_at(epoch: bytes, seq: int) -> bytes | None:
        name = epoch.decode()
        return hash_of(name, seq) if seq <= last.get(name, -1) else None

    lost = lost or {}
    found = lineage.odd(
        epochs, hash_at, lambda epoch: last[epoch.decode()], {named(epoch): of for epoch, of in lost.items()}
    )
    return [f"{one.begun.epoch.decode()} {one.name}" for one in found]


@pytest.mark.parametrize(
    ("epochs", "last", "due"),
    [
        (PLAIN, {"a": 20, "b": 4, "c": 1}, []),
        (PLAIN, {"a": 20, "b": 3, "c": 1}, ["c gap"]),
        (RESTORED, {"a": 20, "x": 0}, ["x rollback"]),
        (RESTORED, {"a": 5, "x": 0}, []),
        (CLONED, {"a": 30, "x": 9, "y": 0, "z": 0}, ["x rollback"]),
        (begun(("a", None, 0), ("x", "a/5", 1), ("y", "a/5", 2)), {"a": 5}, ["y clone"]),
        (begun(("a", None, 0), ("x", None, 1)), {"a": 5}, ["x rollback"]),
        ([*PLAIN[:1], Begun(b"x", b"", Head(b"a", 3, b"other"), 9)], {"a": 3}, ["x fork"]),
    ],
    ids=["plain", "gap", "rollback", "nothing-after", "going-on", "clone", "anew", "fork"],
)
def test_what_is_odd_is_named(epochs, last, due):
    assert oddities(epochs, last) == due


def test_a_declared_gap_is_not_odd_unless_another_entry_was_lost():
    assert oddities(PLAIN, {"a": 20, "b": 1, "c": 1}, {"b": [Lost(2, 4, hash_of("b", 4))]}) == []
    assert oddities(PLAIN, {"a": 20, "b": 1, "c": 1}, {"b": [Lost(2, 9, None)]}) == []
    assert oddities(PLAIN, {"a": 20, "b": 1, "c": 1}, {"b": [Lost(2, 4, b"another")]}) == ["c gap"]
    assert oddities(PLAIN, {"a": 20, "b": 1, "c": 1}, {"b": [Lost(2, 3, hash_of("b", 3))]}) == ["c gap"]
