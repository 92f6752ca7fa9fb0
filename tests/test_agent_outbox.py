"""The outbox against receipts that come late, fall back, ask, refuse or never come."""

import pytest
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


def sent(box, epoch, first, last, at_ns=0, size=1000):
    return outbox.published(box, [(epoch, seq, size) for seq in range(first, last + 1)], at_ns)


def seqs(box):
    return [one.seq for one in box.on_way]


def test_only_a_receipt_moves_the_window():
    box = sent(Outbox({ONE: 4}), ONE, 5, 9)
    assert (box.in_flight, box.room, box.reached) == (5, WINDOW - 5, {ONE: 9})
    box, news = outbox.received(box, receipt(1, [(ONE, 7)]), 1)
    assert (news.moved, news.fallen, box.in_flight, box.reached) == ({ONE: 7}, {}, 2, {ONE: 9})


def test_without_progress_it_begins_again_after_the_receipt_and_later_each_time():
    box, at_ns, waited = sent(Outbox({}), ONE, 0, 9, at_ns=0), 0, []
    for _ in range(6):
        since_ns = at_ns
        while outbox.retried(box, at_ns).on_way:
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


def test_one_epoch_is_under_way_at_a_time():
    """The end of an epoch may be lost on the way: the next must not come before it."""
    assert outbox.together(Outbox({}), [ONE, ONE, TWO]) == 2
    box = sent(Outbox({}), ONE, 0, 1)
    assert outbox.together(box, [ONE, TWO]) == 1
    assert outbox.together(box, [TWO, TWO]) == 0
    box, _ = outbox.received(box, receipt(1, [(ONE, 0)]), 1)
    assert outbox.together(box, [TWO]) == 0
    box, _ = outbox.received(box, receipt(2, [(ONE, 1)]), 2)
    assert outbox.together(box, [TWO, TWO]) == 2
    assert outbox.together(box, []) == 0


def test_an_epoch_that_will_not_be_taken_holds_up_no_other():
    box = sent(Outbox({}), ONE, 0, 1)
    box, _ = outbox.received(box, receipt(1, refused=[(ONE, 0)]), 1)
    assert outbox.together(box, [TWO]) == 1


def test_a_new_connection_begins_patience_anew():
    box = sent(Outbox({}, retry_ns=RETRY_MOST_NS), ONE, 0, 3)
    box = outbox.reconnected(box, 100 * S)
    assert seqs(outbox.retried(box, 104 * S)) == [0, 1, 2, 3]
    assert outbox.retried(box, 105 * S).on_way == ()


def test_the_window_holds_in_bytes_but_an_entry_that_is_too_large_goes_alone():
    box = Outbox({}, line_bytes=100)
    assert outbox.fitting(box, [40, 40, 40]) == 2
    assert outbox.fitting(box, [101, 1]) == 1
    box = outbox.published(box, [(ONE, 0, 40)], 0)
    assert outbox.fitting(box, [61]) == 0
    assert outbox.fitting(box, [60, 1]) == 1
    assert outbox.fitting(Outbox({}), [1] * 40) == WINDOW
    assert outbox.fitting(sent(Outbox({}), ONE, 0, WINDOW - 2, size=1), [1, 1]) == 1


@pytest.mark.parametrize(
    ("took_ns", "size", "after"),
    [
        (S // 2, 100, 2000),  # a full line, and quick
        (S // 2, 10, 1000),  # quick, but it was hardly used
        (3 * S // 2, 100, 1000),
        (5 * S // 2, 100, 500),
    ],
)
def test_what_an_entry_took_says_how_much_may_be_under_way(monkeypatch, took_ns, size, after):
    monkeypatch.setattr(outbox, "LINE_LEAST", 100)
    box = sent(Outbox({}, line_bytes=1000), ONE, 0, 9, size=size)
    box, _ = outbox.received(box, receipt(1, [(ONE, 9)]), took_ns)
    assert box.line_bytes == after


class Line:
    """An uplink of so many bits a second and the gateway behind it: first in, first out; a receipt for each entry."""

    PERIOD_NS, BACK_NS = 100_000_000, 100_000_000  # how often the agent looks; what a receipt takes to come back

    def __init__(self, bits_per_s, sizes):
        self.bits_per_s, self.sizes = bits_per_s, sizes
        self.box, self.free_ns = Outbox({}), 0  # when the line has sent all it was given
        self.receipts: list[tuple[int, int]] = []  # when it is here, the seq
        self.live_late_ns: list[int] = []
        self.most_bytes = 0

    def put(self, size, at_ns):
        self.free_ns = max(self.free_ns, at_ns) + size * 8 * S // self.bits_per_s
        return self.free_ns

    def look(self, at_ns):
        while self.receipts and self.receipts[0][0] <= at_ns:
            _, seq = self.receipts.pop(0)
            self.box, _ = outbox.received(self.box, receipt(at_ns, [(ONE, seq)]), at_ns)
        self.box = outbox.retried(self.box, at_ns)
        first = self.box.reached.get(ONE, -1) + 1
        due = self.sizes[first : first + self.box.room]
        going = due[: outbox.fitting(self.box, due)]
        self.box = outbox.published(self.box, [(ONE, first + n, size) for n, size in enumerate(going)], at_ns)
        for number, size in enumerate(going):
            self.receipts.append((self.put(size, at_ns) + self.BACK_NS, first + number))
        self.most_bytes = max(self.most_bytes, self.box.bytes_in_flight)
        if at_ns % S == 0:
            self.live_late_ns.append(self.put(2_000, at_ns) - at_ns)

    def run(self):
        at_ns = 0
        while self.box.delivered.get(ONE, -1) < len(self.sizes) - 1:
            self.look(at_ns)
            at_ns += self.PERIOD_NS
        return at_ns


@pytest.mark.parametrize("size", [4_000, 60_000, 200_000])
@pytest.mark.parametrize("bits_per_s", [512_000, 1_000_000, 10_000_000, 100_000_000])
def test_an_outage_of_13_hours_is_made_up_in_order_and_live_messages_are_never_5_s_late(bits_per_s, size):
    """780 entries, one a minute: they take what the line takes, within a half, and live messages wait their turn."""
    line = Line(bits_per_s, [size] * 780)
    took_ns = line.run()
    assert max(line.live_late_ns) <= 5 * S
    bare_ns = 780 * size * 8 * S // bits_per_s
    looks_ns = 780 * 3 * Line.PERIOD_NS  # an entry may have to wait for the next look, and its receipt too
    assert took_ns <= 3 * bare_ns // 2 + looks_ns
    assert line.most_bytes <= outbox.LINE_MOST


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
        self.box = outbox.published(self.box, [(*one, 1000) for one in due], self.at_ns)
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
