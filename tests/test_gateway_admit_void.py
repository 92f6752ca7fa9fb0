"""Entries declared lost: what follows them is admitted, none is wanted, and one that turns up has its place."""

import pytest
from authors import SITE, Author, enrolling, event_part, nonce, void_part
from test_gateway_admit import AT_NS, Gate

from contract import entry
from contract.entry import TreeHead
from contract.receipt import Wanted
from gateway import trust as trusts
from gateway.receipts import Board, Notice


class Told(Gate):
    """A gate that remembers what it admitted, and what its author is told."""

    def __init__(self, *authors: Author) -> None:
        super().__init__(*authors)
        self.entries = list(enrolling(*authors))
        self.trust = trusts.rebuild(SITE, self.entries, [], {})
        self.board = Board()

    def judge_bytes(self, topic, data):
        verdict = super().judge_bytes(topic, data)
        if verdict.entry:
            self.entries.append(verdict.entry)
        self.board.note(topic.agent, verdict)
        return verdict

    def told(self):
        """The agent's next receipt."""
        return self.board.receipt(self.trust, "edge-1", TreeHead(size=0, root=bytes(32)), AT_NS)

    def head_of(self, epoch: str):
        """(seq, hash) of an epoch's head as a receipt tells it, or None."""
        return next(((one.seq, one.hash) for one in self.told().heads if one.epoch == nonce(epoch)), None)


@pytest.fixture
def edge():
    return Author("edge-1")


@pytest.fixture
def gate(edge):
    return Told(edge)


@pytest.fixture
def chain(gate, edge) -> list[entry.Sealed]:
    """Entries 0 to 9 of the first epoch, of which the gateway has 0 to 4; then the second, whose first is admitted."""
    made = [edge.begin(), *(edge.say() for _ in range(9))]
    gate.admit(edge, *made[:5])
    gate.admit(edge, edge.begin("second", parent=edge.head))
    return made


def declared(edge: Author, first: int, last: int, last_hash: bytes | None) -> entry.Sealed:
    return edge.say("void", [void_part("first", first, last, last_hash)])


def test_what_follows_a_declared_hole_is_admitted(gate, edge, chain):
    assert gate.told().wanted == [Wanted(epoch=nonce("first"), first=5, last=9)]
    gate.admit(edge, declared(edge, 5, 7, chain[7].hash))
    assert gate.head_of("first") == (7, chain[7].hash)
    assert gate.told().wanted == [Wanted(epoch=nonce("first"), first=8, last=9)]
    gate.admit(edge, *chain[8:])
    assert gate.told().wanted == []


def test_what_follows_a_hole_with_another_hash_is_a_fork(gate, edge, chain):
    gate.admit(edge, declared(edge, 5, 7, chain[6].hash))
    assert gate.judge(edge, chain[8]).name == "fork"


def test_what_comes_before_a_hole_is_still_wanted_and_comes_first(gate, edge, chain):
    gate.admit(edge, declared(edge, 7, 8, chain[8].hash))
    assert gate.told().wanted == [Wanted(epoch=nonce("first"), first=5, last=6)]
    assert gate.judge(edge, chain[9]).name == "held"
    gate.admit(edge, chain[5])
    assert gate.head_of("first") == (5, chain[5].hash)
    gate.admit(edge, chain[6], chain[9])
    assert gate.head_of("first") == (9, chain[9].hash)


def test_an_epoch_that_ends_in_a_hole_is_wanted_no_more(gate, edge, chain):
    gate.admit(edge, declared(edge, 5, 9, None))
    assert gate.head_of("first") == (4, chain[4].hash)
    assert gate.told().wanted == []
    gate.admit(edge, chain[5])  # and yet somebody held it


def test_an_epoch_without_its_beginning_goes_on_after_it(gate, edge):
    made = [edge.begin("lost"), edge.say(), edge.say()]
    gate.admit(edge, edge.begin("second", parent=edge.head))
    assert gate.told().wanted == [Wanted(epoch=nonce("lost"), first=0, last=2)]
    gate.admit(edge, edge.say("void", [void_part("lost", 0, 1, made[1].hash)]))
    assert gate.told().wanted == [Wanted(epoch=nonce("lost"), first=2, last=2)]
    gate.admit(Author("edge-1", edge.key), made[2])


