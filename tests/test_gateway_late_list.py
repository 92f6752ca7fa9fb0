"""Lists of late batches: workbooks and CSV, headings in either language, all faults by row and column, or nothing."""

import hashlib
import io
from datetime import datetime

import openpyxl
import pytest
from test_commission_import_sheet import workbook

from contract.problems import Problems
from contract.zone import zone_of
from gateway import late_list
from gateway.late_told import FIELDS

S = 1_000_000_000
HEAD = "line,batch,product,start,end,author,reason,edge_s"
ROWS = [
    "press,B-1,coil,1970-01-02 08:00,1970-01-02 09:00,Li,off,5",
    "press,B-2,coil,1970-01-02 09:00,1970-01-02 10:00,Li,off,",
]


def rows(data, name="may.csv"):
    return late_list.rows(name, data, zone_of("+08:00"), 10**18)


def csv(*lines):
    return "\n".join(lines).encode()


def faults(data):
    with pytest.raises(Problems) as found:
        rows(data)
    return list(found.value.lines)


def test_every_row_says_where_it_stood():
    data = csv("Late batches of May", "", HEAD, ROWS[0], "", ROWS[1])
    said = rows(data)
    assert [(one.batch, one.row, one.start_ns, one.edge_ns) for one in said] == [
        ("B-1", 4, 86_400 * S, 5 * S), ("B-2", 6, 90_000 * S, 60 * S),
    ]  # fmt: skip
    assert {(one.way, one.file, one.file_hash) for one in said} == {
        ("file", "may.csv", hashlib.sha256(data).hexdigest())
    }


def test_the_template_can_be_filled_in_and_read():
    book = openpyxl.load_workbook(io.BytesIO(late_list.workbook()))
    example = dict(late_list.EXAMPLE)
    book[late_list.OF].append([example[field] for field in FIELDS])
    file = io.BytesIO()
    book.save(file)
    (said,) = late_list.rows("b.xlsx", file.getvalue(), zone_of("+08:00"), 2 * 10**18)
    assert (said.batch, said.author, said.edge_ns) == ("2026-0412-07", "Li Na", 60 * S)
    with pytest.raises(Problems, match="holds no batch"):
        rows(late_list.workbook())


def test_chinese_headings_and_times_as_excel_keeps_them():
    head = [late_list.TITLES[field] for field in FIELDS]
    start, end = (datetime.fromisoformat(f"1970-01-02T{hour}:00") for hour in ("08", "09"))
    cells = {
        "line": "press", "batch": 17, "product": "coil", "start": start, "end": end, "author": "李",
        "reason": "停电", "edge_s": 1.5,
    }  # fmt: skip
    (said,) = rows(workbook(("batches", [head, [cells[field] for field in FIELDS]])))
    assert (said.batch, said.start_ns, said.edge_ns, said.reason) == ("17", 86_400 * S, 1_500_000_000, "停电")


def test_every_fault_of_every_row_is_told_at_once():
    wrong = [
        "press,,coil,soon,1970-01-02 09:00,Li,off,5",
        ROWS[0],
        ROWS[0],
        "press,B-3,coil,1970-01-02 08:30,1970-01-02 09:30,Li,,x",
    ]
    assert faults(csv(HEAD, *wrong)) == [
        "may.csv: row 2, column batch: missing: give it",
        "may.csv: row 2, column start: 'soon' is not a time: write it as 2026-03-01T00:00 or 2026-03-01T00:00+08:00",
        "may.csv: row 4, column batch: B-1 is there already (row 3), within a week of it: give it another id",
        "may.csv: row 5, column edge_s: 'x' is not a decimal number: write one such as 0.01",
        "may.csv: row 5, column reason: missing: give it",
    ]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (csv("a,b", "1,2"), f"may.csv: no row of headings: the columns are {', '.join(FIELDS)}; see --template"),
        (csv(HEAD.replace("reason", "why"), ROWS[0]), "may.csv: row 1: no column reason: add it"),
        (csv(HEAD.replace("edge_s", "line"), ROWS[0]), "may.csv: row 1: two columns line: delete one"),
        (csv(HEAD), "may.csv: holds no batch: fill in a row for each"),
    ],
)
def test_a_list_that_is_none_says_why(data, line):
    assert faults(data) == [line]


def test_a_name_told_twice_in_a_week_is_refused_even_without_overlap():
    again = ROWS[1].replace("B-2", "B-1")
    assert faults(csv(HEAD, ROWS[0], again)) == [
        "may.csv: row 3, column batch: B-1 is there already (row 2), within a week of it: give it another id"
    ]


def test_a_list_too_long_is_refused():
    many = [
        f"press,B-{n},coil,1970-02-01 {n // 60:02}:{n % 60:02}:00,1970-02-01 {n // 60:02}:{n % 60:02}:30,Li,off,0"
        for n in range(501)
    ]
    assert faults(csv(HEAD, *many)) == ["may.csv: 501 batches, more than 500: split the list"]
