"""Lists from disk: workbooks and CSV in the encodings they come in; nothing fills the memory."""

import io
import zipfile

import openpyxl
import pytest

from agent.commission import import_file
from agent.commission.import_cells import UNCALCULATED
from agent.commission.import_file import load
from contract.problems import Problems


def refused(path):
    with pytest.raises(Problems) as raised:
        load(path)
    (line,) = raised.value.lines
    return line


def book(path, *sheets):
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets:
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def test_a_workbook(tmp_path):
    listed = load(
        book(tmp_path / "a.xlsx", ("Meters ", [["name", None, "unit"], [], ["a", None, 3.0, None]]), ("x", []))
    )
    assert listed.read_as == "workbook, sheet 'Meters '"
    assert [(row.number, row.cells) for row in listed.rows] == [
        (1, ("name", None, "unit")),
        (2, ()),
        (3, ("a", None, 3)),
    ]


def test_a_formula_is_its_result_or_marked(tmp_path):
    path = book(tmp_path / "a.xlsx", ("meters", [["name"], ["=1+1"], ["b"]]))
    assert load(path).rows[1].cells == (UNCALCULATED,)
    inside = dict(_parts(path))
    sheet = inside["xl/worksheets/sheet1.xml"].decode()
    assert "<v></v>" in sheet or "<v/>" in sheet or "<v />" in sheet
    for empty in ("<v></v>", "<v/>", "<v />"):
        sheet = sheet.replace(empty, "<v>2</v>")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (inside | {"xl/worksheets/sheet1.xml": sheet.encode()}).items():
            archive.writestr(name, data)
    assert load(path).rows[1].cells == (2,)


def _parts(path):
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


TEXT = "name,installation\nm1,三号柜\n"


@pytest.mark.parametrize(
    ("data", "read_as"),
    [
        (TEXT.encode(), "CSV in UTF-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "CSV in UTF-8 with byte order mark"),
        (TEXT.encode("gb18030"), "CSV in GB18030"),
        (TEXT.replace(",", ";").encode(), "CSV in UTF-8"),
        (TEXT.replace(",", "\t").encode(), "CSV in UTF-8"),
        (TEXT.replace("\n", "\r\n").encode(), "CSV in UTF-8"),
    ],
)
def test_csv(tmp_path, data, read_as):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    listed = load(path)
    assert listed.read_as == read_as
    assert [row.cells for row in listed.rows] == [("name", "installation"), ("m1", "三号柜")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xff\xfe\x00\xff", "neither .xlsx, nor text in UTF-8 or GB18030"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"x" * 100, "an old .xls workbook, or one with a password"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"a\n" * 5_001, "more than 5000 rows"),
    ],
)
def test_files_that_are_something_else(tmp_path, data, told):
    path = tmp_path / "a.xlsx"
    path.write_bytes(data)
    assert refused(path).startswith(f"{path}: {told}")


def test_an_archive_that_is_no_workbook(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"b")
    assert refused(path).startswith(f"{path}: not readable as a workbook: ")


def test_a_workbook_whose_list_is_not_named(tmp_path):
    path = book(tmp_path / "a.xlsx", ("x", [["name"]]), ("y", []))
    assert refused(path) == f"{path}: has sheets 'x', 'y': call the one with the list 'meters'"


def test_what_is_small_on_disk_and_huge_inside_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/a.xml", "w", force_zip64=True) as file,
    ):
        for _ in range(17):
            file.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("unpacked"))
    line = refused(path)
    assert f"unpacks to {17 * 2**20} bytes in 1 files" in line


def test_sizes_that_lie_do_not_help(tmp_path):
    """The directory says the sheet is small; reading then stops there, and the checksum does not hold."""
    path = book(tmp_path / "a.xlsx", ("meters", [["name", "bus"], *([f"m{at}", "b"] for at in range(500))]))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    at = data.rindex(size.to_bytes(4, "little"))
    data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    assert "damaged: Bad CRC-32" in refused(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(b"name\n")
    monkeypatch.setattr(import_file, "FILE_BYTES_MAX", 4)
    assert refused(path) == f"{path}: 5 bytes, more than 4: keep only the list of meters in it"


def test_a_cell_far_down_does_not_make_a_million_rows(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active["A1048576"] = "x"
    workbook.save(tmp_path / "a.xlsx")
    assert "more than 5000 rows" in refused(tmp_path / "a.xlsx")
