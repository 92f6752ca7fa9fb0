"""A line is given only for what was remembered first."""

import archive_maker as maker
import pytest
import witnesses
from witness_folder import witness_toml

from contract import checkpoint, cosignature
from contract.checkpoint import Checkpoint
from contract.proof_text import Growth
from witness.config import load
from witness.judge import Refused, Seen
from witness.memory import Memory
from witness.signing import answer


def test_the_line_is_the_witness_s_and_what_it_signed_is_remembered(tmp_path):
    made = maker.factory()
    config = load(witness_toml(tmp_path, made.ledger_key.public_key()))
    note, head = made.note(), made.head()
    line = answer(config, Growth(0, (), note), 99)
    assert cosignature.times_s(note + line, witnesses.NAME, witnesses.KEY.public_key()) == [99]
    assert Memory(config.memory).seen("metertrail/works") == Seen(head.size, head.root)


def test_an_unknown_ledger_is_none_of_its_business(tmp_path):
    made = maker.factory()
    config = load(witness_toml(tmp_path, made.ledger_key.public_key()))
    note = checkpoint.sign(Checkpoint("metertrail/elsewhere", 1, bytes(32)), made.ledger_key)
    with pytest.raises(Refused, match="is no ledger that is watched here") as refused:
        answer(config, Growth(0, (), note), 99)
    assert refused.value.status == 404
    assert not config.memory.exists()
