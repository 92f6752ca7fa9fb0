"""Readings in Parquet are the segments' own, to the last word, whatever reads them."""

import pytest
from kept_ledger import segments

from contract import body, segment
from gateway import readings_table
from gateway.readings_table import ReadingsTable

parquet = pytest.importorskip("pyarrow.parquet")

NAMES = ["agent", "meter", "point", "requested_ns", "answered_ns", "raw", "status", "source_ns", "entry"]


def due(agent: str, index: int, told: list[segment.MeterSegment]) -> list[tuple]:
    """Every reading, straight from the segments."""
    return [
        (agent, part.meter, column.point, block.requested_ns[k], block.answered_ns[k], column.raws[k],
         column.statuses[k], None if column.sources_ns is None else column.sources_ns[k], index)
        for part in told for block in part.blocks for column in block.columns for k in range(len(column.raws))
    ]  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 20, 1 << 20])
def test_what_is_read_back_is_what_was_sealed(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(readings_table, "ROWS_AT_ONCE", at_once)
    expected = []
    with ReadingsTable(tmp_path / "readings.parquet") as table:
        for index, agent in enumerate(["edge-2", "edge-1", "edge-1", "edge-2"], start=5):
            table.add(agent, index, body.pack(bytes(32), [segment.encode(part) for part in segments(index)]))
            expected += due(agent, index, segments(index))
    back = parquet.read_table(tmp_path / "readings.parquet")
    assert back.column_names == NAMES
    rows = [tuple(row[name] for name in NAMES) for row in back.to_pylist()]
    assert sorted(rows, key=repr) == sorted(expected, key=repr)
    assert table.count == len(expected) == 40
    if at_once == 1 << 20:
        assert rows == sorted(expected, key=lambda row: row[:3])  # and within a point in the ledger's order


def test_types_are_plain_integers_and_words(tmp_path):
    with ReadingsTable(tmp_path / "readings.parquet") as table:
        table.add("edge-1", 0, body.pack(bytes(32), [segment.encode(part) for part in segments(0)]))
    read = parquet.ParquetFile(tmp_path / "readings.parquet")
    kinds = {field.name: str(field.type) for field in read.schema_arrow}
    assert {kinds[name] for name in NAMES[3:]} == {"int64", "uint64", "uint32"}
    group = read.metadata.row_group(0)
    encodings = {group.column(n).path_in_schema: group.column(n).encodings for n in range(group.num_columns)}
    assert all("DELTA_BINARY_PACKED" in encodings[name] for name in NAMES[3:])
    assert {group.column(n).compression for n in range(group.num_columns)} == {"ZSTD"}


def test_a_part_that_is_no_segment_keeps_no_other_back(tmp_path):
    with ReadingsTable(tmp_path / "readings.parquet") as table:
        table.add("edge-1", 0, body.pack(bytes(32), [b"noise", segment.encode(segments(0)[1])]))
    assert (table.count, table.unread) == (4, 1)


def test_a_file_without_readings_has_the_same_columns(tmp_path):
    with ReadingsTable(tmp_path / "readings.parquet"):
        pass
    back = parquet.read_table(tmp_path / "readings.parquet")
    assert (back.num_rows, back.column_names) == (0, NAMES)
