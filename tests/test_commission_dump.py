"""`metertrail dump`, as a person calls it."""

import asyncio
import json
import time

import pytest
from static_units import CASES, golden
from test_commission_probe import configured

from agent.commission import dump
from simulators import dump as served
from simulators.modbus_server import answering, serving


def called(*arguments):
    return asyncio.to_thread(dump.main, [str(each) for each in arguments])


def held(tables):
    return {table: {str(address): word for address, word in sorted(words.items())} for table, words in tables.items()}


async def test_a_configured_meters_registers(tmp_path, capsys):
    before_ns = time.time_ns()
    async with configured(tmp_path) as (config, _):
        assert await called(config, "furnace") == 0
    told = capsys.readouterr()
    read = json.loads(told.out)
    assert (read["profile"], read["unit"]) == ("eastron-sdm630", 2)
    assert before_ns <= read["taken_ns"] <= time.time_ns()
    assert read["tables"] == held(golden("eastron-sdm630").tables)
    assert "registers read" in told.err
    assert served.parse(told.out.encode(), "dump.json").words("input", 0x34, 2, 0) == [0x458C, 0xBA00]


@pytest.mark.parametrize(("framing", "scheme"), [("tcp", "tcp"), ("rtu", "rtu+tcp")])
async def test_a_range_with_holes(framing, scheme, capsys):
    unit = golden("abb-b23")
    async with serving(framing, answering({4: unit}, time.time_ns), 0) as port:
        where = [f"{scheme}://127.0.0.1:{port}", "--unit", 4]
        assert await called(*where, "--from", "0x5AF8", "--to", "0x5B60") == 0
    told = capsys.readouterr()
    expected = {at: word for at, word in unit.tables["holding"].items() if 0x5AF8 <= at <= 0x5B60}
    assert len(expected) > 20
    assert json.loads(told.out)["tables"] == held({"holding": expected})
    assert "refused, left out" in told.err


async def test_a_profile_behind_an_endpoint(capsys):
    async with serving("tcp", answering({1: golden("orno-we514")}, time.time_ns), 0) as port:
        assert await called(f"127.0.0.1:{port}", "--profile", "orno-we514") == 0
    read = json.loads(capsys.readouterr().out)
    assert read["profile"] == "orno-we514"
    assert read["tables"] == held(golden("orno-we514").tables)
    assert (CASES / "orno-we514").is_dir()


async def test_a_unit_that_is_not_there_costs_two_timeouts_and_one_line(capsys):
    requests = []

    async def silent(unit, _request):
        requests.append(unit)

    async with serving("tcp", silent, 0) as port:
        where = f"tcp://127.0.0.1:{port}"
        assert await called(where, "--unit", 9, "--from", 0, "--to", 999, "--timeout-ms", 50) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"127.0.0.1:{port} unit 9" in told.err
    assert len(told.err.splitlines()) == 1
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tcp://h"], "which registers?"),
        (["tcp://h", "--from", "5"], "give both"),
        (["tcp://h", "--from", "5", "--to", "4"], "give both"),
        (["tcp://h", "--profile", "no-such-meter"], "no-such-meter"),
        (["absent.toml", "m"], "absent.toml"),
        (["absent.toml"], "which meter?"),
    ],
)
def test_what_makes_no_sense(arguments, said, capsys):
    assert dump.main(arguments) == 2
    assert said in capsys.readouterr().err
