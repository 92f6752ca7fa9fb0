"""The bench's chain is one an agent could have sent, and says what its columns say."""

import numpy as np

from contract import body, entry, keys, message, segment
from contract.chain import Head, break_before
from simulators.bench import evidence


def test_the_chain_holds_and_the_segments_are_the_columns():
    read = evidence.readings(3, 20, seed=2)
    key = keys.generate()
    head, found = None, []
    for data in evidence.messages(read, 10, key):
        signed, packed = message.unpack(data)
        container = entry.read(signed)
        assert break_before(head, container.header) is None
        head = Head(container.header.epoch, container.header.seq, container.hash(evidence.SITE))
        parts = entry.check_body(container.header, packed).parts
        found += [segment.decode(part) for part in parts if container.header.type == "segment"]
    assert head.seq == 2
    assert [(one.meter, len(one.blocks[0].answered_ns)) for one in found] == [(f"m{n:03}", 10) for n in (0, 1, 2)] * 2
    for number in range(3):
        mine = [one.blocks[0] for one in found if one.meter == f"m{number:03}"]
        assert sum((block.answered_ns for block in mine), ()) == tuple(read.answered_ns[number])
        assert sum((block.columns[0].raws for block in mine), ()) == tuple(read.energy_wh[number])
        assert sum((block.columns[1].raws for block in mine), ()) == tuple(read.power_w[number])
    assert read.count == 2 * 3 * 20


def test_counters_never_fall_and_answers_come_after_their_requests():
    read = evidence.readings(5, 50, seed=3)
    assert (np.diff(read.energy_wh) >= 0).all()
    assert (read.answered_ns > read.requested_ns).all()
    assert (np.diff(read.answered_ns) > 0).all()
    assert body.PARTS_MAX > 5
