"""A small archive changed byte by byte, and copies of it that withhold: each change is found where it lies.

Entries removed, moved, forged or left out are in test_verifier_attacks.py.
"""

import io
import os
import random
import zipfile
from collections.abc import Iterator

import pytest
from altered_maker import untouched
from archive_maker import AGENT, GATEWAY, failures, index_of

from contract import body, cbor, entry
from contract.errors import Inadmissible
from verifier import archive
from verifier.verify import findings, verify

EVERY = int(os.environ.get("ALTERED_EVERY", "7"))  # `make soak` changes every byte
SEED = 20240229
TRUE = untouched()
DATA = TRUE.pack()
ENTRIES = range(len(TRUE.ledger))


def checks(lines: list[str]) -> set[str]:
    return {line.split()[1] for line in lines}


def author(index: int) -> str:
    return entry.read(TRUE.ledger[index][0]).header.author


# What must be found: of each tuple one line that begins so. Where the archive cannot even be read: one of `refused`.
Due = tuple[list[tuple[str, ...]], tuple[str, ...]]


def places() -> list[Due]:
    """What is due for a change of each byte of the file."""
    due: list[Due] = [([("form",)], ("archive", *TRUE.members()))] * len(DATA)
    with zipfile.ZipFile(io.BytesIO(DATA)) as file:
        starts = {info.filename: info.header_offset + 30 + len(info.filename) for info in file.infolist()}
    for name, check in {
        "checkpoint.txt": "checkpoint",
        "entries.cborseq": "ledger",
        "ledger.pem": "checkpoint",
        "receipts.cborseq": "receipt",
        "statement.json": "run",
    }.items():
        size = len(TRUE.members()[name])
        due[starts[name] : starts[name] + size] = [([(check,)], (name, "checkpoint"))] * size
    end = starts["entries.cborseq"]
    for index, (signed, packed) in enumerate(TRUE.ledger):
        end += len(cbor.encode([index, signed, packed]))
        at = end - len(packed)
        due[at:end] = [([(f"body {index} ",)], ())] * len(packed)
        at -= len(cbor.encode(packed)) - len(packed) + len(signed)
        spoken = [("ledger",), (f"signature {index} ", f"entry {index}: ")]
        due[at : at + len(signed)] = [(spoken, ())] * len(signed)
    return due


def missed(data: bytes, due: Due) -> str | None:
    """What was due and not found; only as many checks run as are needed."""
    wanted, refused = list(due[0]), due[1]
    try:
        read = archive.read(data)
    except Inadmissible as error:
        return None if str(error).startswith(refused) else f"refused: {error}"
    for finding in findings(read):
        line = f"{finding.check} {finding.text}"
        if not finding.ok:
            wanted = [prefixes for prefixes in wanted if not line.startswith(prefixes)]
        if not wanted:
            return None
    return f"not found: {wanted}"


def changes() -> Iterator[int]:
    """The bytes to change: every one, or every so manieth from a seeded first."""
    return iter(range(random.Random(SEED).randrange(EVERY), len(DATA), EVERY))


def test_every_byte_changed_is_found_where_it_lies():
    due, chance = places(), random.Random(SEED)
    wrong = {}
    for at in changes():
        changed = DATA[:at] + bytes([DATA[at] ^ chance.randrange(1, 256)]) + DATA[at + 1 :]
        if fault := missed(changed, due[at]):
            wrong[at] = fault
    assert not wrong


def test_the_untouched_archive_is_pinned_and_each_entry_is_where_the_test_thinks():
    assert failures(DATA, TRUE.trust()) == []
    assert [author(i) for i in ENTRIES] == [GATEWAY] * 6 + [AGENT] * 6 + [GATEWAY]


def test_an_event_left_out():
    made = untouched()
    at = index_of(made, AGENT, "event")
    made.ledger[at][1] = None
    assert failures(made) == [f"LACK event {at} {where(at)}: withheld, though it touches the statement's period"]


# What withholding the body of an entry is found as; an empty set where nothing rests on it.
WITHHELD = {
    0: "chain", 1: "signature", 2: "signature", 3: "", 4: "statement", 5: "statement", 6: "profile", 7: "batch",
    8: "batch", 9: "event", 10: "batch", 11: "", 12: "run",
}  # fmt: skip


@pytest.mark.parametrize("at", ENTRIES)
def test_a_copy_is_refused_exactly_where_something_rests_on_what_it_withholds(at: int):
    made = untouched()
    whole = made.ledger[at][1]
    numbers = range(len(body.unpack(whole).parts))
    for redacted in (None, *(body.redact(whole, set(numbers) - {number}) for number in numbers)):
        made.ledger[at][1] = redacted
        lines = failures(made)
        assert all(line.startswith("LACK ") and "withheld" in line for line in lines), lines
        assert WITHHELD[at] in (checks(lines) or {""})
        assert verify(archive.read(made.pack())).verdict == ("incomplete" if WITHHELD[at] else "self-consistent")


def test_every_byte_of_a_redacted_body_changed_is_found():
    made = untouched()
    at = index_of(made, AGENT, "segment", 2)
    redacted = body.redact(made.ledger[at][1], {0})
    for number in range(len(redacted)):
        made.ledger[at][1] = redacted[:number] + bytes([redacted[number] ^ 1]) + redacted[number + 1 :]
        assert missed(made.pack(), ([(f"body {at} ",)], ())) is None, number


def where(index: int) -> str:
    header = entry.read(TRUE.ledger[index][0]).header
    return f"{header.author} {header.epoch.hex()[:8]}/{header.seq} ({header.type})"
