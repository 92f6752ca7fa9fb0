"""The empty list of meters: an Excel workbook with headings, explanations in two languages, and lists to choose from.

In: nothing. Out: the bytes of an .xlsx file. Columns are those of import_columns.
"""

import io
from typing import Any

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from agent.aggregation.limits import CT_CLASSES, METER_CLASSES, VT_CLASSES
from agent.commission.import_columns import COLUMNS
from agent.commission.import_file import LISTS
from agent.drivers import profiles

ROWS = 2000  # that lists to choose from apply to
REQUIRED = ("name", "bus", "profile")  # of a new meter
RULES = (
    ("A row is a meter. A name that agent.toml has already changes that meter; a new name adds one.",
     "每行一块表。名称在 agent.toml 中已存在时修改该表,否则新增。"),
    ("An empty cell leaves the key as it is. Meters that are not listed stay as they are.",
     "空单元格保持原值。未列出的表保持不变。"),
    ("Do not merge cells over several rows: only the first row would have the value.",
     "不要跨行合并单元格:只有首行会有值。"),
    ("Titles above the headings, empty rows, and the order of columns do not matter; unused columns may be deleted.",
     "标题行、空行、列的顺序均无影响;不用的列可删除。"),
    ("Nothing is written before `metertrail import LIST --into agent.toml --write`; every mistake is told first.",
     "执行 `metertrail import 文件 --into agent.toml --write` 之前不会写入任何内容;所有错误会先一次列出。"),
)  # fmt: skip


def workbook() -> bytes:
    """The template."""
    book = openpyxl.Workbook()
    meters = book.active
    meters.title = LISTS
    choices = {
        "profile": profiles.names(),
        "accuracy_class": list(METER_CLASSES),
        "ct_class": list(CT_CLASSES),
        "pt_class": list(VT_CLASSES),
    }
    _meters(meters)
    _notes(book.create_sheet("notes"))
    _lists(book.create_sheet("lists"), meters, {name: values for name, values in choices.items() if values})
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _meters(sheet: Any) -> None:  # noqa: ANN401 - the library has no types
    for at, column in enumerate(COLUMNS, 1):
        head = sheet.cell(1, at, column.name)
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor="FFE6B8" if column.name in REQUIRED else "E8EEF4")
        width = sheet.column_dimensions[get_column_letter(at)]
        width.width = max(12, len(column.name) + 3)
        if column.form in ("text", "list", "decimal"):
            width.number_format = "@"
        elif column.form == "date":
            width.number_format = "yyyy-mm-dd"
    sheet.freeze_panes = "B2"


def _notes(sheet: Any) -> None:  # noqa: ANN401 - the library has no types
    sheet.append(["column", "列名", "what it holds", "说明", "example"])
    for column in COLUMNS:
        required = ("Required for a new meter. ", "新增时必填。") if column.name in REQUIRED else ("", "")
        sheet.append(
            [column.name, column.title, required[0] + column.english, required[1] + column.chinese, column.example]
        )
    sheet.append([])
    for english, chinese in RULES:
        sheet.append([None, None, english, chinese])
    for letter, width in (("A", 24), ("B", 16), ("C", 70), ("D", 60), ("E", 30)):
        sheet.column_dimensions[letter].width = width
    for row in sheet.iter_rows():
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=cell.row == 1)


def _lists(sheet: Any, meters: Any, choices: dict[str, list[str]]) -> None:  # noqa: ANN401 - the library has no types
    """Long lists cannot stand in a rule itself, so they stand in columns of a sheet of their own."""
    headings = [column.name for column in COLUMNS]
    for at, (name, values) in enumerate(choices.items(), 1):
        for row, text in enumerate([name, *values], 1):
            sheet.cell(row, at, text)
        place = f"lists!${get_column_letter(at)}$2:${get_column_letter(at)}${len(values) + 1}"
        rule = DataValidation(type="list", formula1=place, allow_blank=True, showErrorMessage=False)
        letter = get_column_letter(headings.index(name) + 1)
        rule.add(f"{letter}2:{letter}{ROWS}")
        meters.add_data_validation(rule)
