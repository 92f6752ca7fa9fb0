"""The outbox against receipts that come late, fall back, ask, refuse or never come."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent import outbox
from agent.outbox import RETRY_FIRST_NS, RETRY_MOST_NS, SEQ_MAX, WINDOW, Outbox
from contract.entry import TreeHead
from contract.receipt import EpochHead, Receipt, Refusal, Wanted

ONE, TWO = b"1" * 16, b"2" * 16
S = 1_000_000_000


def receipt(at_ns, heads=(), wanted=(), refused=()):
    return Receipt(
        v=1, agent="edge-1", at_ns=at_ns, checkpoint=TreeHead(size=0, root=bytes(32)),
        heads=[EpochHead(epoch=epoch, seq=seq, hash=bytes(32)) for epoch, seq in heads],
        wanted=[Wanted(epoch=epoch, first=first, last=last) for epoch, first, last in wanted],
        refused=[
            Refusal(epoch=epoch, seq=seq, hash=bytes(32), verdict="fork", reason="tested") for epoch, seq in refused
        ],
    )  # fmt: skip


def sent(box, epoch, first, last, at_ns=0):
    return outbox.published(box, [(epoch, seq) for seq in range(first, last + 1)], at_ns)


def test_only_a_receipt_moves_the_window():
    box = sent(Outbox({ONE: 4}), ONE, 5, 9)
    assert (box.in_flight, box.room, box.reached) == (5, WINDOW - 5, {ONE: 9})
    box, news = outbox.received(box, receipt(1, [(ONE, 7)]), 1)
    assert (news.moved, news.fallen, box.in_flight, box.reached) == ({ONE: 7}, {}, 2, {ONE: 9})


def test_without_progress_it_begins_again_after_the_receipt_and_later_each_time():
    box, at_ns, waited = sent(Outbox({}), ONE, 0, 9, at_ns=0), 0, []
    for _ in range(6):
        since_ns = at_ns
        while outbox.retried(box, at_ns).sent:
            at_ns += S
        waited.append(at_ns - since_ns)
        box = sent(outbox.retried(box, at_ns), ONE, 0, 9, at_ns)
    assert waited == [5 * S, 10 * S, 20 * S, 40 * S, 60 * S, 60 * S]
    assert (RETRY_FIRST_NS, RETRY_MOST_NS) == (5 * S, 60 * S)
    box, _ = outbox.received(box, receipt(1, [(ONE, 3)]), at_ns)
    assert box.retry_ns == RETRY_FIRST_NS


def test_nothing_on_its_way_needs_no_patience():
    box = Outbox({ONE: 4})
    assert outbox.retried(box, 10**18) is box


def test_a_receipt_that_falls_back_sends_everything_beyond_it_again():
    box, _ = outbox.received(sent(Outbox({ONE: 9}), ONE, 10, 12), receipt(1, [(ONE, 12)]), 1)
    box, news = outbox.received(sent(box, ONE, 13, 14), receipt(2, [(ONE, 5)]), 2)
    assert (news.moved, news.fallen, box.reached, box.in_flight) == ({}, {ONE: 5}, {ONE: 5}, 0)


def test_an_old_receipt_out_of_a_broker_s_memory_is_not_a_gateway_restored():
    box, _ = outbox.received(Outbox({}), receipt(5, [(ONE, 12)]), 1)
    again, news = outbox.received(box, receipt(3, [(ONE, 5)]), 2)
    assert again is box
    assert (news.moved, news.fallen) == ({}, {})


def test_a_wanted_range_is_sent_again_at_once_but_once():
    box = sent(Outbox({ONE: 4}), ONE, 5, 9)
    box, news = outbox.received(box, receipt(1, [(ONE, 4)], wanted=[(ONE, 5, 7)]), 1)
    assert (news.fallen, box.reached) == ({}, {ONE: 4})
    box = sent(box, ONE, 5, 9, 2)
    box, _ = outbox.received(box, receipt(3, [(ONE, 4)], wanted=[(ONE, 5, 7)]), 3)
    assert box.reached == {ONE: 9}  # on its way; if it is lost again, patience will tell
    box, _ = outbox.received(box, receipt(4, [(ONE, 5)], wanted=[(ONE, 6, 7)]), 4)
    assert box.reached == {ONE: 5}


def test_a_wanted_epoch_that_was_delivered_once_is_sent_again_whole():
    """A restored gateway may name neither the epoch nor its head, only that it wants it."""
    box, news = outbox.received(Outbox({ONE: 50, TWO: 2}), receipt(1, [(TWO, 2)], wanted=[(ONE, 0, 50)]), 1)
    assert (news.fallen, box.reached) == ({ONE: -1}, {ONE: -1, TWO: 2})


def test_a_stopped_epoch_holds_up_no_other_and_is_told_once():
    box = sent(Outbox({}), ONE, 0, WINDOW - 1)
    assert box.room == 0
    box, news = outbox.received(box, receipt(1, [(ONE, 2)], refused=[(ONE, 3)]), 1)
    assert [refusal.seq for refusal in news.refused] == [3]
    assert (box.room, box.reached[ONE], box.settled[ONE]) == (WINDOW, SEQ_MAX, SEQ_MAX)
    box, news = outbox.received(box, receipt(2, [(ONE, 2)], refused=[(ONE, 3), (ONE, 4)]), 2)
    assert news.refused == ()


def test_a_new_connection_begins_patience_anew():
    box = sent(Outbox({}, retry_ns=RETRY_MOST_NS), ONE, 0, 3)
    box = outbox.reconnected(box, 100 * S)
    assert outbox.retried(box, 104 * S).sent == {ONE: 3}
    assert outbox.retried(box, 105 * S).sent == {}


class World:
    """A journal of two epochs, a broker that loses, a gateway that admits in order and may be restored."""

    def __init__(self):
        self.length = {ONE: 40, TWO: 25}
        self.box, self.at_ns = Outbox({}), 0
        self.heads: dict[bytes, int] = {}
        self.most = 0

    def send(self, losses):
        reached, room = self.box.reached, self.box.room
        due = [(e, seq) for e in (ONE, TWO) for seq in range(reached.get(e, -1) + 1, self.length[e])][:room]
        self.box = outbox.published(self.box, due, self.at_ns)
        self.most = max(self.most, self.box.in_flight)
        wanted = {}
        for number, (epoch, seq) in enumerate(due):
            if losses >> number % 16 & 1:
                continue
            if seq == self.heads.get(epoch, -1) + 1:
                self.heads[epoch] = seq
            elif seq > self.heads.get(epoch, -1):
                wanted[epoch] = seq - 1
        return [(e, self.heads.get(e, -1) + 1, last) for e, last in wanted.items() if self.heads.get(e, -1) < last]

    def told(self, wanted):
        self.at_ns += S
        self.box, _ = outbox.received(self.box, receipt(self.at_ns, self.heads.items(), wanted), self.at_ns)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 65535), st.booleans(), st.booleans()), max_size=30))
def test_whatever_is_lost_on_the_way_everything_arrives_in_the_end(rounds):
    world = World()
    for losses, receipt_lost, restored in [*rounds, *[(0, False, False)] * 30]:
        wanted = world.send(losses)
        if restored:
            world.heads = {epoch: seq // 2 for epoch, seq in world.heads.items()}
        if not receipt_lost:
            world.told(wanted)
        world.at_ns += 7 * S
        world.box = outbox.retried(world.box, world.at_ns)
    world.at_ns += RETRY_MOST_NS
    assert world.heads == {ONE: 39, TWO: 24}
    assert world.most <= WINDOW
