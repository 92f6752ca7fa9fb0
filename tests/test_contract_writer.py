"""The writer: entries that follow one another, each of which the contract reads back and verifies."""

from dataclasses import replace

import pytest

from contract import chain, cose, entry, keys
from contract.entry import NO_ENTRY, Clock, TreeHead
from contract.writer import Circumstances, Span, Writer, write

CLOCK = Clock(synchronised=True, error_ns=5, boot=bytes(16), monotonic_ns=7)


def circumstances(seed, checkpoint=None):
    return Circumstances(99, CLOCK, checkpoint, bytes([seed]) * 32)


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256])
def test_a_chain_of_entries_reads_back(algorithm):
    key = keys.generate(algorithm)
    writer, head = Writer("works", "edge-1", key, b"e" * 16), None
    for seq, parts in enumerate([[b"manifest"], [], [b"a", b"b"]]):
        before = writer
        kind = "segment" if seq else "manifest"
        writer, header, sealed = write(writer, kind, parts, Span(seq, seq + 1), circumstances(seq))
        read = entry.read(sealed.signed)
        assert cose.verify(read.container, key.public_key(), "entry", "works") == sealed.hash
        assert chain.break_before(head, read.header) is None
        assert (read.header.seq, read.header.prev) == (seq, NO_ENTRY if head is None else head.hash)
        assert (read.header.from_ns, read.header.to_ns, read.header.sealed_ns) == (seq, seq + 1, 99)
        assert (read.header.clock, read.header.author, read.header.epoch) == (CLOCK, "edge-1", b"e" * 16)
        assert list(entry.check_body(read.header, sealed.body).parts) == parts
        assert header.seq == read.header.seq
        head = chain.Head(b"e" * 16, seq, sealed.hash)
        assert writer == replace(before, head=head)


def test_the_last_checkpoint_seen_is_under_the_signature():
    seen = TreeHead(size=12, root=b"r" * 32)
    writer = Writer("works", "edge-1", keys.generate(), b"e" * 16)
    _, _, sealed = write(writer, "manifest", [b""], Span(0, 0), circumstances(1, seen))
    assert entry.read(sealed.signed).header.checkpoint == seen


def test_a_writer_that_goes_back_signs_a_fork_and_only_the_caller_can_prevent_it():
    writer = Writer("works", "edge-1", keys.generate(), b"e" * 16)
    _, _, one = write(writer, "manifest", [b"one"], Span(0, 0), circumstances(1))
    _, _, two = write(writer, "manifest", [b"two"], Span(0, 0), circumstances(1))
    assert entry.read(one.signed).header.seq == entry.read(two.signed).header.seq
    assert one.hash != two.hash
