"""The template is a list the import reads, with a note on every column and choices that are those of the program."""

import io

import openpyxl

from agent.aggregation.limits import METER_CLASSES, VT_CLASSES
from agent.commission import import_file, import_rows, template
from agent.commission.import_columns import COLUMNS
from agent.drivers import profiles

BOOK = openpyxl.load_workbook(io.BytesIO(template.workbook()))


def test_its_headings_are_the_columns_and_no_row_is_filled_in(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(template.workbook())
    listed = import_file.load(tmp_path / "t.xlsx")
    assert listed.rows[0].cells == tuple(column.name for column in COLUMNS)
    assert len(listed.rows) == 1


def test_filled_in_with_its_own_examples_it_can_be_read(tmp_path):
    sheet = BOOK["meters"]
    sheet.append([column.example or None for column in COLUMNS])
    BOOK.save(tmp_path / "t.xlsx")
    wanted, faults = import_rows.read(import_file.load(tmp_path / "t.xlsx").rows)
    assert faults == []
    assert wanted[0].name == "press"
    assert wanted[0].table["ct"] == {"primary": 400, "secondary": 5, "accuracy_class": "0.5"}
    sheet.delete_rows(2)


def test_every_column_is_explained_in_both_languages():
    notes = {row[0]: row for row in BOOK["notes"].iter_rows(values_only=True) if row[0]}
    for column in COLUMNS:
        name, title, english, chinese, _ = notes[column.name]
        assert (name, title) == (column.name, column.title)
        assert column.english in english
        assert column.chinese in chinese
    assert "Required" in notes["profile"][2]
    assert "Required" not in notes["serial"][2]


def test_choices_are_those_of_the_program():
    rules = BOOK["meters"].data_validations.dataValidation
    assert len(rules) == 4
    lists = {column[0]: [text for text in column[1:] if text] for column in BOOK["lists"].iter_cols(values_only=True)}
    assert lists["profile"] == profiles.names()
    assert lists["accuracy_class"] == list(METER_CLASSES)
    assert lists["pt_class"] == list(VT_CLASSES)
    headings = [cell.value for cell in BOOK["meters"][1]]
    for rule in rules:
        place = str(rule.sqref).split(":")[0].rstrip("0123456789")
        heading = headings[openpyxl.utils.column_index_from_string(place) - 1]
        column = [cell.value for cell in BOOK["lists"][rule.formula1.split("$")[1]]]
        assert column[0] == heading
        assert f"${len(lists[heading]) + 1}" in rule.formula1


def test_columns_of_text_are_formatted_as_text():
    sheet = BOOK["meters"]
    letters = {column.name: openpyxl.utils.get_column_letter(at) for at, column in enumerate(COLUMNS, 1)}
    assert sheet.column_dimensions[letters["serial"]].number_format == "@"
    assert sheet.column_dimensions[letters["certificate_valid_to"]].number_format == "yyyy-mm-dd"
