"""Which database is the ledger that is known: by its tree, its checkpoint, the copy, and what it says of itself."""

import pytest

from contract.checkpoint import Checkpoint
from contract.recover_records import RecoverPart
from gateway.recoveries import Found

ROOTS = {size: bytes([size]) * 32 for size in range(10)}


SECOND = "metertrail/demo/2"


def point(size: int, origin: str = "metertrail/demo", root: bytes | None = None) -> Checkpoint:
    return Checkpoint(origin, size, ROOTS[size] if root is None else root)


def found(size: int, inside: Checkpoint | None, outside: Checkpoint | None = None, told=()) -> Found:
    return Found("demo", size, {n: root for n, root in ROOTS.items() if n <= size}, inside, outside, tuple(told))


def said(origin: str, replaces: str, known: int) -> RecoverPart:
    note = f"{replaces}\n{known}\n{'A' * 43}=\n\n"
    return RecoverPart(
        origin=origin, replaces=replaces, known=note, size=3, root=bytes(32), author="a", reason="r", at_ns=0
    )


@pytest.mark.parametrize(
    "of",
    [
        found(0, None),
        found(5, point(5)),
        found(5, point(5), point(3)),
        found(5, point(5), point(5)),
        found(5, point(5, "metertrail/demo/2"), point(4, "metertrail/demo/2")),
        found(5, point(5, "metertrail/demo/2"), point(9), [said("metertrail/demo/2", "metertrail/demo", 9)]),
    ],
    ids=["empty", "alone", "older copy", "same", "second", "crashed"],
)
def test_what_is_known_is_no_fault(of):
    assert list(of.faults()) == []


@pytest.mark.parametrize(
    ("of", "words", "successor"),
    [
        (found(5, point(4)), "5 entries where the last checkpoint signs 4", "metertrail/demo/2"),
        (found(3, point(3), point(5)), "3 entries, but the copy of its checkpoints knows of 5", "metertrail/demo/2"),
        (found(0, None, point(5, SECOND)), "is of metertrail/demo/2, not of metertrail/demo", "metertrail/demo/3"),
        (found(5, point(5), point(3, root=bytes(32))), "the first 3 entries are not those", "metertrail/demo/2"),
        (found(5, point(5, "metertrail/demo/2"), point(9), [said("metertrail/demo/2", "metertrail/demo", 8)]),
         "is of metertrail/demo, not of metertrail/demo/2", "metertrail/demo/3"),
        (found(5, point(5, SECOND), point(5, "metertrail/demo/3")), "is of metertrail/demo/3", "metertrail/demo/4"),
    ],
    ids=["unsigned", "shorter", "gone", "rewritten", "old one goes on", "older name"],
)  # fmt: skip
def test_a_fault_is_told_and_has_a_name_to_go_on_under(of, words, successor):
    (fault,) = of.faults()
    assert words in fault
    assert fault.endswith("see `metertrail ledger recover`")
    assert of.successor == successor
    assert not of.contradictory
    assert of.rewritten == ("are not those" in words)
    assert not of.foreign


def test_rows_that_contradict_their_own_checkpoint_and_other_sites_are_told_apart():
    assert found(5, point(5, root=bytes(32))).contradictory
    assert found(3, point(5)).contradictory
    other = found(5, point(5), point(5, "metertrail/other"))
    assert other.foreign
    assert list(other.faults()) == ["the copy of its checkpoints is of metertrail/other, not of metertrail/demo"]
    assert found(5, point(5, "elsewhere")).foreign
