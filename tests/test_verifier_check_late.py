"""Late batches in an archive: recomputed whole from its readings, and every lie about them is found."""

import json

import archive_maker as maker
import pytest
from archive_maker import T0, S
from late_plant import silent, take, told

from contract import records
from contract.late_records import LatePart
from gateway import late_batch
from verifier import archive
from verifier.verify import verify


@pytest.fixture
def sealer(tmp_path):
    opened = silent(tmp_path)
    yield opened
    opened.ledger.close()


def faults(data):
    report = verify(archive.read(data))
    return [finding.line() for finding in report.findings if not finding.ok]


def lines(data, check):
    return [f.text for f in verify(archive.read(data)).findings if f.check == check]


def test_an_export_with_a_late_batch_passes_and_counts_it(sealer):
    take(sealer, told())
    data = sealer.export()
    assert faults(data) == []
    assert lines(data, "late") == ["1 batches told late, 1 of them in the period"]
    said = json.loads(archive.read(data).statement)
    coil = said["products"][0]
    assert (coil["batches"], coil["direct_wh_milli"], coil["good_g_milli"]) == (2, 196_000 + 140_000, 144_000_000)
    (late,) = said["late"]
    assert (late["batch"], late["author"], late["told_ns"] - late["end_ns"]) == ("L1-0003", "Li", (86_400 - 1050) * S)
    counted = [text for text in lines(data, "partition") if "line1" in text]
    assert counted == [
        "edge-1 line1/energy_import: 3 batches and 4 times between them add up to the register's 833000 mWh"
    ]


def test_an_archive_without_one_says_nothing_of_late_batches(sealer):
    data = sealer.export()
    assert lines(data, "late") == []
    assert "late" not in json.loads(archive.read(data).statement)


def test_one_that_is_incomplete_passes_and_is_excluded(sealer):
    sealer.made.add(maker.AGENT, "segment", [], T0 + 9000 * S, T0 + 9000 * S)
    sealer.append()
    take(sealer, told(start_ns=T0 + 1000 * S, end_ns=T0 + 1600 * S))
    data = sealer.export(maker_asked(T0 + 2000 * S))
    assert faults(data) == []
    (excluded,) = json.loads(archive.read(data).statement)["excluded"]
    assert (excluded["batch"], excluded["reason"]) == ("L1-0003", "incomplete")


def maker_asked(to_ns):
    from gateway.export import Asked  # noqa: PLC0415

    return Asked(None, maker.FROM_NS, to_ns, provisional=True)


def test_an_agents_batch_that_comes_afterwards_goes_before_it(tmp_path):
    sealer = silent(tmp_path, ("L1-0001",))
    take(sealer, told(start_ns=T0 + 500 * S, end_ns=T0 + 900 * S))
    maker.add_batch(sealer.made, "L1-0002")  # from 427 s to 807 s
    sealer.append()
    data = sealer.export()
    assert faults(data) == []
    said = json.loads(archive.read(data).statement)
    assert [(one["batch"], one["reason"]) for one in said["excluded"]] == [
        ("L1-0003", "overlaps another batch of its line")
    ]
    assert said["products"][1]["direct_wh_milli"] == 266_000
    assert any("1 batches told late reach into another" in text for text in lines(data, "partition"))
    sealer.ledger.close()


def test_an_edge_told_so_roughly_that_it_reaches_into_a_neighbour_still_counts(sealer):
    take(sealer, told(start_ns=T0 + 810 * S, edge_ns=60 * S))  # L1-0002 ended between 797 s and 807 s
    data = sealer.export()
    assert faults(data) == []
    said = json.loads(archive.read(data).statement)
    assert said["excluded"] == []
    assert said["products"][0]["direct_wh_milli"] == 196_000 + 24 * 7000
    (counted,) = [text for text in lines(data, "partition") if "line1" in text]
    assert counted.startswith("edge-1 line1/energy_import: 2 batches and 3 times between them add up to the register's")
    assert counted.endswith(" 833000 mWh; 1 batches told late reach into another")


def test_a_batch_whose_end_was_seen_but_never_recorded_is_accounted_for_by_one_told_late(tmp_path):
    sealer = silent(tmp_path, ("L1-0001",))
    assert any("L1-0002 of line1 ended, but has no record" in fault for fault in faults(sealer.export()))
    take(sealer, told(batch="L1-0002", product="plate", start_ns=T0 + 430 * S, end_ns=T0 + 806 * S))
    assert faults(sealer.export()) == []
    sealer.ledger.close()


def lied(parts, number, kind, **changes):
    changed = list(parts)
    changed[number] = records.write(records.read(parts[number], kind).model_copy(update=changes))
    return changed


@pytest.mark.parametrize(
    ("number", "kind", "changes", "words"),
    [
        (0, LatePart, {"ledger_size": 10_000}, "computed from 10000 entries"),
        (0, LatePart, {"ledger_size": 20}, "signed 140000 mWh, recomputed nothing"),
        (0, LatePart, {"manifest": bytes(32)}, "no readable manifest is in force"),
        (0, LatePart, {"lacking": ["a reason"]}, "lacks a reason as signed, nothing as recomputed"),
        (1, records.BatchPart, {"closed": "incomplete"}, "closed as incomplete, though it lacks nothing"),
        (2, records.AmountPart, {"amount": 139_000}, "signed 139000 mWh, recomputed 140000"),
    ],
)
def test_a_gateway_that_lies_is_found(sealer, number, kind, changes, words):
    take(sealer, told(), lied(late_batch.parts(told(), sealer.ledger), number, kind, **changes))
    assert any(words in fault for fault in faults(sealer.export())), faults(sealer.export())


def test_another_edge_than_declared_and_another_time_are_found(sealer):
    parts = list(late_batch.parts(told(), sealer.ledger))
    head = records.read(parts[1], records.BatchPart)
    early = head.start.model_copy(update={"earliest_ns": head.start.earliest_ns - S})
    parts[1] = records.write(head.model_copy(update={"start": early}))
    take(sealer, told(), parts)
    found = faults(sealer.export())
    assert any("what was declared gives" in fault for fault in found)
    assert any("filed under another time" in fault for fault in found)


def test_the_manifest_of_another_time_is_found(sealer):
    """The second epoch begins at 600 s: what ended before it was declared by the first."""
    second = maker.index_of(sealer.made, maker.AGENT, "manifest", 1)
    window = {"start_ns": T0 + 408 * S, "end_ns": T0 + 420 * S, "edge_ns": 0}
    parts = late_batch.parts(told(**window), sealer.ledger)
    entry = next(sealer.ledger.entries(second, second))
    take(sealer, told(**window), lied(parts, 0, LatePart, manifest=entry.hash))
    assert any("which is not the one edge-1 had stated last by then" in fault for fault in faults(sealer.export()))
