"""The columns of a meter list: what each is called, which key of a `[[meter]]` table it fills, and what it means.

In: nothing. Out: `COLUMNS`, and the column a heading or a key path belongs to. Rules for values are those of
`agent.config` and `agent.check`; here stands only how a cell is written. Pure.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# What must be known to put a declared register under its name.
DECLARED_POINT = "declared_point"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `key` is its path in a `[[meter]]` table; "*" stands for the register named in `declared_point`."""

    name: str
    key: tuple[str, ...]
    form: Literal["text", "whole", "decimal", "date", "list"]
    title: str  # the Chinese heading, equally understood
    english: str
    chinese: str
    example: str = ""


COLUMNS = (
    Column("name", ("name",), "text", "名称",
           "The meter's name in evidence and topics: a-z, 0-9 and '-'. An existing name changes that meter.",
           "证据与主题中的表名:a-z、0-9 与“-”。名称已存在时,修改该表。", "press"),
    Column("bus", ("bus",), "text", "总线", "The name of a [[bus]] in agent.toml.",
           "agent.toml 中 [[bus]] 的名称。", "serial"),
    Column("unit", ("unit",), "whole", "站号", "Modbus unit id.", "Modbus 站号(从站地址)。", "1"),
    Column("address", ("address",), "text", "通信地址",
           "DL/T 645 only: the 12 digits on the meter's plate.", "仅 DL/T 645:铭牌上的 12 位地址。"),
    Column("profile", ("profile",), "text", "表型",
           "A shipped meter type (see the list), or the path of your own such as ./my-meter.toml.",
           "内置表型(见下拉列表),或自有文件路径,如 ./my-meter.toml。", "eastron-sdm630"),
    Column("serial", ("serial",), "text", "出厂编号",
           "As printed on the meter. Keep the column formatted as text: Excel drops leading zeros and long digits.",
           "与铭牌一致。请保持“文本”格式:Excel 会丢失前导零和长数字。", "20431177"),
    Column("installation", ("installation",), "text", "安装位置", "Where it is.", "安装位置。", "cabinet 3, feeder 7"),
    Column("every_ms", ("every_ms",), "whole", "采集周期ms",
           "Read every so many milliseconds.", "采集周期,毫秒。", "1000"),
    Column("points", ("points",), "list", "测点",
           "What to read, separated by commas; empty for every point of the profile.",
           "要读取的测点,用逗号分隔;留空表示表型的全部测点。", "power, energy_import"),
    Column("base", ("base",), "whole", "地址偏移",
           "Added to every address (SunSpec: where the model begins).", "加到每个地址上的偏移(SunSpec:模型起始地址)。"),
    Column("accuracy_class", ("accuracy_class",), "text", "准确度等级",
           "As printed on the meter.", "与铭牌一致。", "0.5S"),
    Column("power_max_w", ("power_max_w",), "whole", "最大功率W",
           "The most its circuit can carry, in watts.", "回路最大功率,瓦。", "60000"),
    Column("rated_w", ("rated_w",), "whole", "额定功率W",
           "Active power at rated current and voltage and power factor 1, primary, in watts; limits of error go by it.",
           "额定电流、额定电压、功率因数 1 时的一次侧有功功率,瓦;误差限按负荷取值。", "276000"),
    Column("ct_primary", ("ct", "primary"), "whole", "CT一次",
           "Current transformer, primary amperes; only if the meter does not apply the ratio itself.",
           "电流互感器一次电流(A);仅当电表自身不乘变比时填写。", "400"),
    Column("ct_secondary", ("ct", "secondary"), "whole", "CT二次", "Secondary amperes.", "二次电流(A)。", "5"),
    Column("ct_class", ("ct", "accuracy_class"), "text", "CT等级", "Its accuracy class.", "互感器准确度等级。", "0.5"),
    Column("ct_certificate", ("ct", "certificate"), "text", "CT证书编号", "Its certificate.", "互感器检定证书编号。"),
    Column("pt_primary", ("pt", "primary"), "whole", "PT一次",
           "Voltage transformer, primary volts; only if the meter does not apply the ratio itself.",
           "电压互感器一次电压(V);仅当电表自身不乘变比时填写。"),
    Column("pt_secondary", ("pt", "secondary"), "whole", "PT二次", "Secondary volts.", "二次电压(V)。"),
    Column("pt_class", ("pt", "accuracy_class"), "text", "PT等级", "Its accuracy class.", "互感器准确度等级。"),
    Column("pt_certificate", ("pt", "certificate"), "text", "PT证书编号", "Its certificate.", "互感器检定证书编号。"),
    Column("certificate_number", ("certificate", "number"), "text", "证书编号",
           "Calibration or verification certificate.", "检定或校准证书编号。", "DN2026-0417"),
    Column("certificate_valid_from", ("certificate", "valid_from"), "date", "有效期起",
           "First day it is valid, as 2026-03-02.", "有效期起始日,如 2026-03-02。", "2026-03-02"),
    Column("certificate_valid_to", ("certificate", "valid_to"), "date", "有效期止",
           "Last day it is valid.", "有效期截止日。", "2032-03-01"),
    Column("certificate_body", ("certificate", "body"), "text", "检定机构", "Who issued it.", "发证机构。"),
    Column("certificate_serial", ("certificate", "serial"), "text", "证书所列编号",
           "The serial number the certificate is for, as written in it.", "证书上所列的电表编号,照录。"),
    Column(DECLARED_POINT, ("declared", "*"), "text", "声明测点",
           "A counter of which you know more than its profile says.", "您比表型文件了解更多的计数测点。",
           "energy_import"),
    Column("declared_step", ("declared", "*", "step"), "decimal", "声明步长",
           "Its step, in the point's unit.", "其步长,以该测点单位计。", "0.01"),
    Column("declared_age_ms", ("declared", "*", "age_ms"), "whole", "声明时延ms",
           "The largest age of its content, in milliseconds.", "其内容的最大时延,毫秒。", "1000"),
    Column("declared_source", ("declared", "*", "source"), "text", "声明依据",
           "How you know.", "依据。", "compared with the display, 2026-03-02"),
)  # fmt: skip
BY_NAME = {column.name: column for column in COLUMNS}
_HEADINGS = {re.sub(r"[\s_-]", "", text).lower(): column for column in COLUMNS for text in (column.name, column.title)}


def column_of_heading(text: str) -> Column | None:
    """The column a heading names, in English or Chinese, whatever its case, spaces and underscores."""
    return _HEADINGS.get(re.sub(r"[\s_()()*-]", "", unicodedata.normalize("NFKC", text)).lower())


def column_of_key(path: str, given: Iterable[str]) -> str:
    """The name of the column that fills a key path below a meter, such as `ct.primary` or `declared.energy.step`.

    `given` are the names of the columns the row fills: a fault of a whole table is shown at its first one.
    """
    keys = path.split(".")
    if keys[0] == "declared" and len(keys) > 1:
        keys[1] = "*"
    exact = next((column.name for column in COLUMNS if list(column.key) == keys), None)
    if exact is not None:
        return exact
    within = [column.name for column in COLUMNS if column.key[0] == keys[0]]
    filled = set(given)
    return next((name for name in within if name in filled), within[0] if within else "name")
