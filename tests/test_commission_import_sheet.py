"""A list is read from its bytes alone, under the name of what it lists."""

import io

import openpyxl
import pytest

from agent.commission.import_sheet import read
from contract.problems import Problems


def workbook(*sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_the_sheet_of_that_name_is_read():
    data = workbook(("notes", [["x"]]), ("Batches", [["line", "batch"], ["press", 7]]))
    listed = read("b.xlsx", data, "batches")
    assert [(row.number, row.cells) for row in listed.rows] == [(1, ("line", "batch")), (2, ("press", 7))]
    assert listed.read_as == "workbook, sheet 'Batches'"


def test_text_is_read_as_csv_in_either_encoding():
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        listed = read("b.csv", "产线;批次\npress;7\n".encode(encoding), "batches")
        assert [row.cells for row in listed.rows] == [("产线", "批次"), ("press", "7")]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (workbook(("a", []), ("b", [])), "b.xlsx: has sheets 'a', 'b': call the one with the list 'batches'"),
        (b"PK nothing", "b.xlsx: damaged: File is not a zip file: copy or save it anew"),
        (b"\xff\xff\x00", "b.xlsx: neither .xlsx, nor text in UTF-8 or GB18030: save it as .xlsx or as CSV UTF-8"),
    ],
    ids=["sheets", "damaged", "binary"],
)
def test_what_is_no_list_is_refused_in_one_line(data, line):
    with pytest.raises(Problems) as found:
        read("b.xlsx", data, "batches")
    assert list(found.value.lines) == [line]
