"""Columns: every key of a meter has one, in two languages, and headings and key paths find it."""

import pytest

from agent import config
from agent.commission.import_columns import COLUMNS, column_of_heading, column_of_key

# keys that no list fills in: the first is spread over columns of its own
INNER = {
    "ct": config.Transformer,
    "pt": config.Transformer,
    "certificate": config.Certificate,
    "declared": config.Declared,
}
LATER = {
    ("sheet",),
    ("handover",),
    ("ct", "valid_from"),
    ("pt", "valid_from"),
    ("certificate", "points"),
    ("certificate", "drift_ppm"),
}  # of an exchanged transformer, or a table of its own: written into the file itself


def test_every_key_of_a_meter_has_a_column():
    wanted = {(key,) for key in config.Meter.model_fields if key not in INNER} | {("declared", "*")}
    for outer, model in INNER.items():
        wanted |= {(outer, *(["*"] if outer == "declared" else []), key) for key in model.model_fields}
    assert {column.key for column in COLUMNS} == wanted - LATER
    assert len({column.name for column in COLUMNS}) == len({column.title for column in COLUMNS}) == len(COLUMNS)
    assert all(column.english and column.chinese for column in COLUMNS)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_headings_find_their_column(column):
    for heading in (column.name, column.title, f" {column.name.replace('_', ' ').upper()} *", column.name.title()):
        assert column_of_heading(heading) is column


def test_other_headings_find_none():
    assert column_of_heading("remarks") is None
    assert column_of_heading("") is None


@pytest.mark.parametrize(
    ("path", "given", "name"),
    [
        ("unit", (), "unit"), ("ct.primary", (), "ct_primary"), ("ct.accuracy_class", (), "ct_class"),
        ("certificate.valid_to", (), "certificate_valid_to"), ("declared.energy_import.step", (), "declared_step"),
        ("declared.energy_import", (), "declared_point"), ("certificate", ("certificate_body",), "certificate_body"),
        ("certificate", (), "certificate_number"), ("points.0", (), "points"), ("something.else", (), "name"),
    ],
)  # fmt: skip
def test_a_key_path_finds_the_column_to_look_at(path, given, name):
    assert column_of_key(path, given) == name
