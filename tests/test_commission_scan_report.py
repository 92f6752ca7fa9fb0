"""What a scan found, in words, in JSON, and as a draft that the configuration's own check reads."""

import json
import tomllib

from agent.commission.fingerprint import Found, Verdict
from agent.commission.scan_report import document, draft, lines
from agent.config import Config
from contract.problems import parse_toml

TCP = {"kind": "tcp", "host": "192.0.2.10", "port": 502}
SERIAL = {"kind": "rtu", "device": "/dev/ttyUSB0", "baud": 9600, "parity": "E"}
MODELS = {"abb-b23": "ABB B23", "orno-we514": "Orno OR-WE-514"}
CERTAIN = Found(
    "192.0.2.10:502", TCP, 3, Verdict("certain", ("abb-b23",), serial="0017", says="B23", why=("it says so",))
)
TIED = Found("/dev/ttyUSB0", SERIAL, 1, Verdict("likely", ("orno-we514", "orno-we515"), also=("abb-b21",)))
UNKNOWN = Found("192.0.2.10:502", TCP, 20, Verdict("unknown", also=("abb-b21",), says='A"\n[x]'))
SUNSPEC = Found("192.0.2.10:502", TCP, 1, Verdict("certain", ("sunspec-203",), base=40070))


def test_lines_stand_under_their_bus_in_order_of_units():
    told = lines([UNKNOWN, CERTAIN, TIED, SUNSPEC], MODELS)
    starts = [line for line in told if not line.startswith("    ")]
    assert starts == [
        "/dev/ttyUSB0 (rtu 9600 E)",
        "  unit   1  likely   orno-we514 or orno-we515",
        "192.0.2.10:502 (tcp)",
        "  unit   1  certain  sunspec-203  (sunspec-203)  base 40070",
        "  unit   3  certain  abb-b23  (ABB B23)  says B23  serial 0017",
        '  unit  20  unknown  model unknown  says A"\n[x]',
    ]
    assert "            cannot be told apart by what they show: look at the nameplate" in told
    assert told.count("            possible: abb-b21") == 2
    assert "            it says so" in told


def test_the_document_holds_the_same():
    read = json.loads(document([CERTAIN], ["a remark"], [{"url": "opc.tcp://h"}]))
    assert read["remarks"] == ["a remark"]
    assert read["servers"] == [{"url": "opc.tcp://h"}]
    assert read["units"][0]["bus"] == TCP
    assert read["units"][0]["profiles"] == ["abb-b23"]
    assert read["units"][0]["serial"] == "0017"


def test_a_draft_is_a_configuration_with_the_unknown_in_comments():
    text = draft([UNKNOWN, CERTAIN, TIED, SUNSPEC], MODELS)
    read = parse_toml(text.encode(), Config)
    assert [dict(bus) for bus in read.bus] == [
        {"name": "bus-1", "driver": "modbus", **SERIAL},
        {"name": "bus-2", "driver": "modbus", **TCP},
    ]
    assert [(m.name, m.bus, m.unit, m.profile, m.base, m.serial) for m in read.meter] == [
        ("bus-1-unit-1", "bus-1", 1, "orno-we514", 0, ""),
        ("bus-2-unit-1", "bus-2", 1, "sunspec-203", 40070, ""),
        ("bus-2-unit-3", "bus-2", 3, "abb-b23", 0, "0017"),
    ]
    assert "cannot be told from orno-we515; see the nameplate" in text
    assert '# model unknown; says A" [x]; possible: abb-b21: name a profile' in text
    assert '# name = "bus-2-unit-20"\n# bus = "bus-2"\n# unit = 20\n' in text


def test_text_from_a_meter_cannot_break_out_of_its_string():
    evil = Found("w", TCP, 1, Verdict("certain", ("abb-b23",), serial='x"\nkey = 1\x7f\\'))
    assert tomllib.loads(draft([evil], MODELS))["meter"][0]["serial"] == 'x" key = 1 \\'