@pytest.mark.parametrize("known", [True, False], ids=["hash-known", "hash-unknown"])
def test_an_epoch_lost_whole_is_wanted_no_more(gate, edge, known):
    made = [edge.begin("lost"), edge.say()]
    gate.admit(edge, edge.begin("second", parent=edge.head))
    gate.admit(edge, edge.say("void", [void_part("lost", 0, 1, made[1].hash if known else None)]))
    assert gate.told().wanted == []
    assert gate.head_of("lost") == ((1, made[1].hash) if known else None)
    assert gate.judge(edge, made[0]).entry.flags == ()  # a copy of the disk held it; its epoch was judged long ago


def test_what_the_ledger_holds_already_is_not_lost(gate, edge, chain):
    gate.admit(edge, declared(edge, 1, 3, chain[3].hash))
    assert gate.head_of("first") == (4, chain[4].hash)
    gate.admit(edge, declared(edge, 3, 6, chain[6].hash))
    assert gate.head_of("first") == (6, chain[6].hash)
    assert [gate.judge(edge, one).name for one in chain[:5]] == ["duplicate"] * 5


def test_lost_entries_that_turn_up_are_admitted_in_their_order(gate, edge, chain):
    gate.admit(edge, declared(edge, 5, 7, chain[7].hash), *chain[8:])
    latest = gate.trust.standing("edge-1").latest
    verdict = gate.judge(edge, chain[6])
    assert (verdict.name, verdict.wanted) == ("held", None)
    gate.admit(edge, *chain[5:8])
    assert gate.judge(edge, chain[6]).name == "duplicate"
    assert gate.head_of("first") == (9, chain[9].hash)
    assert gate.trust.standing("edge-1").latest == latest


def test_another_entry_in_a_lost_place_is_a_fork(gate, edge):
    made = [edge.begin(), edge.say()]
    other = edge.copy()
    made += [edge.say(), edge.say()]
    gate.admit(edge, *made[:2], edge.begin("second", parent=edge.head))
    gate.admit(edge, declared(edge, 2, 3, made[3].hash))
    gate.admit(other, other.say("event", [event_part(7)]))  # nobody can tell yet
    verdict = gate.judge(other, other.say())
    assert (verdict.name, verdict.refusal.seq) == ("fork", 3)


@pytest.mark.parametrize(
    "parts",
    [[], [b"\xa0"], [event_part(1)], [void_part("first", 7, 5, None)], [void_part("second", 0, 1, None)]],
    ids=["empty", "no-record", "another-record", "backwards", "itself"],
)
def test_a_void_that_cannot_be_meant_is_refused_as_its_authors_words(gate, edge, chain, parts):
    verdict = gate.judge(edge, edge.say("void", parts))
    assert (verdict.name, verdict.refusal.verdict, verdict.refusal.seq) == ("malformed", "malformed", 1)
    assert chain


def test_another_authors_void_says_nothing_of_this_one(edge):
    other = Author("edge-2")
    gate = Told(edge, other)
    made = [edge.begin(), edge.say()]
    gate.admit(edge, made[0])
    gate.admit(other, other.begin("other"), other.say("void", [void_part("first", 1, 4, made[1].hash)]))
    assert gate.head_of("first") == (0, made[0].hash)


def test_a_restart_knows_the_same(gate, edge, chain):
    gate.admit(edge, declared(edge, 5, 7, chain[7].hash), chain[8], chain[5])
    again = trusts.rebuild(SITE, gate.entries, [], {})
    left, right = again.standing("edge-1"), gate.trust.standing("edge-1")
    for member in ("latest", "epochs", "children", "lost"):
        assert getattr(left, member) == getattr(right, member)
    assert list(left.epochs) == list(right.epochs)
    assert Notice().wanted(left) == Notice().wanted(right) == [Wanted(epoch=nonce("first"), first=9, last=9)]
