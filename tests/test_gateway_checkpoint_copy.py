"""The copy outside the database: bounded in growth, indifferent to a torn line, deaf to a forged one."""

import json

import pytest

from contract import checkpoint, keys
from contract.checkpoint import Checkpoint
from gateway.checkpoint_copy import EVERY_NS, CheckpointCopy
from gateway.errors import Corrupt

KEY = keys.generate()


def note(size: int, key=KEY) -> str:
    return checkpoint.sign(Checkpoint("metertrail/demo", size, bytes([size]) * 32), key)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "elsewhere" / "checkpoints.txt"


def test_a_note_a_minute_and_one_at_the_end(path):
    copied = CheckpointCopy(path)
    for size, at_ns in enumerate([0, EVERY_NS - 1, EVERY_NS, EVERY_NS + 1], start=1):
        copied.add(note(size), at_ns)
    copied.flush()
    copied.flush()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [note(1), note(3), note(4)]
    assert CheckpointCopy(path).last(KEY.public_key()) == note(4)


def test_no_file_knows_nothing(path):
    assert CheckpointCopy(path).last(KEY.public_key()) is None


def test_a_line_torn_by_a_crash_is_passed_over_and_closed_off(path):
    copied = CheckpointCopy(path)
    copied.add(note(1), 0)
    with path.open("a") as file:
        file.write(json.dumps(note(2))[:40])
    assert copied.last(KEY.public_key()) == note(1)
    copied.add(note(3), EVERY_NS)
    assert copied.last(KEY.public_key()) == note(3)


@pytest.mark.parametrize(
    "line", ['"nonsense"', "not json", "null", "[]", json.dumps(note(9, keys.generate()))], ids=range(5)
)
def test_a_last_line_that_is_no_note_of_this_ledger_is_told(path, line):
    CheckpointCopy(path).add(note(1), 0)
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(Corrupt, match="the last line is not a checkpoint of this ledger"):
        CheckpointCopy(path).last(KEY.public_key())
