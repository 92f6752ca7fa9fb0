"""Every way of tampering must be found, and found under its own name; the untouched archive must pass."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, Factory, failures, index_of
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import body, cbor, cose, entry, keys, records
from contract.entry import Header
from verifier import archive, trust
from verifier.verify import verify


def names(lines: list[str]) -> set[str]:
    return {line.split()[1] for line in lines}


def test_the_untouched_archive_is_self_consistent_and_with_its_keys_known_pinned():
    made = maker.factory()
    read = archive.read(made.pack())
    alone = verify(read)
    assert alone.verdict == "self-consistent"
    expected = "form checkpoint ledger entries signature identity chain receipt history run profile segment edge batch"
    assert {finding.check for finding in alone.findings} == {
        *expected.split(),
        "key",
        "event",
        "partition",
        "clock",
        "statement",
        "trace",
    }
    assert verify(read, trust.parse(made.trust())).verdict == "pinned"


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_bit_of_a_header_names_the_entry_and_the_root():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 3)
    made.ledger[at][0] = flipped(made.ledger[at][0], made.ledger[at][0].index(b"segment"))
    lines = failures(made.pack_with_note(maker.factory().note()))
    assert any(line.startswith("FAIL ledger") and "root" in line for line in lines)
    assert any(line.startswith(f"FAIL signature {at} ") for line in lines)


def test_a_bit_of_a_body_names_the_entry():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 3)
    made.ledger[at][1] = flipped(made.ledger[at][1], len(made.ledger[at][1]) - 1)
    lines = failures(made)
    assert any(line.startswith(f"FAIL body {at} edge-1 ") for line in lines)
    assert "ledger" not in names(lines)  # bodies are proven by their headers, not by the tree


def test_a_bit_of_the_checkpoint_is_a_bad_signature():
    made = maker.factory()
    note = made.note().replace("\n33\n", "\n34\n")
    lines = failures(made.pack_with_note(note))
    assert lines == ["FAIL checkpoint signature: does not match the key and the signed bytes"]


def test_a_bit_of_a_receipt_is_a_bad_signature():
    made = maker.factory()
    made.receipts[0] = flipped(made.receipts[0], len(made.receipts[0]) - 1)
    lines = failures(made)
    assert names(lines) == {"receipt"}
    assert "signature" in lines[0]


def test_a_digit_of_the_statement_is_named_with_both_figures():
    made = maker.factory()
    assert b'"metered_wh_milli":208000' in made.statement
    made.statement = made.statement.replace(b'"metered_wh_milli":208000', b'"metered_wh_milli":207999')
    lines = failures(made)
    assert "FAIL statement utilities[0].metered_wh_milli: states 207999, recomputed 208000" in lines
    assert names(lines) == {"statement", "run"}


def test_a_statement_of_another_spelling_is_not_the_recorded_one():
    made = maker.factory()
    made.statement = made.statement.replace(b'"form":', b'"form": ')
    assert names(failures(made)) == {"statement", "run"}


def test_a_removed_entry_is_a_gap_whoever_signs_the_tree():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 5)
    del made.ledger[at]
    assert any(line.startswith("FAIL chain") and "where" in line and "is due" in line for line in failures(made))


def test_an_entry_twice_is_named():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 5)
    made.ledger.insert(at, list(made.ledger[at]))
    assert {"identity", "chain"} <= names(failures(made))


def test_swapped_entries_are_out_of_order():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 5)
    made.ledger[at], made.ledger[at + 1] = made.ledger[at + 1], made.ledger[at]
    assert {"chain", "history"} <= names(failures(made))


def test_an_entry_signed_again_by_another_enrolled_key_is_named():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 5)
    payload = cose.parse(made.ledger[at][0]).payload
    made.ledger[at][0] = cose.sign(payload, made.private["edge-2"], "entry", maker.SITE)
    lines = failures(made)
    assert any(line.startswith(f"FAIL signature {at} ") and "the key of edge-2" in line for line in lines)


def test_a_tail_cut_off_is_found_by_the_receipt_and_by_the_run():
    made = maker.factory()
    del made.ledger[-4:]
    lines = failures(made)
    assert any("receipted, but is not in the ledger" in line for line in lines)
    assert any(line.startswith("FAIL history receipt of edge-1") and "cut off" in line for line in lines)
    assert "run" in names(lines)


def test_a_batch_withheld_is_named():
    made = maker.factory()
    at = index_of(made, AGENT, "batch", 1)
    made.ledger[at][1] = None
    lines = failures(made)
    assert any(line.startswith(f"LACK batch {at} ") and "withheld" in line for line in lines)


def test_a_batch_never_recorded_is_told_by_the_event_of_its_end():
    made = maker.opened()
    maker.produced(made, batches=("L1-0001",))
    maker.stated(made, batches=("L1-0001",))
    lines = failures(made)
    assert len(lines) == 1
    assert lines[0].startswith("FAIL event ")
    assert "batch L1-0002 of line1 ended, but has no record" in lines[0]


def test_a_signed_amount_that_is_off_by_one_is_named_with_both_figures(monkeypatch: pytest.MonkeyPatch):
    honest = maker.batch_parts("L1-0001")
    amount = records.read(honest[1], records.AmountPart)
    bent = [honest[0], records.write(amount.model_copy(update={"amount": amount.amount - 1})), *honest[2:]]
    other = maker.batch_parts("L1-0002")
    monkeypatch.setattr(maker, "batch_parts", lambda name: bent if name == "L1-0001" else other)
    made = maker.opened()
    maker.produced(made)
    maker.stated(made)
    lines = failures(made, made.trust())
    # 28 steps of 7 Wh between the looks of reading 13 and 41
    assert lines == ["FAIL batch L1-0001 line1/energy_import: signed 195999 mWh, recomputed 196000"]


def test_raw_words_bent_before_sealing_contradict_the_batch(monkeypatch: pytest.MonkeyPatch):
    honest = {name: maker.batch_parts(name) for name in maker.BATCHES}
    monkeypatch.setattr(maker, "batch_parts", honest.__getitem__)
    monkeypatch.setitem(maker.SHOWN, "line1", lambda k: 5000 + 7 * k - (k > 30))
    made = maker.opened()
    maker.produced(made)
    maker.stated(made)
    assert "batch" in names(failures(made))


def test_a_batch_whose_readings_are_withheld_is_not_recomputable():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 4)
    made.ledger[at][1] = None
    lines = failures(made)
    assert any(f"L1-0001: not recomputable: segment {at} " in line for line in lines)


def test_one_meter_withheld_keeps_the_others_checked():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 19)  # after both batches: nothing rests on it
    made.ledger[at][1] = body.redact(made.ledger[at][1], {0, 1, 3})
    assert failures(made) == []


def test_fresh_keys_everywhere_are_found_only_by_the_trust_file():
    known = maker.factory().trust()
    forged = maker.opened(Factory())
    maker.produced(forged)
    maker.stated(forged)
    assert failures(forged) == []
    lines = failures(forged, known)
    assert names(lines) == {"trust"}
    assert len(lines) == 3  # agent, gateway, ledger


def test_a_header_of_another_version_is_refused():
    made = maker.factory()
    at = index_of(made, AGENT, "event")
    fields = cbor.decode(cose.parse(made.ledger[at][0]).payload)
    payload = cbor.encode({**fields, "v": 2})
    made.ledger[at][0] = cose.sign(payload, made.private[AGENT], "entry", maker.SITE)
    assert any(line.startswith(f"FAIL entry {at}: header: version 2") for line in failures(made))


def test_an_agent_cannot_enrol_itself_a_friend():
    made = maker.opened()
    maker.produced(made)
    stranger = keys.generate()
    made.add(AGENT, "enrolment", [maker.enrolment("edge-9", stranger)], maker.T0, maker.T0)
    made.private["edge-9"] = stranger
    made.epoch("edge-9", [], maker.T0)
    maker.stated(made)
    assert any("no key is enrolled for edge-9" in line for line in failures(made))


def test_parts_nobody_can_use_are_findings_and_never_exceptions():
    parts = maker.manifest_parts()
    meter = next(i for i, part in enumerate(parts) if records.kind_of(part) == "meter")
    record = records.read(parts[meter], records.MeterPart)
    step = records.Declared(point="energy_import", step="a little", age_ns=None, source="")
    parts[meter] = records.write(record.model_copy(update={"declared": [step]}))
    made = maker.opened()
    maker.produced(made, parts=parts)
    maker.stated(made)
    assert {"profile", "batch"} <= names(failures(made))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_an_author_seals_ends_in_findings(data: st.DataObject):
    """Properly signed nonsense: a real part of any entry with bytes changed, sealed once more by its author."""
    made = maker.factory()
    headers = [entry.read(signed).header for signed, _ in made.ledger]
    at = data.draw(st.sampled_from([i for i, header in enumerate(headers) if header.parts]))
    header, parts = headers[at], list(body.unpack(made.ledger[at][1]).parts)
    number = data.draw(st.integers(0, len(parts) - 1))
    part = bytearray(parts[number])
    for _ in range(data.draw(st.integers(1, 3))):
        part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))
    parts[number] = bytes(part)
    sealed = entry.seal(header, parts, bytes(32), made.private[header.author], maker.SITE)
    made.ledger[at] = [sealed.signed, sealed.body]
    # another seed alone gives another leaf, so the tree heads that later entries name no longer hold
    assert verify(archive.read(made.pack())).verdict == "failed" or at == len(headers) - 1


def test_headers_hold_what_the_maker_meant():
    made = maker.factory()
    headers: list[Header] = [entry.read(signed).header for signed, _ in made.ledger]
    kinds = [header.type for header in headers if header.author == AGENT]
    assert (kinds.count("manifest"), kinds.count("segment"), kinds.count("batch")) == (2, 20, 2)
