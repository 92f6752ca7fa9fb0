"""What memory has let go of is asked of the ledger; what the ledger cannot know yet is in memory."""

from gateway.recall import Recall


def test_the_latest_are_in_memory_and_the_rest_are_asked_for():
    ledger = {("edge-1", b"e", 0): b"zero"}
    asked = []

    def hash_at(place):
        asked.append(place)
        return ledger.get(place)

    recall = Recall(hash_at, kept=2)
    for seq in (1, 2, 3):
        recall["edge-1", b"e", seq] = b"%d" % seq
    assert [recall.get(("edge-1", b"e", seq)) for seq in (3, 2)] == [b"3", b"2"]
    assert asked == []
    assert [recall.get(("edge-1", b"e", seq)) for seq in (0, 1)] == [b"zero", None]
    assert len(asked) == 2
