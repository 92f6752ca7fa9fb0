"""`metertrail import`: two hundred rows with ten mistakes; a dry run; what is written, and what stays as it was."""

import shutil
import tomllib
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from agent import check
from agent.commission import import_cli
from configs import __file__ as configs

T0 = 1_790_000_000 * 10**9  # 2026-09-21
HEADINGS = [
    "name", "bus", "unit", "profile", "serial", "installation", "every_ms", "points", "accuracy_class",
    "ct_primary", "ct_secondary", "ct_class", "certificate_number", "certificate_body", "certificate_valid_from",
    "certificate_valid_to", "declared_point", "declared_step", "declared_age_ms", "declared_source",
]  # fmt: skip
BUSES = "".join(
    f'[[bus]]\nname = "line-{at}"\ndriver = "modbus"\nkind = "rtu_over_tcp"\nhost = "192.0.2.{at}"\n\n'
    for at in range(8)
)


@pytest.fixture
def config(tmp_path):
    """The shipped configuration with eight more buses, in a folder of its own."""
    shutil.copytree(Path(configs).parent, tmp_path / "plant")
    path = tmp_path / "plant" / "agent.toml"
    text = path.read_text().replace("# ---- meters", BUSES + "# ---- meters", 1)
    path.write_text(text)
    return path


def run(capsys, *argv):
    status = import_cli.main([str(word) for word in argv])
    told = capsys.readouterr()
    return status, told.out, told.err


def row(at):
    """A meter that is in order: the at-th of many."""
    return {
        "name": f"m{at:03}", "bus": f"line-{at // 30}", "unit": at % 30 + 1, "profile": "chint-dtsu666",
        "serial": f"{at:010}", "installation": f"cabinet {at}", "every_ms": 1000.0, "points": "power, energy_import",
        "accuracy_class": 1, "ct_primary": 400, "ct_secondary": 5, "ct_class": 0.5,
        "certificate_number": f"C-{at}", "certificate_body": "计量院", "certificate_valid_from": date(2026, 3, 2),
        "certificate_valid_to": "2032-03-01", "declared_point": "energy_import", "declared_step": 0.01,
        "declared_age_ms": "1000", "declared_source": "display",
    }  # fmt: skip


def write(path, rows, above=()):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "meters"
    for title in above:
        sheet.append(title)
    sheet.append(HEADINGS)
    for one in rows:
        sheet.append([one.get(name) for name in HEADINGS])
    book.save(path)
    return path


# which meter, which column, what stands there, and words that must be told
MISTAKES = [
    (0, "unit", 300, "255"),
    (17, "serial", "1.23E+11", "digits are lost"),
    (31, "bus", "line-x", "there is no bus 'line-x'"),
    (44, "profile", "chint-dtsu6666", "not among those shipped"),
    (58, "ct_primary", "400/5", "is not a whole number"),
    (77, "accuracy_class", "0.7", "is not known"),
    (99, "certificate_valid_to", "02/03/2032", "is not a date"),
    (120, "name", "m005", "stands in row 9 already"),
    (151, "points", "power, enrgy_import", "did you mean energy_import?"),
    (199, "declared_point", "enregy_import", "is not a point of"),
]


def test_two_hundred_rows_with_ten_mistakes_are_told_by_row_and_column(tmp_path, config, capsys):
    rows = [row(at) for at in range(200)]
    for at, column, value, _ in MISTAKES:
        rows[at][column] = value
    path = write(tmp_path / "meters.xlsx", rows, above=[["Meters of hall 3"], []])
    before = config.read_bytes()
    status, out, err = run(capsys, path, "--into", config, "--write")
    assert (status, out) == (2, "")
    lines = err.splitlines()
    # two rows above the headings: the at-th meter stands in row at + 4
    assert [line.split(": ")[:2] for line in lines] == [
        [str(path), f"row {at + 4}, column {column}"] for at, column, _, _ in MISTAKES
    ]
    for line, (*_, words) in zip(lines, MISTAKES, strict=True):
        assert words in line
    assert config.read_bytes() == before
    assert sorted(file.name for file in config.parent.glob("*agent.toml*")) == ["agent.toml"]


def test_a_dry_run_shows_what_would_change_and_writes_nothing(tmp_path, config, capsys):
    wanted = [row(2), {"name": "furnace", "unit": 9.0, "certificate_number": " N-7\u3000"}]
    wanted[1] |= {"certificate_body": "计量院", "certificate_valid_from": "2026年3月2日"}
    wanted[1] |= {"certificate_valid_to": datetime(2032, 3, 1), "serial": "0170344512"}  # noqa: DTZ001 - as Excel has it
    path = write(tmp_path / "meters.xlsx", wanted)
    before = config.read_bytes()
    status, out, err = run(capsys, path, "--into", config)
    assert (status, err) == (0, "")
    assert f"{path}: read as workbook, sheet 'meters'\n" in out
    assert "\n-unit = 2\n+unit = 9\n" in out
    assert '+certificate = { number = "N-7", ' in out
    assert "changed: furnace: unit, certificate\n" in out
    assert "added: 1: m002\n" in out
    assert "left, not in the list: 2: press, press-plc\n" in out
    assert out.endswith("nothing is written yet: add --write\n")
    assert config.read_bytes() == before
    assert {file.name for file in config.parent.iterdir()} == {file.name for file in Path(configs).parent.iterdir()}


