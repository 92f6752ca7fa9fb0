"""The order of an author's entries."""

import pytest

from contract import chain
from contract.chain import Head
from contract.entry import NO_ENTRY, Header

EPOCH, OTHER = b"e" * 16, b"f" * 16
HEAD = Head(EPOCH, 6, b"h" * 32)


def header(epoch: bytes, seq: int, prev: bytes) -> Header:
    clock = {"synchronised": None, "error_ns": None, "boot": None, "monotonic_ns": None}
    return Header.model_validate(
        {
            "v": 1, "type": "event", "author": "agent-1", "epoch": epoch, "seq": seq, "prev": prev,
            "from_ns": 0, "to_ns": 0, "sealed_ns": 0, "clock": clock, "checkpoint": None,
            "parts": 0, "body_root": bytes(32),
        }
    )  # fmt: skip


def test_what_may_follow():
    assert chain.break_before(None, header(EPOCH, 0, NO_ENTRY)) is None
    assert chain.break_before(HEAD, header(EPOCH, 7, HEAD.hash)) is None


@pytest.mark.parametrize(
    ("head", "epoch", "seq", "prev", "why"),
    [
        (None, EPOCH, 1, b"h" * 32, "seq 1 where 0 is due"),
        (HEAD, OTHER, 7, b"h" * 32, "another epoch"),
        (HEAD, OTHER, 0, NO_ENTRY, "another epoch"),
        (HEAD, EPOCH, 8, b"h" * 32, "seq 8 where 7 is due"),
        (HEAD, EPOCH, 6, b"h" * 32, "seq 6 where 7 is due"),
        (HEAD, EPOCH, 0, NO_ENTRY, "seq 0 where 7 is due"),
        (HEAD, EPOCH, 7, b"x" * 32, "hash of seq 6"),
        (HEAD, EPOCH, 7, NO_ENTRY, "hash of seq 6"),
    ],
)
def test_what_may_not_follow(head, epoch, seq, prev, why):
    reason = chain.break_before(head, header(epoch, seq, prev))
    assert reason is not None
    assert why in reason


def test_what_prev_must_be():
    assert chain.previous_hash(None) == NO_ENTRY == bytes(32)
    assert chain.previous_hash(HEAD) == b"h" * 32
