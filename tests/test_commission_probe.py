"""`metertrail probe`, as a person calls it."""

import asyncio
import contextlib
import json
import time

import pytest
from static_units import golden

from agent.commission import probe
from simulators.modbus_server import answering, serving

CONFIG = """
[agent]
site = "p"
name = "e"
data = "d"
key = "k"
gateway_key = "g"
[mqtt]
host = "h"
username = "u"
password_file = "f"
[[bus]]
name = "b"
driver = "modbus"
kind = "tcp"
host = "127.0.0.1"
port = {port}
timeout_ms = 500
[[meter]]
name = "press"
bus = "b"
profile = "chint-dtsu666"
ct = {{ primary = 400, secondary = 5 }}
[[meter]]
name = "furnace"
bus = "b"
unit = 2
profile = "eastron-sdm630"
[[meter]]
name = "dead"
bus = "b"
unit = 7
profile = "eastron-sdm630"
"""


@contextlib.asynccontextmanager
async def configured(tmp_path):
    units = {1: golden("chint-dtsu666"), 2: golden("eastron-sdm630")}
    async with serving("tcp", answering(units, time.time_ns), 0) as port:
        config = tmp_path / "agent.toml"
        config.write_text(CONFIG.format(port=port))
        yield str(config), port


def called(*arguments):
    return asyncio.to_thread(probe.main, [str(each) for each in arguments])


async def test_one_meter_once(tmp_path, capsys):
    async with configured(tmp_path) as (config, _):
        assert await called(config, "press", "--once") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "press: chint-dtsu666 on b unit 1, ratio 80 applied where marked"
    assert lines[1].startswith("identity: ")
    assert lines[2] == "reads 1, lost 0"
    shown = {line.split()[0]: line for line in lines[3:]}
    # 0x449A5000 = 1234.5 kWh at the meter, 80 times that in the primary circuit; voltage has no current ratio in it
    assert shown["energy_import"].split()[1:6] == ["98760", "kWh", "449A", "5000", "good"]
    assert shown["energy_import"].endswith("x ratio")
    assert shown["voltage_l1"].split()[1:3] == ["230.5", "V"]
    assert not shown["voltage_l1"].endswith("x ratio")


async def test_json(tmp_path, capsys):
    async with configured(tmp_path) as (config, _):
        assert await called(config, "furnace", "--once", "--json") == 0
    read = json.loads(capsys.readouterr().out)
    values = {each["point"]: each["value"] for each in read["points"]}
    assert values["voltage_l1"] == "233.375"
    assert values["energy_import"] == "12345.669921875"
    assert (read["reads"], read["lost"], read["error"]) == (1, 0, None)


async def test_explain_marks_the_configured_reading(tmp_path, capsys):
    async with configured(tmp_path) as (config, _):
        assert await called(config, "furnace", "--once", "--explain") == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("voltage_l1: 4369 6000 as V")
    assert lines[at + 1].split() == ["*", "float32", "high_first", "words", "233.375", "V"]


async def test_a_silent_meter_is_one_line_that_says_who_may_hold_the_connection(tmp_path, capsys):
    async with configured(tmp_path) as (config, port):
        assert await called(config, "dead", "--once") == 1
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith(f"dead: 127.0.0.1:{port} unit 7: ")
    assert line.endswith("a running agent may hold the only connection the device takes: stop it first")


async def test_registers_without_a_profile(tmp_path, capsys):
    async with configured(tmp_path) as (_, port):
        where = [f"tcp://127.0.0.1:{port}", "--unit", 2, "--table", "input"]
        assert await called(*where, "--address", "0x34", "--count", 2, "--explain") == 0
        first, second, *_ = capsys.readouterr().out.splitlines()
        assert first == "input 0x0034..0x0035: 458C BA00  good"
        assert "4503.25" in second
        assert await called(*where, "--address", 0, "--count", 1, "--json") == 0
        read = json.loads(capsys.readouterr().out)
        assert read == {"table": "input", "address": 0, "words": [0x4369], "status": 0}
        assert await called(f"127.0.0.1:{port}", "--unit", 9, "--timeout-ms", 50, "--once") == 1
        assert "unit 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.toml", "m"], "absent.toml"),
        (["absent.toml"], "which meter?"),
        (["opc.tcp://h:1"], "name one Modbus endpoint"),
        (["192.0.2.1-3"], "name one Modbus endpoint"),
        (["tcp://h", "--count", "126"], "1..125 registers"),
        (["tcp://h", "--address", "0x10000"], "1..125 registers"),
    ],
)
def test_what_makes_no_sense(arguments, said, capsys):
    assert probe.main(arguments) == 2
    assert said in capsys.readouterr().err


async def test_a_meter_of_another_name(tmp_path, capsys):
    async with configured(tmp_path) as (config, _):
        assert await called(config, "pres") == 2
    assert capsys.readouterr().err == f"{config}: there is no meter 'pres': did you mean press?\n"
