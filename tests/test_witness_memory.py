"""A witness's memory: on disk before it is told, one decision at a time, and never begun anew by mistake."""

import threading

import pytest

from witness.judge import Seen
from witness.memory import Memory

ORIGIN = "metertrail/plant-1"


def test_what_was_seen_is_there_again(tmp_path):
    path = tmp_path / "deep" / "seen.json"
    assert Memory(path).advance(ORIGIN, lambda seen: Seen(3, bytes(32)) if seen is None else seen) == Seen(3, bytes(32))
    Memory(path).advance("metertrail/plant-2", lambda _: Seen(5, b"\1" * 32))
    assert (Memory(path).seen(ORIGIN), Memory(path).seen("metertrail/plant-2")) == (
        Seen(3, bytes(32)),
        Seen(5, b"\1" * 32),
    )


def test_a_refusal_changes_nothing(tmp_path):
    def refuse(_: Seen | None) -> Seen:
        raise RuntimeError

    memory = Memory(tmp_path / "seen.json")
    memory.advance(ORIGIN, lambda _: Seen(3, bytes(32)))
    with pytest.raises(RuntimeError):
        memory.advance(ORIGIN, refuse)
    assert memory.seen(ORIGIN) == Seen(3, bytes(32))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": {"size": 1}}', '{"a": {"size": 1, "root": "zz"}}'])
def test_a_memory_that_cannot_be_read_stops_it(tmp_path, text):
    (tmp_path / "seen.json").write_text(text)
    with pytest.raises(ValueError, match="restore it"):
        Memory(tmp_path / "seen.json").advance(ORIGIN, lambda _: Seen(1, bytes(32)))


def test_two_at_once_decide_one_after_the_other(tmp_path):
    """Each adds one to what it finds: were two answered from one state, the sum would be short."""

    def add() -> None:
        for _ in range(20):
            Memory(tmp_path / "seen.json").advance(ORIGIN, lambda seen: Seen((seen.size if seen else 0) + 1, bytes(32)))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Memory(tmp_path / "seen.json").seen(ORIGIN) == Seen(80, bytes(32))
