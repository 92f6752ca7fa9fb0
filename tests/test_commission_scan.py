"""`metertrail scan`, as a person calls it: ten meters of six models behind two serial servers."""

import asyncio
import contextlib
import json
import signal
import time

import pytest
from static_units import golden

from agent import check
from agent.commission import fingerprint, scan
from simulators.modbus_server import answering, serving

LINES = (
    {1: "abb-b23", 2: "eastron-sdm72d-m-v2", 5: "victron-vm-3p75ct", 9: "orno-we514", 17: "finder-7m38"},
    {3: "abb-b21", 4: "abb-b23", 11: "orno-we514", 23: "eastron-sdm72d-m-v2", 30: "victron-vm-3p75ct"},
)
SAY_THEIR_MODEL = {"abb-b21", "abb-b23", "eastron-sdm72d-m-v2", "victron-vm-3p75ct"}


@contextlib.asynccontextmanager
async def served(lines=LINES, framing="rtu"):
    """Endpoints behind which these meters answer."""
    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for line in lines:
            units = {unit: golden(name) for unit, name in line.items()}
            ports.append(await stack.enter_async_context(serving(framing, answering(units, time.time_ns), 0)))
        yield [f"{'rtu+tcp' if framing == 'rtu' else 'tcp'}://127.0.0.1:{port}" for port in ports]


def called(*arguments):
    return asyncio.to_thread(scan.main, [*arguments, "--timeout-ms", "150"])


async def test_ten_meters_of_six_models_behind_two_serial_servers_are_found_and_named(capsys, tmp_path):
    out = tmp_path / "draft.toml"
    async with served() as endpoints:
        assert await called(*endpoints, "--units", "1-30", "--json", "--out", str(out)) == 0
        ports = [int(endpoint.rpartition(":")[2]) for endpoint in endpoints]
    told = capsys.readouterr()
    found = {(each["bus"]["port"], each["unit"]): each for each in json.loads(told.out)["units"]}
    expected = {(port, unit): name for port, line in zip(ports, LINES, strict=True) for unit, name in line.items()}
    assert len(expected) == 10
    assert len(set(expected.values())) == 6
    assert {key: each["profiles"] for key, each in found.items()} == {key: [name] for key, name in expected.items()}
    for key, name in expected.items():
        assert found[key]["certainty"] == ("certain" if name in SAY_THEIR_MODEL else "likely")
        assert bool(found[key]["serial"]) == (name in SAY_THEIR_MODEL)
    assert told.err == f"{out}: 10 units; complete it and run metertrail agent check {out}\n"

    plan = check.load(out, time.time_ns())  # the draft is a configuration that an agent accepts
    assert {(plan.buses[m.meter.bus][1].port, m.meter.unit): m.meter.profile for m in plan.meters} == expected
    assert {m.meter.serial for m in plan.meters} == {each["serial"] for each in found.values()}


async def test_the_text_says_what_is_known_and_no_more(capsys):
    async with served(({1: "abb-b23", 2: "inepro-pro380"},), "tcp") as endpoints:
        assert await called(*endpoints, "--units", "1-3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{endpoints[0].removeprefix('tcp://')} (tcp)"
    assert lines[1].split()[:4] == ["unit", "1", "certain", "abb-b23"]
    (second,) = [line for line in lines if line.startswith("  unit   2")]
    assert "likely   inepro-pro380 or wago-879-3000" in second
    assert lines[lines.index(second) + 1].strip().startswith("cannot be told apart")


async def test_without_a_meter_it_says_so_and_returns_1(capsys):
    async with served(({},), "tcp") as endpoints:
        assert await called(*endpoints, "--units", "1") == 1
    told = capsys.readouterr()
    assert told.out == "nothing found\n"
    assert "nothing answers" in told.err


async def test_a_host_that_is_not_there_is_one_line_and_of_a_range_none(capsys):
    async with serving("tcp", answering({}, time.time_ns), 0) as port:
        pass
    assert await called(f"tcp://127.0.0.1:{port}", f"127.0.0.2-4:{port}") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"127.0.0.1:{port}: no connection (")
    assert line.endswith("check address and cable")


def test_without_an_endpoint_serial_ports_are_listed(monkeypatch, capsys):
    monkeypatch.setattr(scan.scan_ports, "ports", lambda: iter([scan.scan_ports.Port("/dev/ttyS0", "", None)]))
    assert scan.main([]) == 0
    assert capsys.readouterr().out == "/dev/ttyS0\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tcp://h", "--units", "300"], "--units 300"),
        (["tcp://h", "--baud", "fast"], "--baud fast"),
        (["ftp://h"], "ftp:// is not known"),
        (["tcp://h", "--timeout-ms", "1"], "timeout_ms"),
        (["/dev/ttyUSB0", "--parity", "X"], "parity"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_asked(arguments, said, capsys):
    assert scan.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_file_is_never_overwritten(tmp_path, capsys):
    out = tmp_path / "agent.toml"
    out.write_text("mine")
    assert scan.main(["tcp://h", "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"{out}: is there already: name a new file\n"
    assert out.read_text() == "mine"


def test_an_interruption_keeps_what_was_found(monkeypatch, capsys):
    async def interrupted(wire, _search, _now_ns, report):
        report.found(fingerprint.Found(wire.name, wire.attempts[0], 7, fingerprint.HEARD))
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    monkeypatch.setattr(scan, "scan", interrupted)
    assert scan.main(["tcp://127.0.0.1"]) == 1
    told = capsys.readouterr()
    assert "unit   7  unknown" in told.out
    assert "interrupted" in told.err
