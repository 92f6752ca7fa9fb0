"""Judged, made durable, and only then told: in groups, through restarts, with the gateway's own entries between."""

import pytest
from authors import SITE, Author, admitted, author_part, enrolment_part, event_part, nonce, wire
from databases import execute

from contract import entry, keys, message, receipt
from contract.receipt import Wanted
from contract.topics import Topic
from gateway import sequencer as room
from gateway.errors import Corrupt
from gateway.ledger import Ledger
from gateway.sequencer import Message, Sequencer

LEDGER_KEY, GATEWAY_KEY = keys.generate(), keys.generate()


class Desk:
    """A sequencer on a file, which can be closed and opened again."""

    def __init__(self, url, *agents: Author) -> None:
        self.url = url
        self.told = []
        self.open()
        self.sequencer.seal("manifest", [author_part(self.sequencer.parent)])
        for author in agents:
            self.sequencer.seal("enrolment", [enrolment_part(author.writer.author, author.public)])

    def open(self) -> None:
        """Open the ledger and what decides over it."""
        self.ledger = Ledger.open(self.url, SITE, LEDGER_KEY)
        self.sequencer = Sequencer(self.ledger, GATEWAY_KEY, lambda: 7, self.tell)

    def reopen(self) -> None:
        """Start anew on the same file."""
        self.ledger.close()
        self.open()

    def tell(self, entries, at_ns) -> None:
        """What is told is in the database already."""
        [(size,)] = execute(self.url, "SELECT count(*) FROM entries")
        assert entries[-1].index == size - 1
        assert at_ns == 7
        self.told.extend((one.index, one.author, one.type) for one in entries)

    def send(self, author: Author, *sealed: entry.Sealed):
        """Give a group of entries to the sequencer."""
        return self.sequencer.admit([Message(author.topic, wire(one)) for one in sealed])

    def receipt(self, outcome, agent="edge-1") -> receipt.Receipt:
        """The receipt that an outcome brings for an agent."""
        return receipt.verify(outcome.receipts[agent], GATEWAY_KEY.public_key(), SITE)


@pytest.fixture
def edge():
    return Author("edge-1")


@pytest.fixture
def desk(database_url, edge):
    return Desk(database_url, edge)


def test_a_group_is_one_commit_and_one_receipt(desk, edge):
    outcome = desk.send(edge, edge.begin(), edge.say(), edge.say())
    assert outcome.verdicts == {("edge-1", "admitted"): 3}
    told = desk.receipt(outcome)
    assert [(head.epoch, head.seq, head.hash) for head in told.heads] == [(nonce("first"), 2, edge.head.hash)]
    assert (told.checkpoint.size, told.checkpoint.root) == (5, desk.ledger.head().root)
    assert desk.ledger.receipts() == outcome.receipts
    assert execute(desk.url, "SELECT size FROM checkpoints ORDER BY size") == [(1,), (2,), (5,)]
    assert desk.told == [
        (0, "gateway", "manifest"), (1, "gateway", "enrolment"),
        (2, "edge-1", "manifest"), (3, "edge-1", "event"), (4, "edge-1", "event"),
    ]  # fmt: skip


def test_two_entries_of_one_group_are_judged_in_order(desk, edge):
    first, second, third = edge.begin(), edge.say(), edge.say()
    outcome = desk.send(edge, first, first, third, second, third)
    assert outcome.verdicts == {("edge-1", "admitted"): 3, ("edge-1", "duplicate"): 1, ("edge-1", "held"): 1}
    assert desk.receipt(outcome).wanted == []


def test_a_gap_is_wanted_and_after_a_restart_asked_for_again(desk, edge):
    first, second, third = edge.begin(), edge.say(), edge.say()
    desk.send(edge, first)
    assert desk.receipt(desk.send(edge, third)).wanted == [Wanted(epoch=nonce("first"), first=1, last=1)]
    desk.reopen()
    assert desk.receipt(desk.send(edge, third)).wanted == [Wanted(epoch=nonce("first"), first=1, last=1)]
    assert desk.send(edge, second, third).verdicts == {("edge-1", "admitted"): 2}


def test_a_fork_stops_its_epoch_for_good(desk, edge):
    desk.send(edge, edge.begin())
    other = edge.copy()
    desk.send(edge, edge.say())
    second = other.say("event", [event_part(9)])
    told = desk.receipt(desk.send(edge, second))
    assert [(one.seq, one.hash, one.verdict) for one in told.refused] == [(1, second.hash, "fork")]
    desk.reopen()
    outcome = desk.send(edge, edge.say())
    assert outcome.verdicts == {("edge-1", "stopped"): 1}
    assert desk.receipt(outcome).refused == told.refused
    rows = execute(desk.url, "SELECT verdict, signed FROM refusals ORDER BY id")
    assert rows[0] == ("fork", second.signed)
    assert [verdict for verdict, _ in rows] == ["fork", "stopped"]