def test_write_keeps_the_old_file_and_every_comment(tmp_path, config, capsys):
    config.chmod(0o640)
    path = write(tmp_path / "meters.xlsx", [row(at) for at in range(3)])
    before = config.read_text()
    status, _, err = run(capsys, path, "--into", config, "--write")
    assert (status, err) == (0, "")
    assert (config.parent / "agent.toml.bak").read_text() == before
    assert config.stat().st_mode & 0o777 == 0o640
    after = config.read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert after.index('name = "m002"') < after.index("# ---- lines")
    plan = check.load(config, T0)
    assert [one.meter.name for one in plan.meters] == ["press", "furnace", "press-plc", "m000", "m001", "m002"]
    added = plan.meters[-1].meter
    assert (added.serial, added.accuracy_class, added.points) == ("0000000002", "1", ("power", "energy_import"))
    assert (added.ct.primary, added.ct.secondary, added.ct.accuracy_class) == (400, 5, "0.5")
    assert (added.certificate.valid_from, added.certificate.valid_to) == (date(2026, 3, 2), date(2032, 3, 1))
    assert (added.declared["energy_import"].step, added.declared["energy_import"].age_ms) == ("0.01", 1000)
    status, out, _ = run(capsys, path, "--into", config, "--write")
    assert status == 0
    assert "unchanged: 3: m000, m001, m002" in out
    assert config.read_text() == after


def test_a_list_that_puts_a_fault_right_is_taken(tmp_path, config, capsys):
    config.write_text(config.read_text().replace('"press.energy_import", ', '"m002.energy_import", '))
    status, _, err = run(capsys, write(tmp_path / "a.xlsx", [row(2)]), "--into", config)
    assert (status, err) == (0, "")
    faulty = row(2) | {"every_ms": 1}
    status, _, err = run(capsys, write(tmp_path / "b.xlsx", [faulty]), "--into", config)
    assert status == 2
    assert [line.split(": ")[1] for line in err.splitlines()] == ["row 2, column every_ms"]


def test_faults_of_the_configuration_itself_are_told_beside_those_of_the_list(tmp_path, config, capsys):
    config.write_text(config.read_text().replace('site = "plant-1"', 'site = "plant-1"\nsael_s = 60'))
    path = write(tmp_path / "a.xlsx", [row(2) | {"unit": None}, row(3) | {"unit": 1.5}])
    status, _, err = run(capsys, path, "--into", config)
    assert status == 2
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        [str(path), "row 3, column unit"], [str(config), "agent.sael_s"],
    ]  # fmt: skip


def test_two_meters_on_one_unit(tmp_path, config, capsys):
    status, _, err = run(capsys, write(tmp_path / "a.xlsx", [row(2), row(4) | {"unit": 3}]), "--into", config)
    assert status == 2
    assert err.startswith(f"{tmp_path / 'a.xlsx'}: row 3, column unit: 3 on bus 'line-0' is m002's already")


def test_serials_that_are_numbers_are_pointed_out(tmp_path, config, capsys):
    path = write(tmp_path / "a.xlsx", [row(2) | {"serial": 20431177}, row(3)])
    status, out, _ = run(capsys, path, "--into", config)
    assert status == 0
    assert "column serial: 1 are numbers, not text: check that none has lost leading zeros" in out
    assert '+serial = "20431177"' in out


def test_a_template_is_written_once_and_holds_no_meter_yet(tmp_path, config, capsys):
    path = tmp_path / "meters.xlsx"
    assert run(capsys, path, "--template")[0] == 0
    status, _, err = run(capsys, path, "--template")
    assert (status, err) == (2, f"{path}: exists already: choose another name\n")
    status, _, err = run(capsys, path, "--into", config)
    assert status == 2
    assert "row 1, column name: no meters below the headings" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("{}/nothing.xlsx", "--into", "{}/plant/agent.toml"), "nothing.xlsx: No such file or directory: name an"),
        (("{}/a.xlsx", "--into", "{}/nothing.toml"), "nothing.toml: No such file or directory: name the agent's"),
        (("{}/a.txt", "--template"), "a.txt: a template is an Excel workbook: call it"),
    ],
)
def test_files_that_are_not_there(tmp_path, capsys, words, told):
    write(tmp_path / "a.xlsx", [row(2)])
    status, _, err = run(capsys, *(word.format(tmp_path) for word in words))
    assert status == 2
    assert told in err
    assert err.count("\n") == 1


def test_the_file_stays_readable_as_toml(tmp_path, config, capsys):
    odd = row(2) | {"installation": 'a "b"\n\\c # d', "declared_source": "'''"}
    assert run(capsys, write(tmp_path / "a.xlsx", [odd]), "--into", config, "--write")[0] == 0
    table = tomllib.loads(config.read_text())["meter"][-1]
    assert table["installation"] == 'a "b"\n\\c # d'
    assert table["declared"]["energy_import"]["source"] == "'''"
