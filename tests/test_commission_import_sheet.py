"""A list is read from its bytes alone, under the name of what it lists."""

import io
import zipfile

import openpyxl
import pytest

from agent.commission import import_sheet
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


def with_first_sheet(change, declared=""):
    """A workbook whose first sheet's XML somebody wrote by hand."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(("batches", [["line"]])))) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            xml = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                text = xml.decode()
                xml = (
                    declared + text[text.index("<worksheet") :].replace("</sheetData>", change + "</sheetData>")
                ).encode()
            new.writestr(name, xml)
    return file.getvalue()


def test_a_workbook_that_says_more_than_its_size_is_refused():
    row = '<row r="2"><c r="A2" t="inlineStr"><is><t>&a;&a;</t></is></c></row>'
    with pytest.raises(Problems) as found:
        read("b.xlsx", with_first_sheet(row, '<!DOCTYPE x [<!ENTITY a "AAAA">]>'), "batches")
    assert list(found.value.lines) == ["b.xlsx: holds a document type declaration: open it in Excel and save it anew"]


def test_a_row_far_below_is_told_with_the_files_name():
    with pytest.raises(Problems) as found:
        read("b.xlsx", with_first_sheet('<row r="9999"><c r="A9999"><v>1</v></c></row>'), "batches")
    assert list(found.value.lines) == [
        "b.xlsx: sheet 'batches': more than 5000 rows: delete what stands below the list"
    ]


def test_of_a_long_text_no_more_is_taken_apart_than_may_be_in_it(monkeypatch):
    seen = []
    reader = import_sheet.csv.reader

    def counted(*given, **named):
        for record in reader(*given, **named):
            seen.append(record)
            yield record

    monkeypatch.setattr(import_sheet.csv, "reader", counted)
    with pytest.raises(Problems, match="more than 5000 rows"):
        read("b.csv", b"\n" * 100_000, "batches")
    assert len(seen) == import_sheet.ROWS_MAX + 1