def test_a_restart_admits_nothing_twice(desk, edge):
    sent = [edge.begin(), edge.say(), edge.say()]
    desk.send(edge, *sent)
    desk.reopen()
    assert desk.send(edge, *sent).verdicts == {("edge-1", "duplicate"): 3}
    assert desk.ledger.size == 5
    assert desk.send(edge, edge.say()).verdicts == {("edge-1", "admitted"): 1}


def test_what_anybody_could_have_sent_brings_no_receipt_and_is_recorded(desk, edge):
    stranger = Author("edge-9")
    outcome = desk.sequencer.admit(
        [Message(edge.topic, b"noise"), Message(edge.topic, b"noise"), Message(stranger.topic, wire(stranger.begin()))]
    )
    assert outcome.verdicts == {("edge-1", "malformed"): 2, ("edge-9", "unknown_key"): 1}
    assert outcome.receipts == {}
    rows = execute(desk.url, "SELECT author, verdict, count FROM refusals ORDER BY id")
    assert rows == [("edge-1", "malformed", 2), ("edge-9", "unknown_key", 1)]


def test_the_gateways_own_chain_goes_on_over_restarts(desk, edge):
    desk.send(edge, edge.begin())
    desk.reopen()
    parent = desk.sequencer.parent
    sealed = desk.sequencer.seal("manifest", [author_part(parent)])
    header = entry.read(sealed.signed).header
    assert (header.seq, header.checkpoint.size, sealed.index) == (0, 3, 3)
    assert header.epoch != parent.epoch
    follows = entry.read(desk.sequencer.seal("run", [b"\xa0"]).signed).header
    assert (follows.seq, follows.prev, follows.checkpoint.root) == (1, sealed.hash, _root_of(desk, 4))


def _root_of(desk, size: int) -> bytes:
    return execute(desk.url, f"SELECT root FROM checkpoints WHERE size = {size}")[0][0]


def test_receipts_for_everyone_as_things_stand(desk, edge):
    desk.send(edge, edge.begin())
    desk.reopen()
    told = desk.sequencer.receipts()
    assert list(told) == ["edge-1"]
    assert receipt.verify(told["edge-1"], GATEWAY_KEY.public_key(), SITE).heads[0].hash == edge.head.hash


def test_a_fault_of_ours_costs_one_message(desk, edge, monkeypatch):
    true = room.admit

    def faulty(trust, topic, data, at_ns):
        if data == b"poison":
            raise ZeroDivisionError
        return true(trust, topic, data, at_ns)

    monkeypatch.setattr(room, "admit", faulty)
    outcome = desk.sequencer.admit([Message(edge.topic, b"poison"), Message(edge.topic, wire(edge.begin()))])
    assert outcome.verdicts == {("edge-1", "malformed"): 1, ("edge-1", "admitted"): 1}


FULL = {
    "sqlite": ["CREATE TRIGGER filled BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'disk full'); END"],
    "postgresql": [
        "CREATE FUNCTION filled() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'disk full'; END$$",
        "CREATE TRIGGER filled BEFORE INSERT ON entries EXECUTE FUNCTION filled()",
    ],
}


def test_a_ledger_that_takes_no_more_is_told_and_nobody_is_receipted(desk, edge):
    desk.told.clear()
    execute(desk.url, *FULL[desk.url.partition(":")[0]])
    with pytest.raises(Corrupt, match="disk full"):
        desk.send(edge, edge.begin())
    assert desk.told == []
    assert desk.ledger.receipts() == {}


def test_an_entry_that_was_never_admitted_is_noticed_at_start(desk, edge):
    edge.begin()
    bad = Author("edge-1", edge.key)
    desk.ledger.append([admitted(bad.say("manifest", [b"\xa0"]))], at_ns=0)
    desk.ledger.close()
    with pytest.raises(Corrupt, match="never admitted"):
        desk.open()


def test_an_oversized_message_is_recorded_without_its_bytes(desk):
    data = bytes(message.MESSAGE_BYTES_MAX + 1)
    outcome = desk.sequencer.admit([Message(Topic(SITE, "edge-1", "entries"), data)])
    assert outcome.verdicts == {("edge-1", "too_large"): 1}
    (recorded,) = execute(desk.url, "SELECT * FROM refusals")
    assert sum(len(value) for value in recorded if isinstance(value, str | bytes)) < 500


def test_a_parent_that_is_missing_is_wanted_after_a_restart_too(desk, edge):
    """A gateway restored to before an epoch: the one receipt that says so may never have been heard."""
    lost, last = edge.begin("lost"), edge.say()
    wanted = [Wanted(epoch=nonce("lost"), first=0, last=1)]
    assert desk.receipt(desk.send(edge, edge.begin("next", parent=edge.head))).wanted == wanted
    desk.reopen()
    again = receipt.verify(desk.sequencer.receipts()["edge-1"], GATEWAY_KEY.public_key(), SITE)
    assert again.wanted == wanted
    assert desk.receipt(desk.send(edge, edge.say())).wanted == wanted
    assert desk.receipt(desk.send(edge, lost)).wanted == [Wanted(epoch=nonce("lost"), first=1, last=1)]
    desk.reopen()
    assert desk.receipt(desk.send(edge, last)).wanted == []
