"""A sheet that is this meter's and good, and each way in which it is not."""

import pytest
import sheets
from plant_in_memory import CONFIG, Site

from agent import check, check_sheets, manifest
from agent.commission import sheet
from agent.config import Meter
from contract import keys, records
from contract.problems import Problems

METER = Meter(name="press", bus="hall", profile="./rig.toml", serial="20431177")
PASSED = tuple({"step": step, "verdict": "passed", "line": "fine"} for step in ("identity", "load"))


def written(**members):
    made = sheets.made(**{"steps": [sheet.Step(**step) for step in PASSED]} | members)
    return sheet.write(made, keys.generate())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (written(), []),
        (written(meter="oven"), ["it is of meter 'oven': name this meter's own"]),
        (
            written(serial="7"),
            ["it is of serial number '7': remove this key, and commission the meter that is there now"],
        ),
        (
            written(steps=[sheet.Step(step="load", verdict="failed", line="too little")]),
            ["step load failed: mend it, remove this key, and commission the meter again"],
        ),
        (b"\xd2", None),
        (bytes(sheet.SHEET_BYTES_MAX + 1), None),
    ],
)
def test_what_speaks_against_a_sheet(data, told):
    found = list(check_sheets.faults(METER, data))
    if told is None:
        (line,) = found
        assert line.endswith("name a file that `metertrail commission` wrote")
    else:
        assert found == told


def test_its_hash_is_in_the_evidence_and_a_missing_one_is_told(tmp_path):
    config = CONFIG.replace('name = "press"\n', 'name = "press"\nsheet = "press.sheet"\n', 1)
    with pytest.raises(Problems) as problems:
        Site.at(tmp_path, config)
    assert "meter.press.sheet: press.sheet: No such file or directory: name the file that" in problems.value.lines[0]
    data = written(serial="")
    (tmp_path / "press.sheet").write_bytes(data)
    plan = check.load(tmp_path / "agent.toml", 1_700_000_000 * 10**9)
    parts = manifest.parts(plan.meters, ())
    told = [records.read(part, records.MeterPart) for part in parts if records.kind_of(part) == "meter"]
    assert [one.sheet for one in told] == [sheet.sheet_hash(data), None]
