"""A small archive altered in every way: each alteration is found, under the name of the check that is due.

Unless a test says otherwise, the ledger's own key signs the altered ledger anew: what it holds must give it away, for
whoever keeps the ledger may be the one who alters it.
"""

import io
import os
import random
import zipfile
from collections.abc import Iterator

import altered_maker as maker
import archive_maker
import pytest
from altered_maker import METERS, untouched
from archive_maker import AGENT, GATEWAY, failures, index_of

from contract import body, cbor, cose, entry
from contract.errors import Inadmissible
from verifier import archive
from verifier.verify import findings, verify

EVERY = int(os.environ.get("ALTERED_EVERY", "7"))  # `make soak` changes every byte
SEED = 20240229
TRUE = untouched()
DATA = TRUE.pack()
ENTRIES = range(len(TRUE.ledger))
AGENTS_LAST = max(index_of(TRUE, AGENT, "segment", 2), index_of(TRUE, AGENT, "batch"))


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


@pytest.mark.parametrize("at", ENTRIES)
def test_an_entry_removed(at: int):
    made = untouched()
    del made.ledger[at]
    due = {AGENTS_LAST: "receipt", ENTRIES[-1]: "run"}.get(at, "chain")
    lines = failures(made)
    assert due in checks(lines)
    if due == "chain":
        assert any(line.startswith(f"FAIL chain {i} {author(at)} ") for line in lines for i in ENTRIES)


@pytest.mark.parametrize("at", ENTRIES)
def test_an_entry_doubled(at: int):
    made = untouched()
    made.ledger.insert(at, list(made.ledger[at]))
    assert any(line.startswith(f"FAIL identity {at + 1} ") and f"index {at} too" in line for line in failures(made))


@pytest.mark.parametrize("at", ENTRIES[:-1])
def test_two_neighbours_swapped(at: int):
    made = untouched()
    made.ledger[at], made.ledger[at + 1] = made.ledger[at + 1], made.ledger[at]
    due = "chain" if author(at) == author(at + 1) else "history"
    assert due in checks(failures(made))


@pytest.mark.parametrize("at", ENTRIES)
def test_an_entry_signed_again_by_another_enrolled_key(at: int):
    made = untouched()
    payload = cose.parse(made.ledger[at][0]).payload
    made.ledger[at][0] = cose.sign(payload, made.private["edge-2"], "entry", archive_maker.SITE)
    lines = failures(made)
    assert any(line.startswith(f"FAIL signature {at} ") and "the key of edge-2" in line for line in lines)


@pytest.mark.parametrize("at", ENTRIES)
def test_the_tail_cut(at: int):
    """By the statement, always; by the receipt and the tree head it names, where the agent's last entry is gone."""
    made = untouched()
    del made.ledger[at:]
    found = checks(failures(made))
    assert "run" in found
    assert {"receipt", "history"} <= found or at > AGENTS_LAST


@pytest.mark.parametrize("at", ENTRIES)
def test_the_tail_cut_under_the_true_checkpoint(at: int):
    made = untouched()
    del made.ledger[at:]
    lines = failures(made.pack_with_note(TRUE.note()))
    assert f"FAIL ledger {at} entries; the checkpoint signs {len(ENTRIES)}" in lines


def test_a_batch_left_out():
    """By its author, before anything was signed: told by the event of its end."""
    lines = failures(maker.small(without_batch=True))
    assert len(lines) == 1
    assert lines[0].startswith("FAIL event ")
    assert f"batch {maker.BATCH} of line1 ended, but has no record" in lines[0]


def test_an_event_left_out():
    made = untouched()
    at = index_of(made, AGENT, "event")
    made.ledger[at][1] = None
    assert failures(made) == [f"LACK event {at} {where(at)}: withheld, though it touches the statement's period"]


@pytest.mark.parametrize("meter", METERS)
def test_a_whole_meter_left_out_by_its_author(meter: str):
    lines = failures(maker.small(without_meter=meter))
    point = archive_maker.POINTS[meter]
    assert any(line.startswith(f"FAIL batch {maker.BATCH} {meter}/{point}: signed ") for line in lines)


@pytest.mark.parametrize("meter", METERS)
def test_a_whole_meter_withheld(meter: str):
    made = untouched()
    keep = {METERS.index(other) for other in METERS if other != meter}
    for nth in range(len(maker.SEGMENTS)):
        at = index_of(made, AGENT, "segment", nth)
        made.ledger[at][1] = body.redact(made.ledger[at][1], keep)
    first = index_of(made, AGENT, "segment")
    assert f"LACK batch {maker.BATCH}: not recomputable: segment {first} {where(first)} is withheld" in failures(made)


def test_everything_signed_with_fresh_keys_is_found_by_the_trust_file_and_by_nothing_else():
    forged = maker.small()
    assert failures(forged) == []
    lines = failures(forged, TRUE.trust())
    assert checks(lines) == {"trust"}
    assert [line.split()[2] for line in lines] == [f"{AGENT}:", f"{GATEWAY}:", "ledger:"]


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
