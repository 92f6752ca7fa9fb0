"""A receipt says what is durable, what is missing now, and which of an agent's own words were refused."""

from authors import SITE, Author, admitted, enrolling, nonce

from contract import keys, receipt
from contract.entry import TreeHead
from contract.receipt import EpochHead, Refusal, Wanted
from gateway.admit import Verdict
from gateway.receipts import AGAIN_MAX, HEADS_MAX, REFUSED_MAX, WANTED_MAX, Board
from gateway.trust import rebuild

TREE = TreeHead(size=3, root=bytes(32))


def trusting(edge, *entries):
    return rebuild(SITE, [*enrolling(edge), *(admitted(one) for one in entries)], [], {})


def test_heads_of_every_epoch_the_latest_last():
    edge = Author("edge-1")
    entries = [edge.begin("a"), edge.say(), edge.begin("b", parent=edge.head)]
    told = Board().receipt(trusting(edge, *entries), "edge-1", TREE, 7)
    assert told.heads == [
        EpochHead(epoch=nonce("a"), seq=1, hash=entries[1].hash),
        EpochHead(epoch=nonce("b"), seq=0, hash=entries[2].hash),
    ]
    assert (told.v, told.agent, told.at_ns, told.wanted, told.refused, told.checkpoint) == (
        1,
        "edge-1",
        7,
        [],
        [],
        TREE,
    )


def test_an_epoch_that_came_again_has_its_head_too_however_old_it_is():
    """An agent that lost its receipts sends its oldest entries first, and goes on when it hears of them."""
    edge, board = Author("edge-1"), Board()
    entries = [edge.begin(f"{number}", parent=edge.head) for number in range(HEADS_MAX + 20)]
    trust = trusting(edge, *entries)
    latest = [nonce(f"{number}") for number in range(20, HEADS_MAX + 20)]
    assert [head.epoch for head in board.receipt(trust, "edge-1", TREE, 0).heads] == latest
    for number in (3, 4, 3, 50):
        board.note("edge-1", Verdict("duplicate", again=nonce(f"{number}")))
    heads = board.receipt(trust, "edge-1", TREE, 0).heads
    assert [head.epoch for head in heads] == [nonce("4"), nonce("3"), *latest]
    assert heads[1] == EpochHead(epoch=nonce("3"), seq=0, hash=entries[3].hash)
    for number in range(20):
        board.note("edge-1", Verdict("duplicate", again=nonce(f"{number}")))
    epochs = [head.epoch for head in board.receipt(trust, "edge-1", TREE, 0).heads]
    assert epochs == [*(nonce(f"{number}") for number in range(20 - AGAIN_MAX, 20)), *latest]


def test_an_author_of_whom_nothing_is_known():
    told = Board().receipt(trusting(Author("edge-1")), "edge-2", TREE, 7)
    assert (told.heads, told.wanted, told.refused) == ([], [], [])


def held(epoch: str, first: int, last: int) -> Verdict:
    return Verdict("held", "later", wanted=Wanted(epoch=nonce(epoch), first=first, last=last))


def test_a_gap_shrinks_with_the_head_and_closes():
    edge, board = Author("edge-1"), Board()
    entries = [edge.begin("a"), edge.say(), edge.say()]
    board.note("edge-1", held("a", 0, 1))
    board.note("edge-1", held("a", 0, 0))
    wanted = [
        board.receipt(trusting(edge, *entries[:durable]), "edge-1", TREE, 0).wanted for durable in range(len(entries))
    ]
    assert wanted == [[Wanted(epoch=nonce("a"), first=0, last=1)], [Wanted(epoch=nonce("a"), first=1, last=1)], []]


def test_nothing_is_wanted_of_a_stopped_epoch():
    edge, board = Author("edge-1"), Board()
    trust = trusting(edge, edge.begin("a"))
    board.note("edge-1", held("a", 1, 5))
    trust.stop("edge-1", nonce("a"))
    assert board.receipt(trust, "edge-1", TREE, 0).wanted == []


def refusal(seq: int) -> Refusal:
    return Refusal(epoch=nonce("a"), seq=seq, hash=bytes(32), verdict="fork", reason="two")


def test_a_refusal_is_told_once_and_only_if_the_author_signed_it():
    board = Board()
    for _ in range(3):
        board.note("edge-1", Verdict("fork", "two", refusal=refusal(4)))
    board.note("edge-1", Verdict("malformed", "anybody's"))
    told = board.receipt(trusting(Author("edge-1")), "edge-1", TREE, 0)
    assert told.refused == [refusal(4)]


def test_a_receipt_stays_small_whatever_happened():
    edge, board = Author("edge-1"), Board()
    entries = [edge.begin(f"epoch {number}") for number in range(HEADS_MAX + 5)]
    for number in range(100):
        board.note("edge-1", held(f"gap {number}", 0, 2**63 - 1))
        board.refuse("edge-1", Refusal(epoch=nonce("a"), seq=number, hash=bytes(32), verdict="fork", reason="x" * 200))
    told = board.receipt(trusting(edge, *entries), "edge-1", TREE, 0)
    assert (len(told.heads), len(told.wanted), len(told.refused)) == (HEADS_MAX, WANTED_MAX, REFUSED_MAX)
    assert told.heads[-1].hash == entries[-1].hash
    assert told.wanted[-1].epoch == nonce("gap 99")
    key = keys.generate()
    data = receipt.sign(told, key, SITE)
    assert len(data) < receipt.RECEIPT_BYTES_MAX // 4
    assert receipt.verify(data, key.public_key(), SITE) == told


def test_the_parents_that_are_missing_are_wanted_and_the_latest_first_of_all():
    edge, entries = Author("edge-1"), []
    for number in range(WANTED_MAX + 2):
        edge.begin(f"lost {number}")
        entries.append(edge.begin(f"epoch {number}", parent=edge.head))
    trust, board = trusting(edge, *entries), Board()
    assert board.receipt(trust, "edge-1", TREE, 0).wanted == [
        Wanted(epoch=nonce(f"lost {number}"), first=0, last=0) for number in range(2, WANTED_MAX + 2)
    ]
    board.note("edge-1", held("lost 0", 0, 3))
    assert board.receipt(trust, "edge-1", TREE, 0).wanted[-1] == Wanted(epoch=nonce("lost 0"), first=0, last=3)
    trust.stop("edge-1", nonce("lost 9"))
    assert nonce("lost 9") not in {one.epoch for one in board.receipt(trust, "edge-1", TREE, 0).wanted}
